//! Reads a sweep's directory: `sweep.json` and a record for each run under `runs`.
//!
//! A record that cannot be read is an error and no gap: a page over a part of the runs would be believed for the whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::results::{RunRecord, SweepHead};

/// What a directory of results holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What the sweep is.
    pub head: SweepHead,
    /// Its runs, by key.
    pub runs: Vec<RunRecord>,
}

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is none of a sweep's.
    #[error("{}: is no directory of results: it has no sweep.json (name the directory that `stayput sweep --out DIR` wrote)", .0.display())]
    NoResults(PathBuf),
    /// A file is missing or cannot be read.
    #[error("{}: cannot read it: {source} (run the sweep again: it adds what is missing)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what a sweep writes.
    #[error("{}: is no record of a sweep: {source} (remove it and run the sweep again: it adds what is missing)", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Results {
    /// Reads a directory. One without runs is no error: the sweep may have just begun.
    ///
    /// # Errors
    /// If it is no directory of results, or a file in it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, ReadError> {
        let head = directory.join("sweep.json");
        if !head.is_file() {
            return Err(ReadError::NoResults(directory.to_owned()));
        }
        let head: SweepHead = read_json(&head)?;
        let mut runs: Vec<RunRecord> = Vec::new();
        for path in run_files(&directory.join("runs"))? {
            runs.push(read_json(&path)?);
        }
        runs.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { head, runs })
    }
}

fn run_files(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let failed = |source| ReadError::File { path: folder.to_owned(), source };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(files)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let text =
        fs::read(path).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
    serde_json::from_slice(&text)
        .map_err(|source| ReadError::Flawed { path: path.to_owned(), source })
}
