//! The directory of a sweep: its head, and a record for each run that has ended.
//!
//! Each file is written under another name, synced, and renamed: whatever kills a sweep leaves whole records only. Leaves out
//! what is made of them (`collect`).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{RunKey, RunRecord, SweepHead};

/// The name and version of a sweep's schema.
pub const SCHEMA: &str = "stayput.sweep/2";

const HEAD: &str = "sweep.json";
const RUNS: &str = "runs";
const FAILED: &str = "failed";
/// How names of files end that are being written.
const PARTIAL: &str = ".partial";

/// A directory or a file in it that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why} ({fix})", path.display())]
pub struct FolderError {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// What to do.
    pub fix: String,
}

impl FolderError {
    pub(crate) fn new(path: &Path, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.to_owned(), why: why.into(), fix: fix.into() }
    }
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// It came to its end.
    Run(Box<RunRecord>),
    /// There is no result of it.
    Failed(FailedRun),
}

/// A run without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRun {
    /// Which.
    pub key: RunKey,
    /// Whether the world stopped before its jobs had ended; otherwise the run could not begin.
    pub no_progress: bool,
    /// Why, in words.
    pub why: String,
}

impl Kept {
    /// Which run it is of.
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
pub struct Folder {
    dir: PathBuf,
    head: SweepHead,
    keys: Vec<RunKey>,
}

impl Folder {
    /// Makes the directory for a sweep, or goes on with it where it lies.
    ///
    /// # Errors
    /// When another sweep is there, or something that is no sweep, or it cannot be written.
    pub fn begin(dir: &Path, head: SweepHead) -> Result<Self, FolderError> {
        let file = dir.join(HEAD);
        if let Some(there) = read::<SweepHead>(&file)? {
            if let Some(difference) = difference(&there, &head) {
                let why = format!("is of another sweep: {difference}");
                return Err(FolderError::new(
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
            return Err(FolderError::new(dir, format!("has no {HEAD}, and is not empty"), fix));
        }
        let folder = Self::of(dir, head)?;
        fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
        write_json(&file, &folder.head)?;
        folder.with_parts()
    }

    /// Makes what a sweep that was killed at its very beginning may lack.
    fn with_parts(self) -> Result<Self, FolderError> {
        for part in [RUNS, FAILED].map(|part| self.dir.join(part)) {
            fs::create_dir_all(&part).map_err(|e| unwritable(&part, &e))?;
        }
        Ok(self)
    }

    /// A sweep that was begun.
    ///
    /// # Errors
    /// When there is none, or its head cannot be read.
    pub fn open(dir: &Path) -> Result<Self, FolderError> {
        let fix = "name a directory that stayput sweep wrote";
        let head = read::<SweepHead>(&dir.join(HEAD))?;
        let head = head.ok_or_else(|| FolderError::new(dir, format!("has no {HEAD}"), fix))?;
        if head.schema != SCHEMA {
            let why = format!("its schema is `{}` and not {SCHEMA}", head.schema);
            return Err(FolderError::new(dir, why, fix));
        }
        Self::of(dir, head)
    }

    fn of(dir: &Path, head: SweepHead) -> Result<Self, FolderError> {
        let keys = head
            .keys()
            .map_err(|why| FolderError::new(&dir.join(HEAD), why, "ask for another set of runs"))?;
        Ok(Self { dir: dir.to_owned(), head, keys })
    }

    /// Where it lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the sweep is.
    #[must_use]
    pub fn head(&self) -> &SweepHead {
        &self.head
    }

    /// All runs that the sweep is made of, in their order, those that are not there yet as well.
    #[must_use]
    pub fn keys(&self) -> &[RunKey] {
        &self.keys
    }

    /// What is kept of a run; `None` if it has not ended.
    ///
    /// # Errors
    /// When its record is there and cannot be read, or is of another run.
    pub fn read(&self, key: &RunKey) -> Result<Option<Kept>, FolderError> {
        let file = self.file(RUNS, key);
        let kept = match read::<RunRecord>(&file)? {
            Some(record) => Kept::Run(Box::new(record)),
            None => match read::<FailedRun>(&self.file(FAILED, key))? {
                Some(failed) => Kept::Failed(failed),
                None => return Ok(None),
            },
        };
        if kept.key() != key {
            let why = format!("is of {} and not of {key}", kept.key());
            return Err(FolderError::new(&file, why, AGAIN));
        }
        Ok(Some(kept))
    }

    /// Keeps a run, whole or not at all, in the place of one that failed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, kept: &Kept) -> Result<(), FolderError> {
        let failed = self.file(FAILED, kept.key());
        match kept {
            Kept::Run(record) => {
                write_json(&self.file(RUNS, kept.key()), &**record)?;
                match fs::remove_file(&failed) {
                    Err(e) if e.kind() != ErrorKind::NotFound => Err(unwritable(&failed, &e)),
                    _ => Ok(()),
                }
            }
            Kept::Failed(record) => write_json(&failed, record),
        }
    }

    /// Writes what the wall clock decides, which is no part of the results, to `wall.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_wall<T: Serialize>(&self, figures: &T) -> Result<(), FolderError> {
        write_json(&self.dir.join("wall.json"), figures)
    }

    fn file(&self, part: &str, key: &RunKey) -> PathBuf {
        self.dir.join(part).join(format!("{}.json", key.digest()))
    }
}

/// Whether a directory is not there or holds nothing but what a sweep was killed over.
fn is_new(dir: &Path) -> bool {
    let left = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(PARTIAL))
    };
    fs::read_dir(dir).map_or(true, |mut entries| entries.all(left))
}

