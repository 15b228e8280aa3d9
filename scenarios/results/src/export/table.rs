//! The run for people: a column per policy, then faults, expectations and the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use stayput_engine::quantity;
use stayput_engine::record::{
    ExpectRecord, JobEnd, LatencyPhase, LoadRecord, PolicyRecord, RunRecord,
};

use super::{Exporter, RunOutput};
use crate::stats::{
    LatencySummary, Saved, WarmUp, job_bytes, job_counts, latency_us, load_latency_us, phases_us,
    place_reasons, saved,
};

/// Jobs that did not end well and are shown one by one, per policy; the rest is counted.
const SHOWN_FAILURES: usize = 5;

/// Writes the run as a table, and the command that repeats it.
pub struct TableExporter;

impl Exporter for TableExporter {
    fn format(&self) -> &'static str {
        "table"
    }

    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        let run = output.run;
        writeln!(out, "{}", table(&run.policies, output.warm_up))?;
        if let Some(left_out) = output.warm_up.words() {
            writeln!(out, "latencies leave out jobs due in the warm-up: {left_out}")?;
        }
        if run.closed_loop {
            writeln!(out, "closed loop: latencies of two policies say nothing beside each other")?;
        }
        for policy in &run.policies {
            write_place_reasons(policy, out)?;
            write_failures(policy, out)?;
        }
        for fault in 0..run.faults.len() {
            writeln!(out, "{}", fault_line(run, fault))?;
        }
        for expect in &run.expect {
            writeln!(out, "{}", expect_line(expect))?;
        }
        for broken in &run.broken {
            writeln!(out, "✗ broken promise: {broken}")?;
        }
        writeln!(out, "\n{}", verdict_line(run))?;
        let hash =
            run.trace_hash.as_deref().unwrap_or("none (in real time no two runs are the same)");
        writeln!(out, "trace_hash {hash}")?;
        writeln!(out, "again: {}", output.command)
    }
}

