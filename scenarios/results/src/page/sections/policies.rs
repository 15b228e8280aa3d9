//! Section 5: comparison of the policies.

use std::collections::BTreeMap;

use maud::{Markup, html};
use stayput_engine::record::{JobRecord, LatencyPhase, RunRecord};

use super::{PointViews, each_policy, for_each_point};
use crate::page::chart::{Bar, Unit, figure, legend_of_areas, stacked_bars};
use crate::page::facts::{Facts, Point, figure_value};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::{
    BEST_FOUND, ComparedFigure, Estimate, JobCounts, Sample, completed_after, figures_of_run,
    job_counts, latencies_us,
};

/// Names of the phases, as charts and tables order them.
pub(super) fn phase_names() -> [&'static str; 5] {
    LatencyPhase::ALL.map(LatencyPhase::name)
}

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p {
            "Medians over the runs of a point, each with its 95 % interval where there are six runs or more. Latency is from the \
                intended arrival to the whole answer, \
             over completed jobs, without those due in the warm-up (" (facts.warm_up_words()) "). \
            Regret is how much longer a \
             policy's jobs took than the best policy's of each job, over the jobs that all policies completed"
            @if facts.policies.iter().any(|policy| policy == BEST_FOUND) { "; " code { (BEST_FOUND) }
                " is among them, for which every choice was tried" }
            @else { "; since " code { (BEST_FOUND) } " did not run, the best is only the best of those that did" }
            "."
        }
        (for_each_point(facts, &PointViews {
            glance: &|point| format!("median latency: {}", each_policy(facts, point, |policy| {
                let median = over_seeds(facts, point, policy, ComparedFigure::LatencyP50);
                median.map_or(show::NONE.to_owned(), |median| show::micros(median.median))
            })),
            whole: &|point| html! {
                (table(facts, point))
                (phases(facts, point).0)
                (percentiles(facts, point))
                (placements(facts, point))
            },
            figures: &|point| html! { (table(facts, point)) (phases(facts, point).1.show()) (placements(facts, point)) },
        }))
    }
}

fn table(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let columns = [
        "policy",
        "bytes",
        "latency p50",
        "p90",
        "p99",
        "makespan",
        "ok / failed / wrong",
        "regret",
        "runs",
    ];
    let mut table = Table::new(1, columns);
    for policy in facts.policies_of(point) {
        let shown = |figure| {
            let estimate = over_seeds(facts, point, policy, figure);
            show::estimate(estimate.as_ref(), |value| figure_value(figure, value))
        };
        let mut counts = JobCounts::default();
        point.of_policy(policy).for_each(|(_, record)| counts.add(job_counts(record)));
        table.push([
            policy.to_owned(),
            shown(ComparedFigure::BodyBytes),
            shown(ComparedFigure::LatencyP50),
            shown(ComparedFigure::LatencyP90),
            shown(ComparedFigure::LatencyP99),
            shown(ComparedFigure::Makespan),
            format!("{} / {} / {}", counts.ok, counts.failed, counts.wrong),
            if point.closed_loop() {
                show::NONE.to_owned()
            } else {
                show::estimate(regret(point, policy).as_ref(), show::change)
            },
            point.of_policy(policy).count().to_string(),
        ]);
    }
    html! {
        (table.show())
        @if point.closed_loop() { p.note { "Clients wait for answers here, so that a slow policy is also asked less: no latency or \
            regret of one policy is a claim against another." } }
    }
}

/// The median of a figure over a policy's runs at a point.
pub(super) fn over_seeds(
    facts: &Facts<'_>,
    point: &Point<'_>,
    policy: &str,
    figure: ComparedFigure,
) -> Option<Estimate> {
    let at = ComparedFigure::ALL.iter().position(|known| *known == figure)?;
    let of_run = |record| figures_of_run(record, facts.warm_up())[at];
    let values = point.of_policy(policy).filter_map(|(_, record)| of_run(record));
    Estimate::of(values.map(|value| value as f64))
}

/// Regret of a policy: the time its jobs took beyond the best policy's of each, over the jobs that
/// all completed; one figure for each run.
fn regret(point: &Point<'_>, policy: &str) -> Option<Estimate> {
    let most = point.runs.iter().map(|run| run.policies.len()).max().unwrap_or(0);
    let of_run = |run: &&RunRecord| {
        let own = run.policies.iter().position(|record| record.policy == policy)?;
        let mut jobs: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for record in &run.policies {
            for job in record.jobs.iter().filter(|job| job.completed()) {
                jobs.entry(job.index).or_default().push(job.latency_us());
            }
        }
        let all = jobs.values().filter(|latencies| latencies.len() == run.policies.len());
        let (own, best) = all.fold((0, 0), |sums, latencies| {
            (sums.0 + latencies[own], sums.1 + latencies.iter().min().unwrap_or(&0))
        });
        (best > 0).then(|| own as f64 / best as f64 - 1.0)
    };
    Estimate::of(
        point.runs.iter().filter(|run| run.policies.len() == most && most > 1).filter_map(of_run),
    )
}

