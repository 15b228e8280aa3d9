//! The report for people: a column per policy, then faults, expectations and the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use stayput_engine::quantity;
use stayput_engine::record::{
    Foreground, JobEnd, Latency, PolicyRun, SplitSummary, foreground_us, latency_split_us,
    latency_us,
};

use super::Exporter;
use crate::report::{ExpectVerdict, FaultVerdict, RunReport, Saved};

/// Jobs that did not end well and are shown one by one, per policy; the rest is counted.
const SHOWN_FAILURES: usize = 5;

/// Writes the report as a table, and the command that repeats the run.
pub struct TableExporter {
    /// The command that repeats the run.
    pub command: String,
}

impl Exporter for TableExporter {
    fn write(&self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", table(report))?;
        if report.closed_loop {
            writeln!(out, "closed loop: latencies of two policies say nothing beside each other")?;
        }
        for run in &report.runs {
            write_decisions(run, out)?;
            write_failures(run, out)?;
        }
        for fault in &report.faults {
            writeln!(out, "{}", fault_line(fault))?;
        }
        for verdict in &report.expect {
            writeln!(out, "{}", expect_line(verdict))?;
        }
        for broken in &report.broken {
            writeln!(out, "✗ broken promise: {broken}")?;
        }
        writeln!(out, "\n{}", verdict_line(report))?;
        let hash =
            report.trace_hash.as_deref().unwrap_or("none (in real time no two runs are the same)");
        writeln!(out, "trace_hash {hash}")?;
        writeln!(out, "again: {}", self.command)
    }
}

