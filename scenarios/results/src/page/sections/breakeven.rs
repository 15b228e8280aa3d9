//! Section 7: gain over output ratio and bandwidth, with the frontier that the rule predicts.

use maud::{Markup, html};

use super::counted;
use crate::page::chart::{Cell, Frontier, HeatMap, Tone, Width, figure, heat_map};
use crate::page::facts::{BreakEven, BreakEvenPoint, Facts};
use crate::page::show;
use crate::page::table::Table;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let Some(map) = BreakEven::of(facts) else {
        return html! {
            p {
                "There is no map: it takes the policies on-storage and download over several bandwidths, and jobs of several output \
                    ratios. Sweep a bandwidth, such as "
                code { "--set network.worker.trunk=100Mbit/s,1Gbit/s,10Gbit/s" }
                ", over scenarios (or a setting) whose answers are a small and a large part of their input."
            }
        };
    };
    html! {
        p {
            "The gain is the time that on-storage saves in the median job, as a share of download's: the median of the seeds' paired \
                figures. Rows are output ratios as \
             they were measured (answer bytes over object bytes), columns values of " code { (map.key) }
                 ". The lines are where the rule for one job on a quiet network \
             sees no difference: below a line running at the data wins. "
            strong { "Solid" } ": transfer and compute follow each other, σ < 1 − B(1/R" sub { "near" } " − 1/R" sub { "far" }
                ") − B·t" sub { "0" } "/S. "
            strong { "Dashed" } ": they overlap, t" sub { "0" } " + max(S/R" sub { "near" } ", σS/B) against max(S/B, S/R" sub { "far"
                } "). \
             The rates R are each side's bytes per second of disk and compute time in these runs, and t" sub { "0" }
                 " is the code's bytes over B. So the rule gets the rates of these runs, and the map tests whether they and the bandwidth \
                predict the faster policy."
        }
        (picture(&map))
        (judged(&map))
    }
}

fn picture(map: &BreakEven) -> Markup {
    let frontier = |class, overlapped| {
        let heights: Option<Vec<f64>> =
            (0..map.columns.len()).map(|column| map.height(column, overlapped)).collect();
        heights.map(|heights| Frontier { class, heights })
    };
    let frontiers =
        [frontier("solid", false), frontier("dashed", true)].into_iter().flatten().collect();
    let heat = HeatMap {
        title: "Break-even map".to_owned(),
        axes: ("output ratio".to_owned(), map.key.clone()),
        rows: map
            .rows
            .iter()
            .map(|(name, ratio, _)| format!("{} {name}", ratio_words(*ratio)))
            .collect(),
        columns: map.columns.iter().map(|column| column.0.clone()).collect(),
        cells: map
            .rows
            .iter()
            .map(|(_, _, cells)| cells.iter().map(|cell| drawn(cell.as_ref())).collect())
            .collect(),
        frontiers,
        tone: Tone::Gain,
    };
    let caption = "Measured gain of on-storage over download. The table has its 95 % intervals. “?”: the \
        interval holds no difference, or there is \
        none. “≠”: the measured sign is \
        another than both forms of the rule predict.";
    let draw =
        |width: Width| heat_map(&heat, width.px(), if width == Width::Wide { 46.0 } else { 42.0 });
    let legend = html! {
        (Tone::Gain.legend(("download faster", "on-storage faster")))
        ul.legend {
            @for (class, name) in [("solid", "predicted, in turn"), ("dashed", "predicted, overlapped")] {
                li { svg.key viewBox="0 0 34 12" aria-hidden="true" { path class=(format!("frontier {class}")) d="M0 6H34" {} } (name) }
            }
        }
    };
    figure(caption, &legend, draw, &table(map))
}

fn ratio_words(ratio: f64) -> String {
    if ratio < 0.0001 { "σ < 0.0001".to_owned() } else { format!("σ {}", significant(ratio)) }
}

/// A figure with two significant digits.
fn significant(ratio: f64) -> String {
    let places = (1.0 - ratio.abs().max(1e-6).log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{ratio:.places$}")
}

fn drawn(point: Option<&BreakEvenPoint>) -> Cell {
    let gain = point.and_then(|point| point.gain);
    let flag = match point {
        Some(point) if point.disagrees() => "≠",
        Some(point) if point.is_open() => "?",
        _ => "",
    };
    Cell {
        value: gain.map(|gain| gain.median),
        words: gain.map_or(show::NONE.to_owned(), |gain| show::change(gain.median)),
        flag,
    }
}

fn table(map: &BreakEven) -> Table {
    let columns = [
        "point",
        "output ratio",
        "measured gain",
        "predicted, in turn",
        "predicted, overlapped",
        "R near",
        "R far",
        "S",
        "code",
    ];
    let mut table = Table::new(1, columns);
    for point in map.cells() {
        let (in_turn, overlapped) = point.rates.gains(point.bandwidth);
        let rate = |rate: f64| format!("{}/s", show::size(rate));
        table.push([
            point.name.clone(),
            significant(point.rates.ratio),
            show::estimate(point.gain.as_ref(), show::change),
            show::change(in_turn),
            show::change(overlapped),
            rate(point.rates.near),
            rate(point.rates.far),
            show::size(point.rates.input),
            show::size(point.rates.code),
        ]);
    }
    table
}

/// Agreement of measurement and rule: the points that differ, by how much, and with which waits
/// that the rule leaves out.
fn judged(map: &BreakEven) -> Markup {
    let measured: Vec<&BreakEvenPoint> = map.cells().filter(|point| point.gain.is_some()).collect();
    let shown: Vec<&&BreakEvenPoint> = measured.iter().filter(|point| !point.is_open()).collect();
    let off: Vec<&&BreakEvenPoint> = measured.iter().filter(|point| point.disagrees()).collect();
    let right = |form: fn((f64, f64)) -> f64| {
        let holds = |point: &&&&BreakEvenPoint| {
            let predicted = form(point.rates.gains(point.bandwidth));
            point.gain.is_some_and(|gain| (gain.median > 0.0) == (predicted > 0.0))
        };
        shown.iter().filter(holds).count()
    };
    let (in_turn, overlapped) = (right(|forms| forms.0), right(|forms| forms.1));
    let mut table = Table::new(
        1,
        [
            "point",
            "measured",
            "predicted, in turn",
            "overlapped",
            "on-storage: queue, retry",
            "download: queue, retry",
        ],
    );
    for point in &off {
        let (in_turn, overlapped) = point.rates.gains(point.bandwidth);
        table.push([
            point.name.clone(),
            show::estimate(point.gain.as_ref(), show::change),
            show::change(in_turn),
            show::change(overlapped),
            show::percent(point.waits[0]),
            show::percent(point.waits[1]),
        ]);
    }
    html! {
        p {
            "Of " (counted(measured.len(), "point")) " the interval shows a sign at " (shown.len()) ". The form in turn has the same sign \
                at " (in_turn) " of these, the overlapped form at " (overlapped) ". At "
                (if off.is_empty() { "none".to_owned() } else { off.len().to_string() })
                " neither has. How near to the \
                frontier a point lies is in the table: where both predicted gains are small, the rule decides nothing."
        }
        @if !off.is_empty() {
            h3 { "Where the measurement has another sign than both forms" }
            (table.show())
            p.note {
                "The rule knows one job on a quiet network. It leaves out the last two columns, as shares of the latency \
                    (queues, failed attempts), \
                 the latency of the network, and that jobs which run at the same time share the bandwidth."
            }
        }
    }
}
