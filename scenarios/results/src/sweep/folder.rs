//! The directory of a sweep: its head, and a record for each run that has ended.
//!
//! Each file is written under another name, synced, and renamed: a killed sweep leaves whole
//! records only. Leaves out the summary and the tables (`collect`).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stayput_engine::record::{RunKey, RunRecord};

use super::SweepHead;

/// The name and version of a sweep's schema.
pub const SCHEMA: &str = "stayput.sweep/3";

const HEAD: &str = "sweep.json";
const RUNS: &str = "runs";
const FAILED: &str = "failed";
/// Suffix of files that are being written.
const PARTIAL: &str = ".partial";

/// A directory or a file in it that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why} ({fix})", path.display())]
pub struct SweepFolderError {
    /// The directory or file.
    pub path: PathBuf,
    /// The flaw.
    pub why: String,
    /// The remedy.
    pub fix: String,
}

impl SweepFolderError {
    pub(crate) fn new(path: &Path, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), why: why.into(), fix: fix.into() }
    }
}

/// Outcome of one run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    /// The record of a run that ended.
    Run(Box<RunRecord>),
    /// A run without a result.
    Failed(FailedRun),
}

/// A run without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRun {
    /// The run.
    pub key: RunKey,
    /// True if the world stopped before its jobs had ended; else the run could not begin.
    pub no_progress: bool,
    /// The reason, in words.
    pub why: String,
}

impl RunOutcome {
    /// The run.
    #[must_use]
    pub fn key(&self) -> &RunKey {
        match self {
            Self::Run(record) => &record.key,
            Self::Failed(failed) => &failed.key,
        }
    }
}

/// The directory of a sweep.
#[derive(Clone, Debug)]
pub struct SweepFolder {
    dir: PathBuf,
    head: SweepHead,
    keys: Vec<RunKey>,
}

impl SweepFolder {
    /// Creates the directory of a sweep, or continues the sweep that is there.
    ///
    /// # Errors
    /// Another sweep is there, or something that is no sweep, or it cannot be written.
    pub fn begin(dir: &Path, head: SweepHead) -> Result<Self, SweepFolderError> {
        let file = dir.join(HEAD);
        if let Some(there) = read::<SweepHead>(&file)? {
            if let Some(difference) = difference(&there, &head) {
                let why = format!("is of another sweep: {difference}");
                return Err(SweepFolderError::new(
                    dir,
                    why,
                    "name another directory, or remove this one",
                ));
            }
            let mut folder = Self::of(dir, there)?.with_parts()?;
            if folder.head.warm_up != head.warm_up {
                // No record depends on it, but all figures do that are made from now on.
                folder.head.warm_up = head.warm_up;
                folder.head.command = head.command;
                write_json(&file, &folder.head)?;
            }
            return Ok(folder);
        }
        if !is_new(dir) {
            let fix = "name a new or an empty directory";
            return Err(SweepFolderError::new(
                dir,
                format!("has no {HEAD}, and is not empty"),
                fix,
            ));
        }
        let folder = Self::of(dir, head)?;
        fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
        write_json(&file, &folder.head)?;
        folder.with_parts()
    }

    /// Creates the parts that a sweep lacks if it was killed at its very beginning.
    fn with_parts(self) -> Result<Self, SweepFolderError> {
        for part in [RUNS, FAILED].map(|part| self.dir.join(part)) {
            fs::create_dir_all(&part).map_err(|e| unwritable(&part, &e))?;
        }
        Ok(self)
    }

    /// Opens the directory of a sweep.
    ///
    /// # Errors
    /// There is none, or its head cannot be read.
    pub fn open(dir: &Path) -> Result<Self, SweepFolderError> {
        let fix = "name a directory that stayput sweep wrote";
        let head = read::<SweepHead>(&dir.join(HEAD))?;
        let head = head.ok_or_else(|| SweepFolderError::new(dir, format!("has no {HEAD}"), fix))?;
        if head.schema != SCHEMA {
            let why = format!("its schema is `{}` and not {SCHEMA}", head.schema);
            return Err(SweepFolderError::new(dir, why, fix));
        }
        Self::of(dir, head)
    }

    fn of(dir: &Path, head: SweepHead) -> Result<Self, SweepFolderError> {
        let keys = head.keys().map_err(|why| {
            let fix = "ask for another set of runs";
            SweepFolderError::new(&dir.join(HEAD), why.to_string(), fix)
        })?;
        Ok(Self { dir: dir.to_owned(), head, keys })
    }

    /// The path of the directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The identity of the sweep.
    #[must_use]
    pub fn head(&self) -> &SweepHead {
        &self.head
    }

    /// All runs of the sweep, in their order, those that are not there yet included.
    #[must_use]
    pub fn keys(&self) -> &[RunKey] {
        &self.keys
    }

