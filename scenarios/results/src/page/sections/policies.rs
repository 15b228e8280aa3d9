//! Section 5: the policies beside each other.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{Told, each_policy, for_each_point};
use crate::page::chart::{Bar, Unit, figure, legend_of_areas, stacked_bars};
use crate::page::facts::{BOUND, Estimate, Facts, Point, completed, latency_us, percentile};
use crate::page::show;
use crate::page::table::Table;
use crate::statistics::WarmUp;
use crate::{JobRow, PolicyRecord, RunRecord, SplitRecord};

/// The name of a part of a latency, and how to take it.
type Part = (&'static str, fn(&SplitRecord) -> u64);

/// The parts of a latency, with how to take one.
pub(super) const PARTS: [Part; 5] = [
    ("queue", |split| split.queue_us),
    ("disk", |split| split.disk_us),
    ("transfer", |split| split.transfer_us),
    ("compute", |split| split.compute_us),
    ("retry", |split| split.retry_us),
];

/// The section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p {
            "Medians over the runs of a point, each with its 95 % interval where there are six runs or more. Latency is from the \
                intended arrival to the whole answer, \
             over completed jobs, without those due in the warm-up (" (facts.warm_up_words()) "). \
            Regret is how much longer a \
             policy's jobs took than the best policy's of each job, over the jobs that all policies completed"
            @if facts.policies.iter().any(|policy| policy == BOUND) { "; " code { (BOUND) }
                " is among them, for which every choice was tried" }
            @else { "; since " code { (BOUND) } " did not run, the best is only the best of those that did" }
            "."
        }
        (for_each_point(facts, &Told {
            glance: &|point| format!("median latency: {}", each_policy(facts, point, |policy| {
                let medians = point.of_policy(policy).filter_map(|(_, record)| percentile(&latencies(record, facts.warm_up()), 0.5));
                let median = Estimate::of(medians.map(|us| us as f64));
                median.map_or(show::NONE.to_owned(), |median| show::micros(median.median))
            })),
            whole: &|point| html! {
                (table(facts, point))
                (splits(facts, point).0)
                (percentiles(facts, point))
                (decisions(facts, point))
            },
            figures: &|point| html! { (table(facts, point)) (splits(facts, point).1.show()) (decisions(facts, point)) },
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
        let over = |of: &dyn Fn(&PolicyRecord) -> Option<f64>| {
            Estimate::of(point.of_policy(policy).filter_map(|(_, record)| of(record)))
        };
        let time = |share| {
            show::estimate(
                over(&|record| {
                    percentile(&latencies(record, facts.warm_up()), share).map(|us| us as f64)
                })
                .as_ref(),
                show::micros,
            )
        };
        let count = |end: &str| -> usize {
            point
                .of_policy(policy)
                .map(|(_, record)| record.jobs.iter().filter(|job| job.end == end).count())
                .sum()
        };
        table.push([
            policy.to_owned(),
            show::estimate(over(&|record| Some(record.job_bytes() as f64)).as_ref(), show::size),
            time(0.5),
            time(0.9),
            time(0.99),
            show::estimate(over(&|record| Some(record.makespan_us as f64)).as_ref(), show::micros),
            format!("{} / {} / {}", count("ok"), count("failed"), count("wrong")),
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

/// Latencies of completed jobs that were due after the warm-up, ascending.
pub(in crate::page) fn latencies(record: &PolicyRecord, warm_up: WarmUp) -> Vec<u64> {
    let mut all: Vec<u64> = counting(record, warm_up).map(latency_us).collect();
    all.sort_unstable();
    all
}

/// By how much a policy's jobs took longer than the best of each, over the jobs that all completed; one figure for each run.
fn regret(point: &Point<'_>, policy: &str) -> Option<Estimate> {
    let most = point.runs.iter().map(|run| run.policies.len()).max().unwrap_or(0);
    let of_run = |run: &&RunRecord| {
        let own = run.policies.iter().position(|record| record.policy == policy)?;
        let mut jobs: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for record in &run.policies {
            for job in record.jobs.iter().filter(|job| completed(job)) {
                jobs.entry(job.index).or_default().push(latency_us(job));
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

/// The completed jobs that were due after the warm-up.
fn counting(record: &PolicyRecord, warm_up: WarmUp) -> impl Iterator<Item = &JobRow> {
    let begin = warm_up.end_us(record);
    record.jobs.iter().filter(move |job| completed(job) && job.intended_us >= begin)
}

/// A part's share of the mean latency of a policy; nothing if no job completed.
pub(super) fn mean_share(
    facts: &Facts<'_>,
    point: &Point<'_>,
    policy: &str,
    of: fn(&SplitRecord) -> u64,
) -> Option<f64> {
    let (part, all) = jobs(facts, point, policy).fold((0.0, 0.0), |sums, job| {
        (sums.0 + of(&job.split) as f64, sums.1 + latency_us(job) as f64)
    });
    (all > 0.0).then(|| part / all)
}

/// The chart of mean latencies by their parts, and its figures.
fn splits(facts: &Facts<'_>, point: &Point<'_>) -> (Markup, Table) {
    let mut table =
        Table::new(1, ["policy"].into_iter().chain(PARTS.map(|part| part.0)).chain(["all, mean"]));
    let mut bars = Vec::new();
    for policy in facts.policies_of(point) {
        let jobs: Vec<&JobRow> = jobs(facts, point, policy).collect();
        if jobs.is_empty() {
            continue;
        }
        let mean = |of: fn(&SplitRecord) -> u64| {
            jobs.iter().map(|job| of(&job.split) as f64).sum::<f64>() / jobs.len() as f64
        };
        let parts: Vec<(usize, String, f64)> = PARTS
            .iter()
            .enumerate()
            .map(|(at, (name, of))| (at, (*name).to_owned(), mean(*of)))
            .collect();
        let all: f64 = parts.iter().map(|part| part.2).sum();
        let of_run = |record: &PolicyRecord| {
            let latencies = latencies(record, facts.warm_up());
            latencies.iter().map(|us| *us as f64).sum::<f64>() / latencies.len() as f64
        };
        let interval = Estimate::of(point.of_policy(policy).map(|(_, record)| of_run(record)))
            .and_then(|estimate| estimate.interval);
        table.push(
            [policy.to_owned()]
                .into_iter()
                .chain(parts.iter().map(|part| show::micros(part.2)))
                .chain([show::micros(all)]),
        );
        bars.push(Bar { name: policy.to_owned(), parts, interval });
    }
    let legend = legend_of_areas(PARTS.iter().enumerate().map(|(at, part)| (at, part.0)));
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
) -> impl Iterator<Item = &'a JobRow> {
    let warm_up = facts.warm_up();
    point.of_policy(policy).flat_map(move |(_, record)| counting(record, warm_up))
}

/// Each part's percentiles, over the jobs of all runs.
fn percentiles(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(2, ["policy", "part", "p50", "p90", "p99", "max"]);
    for policy in facts.policies_of(point) {
        for (name, of) in PARTS {
            let mut parts: Vec<u64> =
                jobs(facts, point, policy).map(|job| of(&job.split)).collect();
            parts.sort_unstable();
            let shares = [0.5, 0.9, 0.99, 1.0].map(|share| {
                percentile(&parts, share)
                    .map_or(show::NONE.to_owned(), |us| show::micros(us as f64))
            });
            table.push([policy.to_owned(), name.to_owned()].into_iter().chain(shares));
        }
    }
    html! { details { summary { "Percentiles of each part" } (table.show()) p.note { "Over the completed jobs of all runs together, \
    without the warm-up. \
    Percentiles of parts do not add up to those of the whole." } } }
}

fn decisions(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(3, ["policy", "place", "reason", "jobs", "share"]);
    let mut any = false;
    for policy in facts.policies_of(point) {
        let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut all = 0;
        for job in point.of_policy(policy).flat_map(|(_, record)| &record.jobs) {
            *tally.entry((&job.place, &job.decision)).or_default() += 1;
            all += 1;
        }
        any |= tally.len() > 1;
        for ((place, decision), count) in tally {
            let named = |word: &str, none: &str| {
                if word.is_empty() { none.to_owned() } else { word.to_owned() }
            };
            table.push([
                policy.to_owned(),
                named(place, "did not run"),
                named(decision, "none told"),
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
        for job in point
            .of_policy(policy)
            .flat_map(|(_, record)| &record.jobs)
            .filter(|job| !completed(job))
        {
            let why = if job.reason.is_empty() { job.end.as_str() } else { &job.reason };
            *tally.entry(why).or_default() += 1;
        }
        for (why, count) in tally.into_iter().take(20) {
            any = true;
            table.push([policy.to_owned(), why.to_owned(), count.to_string()]);
        }
    }
    html! { @if any { details { summary { "Why jobs failed" } (table.show()) } } }
}