fn table(report: &RunReport) -> Table {
    let runs = &report.runs;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let header = std::iter::once(String::new()).chain(runs.iter().map(|r| r.policy.to_string()));
    table.set_header(header);
    let mut row = |name: &str, value: &dyn Fn(&PolicyRun) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(runs.iter().map(value)));
    };
    row("jobs ok / failed / wrong", &|run| {
        let counts = run.counts();
        format!("{} / {} / {}", counts.ok, counts.failed, counts.wrong)
    });
    row("body bytes, all hops", &|run| quantity::bytes(run.bytes.body));
    row("by link class", &|_| String::new());
    for class in names(runs, |run| &run.bytes.by_class) {
        row(&format!("  {class}"), &|run| amount(&run.bytes.by_class, &class));
    }
    row("by purpose", &|_| String::new());
    for purpose in names(runs, |run| &run.bytes.by_purpose) {
        row(&format!("  {purpose}"), &|run| amount(&run.bytes.by_purpose, &purpose));
    }
    row("payload / wire bytes", &|run| {
        format!("{} / {}", quantity::bytes(run.bytes.payload), known(run.bytes.wire))
    });
    row("lost / in flight at the end", &|run| {
        format!("{} / {}", known(run.bytes.lost), known(run.bytes.in_flight))
    });
    row("end to end / cross zone", &|run| {
        let cross_zone = quantity::bytes(run.bytes.cross_zone);
        format!("{} / {cross_zone}", known(run.bytes.end_to_end))
    });
    row("loading before (not counted)", &|run| quantity::bytes(run.loading.body));
    row("latency p50 / p90", &|run| {
        latency_us(run).map_or("-".to_owned(), |l| format!("{} / {}", us(l.p50), us(l.p90)))
    });
    row("latency p99 / max", &|run| {
        latency_us(run).map_or("-".to_owned(), |l| format!("{} / {}", us(l.p99), us(l.max)))
    });
    row("latency by phase, mean", &|_| String::new());
    let words = |run: &PolicyRun, of: &dyn Fn(&SplitSummary) -> String| {
        latency_split_us(run).as_ref().map_or("-".to_owned(), of)
    };
    row("  queue / disk", &|run| {
        words(run, &|split| format!("{} / {}", mean(split.queue.mean), mean(split.disk.mean)))
    });
    row("  transfer / compute", &|run| {
        words(run, &|split| format!("{} / {}", mean(split.transfer.mean), mean(split.compute.mean)))
    });
    row("  retry", &|run| words(run, &|split| mean(split.retry.mean)));
    row("makespan", &|run| quantity::duration(run.makespan));
    row("fuel", &|run| quantity::count(run.fuel));
    if runs.iter().any(|run| run.foreground.is_some()) {
        foreground_rows(&mut row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Adds a row by its name and what it says of each run.
type AddRow<'a> = dyn FnMut(&str, &dyn Fn(&PolicyRun) -> String) + 'a;

/// What came of the load beside the jobs.
fn foreground_rows(row: &mut AddRow<'_>) {
    let of = |run: &PolicyRun, words: &dyn Fn(&Foreground) -> String| {
        run.foreground.as_ref().map_or("-".to_owned(), words)
    };
    row("load ok / failed / wrong", &|run| {
        of(run, &|load| format!("{} / {} / {}", load.ok(), load.failed, load.wrong))
    });
    let percentiles = |load: &Foreground, words: &dyn Fn(Latency) -> String| {
        foreground_us(load).map_or("-".to_owned(), words)
    };
    row("load latency p50 / p90", &|run| {
        of(run, &|load| percentiles(load, &|l| format!("{} / {}", us(l.p50), us(l.p90))))
    });
    row("load latency p99 / max", &|run| {
        of(run, &|load| percentiles(load, &|l| format!("{} / {}", us(l.p99), us(l.max))))
    });
}

fn names(
    runs: &[PolicyRun],
    of: impl Fn(&PolicyRun) -> &BTreeMap<String, u64>,
) -> BTreeSet<String> {
    runs.iter().flat_map(|run| of(run).keys().cloned()).collect()
}

fn amount(counts: &BTreeMap<String, u64>, name: &str) -> String {
    quantity::bytes(counts.get(name).copied().unwrap_or(0))
}

fn known(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".to_owned(), quantity::bytes)
}

fn mean(us: f64) -> String {
    quantity::duration(Duration::from_secs_f64(us / 1e6))
}

fn us(n: u64) -> String {
    quantity::duration(Duration::from_micros(n))
}

/// Why jobs ran where they did, if there is more to say than one reason.
fn write_decisions(run: &PolicyRun, out: &mut dyn Write) -> io::Result<()> {
    let decisions = run.decisions();
    if decisions.len() < 2 {
        return Ok(());
    }
    let counts: Vec<_> = decisions.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    writeln!(out, "{} placed: {}", run.policy, counts.join(", "))
}

fn write_failures(run: &PolicyRun, out: &mut dyn Write) -> io::Result<()> {
    let bad: Vec<_> = run.jobs.iter().filter(|job| job.end != JobEnd::Ok).collect();
    for job in bad.iter().take(SHOWN_FAILURES) {
        let text = match &job.end {
            JobEnd::Failed { reason } => format!("failed: {}", quantity::printable(reason)),
            JobEnd::Wrong { expected } => format!(
                "wrong: {:?} instead of {:?}",
                String::from_utf8_lossy(&job.answer),
                String::from_utf8_lossy(expected)
            ),
            JobEnd::Ok => continue,
        };
        writeln!(out, "{}: job {} on {} {text}", run.policy, job.index, job.object)?;
    }
    let more = bad.len().saturating_sub(SHOWN_FAILURES);
    if more > 0 {
        writeln!(out, "{}: and {more} more jobs that did not end well", run.policy)?;
    }
    Ok(())
}

fn fault_line(fault: &FaultVerdict) -> String {
    let mark = match (fault.bit, fault.may_miss) {
        (true, _) => "✓",
        (false, true) => "-",
        (false, false) => "✗",
    };
    let effects: Vec<_> = fault
        .by_policy
        .iter()
        .map(|(policy, effect)| {
            let counts: Vec<_> = effect.iter().map(|(name, n)| format!("{name} {n}")).collect();
            format!(
                "{policy}: {}",
                if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
            )
        })
        .collect();
    format!("{mark} fault {} [{}]", fault.what, effects.join("; "))
}

fn expect_line(verdict: &ExpectVerdict) -> String {
    let mark = match verdict.holds {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "-",
    };
    let figure = verdict.expectation.figure.key();
    format!("{mark} expect {figure} {} ({})", verdict.expectation.comparison, verdict.found)
}

fn verdict_line(report: &RunReport) -> String {
    let answers = answers_words(report);
    match &report.saved {
        Some(saved @ Saved::Comparable { near_bytes, far_bytes, jobs }) => {
            let (part, whole) = saved.fraction().unwrap_or((0, 1));
            format!(
                "on-storage moved {}, download {}: {} saved over {jobs} jobs; {answers}",
                quantity::bytes(*near_bytes),
                quantity::bytes(*far_bytes),
                quantity::percent(part, whole),
            )
        }
        Some(Saved::NotComparable { why, .. }) => format!("not comparable: {why}; {answers}"),
        None => {
            let moved: Vec<_> = report
                .runs
                .iter()
                .map(|run| {
                    let bytes = quantity::bytes(run.bytes.body);
                    format!("{} moved {bytes} over {} jobs", run.policy, run.jobs.len())
                })
                .collect();
            format!("{}; {answers}", moved.join(", "))
        }
    }
}

fn answers_words(report: &RunReport) -> String {
    let wrong: u64 = report.runs.iter().map(|run| run.counts().wrong).sum();
    let ok: u64 = report.runs.iter().map(|run| run.counts().ok).sum();
    match (wrong, ok) {
        (0, 0) => "no answer was given".to_owned(),
        (0, _) => "all answers equal the reference".to_owned(),
        _ => format!("{wrong} answers differ from the reference"),
    }
}