    /// Reads the outcome of a run; `None` if it has not ended.
    ///
    /// # Errors
    /// Its record is there and cannot be read, or is of another run.
    pub fn read(&self, key: &RunKey) -> Result<Option<RunOutcome>, SweepFolderError> {
        let file = self.file(RUNS, key);
        let kept = match read::<RunRecord>(&file)? {
            Some(record) => RunOutcome::Run(Box::new(record)),
            None => match read::<FailedRun>(&self.file(FAILED, key))? {
                Some(failed) => RunOutcome::Failed(failed),
                None => return Ok(None),
            },
        };
        if kept.key() != key {
            let why = format!("is of {} and not of {key}", kept.key());
            return Err(SweepFolderError::new(&file, why, AGAIN));
        }
        Ok(Some(kept))
    }

    /// Writes an outcome, whole or not at all, in the place of a failed one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, kept: &RunOutcome) -> Result<(), SweepFolderError> {
        let failed = self.file(FAILED, kept.key());
        match kept {
            RunOutcome::Run(record) => {
                write_json(&self.file(RUNS, kept.key()), &**record)?;
                match fs::remove_file(&failed) {
                    Err(e) if e.kind() != ErrorKind::NotFound => Err(unwritable(&failed, &e)),
                    _ => Ok(()),
                }
            }
            RunOutcome::Failed(record) => write_json(&failed, record),
        }
    }

    /// Writes figures of the wall clock, which are no part of the results, to `wall.json`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_wall<T: Serialize>(&self, figures: &T) -> Result<(), SweepFolderError> {
        write_json(&self.dir.join("wall.json"), figures)
    }

    fn file(&self, part: &str, key: &RunKey) -> PathBuf {
        self.dir.join(part).join(format!("{}.json", key.digest()))
    }
}

/// True of a directory that is not there, or holds partial files only.
fn is_new(dir: &Path) -> bool {
    let left = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(PARTIAL))
    };
    fs::read_dir(dir).map_or(true, |mut entries| entries.all(left))
}

const AGAIN: &str = "remove it: its run is done again by the same command";

/// The first thing in which two sweeps differ, in words; `None` if they are the same but for the
/// words that began them.
pub(super) fn difference(there: &SweepHead, asked: &SweepHead) -> Option<String> {
    let texts = |list: &[String]| {
        if list.is_empty() { "each scenario's own".to_owned() } else { list.join(", ") }
    };
    if there.schema != asked.schema {
        return Some(format!("its schema is {}, this one's {}", there.schema, asked.schema));
    }
    if there.version != asked.version {
        return Some(format!("version {} made it, and this is {}", there.version, asked.version));
    }
    let names = |head: &SweepHead| -> Vec<String> {
        head.scenarios.iter().map(|(name, _)| name.clone()).collect()
    };
    if names(there) != names(asked) {
        let (there, asked) = (names(there).join(", "), names(asked).join(", "));
        return Some(format!("its scenarios are {there}, and {asked} were asked for"));
    }
    let changed = there.scenarios.iter().zip(&asked.scenarios).find(|(one, other)| one != other);
    if let Some(((name, _), _)) = changed {
        return Some(format!(
            "the scenario {name}, a file that it names or --no-faults is not as it was"
        ));
    }
    if there.axes != asked.axes {
        return Some("other settings vary in it".to_owned());
    }
    if there.seeds != asked.seeds {
        return Some(format!("its seeds are {}, and {} were asked for", there.seeds, asked.seeds));
    }
    (there.policies != asked.policies).then(|| {
        let (there, asked) = (texts(&there.policies), texts(&asked.policies));
        format!("its policies are {there}, and {asked} were asked for")
    })
}

/// Reads a JSON file; `None` if there is none.
fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, SweepFolderError> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(SweepFolderError::new(file, format!("cannot be read: {e}"), AGAIN)),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed
        .map(Some)
        .map_err(|e| SweepFolderError::new(file, format!("is not what a sweep writes: {e}"), AGAIN))
}

