//! Interface of a disk: files, and a table of ordered keys that is changed in atomic batches.
//!
//! Leaves out permissions, links and appending to a file that was closed: the store writes to a new
//! file, syncs it, and renames it into place.

use std::rc::Rc;

use bytes::Bytes;

use super::LocalFuture;

/// Error of a disk access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// No file has that name.
    #[error("no file {path} on the disk")]
    NotFound {
        /// Name of the file.
        path: String,
    },
    /// The name of a new file is taken.
    #[error("the disk has a file {path} already")]
    Exists {
        /// Name of the file.
        path: String,
    },
    /// The disk is full.
    #[error("no space left on the disk")]
    NoSpace,
    /// The disk failed.
    #[error("the disk failed: {what}")]
    Failed {
        /// Message of the disk.
        what: String,
    },
}

/// Key and value of a table row.
pub type Row = (Vec<u8>, Bytes);

/// Changes to a table that are committed together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<(Vec<u8>, Option<Bytes>)>,
}

impl Batch {
    /// Batch without changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        self.changes.push((key.into(), Some(value.into())));
    }

    /// Deletes `key`.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.changes.push((key.into(), None));
    }

    /// The changes in the order of the calls; the last one of a key counts.
    #[must_use]
    pub fn changes(&self) -> &[(Vec<u8>, Option<Bytes>)] {
        &self.changes
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let size = |(key, value): &(Vec<u8>, Option<Bytes>)| {
            key.len() as u64 + value.as_ref().map_or(0, |value| value.len() as u64)
        };
        self.changes.iter().map(size).sum()
    }
}

/// Open file.
pub trait File {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// True if it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at most `len` bytes at `offset`: fewer only at the end of the file.
    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>>;

    /// Appends `data`. One call at a time.
    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Makes the bytes appended before durable: they survive a loss of power. The file's name
    /// survives only with [`Disk::sync_dir`].
    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>>;
}

/// Disk of a host. Paths are relative, their parts joined by `/`; directories are made with their
/// files.
pub trait Disk {
    /// Creates an empty file.
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>>;

    /// Opens a file for reading. It stays readable after it is removed or replaced.
    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>>;

    /// Renames the file at `from` to `to`, replacing a file of that name.
    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Removes the file's name.
    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Names directly in the directory (files and directories, without their path), sorted; none if
    /// there is no such directory.
    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>>;

    /// Makes the names in the directory (made, changed and removed) durable: they survive a loss of
    /// power.
    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>>;

    /// Value of `key` in the table.
    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>>;

    /// Rows from `from` (included) to `to` (excluded) in order, at most `limit`.
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>>;

    /// Commits a batch, all or nothing, and makes it durable.
    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>>;
}
