//! What a sweep says: how far it is, on standard error, and what came of it, on standard output.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use stayput_engine::quantity::printable;
use stayput_results::{Folder, Kept, Summary, settings_text};

/// Without a terminal a line is written each time that so many parts of all runs are done.
const LINES: u64 = 20;
/// So many failed runs, and runs that broke a promise, are told of one by one.
const TOLD: usize = 5;

/// How far a sweep is.
pub(super) struct Progress {
    bar: ProgressBar,
    /// How many runs there are to do.
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

    /// Takes note of a run that has ended.
    pub(super) fn ended(&mut self, kept: &Kept) -> io::Result<()> {
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

/// Says what a sweep's records come to.
pub(super) fn summary(folder: &Folder, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
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
    told(out, "broke a promise", &broken.collect::<Vec<_>>())?;
    let failed = summary.failed.iter().map(|run| (&run.key, run.why.clone()));
    told(out, "failed", &failed.collect::<Vec<_>>())?;
    if let Some(key) = runs.first_missing.first() {
        writeln!(out, "missing: {key}, and {} more", runs.missing - 1)?;
    }
    writeln!(out, "results: {}", printable(&folder.dir().display().to_string()))
}

fn told(
    out: &mut dyn Write,
    what: &str,
    runs: &[(&stayput_results::RunKey, String)],
) -> io::Result<()> {
    for (key, why) in runs.iter().take(TOLD) {
        writeln!(out, "{what}: {}: {}", printable(&key.to_string()), printable(why))?;
    }
    match runs.len().checked_sub(TOLD) {
        Some(more) if more > 0 => writeln!(out, "{what}: {more} more, see summary.json"),
        _ => Ok(()),
    }
}