fn write_json<T: Serialize>(file: &Path, value: &T) -> Result<(), SweepFolderError> {
    write_whole(file, |out| {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(
    file: &Path,
    write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> Result<(), SweepFolderError> {
    let partial = partial(file);
    let written = File::create(&partial).and_then(|created| {
        let mut out = io::BufWriter::new(created);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)
    });
    written.and_then(|written| put(&written, &partial, file)).map_err(|e| unwritable(file, &e))
}

/// Temporary name of a file that is being written.
pub(super) fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    // Two processes may do the same run; each has a file of its own until it is whole.
    name.push(format!(".{}{PARTIAL}", std::process::id()));
    PathBuf::from(name)
}

/// Renames a written file into its place, so that it survives a loss of power.
pub(super) fn put(written: &File, partial: &Path, file: &Path) -> io::Result<()> {
    written.sync_all()?;
    fs::rename(partial, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> SweepFolderError {
    let fix = "name a directory that is writable and has room";
    SweepFolderError::new(path, format!("cannot be written: {error}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{head, record};
    use crate::stats::WarmUp;

    #[test]
    fn what_is_kept_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(&dir.path().join("s"), head()).unwrap();
        let (first, second) = (folder.keys()[0].clone(), folder.keys()[1].clone());
        assert_eq!(folder.read(&first).unwrap(), None);
        let run = RunOutcome::Run(Box::new(record(first.clone(), &[])));
        folder.write(&run).unwrap();
        let failed = FailedRun { key: second.clone(), no_progress: true, why: "stuck".to_owned() };
        folder.write(&RunOutcome::Failed(failed.clone())).unwrap();
        let again = SweepFolder::open(folder.dir()).unwrap();
        assert_eq!(again.head(), &head());
        assert_eq!(again.read(&first).unwrap(), Some(run));
        assert_eq!(again.read(&second).unwrap(), Some(RunOutcome::Failed(failed)));
        let mended = RunOutcome::Run(Box::new(record(second.clone(), &[])));
        again.write(&mended).unwrap();
        assert_eq!(again.read(&second).unwrap(), Some(mended));
        assert_eq!(fs::read_dir(folder.dir().join(FAILED)).unwrap().count(), 0);
    }

    #[test]
    fn a_sweep_that_was_killed_while_it_began_begins_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(partial(&dir.path().join(HEAD)), "{").unwrap();
        SweepFolder::begin(dir.path(), head()).unwrap();
        fs::remove_dir(dir.path().join(RUNS)).unwrap();
        let folder = SweepFolder::begin(dir.path(), head()).unwrap();
        folder.write(&RunOutcome::Run(Box::new(record(folder.keys()[0].clone(), &[])))).unwrap();
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), head()).unwrap();
        let file = folder.file(RUNS, &folder.keys()[0]);
        fs::write(partial(&file), "{\"key\": {").unwrap();
        assert_eq!(folder.read(&folder.keys()[0]).unwrap(), None);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), head()).unwrap();
        let key = &folder.keys()[0];
        let file = folder.file(RUNS, key);
        fs::write(&file, "{}").unwrap();
        let error = folder.read(key).unwrap_err().to_string();
        assert!(error.contains(&key.digest()) && error.contains("remove it"), "{error}");
        let other = record(folder.keys()[1].clone(), &[]);
        fs::write(&file, serde_json::to_vec(&other).unwrap()).unwrap();
        let error = folder.read(key).unwrap_err().to_string();
        assert!(error.contains("and not of"), "{error}");
    }

    #[test]
    fn another_sweep_is_refused_with_the_difference() {
        let dir = tempfile::tempdir().unwrap();
        SweepFolder::begin(dir.path(), head()).unwrap();
        let refused = |change: &dyn Fn(&mut SweepHead)| {
            let mut head = head();
            change(&mut head);
            SweepFolder::begin(dir.path(), head).unwrap_err().to_string()
        };
        assert!(refused(&|head| head.seeds = "0..9".to_owned()).contains("seeds are 0..4"));
        assert!(refused(&|head| head.version.push('x')).contains("version"));
        assert!(
            refused(&|head| head.axes.push(("a".to_owned(), vec!["1".to_owned()])))
                .contains("settings")
        );
        assert!(refused(&|head| head.scenarios[0].1.push('x')).contains("banana"));
        assert!(refused(&|head| head.scenarios[0].0.push('x')).contains("bananax were asked"));
        assert!(refused(&|head| head.policies.clear()).contains("each scenario's own"));
        let mut same = head();
        same.command.push_str(" --other-words");
        assert_eq!(SweepFolder::begin(dir.path(), same).unwrap().head(), &head());
    }

    #[test]
    fn another_warm_up_is_gone_on_with_and_another_commit_is_no_other_sweep() {
        let dir = tempfile::tempdir().unwrap();
        SweepFolder::begin(dir.path(), head()).unwrap();
        let mut other = head();
        other.commit = "another".to_owned();
        assert_eq!(SweepFolder::begin(dir.path(), other.clone()).unwrap().head(), &head());
        other.warm_up = WarmUp::Micros(5);
        other.command.push_str(" --warm-up 5us");
        SweepFolder::begin(dir.path(), other.clone()).unwrap();
        let there = SweepFolder::open(dir.path()).unwrap();
        assert_eq!((there.head().warm_up, &there.head().command), (other.warm_up, &other.command));
        assert_eq!(there.head().commit, head().commit, "the commit that began it");
    }

    #[test]
    fn a_directory_with_something_else_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let error = SweepFolder::begin(dir.path(), head()).unwrap_err().to_string();
        assert!(error.contains("not empty"), "{error}");
        assert!(
            SweepFolder::open(dir.path()).unwrap_err().to_string().contains("has no sweep.json")
        );
    }
}
