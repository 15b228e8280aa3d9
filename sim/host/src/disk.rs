//! The disk's two faces: files, and a table of ordered keys that is changed in atomic batches.
//!
//! Leaves out permissions, links and appending to a file that was closed: what the store writes, it writes
//! to a new file, syncs, and renames into place.

use std::rc::Rc;

use bytes::Bytes;

use super::LocalFuture;

/// Why a disk could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// There is no such file.
    #[error("no file {path} on the disk")]
    NotFound {
        /// The name asked for.
        path: String,
    },
    /// A new file was to have a name that is taken.
    #[error("the disk has a file {path} already")]
    Exists {
        /// The name asked for.
        path: String,
    },
    /// The disk is full.
    #[error("no space left on the disk")]
    NoSpace,
    /// The disk failed.
    #[error("the disk failed: {what}")]
    Failed {
        /// What it said.
        what: String,
    },
}

/// A key of the table and what it holds.
pub type Row = (Vec<u8>, Bytes);

/// Changes to a table that are made together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<(Vec<u8>, Option<Bytes>)>,
}

impl Batch {
    /// One that changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `key` hold `value`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        self.changes.push((key.into(), Some(value.into())));
    }

    /// Takes `key` out.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.changes.push((key.into(), None));
    }

    /// The changes in the order in which they were said; the last one of a key counts.
    #[must_use]
    pub fn changes(&self) -> &[(Vec<u8>, Option<Bytes>)] {
        &self.changes
    }

    /// How many bytes of keys and values it holds.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let size = |(key, value): &(Vec<u8>, Option<Bytes>)| {
            key.len() as u64 + value.as_ref().map_or(0, |value| value.len() as u64)
        };
        self.changes.iter().map(size).sum()
    }
}

/// A file that is open.
pub trait File {
    /// How long it is.
    fn len(&self) -> u64;

    /// Whether it holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at most `len` bytes at `offset`: fewer only at the end of the file.
    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>>;

    /// Adds `data` at the end. One call at a time.
    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Returns when what was appended before will survive a loss of power.
    /// The file's name survives only with [`Disk::sync_dir`].
    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>>;
}

/// A disk. Paths are relative, their parts joined by `/`; directories come into being with their files.
pub trait Disk {
    /// A new, empty file.
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>>;

    /// A file, for reading. It stays readable after it is removed or replaced.
    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>>;

    /// Gives the file at `from` the name `to`, replacing what had that name.
    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Takes the file's name away.
    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// The names directly in the directory (files and directories, without their path), sorted; none if there is no such directory.
    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>>;

    /// Returns when the names in the directory (made, changed and removed) will survive a loss of power.
    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// What `key` holds in the table.
    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>>;

    /// The rows from `from` (included) to `to` (not included) in order, at most `limit`.
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>>;

    /// Changes the table, all or nothing; returns when the change will survive a loss of power.
    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>>;
}
