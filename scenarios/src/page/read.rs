//! Reads a sweep's directory for the page: all runs that are there, what failed as a whole, and what is still missing.
//!
//! A record that cannot be read is an error and no gap: a page over a part of the runs would be believed for the whole.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::results::{FailedRun, Folder, FolderError, Kept, RunRecord, SweepHead};

/// What a directory of results holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What the sweep is.
    pub head: SweepHead,
    /// Its runs, by key.
    pub runs: Vec<RunRecord>,
    /// The runs that have no result, with the reasons.
    pub failed: Vec<FailedRun>,
    /// How many runs that were asked for are not there yet.
    pub missing: usize,
    /// What the wall clock decided when the sweep was last gone on with, if that is known.
    pub wall: Option<WallFigures>,
}

/// How fast the runs were made: of `wall.json`, which is no part of the results.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct WallFigures {
    /// Threads that ran them.
    pub threads: u64,
    /// How many were made.
    pub runs: u64,
    /// Per second of the wall clock.
    pub runs_per_second: f64,
    /// Events of the simulated worlds, per second of the wall clock.
    pub events_per_second: f64,
}

impl Results {
    /// Reads a directory. One without runs is no error: the sweep may have just begun.
    ///
    /// # Errors
    /// If it is no directory of results, or a file in it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, FolderError> {
        let folder = Folder::open(directory)?;
        // It decides no result, so a page can do without it.
        let wall = fs::read(directory.join("wall.json"));
        let wall = wall.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let head = folder.head().clone();
        let mut results = Self { head, runs: Vec::new(), failed: Vec::new(), missing: 0, wall };
        for key in folder.keys() {
            match folder.read(key)? {
                Some(Kept::Run(record)) => results.runs.push(*record),
                Some(Kept::Failed(failed)) => results.failed.push(failed),
                None => results.missing += 1,
            }
        }
        results.runs.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(results)
    }
}
