//! Reads a sweep's directory for the page: all runs that are there, what failed as a whole, and what is still missing.
//!
//! A record that cannot be read is an error and no gap: a page over a part of the runs would be believed for the whole.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::{FailedRun, Folder, FolderError, Kept, RunRecord, SweepHead};

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
    /// What the wall clock decided when the sweep was last gone on with.
    pub wall: Wall,
}

/// What is known of the wall clock. It decides no result, so a page can do without.
#[derive(Clone, Debug, PartialEq)]
pub enum Wall {
    /// The file is there.
    Known(WallFigures),
    /// There is none: the runs were merged from shards, or none has been made yet.
    None,
    /// It is there, and cannot be read; why, in words.
    Broken(String),
}

/// How fast the runs were made: of `wall.json`, which is no part of the results.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WallFigures {
    /// Threads that ran them.
    pub threads: u64,
    /// How many were made.
    pub runs: u64,
    /// Per second of the wall clock.
    pub runs_per_second: f64,
    /// Events of the simulated worlds, per second of the wall clock.
    pub events_per_second: f64,
    /// The commit of the program that made them, if it told it.
    pub commit: Option<String>,
}

/// What `wall.json` says.
fn wall(file: &Path) -> Wall {
    match fs::read(file) {
        Ok(text) => {
            serde_json::from_slice(&text).map_or_else(|e| Wall::Broken(e.to_string()), Wall::Known)
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Wall::None,
        Err(e) => Wall::Broken(e.to_string()),
    }
}

impl Results {
    /// Reads a directory. One without runs is no error: the sweep may have just begun.
    ///
    /// # Errors
    /// If it is no directory of results, or a file in it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, FolderError> {
        let folder = Folder::open(directory)?;
        let wall = wall(&directory.join("wall.json"));
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
