//! Section 6: how latencies are distributed.

use maud::{Markup, html};

use super::policies::latencies;
use super::{Told, each_policy, for_each_point};
use crate::page::chart::{Line, Plot, Scale, Unit, figure, legend_of_lines, line_plot, step_path};
use crate::page::facts::{Estimate, Facts, Point, percentile};
use crate::page::show;
use crate::page::table::Table;

/// At how many places of its height a curve is drawn.
const STEPS: usize = 160;
/// Where a curve has its marks, and what the table tells.
const SHARES: [f64; 7] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];

/// Where a curve has an interval over the runs.
const SPANNED: [f64; 2] = [0.5, 0.9];

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p { "The share of completed jobs that took no longer than a time, over all runs of a point together, without the warm-up. Marks \
            stand at 5, 25, 50, 75, 90, 99 and 100 %. Broad bars at 50 and 90 % are 95 % intervals over the runs: of the median of \
            the runs' own percentiles. A curve further left is faster." }
        (for_each_point(facts, &Told {
            glance: &|point| each_policy(facts, point, |policy| {
                let all = pooled(facts, point, policy);
                let at = |share| percentile(&all, share).map_or(show::NONE.to_owned(), |us| show::micros(us as f64));
                format!("p50 {}, p99 {}", at(0.5), at(0.99))
            }),
            whole: &|point| of_point(facts, point).0,
            figures: &|point| of_point(facts, point).1.show(),
        }))
    }
}

/// The chart of a point, and its figures.
fn of_point(facts: &Facts<'_>, point: &Point<'_>) -> (Markup, Table) {
    let mut lines = Vec::new();
    let mut span = (f64::INFINITY, 0.0f64);
    let names = SHARES.map(|share| {
        if share < 1.0 { format!("p{}", show::plain(share * 100.0)) } else { "max".to_owned() }
    });
    let mut table = Table::new(
        1,
        ["policy".to_owned(), "jobs".to_owned()]
            .into_iter()
            .chain(names)
            .chain(SPANNED.map(|share| format!("p{} of a run", show::plain(share * 100.0)))),
    );
    let mut drawn = Vec::new();
    for policy in facts.policies_of(point) {
        let all = pooled(facts, point, policy);
        let (Some(first), Some(last)) = (all.first(), all.last()) else { continue };
        span = (span.0.min(*first as f64), span.1.max(*last as f64));
        let at = |share: f64| percentile(&all, share).unwrap_or_default() as f64;
        let marks = SHARES.map(|share| (at(share), share)).to_vec();
        let spans = SPANNED.iter().filter_map(|share| {
            let (low, high) = over_runs(facts, point, policy, *share)?.interval?;
            span = (span.0.min(low), span.1.max(high));
            Some([(low, *share), (high, *share)])
        });
        let spans = spans.collect();
        lines.push(Line { series: facts.series(policy), points: curve(&all), marks, spans });
        drawn.push((facts.series(policy), policy));
        table.push(
            [policy.to_owned(), all.len().to_string()]
                .into_iter()
                .chain(SHARES.map(|share| show::micros(at(share))))
                .chain(SPANNED.map(|share| {
                    show::estimate(over_runs(facts, point, policy, share).as_ref(), show::micros)
                })),
        );
    }
    if lines.is_empty() {
        return (html! { p.note { "No job completed, so there is nothing to draw." } }, table);
    }
    let title = format!("Distribution of latencies, {}", point.name());
    let plot = Plot {
        title: &title,
        about: "Share of completed jobs over latency, one curve for each policy",
        below: "latency (logarithmic)",
        left: "share of jobs",
        height: 300.0,
        level: None,
    };
    let axes = |across, up| {
        (
            Scale::log(Unit::Micros, (span.0 * 0.9, span.1 * 1.1), across),
            Scale::linear(Unit::Fraction, (0.0, 1.0), up),
        )
    };
    let caption = if point.closed_loop() {
        "Latencies of completed jobs. Clients wait for answers here, so curves of two policies are no claim against each other."
    } else {
        "Latencies of completed jobs by policy, from the intended arrival to the whole answer."
    };
    let picture = figure(
        caption,
        &legend_of_lines(drawn),
        |width| line_plot(plot, axes, &lines, &[], width),
        &table,
    );
    (picture, table)
}

/// The corners of a curve: the share of all that is no more than a figure.
fn curve(sorted: &[u64]) -> Vec<(f64, f64)> {
    let steps = STEPS.min(sorted.len());
    let at = |share: f64| percentile(sorted, share).unwrap_or_default() as f64;
    let shares = (1..=steps).map(|step| step as f64 / steps as f64);
    let start = [(sorted.first().copied().unwrap_or_default() as f64, 0.0)];
    let points = start.into_iter().chain(shares.map(|share| (at(share), share)));
    step_path(&points.collect::<Vec<_>>())
}

/// All latencies of a policy at a point, ascending.
fn pooled(facts: &Facts<'_>, point: &Point<'_>, policy: &str) -> Vec<u64> {
    let of_run = |record| latencies(record, facts.warm_up());
    let mut all: Vec<u64> =
        point.of_policy(policy).flat_map(|(_, record)| of_run(record)).collect();
    all.sort_unstable();
    all
}

/// A percentile of each run, over the runs.
fn over_runs(facts: &Facts<'_>, point: &Point<'_>, policy: &str, share: f64) -> Option<Estimate> {
    let of_run = |record| percentile(&latencies(record, facts.warm_up()), share);
    Estimate::of(
        point.of_policy(policy).filter_map(|(_, record)| of_run(record)).map(|us| us as f64),
    )
}