fn table(runs: &[PolicyRecord], warm_up: WarmUp) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let header = std::iter::once(String::new()).chain(runs.iter().map(|run| run.policy.clone()));
    table.set_header(header);
    let mut row = |name: &str, value: &dyn Fn(&PolicyRecord) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(runs.iter().map(value)));
    };
    row("jobs ok / failed / wrong", &|run| {
        let counts = job_counts(run);
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
        latency_us(run, warm_up)
            .map_or("-".to_owned(), |l| format!("{} / {}", us(l.p50), us(l.p90)))
    });
    row("latency p99 / max", &|run| {
        latency_us(run, warm_up)
            .map_or("-".to_owned(), |l| format!("{} / {}", us(l.p99), us(l.max)))
    });
    row("latency by phase, mean", &|_| String::new());
    let mean = |run: &PolicyRecord, of: &[LatencyPhase]| {
        let shown = |us: f64| quantity::duration(Duration::from_secs_f64(us / 1e6));
        phases_us(run, warm_up).map_or("-".to_owned(), |phases| {
            of.iter().map(|phase| shown(phases.mean(*phase))).collect::<Vec<_>>().join(" / ")
        })
    };
    row("  queue / disk", &|run| mean(run, &[LatencyPhase::Queue, LatencyPhase::Disk]));
    row("  transfer / compute", &|run| mean(run, &[LatencyPhase::Transfer, LatencyPhase::Compute]));
    row("  retry", &|run| mean(run, &[LatencyPhase::Retry]));
    row("makespan", &|run| quantity::duration(run.makespan));
    row("fuel", &|run| quantity::count(run.fuel));
    if runs.iter().any(|run| run.load.is_some()) {
        load_rows(&mut row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Adds a row: its name, and its value for each policy.
type AddRow<'a> = dyn FnMut(&str, &dyn Fn(&PolicyRecord) -> String) + 'a;

/// Rows of the load beside the jobs.
fn load_rows(row: &mut AddRow<'_>) {
    let of = |run: &PolicyRecord, words: &dyn Fn(&LoadRecord) -> String| {
        run.load.as_ref().map_or("-".to_owned(), words)
    };
    row("load ok / failed / wrong", &|run| {
        of(run, &|load| format!("{} / {} / {}", load.ok(), load.failed, load.wrong))
    });
    let percentiles = |load: &LoadRecord, words: &dyn Fn(LatencySummary) -> String| {
        load_latency_us(load).map_or("-".to_owned(), words)
    };
    row("load latency p50 / p90", &|run| {
        of(run, &|load| percentiles(load, &|l| format!("{} / {}", us(l.p50), us(l.p90))))
    });
    row("load latency p99 / max", &|run| {
        of(run, &|load| percentiles(load, &|l| format!("{} / {}", us(l.p99), us(l.max))))
    });
}

fn names(
    runs: &[PolicyRecord],
    of: impl Fn(&PolicyRecord) -> &BTreeMap<String, u64>,
) -> BTreeSet<String> {
    runs.iter().flat_map(|run| of(run).keys().cloned()).collect()
}

fn amount(counts: &BTreeMap<String, u64>, name: &str) -> String {
    quantity::bytes(counts.get(name).copied().unwrap_or(0))
}

fn known(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".to_owned(), quantity::bytes)
}

fn us(n: u64) -> String {
    quantity::duration(Duration::from_micros(n))
}

/// Reasons for the jobs' places, if there are several.
fn write_place_reasons(run: &PolicyRecord, out: &mut dyn Write) -> io::Result<()> {
    let reasons = place_reasons(run);
    if reasons.len() < 2 {
        return Ok(());
    }
    let counts: Vec<_> = reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    writeln!(out, "{} placed: {}", run.policy, counts.join(", "))
}

fn write_failures(run: &PolicyRecord, out: &mut dyn Write) -> io::Result<()> {
    let bad: Vec<_> = run.jobs.iter().filter(|job| job.end != JobEnd::Ok).collect();
    for job in bad.iter().take(SHOWN_FAILURES) {
        let text = match &job.end {
            JobEnd::Failed { error } => format!("failed: {}", quantity::printable(error)),
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

fn fault_line(run: &RunRecord, at: usize) -> String {
    let fault = &run.faults[at];
    let mark = match (run.bit(at), fault.may_miss) {
        (true, _) => "✓",
        (false, true) => "-",
        (false, false) => "✗",
    };
    // By name, as JSON has them.
    let effects: BTreeMap<_, _> = run.effects(at).collect();
    let words = effects.into_iter().map(|(policy, effect)| {
        let counts: Vec<_> =
            effect.effect.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let words = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        format!("{policy}: {words}")
    });
    format!("{mark} fault {} [{}]", fault.what, words.collect::<Vec<_>>().join("; "))
}

fn expect_line(expect: &ExpectRecord) -> String {
    let mark = match expect.holds {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "-",
    };
    format!("{mark} expect {} {} ({})", expect.figure, expect.wanted, expect.found)
}

fn verdict_line(run: &RunRecord) -> String {
    let answers = answers_words(&run.policies);
    match saved(run) {
        Some(Saved::NotComparable { why, .. }) => format!("not comparable: {why}; {answers}"),
        Some(ref saved @ Saved::Comparable { near_bytes, far_bytes, jobs }) => {
            let (part, whole) = saved.fraction().unwrap_or((0, 1));
            format!(
                "on-storage moved {}, download {}: {} saved over {jobs} jobs; {answers}",
                quantity::bytes(near_bytes),
                quantity::bytes(far_bytes),
                quantity::percent(part, whole),
            )
        }
        None => {
            let moved = run.policies.iter().map(|policy| {
                let bytes = quantity::bytes(job_bytes(policy));
                format!("{} moved {bytes} over {} jobs", policy.policy, policy.jobs.len())
            });
            format!("{}; {answers}", moved.collect::<Vec<_>>().join(", "))
        }
    }
}

fn answers_words(runs: &[PolicyRecord]) -> String {
    let wrong: u64 = runs.iter().map(|run| job_counts(run).wrong).sum();
    let ok: u64 = runs.iter().map(|run| job_counts(run).ok).sum();
    match (wrong, ok) {
        (0, 0) => "no answer was given".to_owned(),
        (0, _) => "all answers equal the reference".to_owned(),
        _ => format!("{wrong} answers differ from the reference"),
    }
}
