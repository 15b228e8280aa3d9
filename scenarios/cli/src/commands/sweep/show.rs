//! Progress of a sweep on standard error, and its summary on standard output.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use stayput_engine::quantity::printable;
use stayput_engine::record::RunKey;
use stayput_results::sweep::{RunOutcome, SweepFolder, SweepSummary, settings_text};

/// Lines of progress without a terminal, over all runs.
const LINES: u64 = 20;
/// Bound of the failed runs, and of those that broke a promise, that are named.
const LISTED: usize = 5;

/// Progress of a sweep.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Number of runs to do.
    total: u64,
    done: u64,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let style = "{bar:30} {pos}/{len} runs, {per_sec}, {eta} left  {msg}";
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self { bar, total, done: 0 }
    }

    /// Counts a run that has ended.
    pub(super) fn ended(&mut self, kept: &RunOutcome) -> io::Result<()> {
        let before = self.done * LINES / self.total.max(1);
        self.done += 1;
        if !self.bar.is_hidden() {
            self.bar.set_message(printable(&kept.key().to_string()));
            self.bar.inc(1);
            return Ok(());
        }
        let after = self.done * LINES / self.total.max(1);
        if after > before {
            writeln!(io::stderr(), "{} of {} runs", self.done, self.total)?;
        }
        Ok(())
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// Writes the summary of a sweep for people.
pub(super) fn summary(
    folder: &SweepFolder,
    summary: &SweepSummary,
    out: &mut dyn Write,
) -> io::Result<()> {
    let runs = &summary.runs;
    let (asked, done) = (runs.asked, runs.done);
    writeln!(
        out,
        "{done} of {asked} runs have results, {} failed, {} are missing",
        runs.failed, runs.missing
    )?;
    for point in &summary.points {
        let settings = settings_text(&point.settings);
        let place = [point.scenario.as_str(), settings.as_str()].join(" ");
        writeln!(out, "{}, {} seeds", printable(place.trim_end()), point.seeds)?;
        if !point.verdict.is_empty() {
            writeln!(out, "  {}", point.verdict)?;
        }
    }
    writeln!(
        out,
        "method: {}; warm-up {}",
        summary.statistics.interval, summary.statistics.warm_up
    )?;
    writeln!(out, "{}", summary.fuel_sensitivity.says)?;
    let broken = summary.broken.iter().map(|run| (&run.key, run.broken.join("; ")));
    listed(out, "broke a promise", &broken.collect::<Vec<_>>())?;
    let failed = summary.failed.iter().map(|run| (&run.key, run.why.clone()));
    listed(out, "failed", &failed.collect::<Vec<_>>())?;
    if let Some(key) = runs.first_missing.first() {
        writeln!(out, "missing: {key}, and {} more", runs.missing - 1)?;
    }
    writeln!(out, "results: {}", printable(&folder.dir().display().to_string()))
}

fn listed(out: &mut dyn Write, what: &str, runs: &[(&RunKey, String)]) -> io::Result<()> {
    for (key, why) in runs.iter().take(LISTED) {
        writeln!(out, "{what}: {}: {}", printable(&key.to_string()), printable(why))?;
    }
    match runs.len().checked_sub(LISTED) {
        Some(more) if more > 0 => writeln!(out, "{what}: {more} more, see summary.json"),
        _ => Ok(()),
    }
}