const AGAIN: &str = "remove it: its run is done again by the same command";

/// The first thing in which two sweeps differ, in words; `None` if they are the same but for the words that began them.
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

/// What a JSON file holds; `None` if there is none.
fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, FolderError> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(FolderError::new(file, format!("cannot be read: {e}"), AGAIN)),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed
        .map(Some)
        .map_err(|e| FolderError::new(file, format!("is not what a sweep writes: {e}"), AGAIN))
}

fn write_json<T: Serialize>(file: &Path, value: &T) -> Result<(), FolderError> {
    write_whole(file, |out| {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(
    file: &Path,
    write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> Result<(), FolderError> {
    let partial = partial(file);
    let written = File::create(&partial).and_then(|created| {
        let mut out = io::BufWriter::new(created);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)
    });
    written.and_then(|written| put(&written, &partial, file)).map_err(|e| unwritable(file, &e))
}

/// The name under which a file is written.
pub(super) fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    // Two processes may do the same run; each has a file of its own until it is whole.
    name.push(format!(".{}{PARTIAL}", std::process::id()));
    PathBuf::from(name)
}

/// Puts a file that is written in its place, so that it is there after a loss of power as well.
pub(super) fn put(written: &File, partial: &Path, file: &Path) -> io::Result<()> {
    written.sync_all()?;
    fs::rename(partial, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> FolderError {
    let fix = "name a directory that is writable and has room";
    FolderError::new(path, format!("cannot be written: {error}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{head, record};
    use crate::statistics::WarmUp;

    #[test]
    fn what_is_kept_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::begin(&dir.path().join("s"), head()).unwrap();
        let (first, second) = (folder.keys()[0].clone(), folder.keys()[1].clone());
        assert_eq!(folder.read(&first).unwrap(), None);
        let run = Kept::Run(Box::new(record(first.clone(), &[])));
        folder.write(&run).unwrap();
        let failed = FailedRun { key: second.clone(), no_progress: true, why: "stuck".to_owned() };
        folder.write(&Kept::Failed(failed.clone())).unwrap();
        let again = Folder::open(folder.dir()).unwrap();
        assert_eq!(again.head(), &head());
        assert_eq!(again.read(&first).unwrap(), Some(run));
        assert_eq!(again.read(&second).unwrap(), Some(Kept::Failed(failed)));
        let mended = Kept::Run(Box::new(record(second.clone(), &[])));
        again.write(&mended).unwrap();
        assert_eq!(again.read(&second).unwrap(), Some(mended));
        assert_eq!(fs::read_dir(folder.dir().join(FAILED)).unwrap().count(), 0);
    }

    #[test]
    fn a_sweep_that_was_killed_while_it_began_begins_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(partial(&dir.path().join(HEAD)), "{").unwrap();
        Folder::begin(dir.path(), head()).unwrap();
        fs::remove_dir(dir.path().join(RUNS)).unwrap();
        let folder = Folder::begin(dir.path(), head()).unwrap();
        folder.write(&Kept::Run(Box::new(record(folder.keys()[0].clone(), &[])))).unwrap();
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::begin(dir.path(), head()).unwrap();
        let file = folder.file(RUNS, &folder.keys()[0]);
        fs::write(partial(&file), "{\"key\": {").unwrap();
        assert_eq!(folder.read(&folder.keys()[0]).unwrap(), None);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::begin(dir.path(), head()).unwrap();
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
        Folder::begin(dir.path(), head()).unwrap();
        let refused = |change: &dyn Fn(&mut SweepHead)| {
            let mut head = head();
            change(&mut head);
            Folder::begin(dir.path(), head).unwrap_err().to_string()
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
        assert_eq!(Folder::begin(dir.path(), same).unwrap().head(), &head());
    }

    #[test]
    fn another_warm_up_is_gone_on_with_and_another_commit_is_no_other_sweep() {
        let dir = tempfile::tempdir().unwrap();
        Folder::begin(dir.path(), head()).unwrap();
        let mut other = head();
        other.commit = "another".to_owned();
        assert_eq!(Folder::begin(dir.path(), other.clone()).unwrap().head(), &head());
        other.warm_up = WarmUp::Micros(5);
        other.command.push_str(" --warm-up 5us");
        Folder::begin(dir.path(), other.clone()).unwrap();
        let there = Folder::open(dir.path()).unwrap();
        assert_eq!((there.head().warm_up, &there.head().command), (other.warm_up, &other.command));
        assert_eq!(there.head().commit, head().commit, "the commit that began it");
    }

    #[test]
    fn a_directory_with_something_else_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let error = Folder::begin(dir.path(), head()).unwrap_err().to_string();
        assert!(error.contains("not empty"), "{error}");
        assert!(Folder::open(dir.path()).unwrap_err().to_string().contains("has no sweep.json"));
    }
}
