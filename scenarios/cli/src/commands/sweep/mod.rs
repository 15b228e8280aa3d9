//! `stayput sweep`, `stayput merge` and `stayput compare`: grids of runs, and their statistics.

mod args;
mod cell;
mod head;
mod scheduler;
mod show;

use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::Serialize;
use stayput_runtime::memo::{AUDITED_ONE_IN, KEPT_BYTES_MAX, Memo};

pub use args::{Axis, CompareArgs, MergeArgs, Shard, SweepArgs};

use stayput_engine::quantity::printable;
use stayput_results::stats::METHOD;
use stayput_results::sweep::{self as results, SweepFolder, SweepSummary, collect, settings_text};

use self::cell::Cells;
use super::wall::Wall;
use super::{CliError, Exit};

/// `wall.json`: speed of the runs that one command did.
#[derive(Serialize)]
struct WallFigures {
    elapsed_us: u64,
    threads: usize,
    runs: u64,
    runs_per_second: f64,
    events_per_second: f64,
    commit: &'static str,
}

/// Executes the missing runs, and writes the summary of all.
pub(super) fn sweep(args: &SweepArgs) -> Result<Exit, CliError> {
    let wall = Wall::start();
    let policies = head::policies(args)?;
    let (head, files) = head::head(args)?;
    let folder = SweepFolder::begin(&args.out, head)?;
    let cells = args.shard.of(folder.keys());
    let left = scheduler::left(&folder, &cells)?;
    let found = cells.len() - left.len();
    if found > 0 {
        note(&format!("{found} of {} runs were there already", cells.len()))?;
    }
    let threads =
        args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let memo = (!args.no_memo).then(|| Memo::new(KEPT_BYTES_MAX, AUDITED_ONE_IN));
    let (no_faults, warm_up, events) = (args.no_faults, args.warm_up, AtomicU64::new(0));
    let catalog = args.catalog.clone();
    let work = Cells { files, policies, catalog, no_faults, warm_up, memo, events };
    let mut progress = show::Progress::new(left.len() as u64);
    let mut shown = Ok(());
    scheduler::drive(&folder, &left, threads, &|key| work.run(key), &mut |kept| {
        shown = progress.ended(kept);
        if shown.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    progress.end();
    shown?;
    let elapsed = wall.elapsed();
    let per_second = |count: u64| count as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let runs = left.len() as u64;
    if runs > 0 {
        folder.write_wall(&WallFigures {
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            threads,
            runs,
            runs_per_second: per_second(runs),
            events_per_second: per_second(work.events.load(Ordering::Relaxed)),
            commit: head::COMMIT,
        })?;
        note(&format!("{runs} runs, {:.2} per second on {threads} threads", per_second(runs)))?;
    }
    let summary = collect(&folder, args.warm_up)?;
    show::summary(&folder, &summary, &mut io::stdout())?;
    Ok(exit_of(&summary))
}

/// Merges shards, and writes the summary.
pub(super) fn merge(args: &MergeArgs) -> Result<Exit, CliError> {
    let merged = results::merge(&args.out, &args.shard, args.warm_up)?;
    let summary = collect(&merged.folder, merged.folder.head().warm_up)?;
    show::summary(&merged.folder, &summary, &mut io::stdout())?;
    if summary.runs.missing > 0 {
        let command = printable(&merged.folder.head().command);
        note(&format!(
            "{} runs are missing: merge their shards too, or do them in {} by: {command}",
            summary.runs.missing,
            printable(&args.out.display().to_string())
        ))?;
    }
    Ok(exit_of(&summary))
}

/// Compares two sweeps.
pub(super) fn compare(args: &CompareArgs) -> Result<Exit, CliError> {
    let sweeps = [SweepFolder::open(&args.one)?, SweepFolder::open(&args.other)?];
    let warm_up = results::warm_up_of(&sweeps, args.warm_up)?;
    let comparison = results::compare(&sweeps[0], &sweeps[1], warm_up)?;
    let mut out = io::stdout();
    for point in &comparison.points {
        let settings = settings_text(&point.settings);
        let place = [point.scenario.as_str(), settings.as_str()].join(" ");
        line(&mut out, printable(place.trim_end()).as_str())?;
        for policy in &point.policies {
            line(&mut out, &format!("  {}", printable(&policy.verdict)))?;
        }
    }
    line(&mut out, &format!("method: {METHOD}; warm-up {warm_up}"))?;
    if comparison.alone > 0 {
        line(&mut out, &format!("{} runs have a result in one of them only", comparison.alone))?;
    }
    Ok(Exit::Kept)
}

/// Exit code of a sweep: a failed run weighs more than a broken promise.
fn exit_of(summary: &SweepSummary) -> Exit {
    let failed = |no_progress| summary.failed.iter().any(|run| run.no_progress == no_progress);
    match () {
        () if failed(true) => Exit::NoProgress,
        () if failed(false) => Exit::Usage,
        () if !summary.broken.is_empty() => Exit::Broken,
        () => Exit::Kept,
    }
}

fn note(text: &str) -> io::Result<()> {
    line(&mut io::stderr(), text)
}

fn line(out: &mut dyn io::Write, text: &str) -> io::Result<()> {
    writeln!(out, "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stayput_results::fixtures::{head, policy, record};
    use stayput_results::stats::WarmUp;
    use stayput_results::sweep::{FailedRun, RunOutcome};

    #[test]
    fn the_gravest_end_of_any_run_is_the_sweeps() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), head()).unwrap();
        let exit = || exit_of(&collect(&folder, WarmUp::default()).unwrap());
        let failed = |at: usize, no_progress| {
            let key = folder.keys()[at].clone();
            folder
                .write(&RunOutcome::Failed(FailedRun { key, no_progress, why: "x".to_owned() }))
                .unwrap();
        };
        assert_eq!(exit(), Exit::Kept, "what is missing changes nothing");
        let mut run = record(folder.keys()[0].clone(), &[policy("on-storage", &[Some(3)])]);
        folder.write(&RunOutcome::Run(Box::new(run.clone()))).unwrap();
        assert_eq!(exit(), Exit::Kept);
        run.broken.push("a fault had no effect".to_owned());
        folder.write(&RunOutcome::Run(Box::new(run))).unwrap();
        assert_eq!(exit(), Exit::Broken);
        failed(1, false);
        assert_eq!(exit(), Exit::Usage);
        failed(2, true);
        assert_eq!(exit(), Exit::NoProgress);
    }
}
