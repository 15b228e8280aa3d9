//! A part of section 1: sensitivity of the verdict to the fuel rate.

use maud::{Markup, html};
use stayput_engine::record::LatencyPhase;

use super::policies::mean_share;
use crate::page::chart::{Line, Plot, SERIES, Scale, Unit, figure, legend_of_lines, line_plot};
use crate::page::facts::{Facts, FuelLine};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::FUEL_AXIS;

/// The sensitivity; a sweep with one rate gets a note that it shows nothing.
pub(super) fn body(facts: &Facts<'_>, near: &str, far: &str) -> Markup {
    let lines = FuelLine::all(facts, near, far);
    html! {
        h3 { "At which fuel rate would it be another verdict?" }
        @if lines.is_empty() {
            p {
                "That is not shown: these runs have one fuel rate for each scenario. How much fuel a core burns in a second is a figure of \
                    the model, and it decides how much computing weighs beside the network. "
                (weight(facts, near, far))
                "Add " code { "--set " (FUEL_AXIS) "=3e8,1e9,3e9" } " to the sweep, and this place shows at which rate the faster \
                    policy changes."
            }
        } @else { (varied(&lines, near, far)) }
    }
}

/// The greatest share of computing in the mean latency.
fn weight(facts: &Facts<'_>, near: &str, far: &str) -> String {
    let most = |policy: &str| {
        let shares = facts.points.iter().filter_map(|point| {
            Some((mean_share(facts, point, policy, LatencyPhase::Compute)?, point.name()))
        });
        shares.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    match (most(near), most(far)) {
        (Some((near_share, near_point)), Some((far_share, far_point))) => format!(
            "Computing is at most {} of the mean latency under {near} (at {near_point}) and {} under {far} (at {far_point}). ",
            show::percent(near_share),
            show::percent(far_share)
        ),
        _ => String::new(),
    }
}

fn varied(lines: &[FuelLine], near: &str, far: &str) -> Markup {
    let turned = lines.iter().filter(|line| !line.turns().is_empty()).count();
    let mut rates: Vec<(&str, f64)> = Vec::new();
    for (text, rate, _) in lines.iter().flat_map(|line| &line.rates) {
        if !rates.iter().any(|(known, _)| known == text) {
            rates.push((text, *rate));
        }
    }
    rates.sort_by(|a, b| a.1.total_cmp(&b.1));
    let columns = ["point", "median latency"].into_iter().map(str::to_owned);
    let mut table =
        Table::new(2, columns.chain(rates.iter().map(|(text, _)| format!("at {text}"))));
    for line in lines {
        let ratio = |(text, _): &(&str, f64)| {
            let found = line.rates.iter().find(|(known, ..)| known == text);
            show::estimate(found.and_then(|(_, _, ratio)| ratio.as_ref()), show::times)
        };
        let words = [line.name.clone(), line.says(near, far)];
        table.push(words.into_iter().chain(rates.iter().map(ratio)));
    }
    html! {
        p {
            "The fuel rate of the nodes' cores took " (rates.len()) " values. By 95 % intervals of median latency the faster policy \
                changes with it at " (turned) " of " (super::counted(lines.len(), "point")) ". Workers have the same rate unless \
                their scenario gives them one of their own; then the nodes alone become faster or slower. A ratio below 1 means that "
            (near) " is faster."
        }
        (picture(lines, near, far))
        (table.show())
    }
}

fn picture(lines: &[FuelLine], near: &str, far: &str) -> Markup {
    let mut drawn: Vec<&FuelLine> = lines.iter().collect();
    // Those that turn first: they are what the picture is for.
    drawn.sort_by_key(|line| line.turns().is_empty());
    drawn.truncate(SERIES);
    let (mut fuel, mut reach) = ((f64::INFINITY, 0.0f64), (0.9f64, 1.1f64));
    let mut plotted = Vec::new();
    let mut figures =
        Table::new(2, ["point", "fuel per second", "ratio of median latencies", "runs"]);
    for (series, line) in drawn.iter().enumerate() {
        let mut own = Line { series, ..Line::default() };
        for (text, rate, ratio) in &line.rates {
            let Some(ratio) = ratio else { continue };
            fuel = (fuel.0.min(*rate), fuel.1.max(*rate));
            let (low, high) = ratio.interval().unwrap_or((ratio.median, ratio.median));
            for end in [low, ratio.median, high].into_iter().filter(|end| *end > 0.0) {
                reach = (reach.0.min(end), reach.1.max(end));
            }
            // Beside each other, so that the intervals of several points at one rate do not
            // overlap.
            let x = rate * 1.03f64.powf(series as f64 - (drawn.len() - 1) as f64 / 2.0);
            own.points.push((x, ratio.median));
            own.marks.push((x, ratio.median));
            own.spans.push([(x, low), (x, high)]);
            let shown = show::estimate(Some(ratio), show::times);
            figures.push([line.name.clone(), text.clone(), shown, ratio.count.to_string()]);
        }
        plotted.push(own);
    }
    if fuel.1 == 0.0 {
        return html! { p.note { "No latencies are compared at any rate, so there is nothing to draw." } };
    }
    let title = format!("Median latency of {near} over that of {far}, by fuel rate");
    let plot = Plot {
        title: &title,
        about: "Ratio of median latencies over the fuel rate of the nodes' cores, one line for each point; at 1 there is no difference",
        below: "fuel per second of a core (logarithmic)",
        left: "ratio of median latencies (log)",
        height: 280.0,
        level: Some(1.0),
    };
    let axes = |across, up| {
        let pad = (reach.1 / reach.0).powf(0.06);
        (
            Scale::log(Unit::Fuel, (fuel.0 * 0.75, fuel.1 * 1.35), across),
            Scale::log(Unit::Ratio, (reach.0 / pad, reach.1 * pad), up),
        )
    };
    let caption = format!(
        "{title}: medians with 95 % intervals, joined by lines to guide the eye. Below 1 {near} is faster, above it {far}.{}",
        if lines.len() > drawn.len() {
            format!(
                " {} of {} points are drawn, those that change first; the table below has all.",
                drawn.len(),
                lines.len()
            )
        } else {
            String::new()
        }
    );
    let legend = legend_of_lines(
        drawn.iter().enumerate().map(|(series, line)| (series, line.name.as_str())),
    );
    figure(&caption, &legend, |width| line_plot(plot, axes, &plotted, &[], width), &figures)
}
