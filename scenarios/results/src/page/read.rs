//! The directory of a sweep as the page reads it: runs, failed runs, and the number of missing
//! ones.
//!
//! A record that cannot be read is an error and no gap: a page over a part of the runs would be
//! believed for the whole.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use stayput_engine::record::RunRecord;

use crate::sweep::{FailedRun, RunOutcome, SweepFolder, SweepFolderError, SweepHead};

/// The records of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepResults {
    /// The identity of the sweep.
    pub head: SweepHead,
    /// Its runs, by key.
    pub runs: Vec<RunRecord>,
    /// The runs that have no result, with the reasons.
    pub failed: Vec<FailedRun>,
    /// Number of runs that were asked for and are not there yet.
    pub missing: usize,
    /// Speed of the last command that did a run.
    pub wall: WallClock,
}

/// Figures of the wall clock. They decide no result, so a page can do without.
#[derive(Clone, Debug, PartialEq)]
pub enum WallClock {
    /// The file is there.
    Known(WallFigures),
    /// There is no file: the runs were merged from shards, or none has been made yet.
    None,
    /// The file cannot be read; the reason, in words.
    Broken(String),
}

/// Speed of the runs: `wall.json`, which is no part of the results.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WallFigures {
    /// Threads that ran them.
    pub threads: u64,
    /// Number of runs that were made.
    pub runs: u64,
    /// Runs per second of the wall clock.
    pub runs_per_second: f64,
    /// Events of the simulated worlds, per second of the wall clock.
    pub events_per_second: f64,
    /// The commit of the program that made them, if it is known.
    pub commit: Option<String>,
}

/// Reads `wall.json`.
fn wall(file: &Path) -> WallClock {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text)
            .map_or_else(|e| WallClock::Broken(e.to_string()), WallClock::Known),
        Err(e) if e.kind() == ErrorKind::NotFound => WallClock::None,
        Err(e) => WallClock::Broken(e.to_string()),
    }
}

impl SweepResults {
    /// Reads a directory. One without runs is no error: the sweep may have just begun.
    ///
    /// # Errors
    /// If it is no directory of results, or a file in it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, SweepFolderError> {
        let folder = SweepFolder::open(directory)?;
        let wall = wall(&directory.join("wall.json"));
        let head = folder.head().clone();
        let mut results = Self { head, runs: Vec::new(), failed: Vec::new(), missing: 0, wall };
        for key in folder.keys() {
            match folder.read(key)? {
                Some(RunOutcome::Run(record)) => results.runs.push(*record),
                Some(RunOutcome::Failed(failed)) => results.failed.push(failed),
                None => results.missing += 1,
            }
        }
        results.runs.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(results)
    }
}
