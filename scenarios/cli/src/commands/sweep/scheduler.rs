//! Execution of a sweep's runs, several at a time, each in one thread from its plan to its record.
//!
//! Threads decide which run is done when and nothing else: a run is a function of its key, and
//! records are read in the order of the sweep. Leaves out the run itself (`cell`).

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use stayput_engine::record::RunKey;
use stayput_results::sweep::{RunOutcome, SweepFolder, SweepFolderError};

/// Executes `cells` in `threads` threads and writes each to `folder`. `watch` is called with each
/// that is written; when it breaks, no more are begun, and those under way are written.
///
/// # Errors
/// A record cannot be written; no more runs are begun then.
pub(super) fn drive(
    folder: &SweepFolder,
    cells: &[RunKey],
    threads: usize,
    run: &(dyn Fn(&RunKey) -> RunOutcome + Sync),
    watch: &mut dyn FnMut(&RunOutcome) -> ControlFlow<()>,
) -> Result<(), SweepFolderError> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let work = |sender: mpsc::Sender<Result<RunOutcome, SweepFolderError>>| {
        while !stop.load(Ordering::Relaxed) {
            let Some(key) = cells.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let kept = run(key);
            let written = folder.write(&kept).map(|()| kept);
            if sender.send(written).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(cells.len()) {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        drop(sender);
        let mut failed = None;
        for written in receiver {
            match written {
                Ok(kept) if watch(&kept).is_continue() => continue,
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
            stop.store(true, Ordering::Relaxed);
        }
        failed.map_or(Ok(()), Err)
    })
}

/// The runs of `cells` that are still to be done. A run that got stuck does so again; one that
/// could not begin may begin now.
///
/// # Errors
/// A record is there and cannot be read.
pub(super) fn left(
    folder: &SweepFolder,
    cells: &[RunKey],
) -> Result<Vec<RunKey>, SweepFolderError> {
    let mut left = Vec::new();
    for key in cells {
        match folder.read(key)? {
            Some(RunOutcome::Run(_)) => {}
            Some(RunOutcome::Failed(failed)) if failed.no_progress => {}
            Some(RunOutcome::Failed(_)) | None => left.push(key.clone()),
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use stayput_results::fixtures::{head, policy, record};
    use stayput_results::stats::WarmUp;
    use stayput_results::sweep::{FailedRun, SweepHead, collect};

    const FILES: [&str; 5] =
        ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv", "latencies.hlog"];

    fn twenty() -> SweepHead {
        SweepHead { seeds: "0..20".to_owned(), ..head() }
    }

    fn result(key: &RunKey) -> RunOutcome {
        let latency = Some(key.seed * 7 + 100);
        RunOutcome::Run(Box::new(record(
            key.clone(),
            &[policy("on-storage", &[latency]), policy("download", &[Some(150)])],
        )))
    }

    fn files(folder: &SweepFolder) -> [Vec<u8>; 5] {
        collect(folder, WarmUp::default()).unwrap();
        FILES.map(|file| std::fs::read(folder.dir().join(file)).unwrap())
    }

    #[test]
    fn a_sweep_that_was_stopped_anywhere_goes_on_to_the_same_files() {
        let dir = tempfile::tempdir().unwrap();
        let whole = SweepFolder::begin(&dir.path().join("whole"), twenty()).unwrap();
        drive(&whole, whole.keys(), 1, &result, &mut |_| ControlFlow::Continue(())).unwrap();
        let wanted = files(&whole);
        for stop_after in [1, 7, 19] {
            let folder =
                SweepFolder::begin(&dir.path().join(stop_after.to_string()), twenty()).unwrap();
            let mut completed = 0;
            let mut watch = |_: &RunOutcome| {
                completed += 1;
                if completed < stop_after {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            drive(&folder, folder.keys(), 3, &result, &mut watch).unwrap();
            let left = left(&folder, folder.keys()).unwrap();
            // What was under way when it was stopped is kept as well.
            assert!(left.len() <= 20 - stop_after, "{} are left after {stop_after}", left.len());
            let again = Mutex::new(Vec::new());
            let run = |key: &RunKey| {
                again.lock().unwrap().push(key.clone());
                result(key)
            };
            drive(&folder, &left, 3, &run, &mut |_| ControlFlow::Continue(())).unwrap();
            let mut again = again.into_inner().unwrap();
            again.sort();
            assert_eq!(again, left, "what is there is not run again");
            assert_eq!(files(&folder), wanted);
        }
    }

    #[test]
    fn a_failed_run_stops_no_other_and_is_tried_again_if_it_could_not_begin() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), twenty()).unwrap();
        let run = |key: &RunKey| match key.seed {
            3 | 5 => RunOutcome::Failed(FailedRun {
                key: key.clone(),
                no_progress: key.seed == 3,
                why: "x".to_owned(),
            }),
            _ => result(key),
        };
        drive(&folder, folder.keys(), 2, &run, &mut |_| ControlFlow::Continue(())).unwrap();
        let left = left(&folder, folder.keys()).unwrap();
        assert_eq!(left, [folder.keys()[5].clone()]);
        assert_eq!(collect(&folder, WarmUp::default()).unwrap().runs.failed, 2);
    }

    #[test]
    fn a_record_that_cannot_be_written_ends_the_sweep() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), twenty()).unwrap();
        std::fs::remove_dir(dir.path().join("runs")).unwrap();
        let done = drive(&folder, folder.keys(), 2, &result, &mut |_| ControlFlow::Continue(()));
        assert!(done.unwrap_err().to_string().contains("cannot be written"));
    }
}