/// A phase's share of the mean latency of a policy; `None` if no job completed.
pub(super) fn mean_share(
    facts: &Facts<'_>,
    point: &Point<'_>,
    policy: &str,
    phase: LatencyPhase,
) -> Option<f64> {
    let (part, all) = jobs(facts, point, policy).fold((0.0, 0.0), |sums, job| {
        (sums.0 + job.phases.get(phase).as_secs_f64(), sums.1 + job.latency().as_secs_f64())
    });
    (all > 0.0).then(|| part / all)
}

/// The chart of mean latencies by phase, and its figures.
fn phases(facts: &Facts<'_>, point: &Point<'_>) -> (Markup, Table) {
    let mut table = Table::new(1, ["policy"].into_iter().chain(phase_names()).chain(["all, mean"]));
    let mut bars = Vec::new();
    for policy in facts.policies_of(point) {
        let jobs: Vec<&JobRecord> = jobs(facts, point, policy).collect();
        let mean = |phase: LatencyPhase| {
            jobs.iter().map(|job| job.phases.get_us(phase)).collect::<Sample>().mean()
        };
        let means = LatencyPhase::ALL.into_iter().enumerate();
        let parts = means
            .map(|(at, phase)| Some((at, phase.name().to_owned(), mean(phase)?)))
            .collect::<Option<Vec<_>>>();
        let Some(parts) = parts else { continue };
        let all: f64 = parts.iter().map(|part| part.2).sum();
        let of_run = |record| latencies_us(record, facts.warm_up()).mean();
        let means = point.of_policy(policy).filter_map(|(_, record)| of_run(record));
        let interval = Estimate::of(means).and_then(|estimate| estimate.interval());
        table.push(
            [policy.to_owned()]
                .into_iter()
                .chain(parts.iter().map(|part| show::micros(part.2)))
                .chain([show::micros(all)]),
        );
        bars.push(Bar { name: policy.to_owned(), parts, interval });
    }
    let legend = legend_of_areas(phase_names().into_iter().enumerate());
    let title = format!("Mean latency by what it went to, {}", point.name());
    let picture = html! {
        @if bars.is_empty() { p.note { "No job completed, so there are no latencies." } }
        @else {
            (figure(
                "Mean latency of completed jobs, by what the time went to; retry is when nothing was under way but attempts that came to \
                    nothing. Whiskers: 95 % interval of the median of the runs' mean \
                    latencies.",
                &legend, |width| stacked_bars(&title, (Unit::Micros, "mean latency"), &bars, width), &table))
        }
    };
    (picture, table)
}

/// A policy's completed jobs of all runs at a point, without the warm-up.
fn jobs<'a>(
    facts: &Facts<'_>,
    point: &'a Point<'_>,
    policy: &'a str,
) -> impl Iterator<Item = &'a JobRecord> {
    let warm_up = facts.warm_up();
    point.of_policy(policy).flat_map(move |(_, record)| completed_after(record, warm_up))
}

/// Percentiles of each phase, over the jobs of all runs.
fn percentiles(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(2, ["policy", "part", "p50", "p90", "p99", "max"]);
    for policy in facts.policies_of(point) {
        for phase in LatencyPhase::ALL {
            let times: Sample =
                jobs(facts, point, policy).map(|job| job.phases.get_us(phase)).collect();
            let shown = [50, 90, 99, 100].map(|percent| {
                let us = times.percentile(percent);
                us.map_or(show::NONE.to_owned(), |us| show::micros(us as f64))
            });
            table.push([policy.to_owned(), phase.name().to_owned()].into_iter().chain(shown));
        }
    }
    html! { details { summary { "Percentiles of each part" } (table.show()) p.note { "Over the completed jobs of all runs together, \
    without the warm-up. \
    Percentiles of parts do not add up to those of the whole." } } }
}

fn placements(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(3, ["policy", "place", "reason", "jobs", "share"]);
    let mut any = false;
    for policy in facts.policies_of(point) {
        let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut all = 0;
        for job in point.of_policy(policy).flat_map(|(_, record)| &record.jobs) {
            let placement = job.placement.as_ref();
            let place = placement.map_or("", |placement| placement.place.name());
            let reason = placement.map_or("", |placement| placement.reason.as_str());
            *tally.entry((place, reason)).or_default() += 1;
            all += 1;
        }
        any |= tally.len() > 1;
        for ((place, reason), count) in tally {
            let named = |word: &str, none: &str| {
                if word.is_empty() { none.to_owned() } else { word.to_owned() }
            };
            table.push([
                policy.to_owned(),
                named(place, "did not run"),
                named(reason, "none given"),
                count.to_string(),
                show::percent(count as f64 / all as f64),
            ]);
        }
    }
    html! {
        details open[any] { summary { "Where the jobs ran, and the policies' reasons" } (table.show()) }
        (failures(facts, point))
    }
}

fn failures(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(2, ["policy", "why jobs failed", "jobs"]);
    let mut any = false;
    for policy in facts.policies_of(point) {
        let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
        let jobs = point.of_policy(policy).flat_map(|(_, record)| &record.jobs);
        for error in jobs.filter_map(|job| job.end.error()) {
            *tally.entry(error).or_default() += 1;
        }
        for (why, count) in tally.into_iter().take(20) {
            any = true;
            table.push([policy.to_owned(), why.to_owned(), count.to_string()]);
        }
    }
    html! { @if any { details { summary { "Why jobs failed" } (table.show()) } } }
}
