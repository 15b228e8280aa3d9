//! Section 6: the distribution of latencies.

use maud::{Markup, html};
use stayput_engine::record::JobRecord;

use super::policies::over_seeds;
use super::{PointViews, each_policy, for_each_point};
use crate::page::chart::{Line, Plot, Scale, Unit, figure, legend_of_lines, line_plot, step_path};
use crate::page::facts::{Facts, Point};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::{ComparedFigure, Sample, completed_after};

/// Steps of a curve's height.
const STEPS: usize = 160;
/// Percentiles with a mark on the curve and a column in the table.
const MARKED: [usize; 7] = [5, 25, 50, 75, 90, 99, 100];
/// Percentiles of a run with an interval over the runs.
const SPANNED: [(usize, ComparedFigure); 2] =
    [(50, ComparedFigure::LatencyP50), (90, ComparedFigure::LatencyP90)];

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p { "The share of completed jobs that took no longer than a time, over all runs of a point together, without the warm-up. Marks \
            stand at 5, 25, 50, 75, 90, 99 and 100 %. Broad bars at 50 and 90 % are 95 % intervals over the runs: of the median of \
            the runs' own percentiles. A curve further left is faster." }
        (for_each_point(facts, &PointViews {
            glance: &|point| each_policy(facts, point, |policy| {
                let all = pooled(facts, point, policy);
                let at = |percent| all.percentile(percent).map_or(show::NONE.to_owned(), |us| show::micros(us as f64));
                format!("p50 {}, p99 {}", at(50), at(99))
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
    let names = MARKED.map(|percent| match percent {
        100 => "max".to_owned(),
        _ => format!("p{percent}"),
    });
    let mut table = Table::new(
        1,
        ["policy".to_owned(), "jobs".to_owned()]
            .into_iter()
            .chain(names)
            .chain(SPANNED.map(|(percent, _)| format!("p{percent} of a run"))),
    );
    let mut drawn = Vec::new();
    for policy in facts.policies_of(point) {
        let all = pooled(facts, point, policy);
        let (Some(first), Some(last)) = (all.min(), all.max()) else { continue };
        span = (span.0.min(first as f64), span.1.max(last as f64));
        let at = |percent: usize| all.percentile(percent).unwrap_or_default() as f64;
        let marks = MARKED.map(|percent| (at(percent), percent as f64 / 100.0)).to_vec();
        let spans = SPANNED.iter().filter_map(|(percent, figure)| {
            let share = *percent as f64 / 100.0;
            let (low, high) = over_seeds(facts, point, policy, *figure)?.interval()?;
            span = (span.0.min(low), span.1.max(high));
            Some([(low, share), (high, share)])
        });
        let spans = spans.collect();
        lines.push(Line { series: facts.series(policy), points: curve(&all), marks, spans });
        drawn.push((facts.series(policy), policy));
        table.push(
            [policy.to_owned(), all.len().to_string()]
                .into_iter()
                .chain(MARKED.map(|percent| show::micros(at(percent))))
                .chain(SPANNED.map(|(_, figure)| {
                    let estimate = over_seeds(facts, point, policy, figure);
                    show::estimate(estimate.as_ref(), show::micros)
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

/// Corners of the cumulative distribution.
fn curve(sample: &Sample) -> Vec<(f64, f64)> {
    let steps = STEPS.min(sample.len());
    let at = |step: usize| sample.quantile(step, steps).unwrap_or_default() as f64;
    let points = (0..=steps).map(|step| (at(step), step as f64 / steps as f64));
    step_path(&points.collect::<Vec<_>>())
}

/// Latencies of a policy at a point, over all runs together.
fn pooled(facts: &Facts<'_>, point: &Point<'_>, policy: &str) -> Sample {
    let of_run = |record| completed_after(record, facts.warm_up());
    let jobs = point.of_policy(policy).flat_map(|(_, record)| of_run(record));
    jobs.map(JobRecord::latency_us).collect()
}
