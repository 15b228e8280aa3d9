//! The table: ordered keys in a redb database, one file.
//!
//! Why redb: it is pure Rust without a dependency of its own (but for `libc`, which is here anyway), has had a stable file format and
//! one release after another since 2023, syncs before a commit returns and needs no thread of its own. Beside it, fjall (a log-structured
//! tree) commits twice as many small batches a second and brings some forty crates, threads that compact, and several files that must be
//! opened and closed; sled's stable version is of 2021; what wraps LMDB or RocksDB is not pure Rust. Commits are grouped here, so
//! that one sync carries as many as came meanwhile, and the difference is not what a PUT waits for.
//!
//! After a crash redb reads the whole file once, to find which of its pages are in use: seconds for some gigabytes of rows.
//! Leaves out who waits for whom: see `rounds`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use redb::{Builder, Database, ReadableDatabase, TableDefinition};

use super::names::failed;
use crate::host::{Batch, DiskError, Row};

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// What errors call it.
const NAME: &str = "the table";

/// The rows of one disk.
pub(super) struct Table {
    path: PathBuf,
    cache_bytes: usize,
    /// What the disk said when the database could not be opened again: then it stays shut.
    open: RwLock<Result<Database, DiskError>>,
}

impl Table {
    /// The table at `path`, an empty one if there is none.
    pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<Self, DiskError> {
        let database = open(path, cache_bytes)?;
        Ok(Self { path: path.to_owned(), cache_bytes, open: RwLock::new(Ok(database)) })
    }

    fn read(&self) -> RwLockReadGuard<'_, Result<Database, DiskError>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        let open = self.read();
        let database = open.as_ref().map_err(Clone::clone)?;
        let get = || -> Result<_, redb::Error> {
            let rows = database.begin_read()?.open_table(ROWS)?;
            let found = rows.get(key)?;
            Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
        };
        get().map_err(said)
    }

    pub(super) fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let open = self.read();
        let database = open.as_ref().map_err(Clone::clone)?;
        let scan = || -> Result<_, redb::Error> {
            let rows = database.begin_read()?.open_table(ROWS)?;
            let mut found = Vec::new();
            for row in rows.range(from..to)?.take(limit) {
                let (key, value) = row?;
                found.push((key.value().to_vec(), Bytes::copy_from_slice(value.value())));
            }
            Ok(found)
        };
        scan().map_err(said)
    }

    /// Makes the changes of all batches, in their order, durably, or none of them.
    pub(super) fn commit(&self, batches: &[Batch]) -> Result<(), DiskError> {
        let open = self.read();
        let database = open.as_ref().map_err(Clone::clone)?;
        let done = write(database, batches).map_err(said);
        drop(open);
        if done == Err(DiskError::NoSpace) {
            self.open_again();
        }
        done
    }

    /// A database whose file could not be written refuses everything from then on, since it does not know what it holds. A full disk
    /// is no reason to lose it: what is on the disk is the last commit.
    fn open_again(&self) {
        let mut held = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // The old one is closed before the new one is opened: it has a lock on the file.
        *held = Err(DiskError::NoSpace);
        *held = open(&self.path, self.cache_bytes);
    }
}

fn open(path: &Path, cache_bytes: usize) -> Result<Database, DiskError> {
    let database = Builder::new().set_cache_size(cache_bytes).create(path);
    let database = database.map_err(|error| said(error.into()))?;
    write(&database, &[]).map_err(said)?;
    Ok(database)
}

fn write(database: &Database, batches: &[Batch]) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    let mut rows = writing.open_table(ROWS)?;
    for (key, value) in batches.iter().flat_map(Batch::changes) {
        match value {
            Some(value) => rows.insert(&key[..], &value[..])?,
            None => rows.remove(&key[..])?,
        };
    }
    drop(rows);
    writing.commit()?;
    Ok(())
}

fn said(error: redb::Error) -> DiskError {
    match error {
        redb::Error::Io(error) => match failed("use", NAME)(error) {
            // It is there, or it would not be open.
            DiskError::NotFound { .. } => {
                failed("use", NAME)(io::Error::new(ErrorKind::Other, "its file is gone"))
            }
            other => other,
        },
        other => DiskError::Failed { what: format!("{NAME}: {other}") },
    }
}
