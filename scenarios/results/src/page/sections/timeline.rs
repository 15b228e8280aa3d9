//! Section 8: the timeline of one run, with its faults.

use std::time::Duration;

use maud::{Markup, html};
use stayput_engine::record::{FaultRecord, JobRecord, PolicyRecord, RunRecord};

use crate::page::chart::{
    Band, Line, Plot, Scale, Unit, figure, legend_of_lines, line_plot, step_path,
};
use crate::page::facts::Facts;
use crate::page::show;
use crate::page::table::Table;
use crate::stats::Sample;

/// Bound of the faults with a band of their own.
const BANDS: usize = 6;
/// Bound of a policy's marks of finished jobs.
const MARKS: usize = 300;
/// Number of the table's stretches of the run.
const STRETCHES: u64 = 12;

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    let Some(run) = chosen(facts) else { return html! { p.note { "There is no run to draw." } } };
    let end = run
        .policies
        .iter()
        .flat_map(|record| &record.jobs)
        .map(JobRecord::finished_us)
        .max()
        .unwrap_or(0);
    if end == 0 {
        return html! { p.note { "The run has no job that ended." } };
    }
    let bit = faults_that_bit(run);
    let settings: Vec<String> =
        run.key.settings.iter().map(|(key, value)| format!(", {key} = {value}")).collect();
    html! {
        p {
            "The run of " strong { (run.key.scenario) (settings.concat()) ", seed " (run.key.seed) } ": "
            @if bit > 0 { "the one in which most faults had an effect (" (bit) " of " (run.faults.len()) ")." } @else {
                "the first one; no fault had an effect in any." }
            " It shows what happened once, and carries no claim of what is usual: that is in sections 1, 5 and 6."
        }
        (progress(facts, run, end as f64))
        (latencies(facts, run, end as f64))
    }
}

/// The run in which most faults bit; the first of those.
fn chosen<'a>(facts: &Facts<'a>) -> Option<&'a RunRecord> {
    let runs = facts.points.iter().flat_map(|point| point.runs.iter().copied());
    runs.rev().max_by_key(|run| faults_that_bit(run))
}

fn faults_that_bit(run: &RunRecord) -> usize {
    (0..run.faults.len()).filter(|fault| run.bit(*fault)).count()
}

fn bands(run: &RunRecord, end: f64) -> Vec<Band> {
    let us = |time: Duration| time.as_micros() as f64;
    let within = run.faults.iter().filter(|fault| us(fault.at) < end).take(BANDS);
    let band = |fault: &FaultRecord| Band {
        span: (us(fault.at), us(fault.at + fault.lasts).min(end)),
        name: fault.what.clone(),
    };
    within.map(band).collect()
}

fn progress(facts: &Facts<'_>, run: &RunRecord, end: f64) -> Markup {
    let mut lines = Vec::new();
    let mut most = 1.0f64;
    for record in &run.policies {
        let mut changes: Vec<(u64, i64)> = record
            .jobs
            .iter()
            .flat_map(|job| [(job.intended_us(), 1), (job.finished_us(), -1)])
            .collect();
        changes.sort_unstable();
        let mut points = vec![(0.0, 0.0)];
        let mut running = 0;
        for (at, change) in changes {
            running += change;
            points.push((at as f64, running as f64));
            most = most.max(running as f64);
        }
        lines.push(Line {
            series: facts.series(&record.policy),
            points: step_path(&points),
            marks: Vec::new(),
            spans: Vec::new(),
        });
    }
    let plot = Plot {
        title: "Jobs in progress",
        about: "Jobs that were due and had not ended, over the time of the run, one line for each policy",
        below: "time since the first job",
        left: "jobs in progress",
        height: 230.0,
        level: None,
    };
    let axes = |across, up| {
        (
            Scale::linear(Unit::Micros, (0.0, end), across),
            Scale::linear(Unit::Count, (0.0, most * 1.05), up),
        )
    };
    let bands = bands(run, end);
    let caption = "Jobs that were due and had not ended yet. Hatched: while a fault was on.";
    let table = stretches(run, end as u64, |record, from, to| {
        let within =
            record.jobs.iter().filter(|job| job.intended_us() < to && job.finished_us() >= from);
        within.count().to_string()
    });
    html! {
        (figure(caption, &legend(facts, run), |width| line_plot(plot, axes, &lines, &bands, width), &table))
        @if run.faults.len() > BANDS { p.note { "Drawn are the first " (BANDS) " of " (run.faults.len()) " faults." } }
    }
}

fn legend(facts: &Facts<'_>, run: &RunRecord) -> Markup {
    legend_of_lines(
        run.policies.iter().map(|record| (facts.series(&record.policy), record.policy.as_str())),
    )
}

fn latencies(facts: &Facts<'_>, run: &RunRecord, end: f64) -> Markup {
    let mut lines = Vec::new();
    let mut span = (f64::INFINITY, 0.0f64);
    let mut left_out = 0;
    for record in &run.policies {
        let done: Vec<(f64, f64)> = record
            .jobs
            .iter()
            .filter(|job| job.completed())
            .map(|job| (job.finished_us() as f64, job.latency_us() as f64))
            .collect();
        for (_, latency) in &done {
            span = (span.0.min(*latency), span.1.max(*latency));
        }
        let every = done.len().div_ceil(MARKS).max(1);
        left_out += done.len() - done.len().div_ceil(every);
        lines.push(Line {
            series: facts.series(&record.policy),
            points: Vec::new(),
            marks: done.into_iter().step_by(every).collect(),
            spans: Vec::new(),
        });
    }
    if span.1 == 0.0 {
        return html! { p.note { "No job of this run completed." } };
    }
    let plot = Plot {
        title: "Latency of jobs as they end",
        about: "Latency of each completed job over the time when it ended, one mark for each",
        below: "time since the first job",
        left: "latency (log)",
        height: 250.0,
        level: None,
    };
    let axes = |across, up| {
        (
            Scale::linear(Unit::Micros, (0.0, end), across),
            Scale::log(Unit::Micros, (span.0 * 0.8, span.1 * 1.25), up),
        )
    };
    let bands = bands(run, end);
    let table = stretches(run, end as u64, |record, from, to| {
        let ended = record
            .jobs
            .iter()
            .filter(|job| job.completed() && (from + 1..=to).contains(&job.finished_us()));
        let latencies: Sample = ended.map(JobRecord::latency_us).collect();
        latencies.percentile(50).map_or(show::NONE.to_owned(), |us| {
            format!("{} (of {})", show::micros(us as f64), latencies.len())
        })
    });
    let caption = "Latency of each completed job, at the time when it ended. The table has the median of what ended in each stretch.";
    html! {
        (figure(caption, &legend(facts, run), |width| line_plot(plot, axes, &lines, &bands, width), &table))
        @if left_out > 0 { p.note { "Of many marks only every so many are drawn: " (left_out) " are left out." } }
    }
}

/// A row for each stretch of the run, with a figure for each policy.
fn stretches(
    run: &RunRecord,
    end: u64,
    figure: impl Fn(&PolicyRecord, u64, u64) -> String,
) -> Table {
    let mut table = Table::new(
        1,
        ["from", "to"].into_iter().chain(run.policies.iter().map(|record| record.policy.as_str())),
    );
    for stretch in 0..STRETCHES {
        let (from, to) = (end * stretch / STRETCHES, end * (stretch + 1) / STRETCHES);
        let figures = run.policies.iter().map(|record| figure(record, from, to));
        table.push([show::micros(from as f64), show::micros(to as f64)].into_iter().chain(figures));
    }
    table
}
