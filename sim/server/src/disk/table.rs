//! The table: ordered keys in a redb database, one file.
//!
//! Why redb: it is pure Rust without a dependency of its own (but for `libc`, which is here
//! anyway), has had a stable file format and one release after another since 2023, syncs before a
//! commit returns and needs no thread of its own. Beside it, fjall (a log-structured tree) commits
//! twice as many small batches a second and brings forty crates, threads that compact, and several
//! files that must be opened and closed; sled's stable version is of 2021; what wraps LMDB or
//! RocksDB is not pure Rust. Commits are grouped here, so that one sync carries as many as came
//! meanwhile, and the difference is not what a PUT waits for.
//!
//! After a crash redb reads the whole file once, to find which of its pages are in use: seconds for
//! some gigabytes of rows. Leaves out who waits for whom: see `rounds`.

use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use redb::{Builder, Database, ReadableDatabase, TableDefinition};
use stayput_host::{Batch, DiskError, Row};

use super::names::failed;

const ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("rows");
/// Name in errors.
const NAME: &str = "the table";

/// Opens the database, as often as it must be.
type Opener = Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>;

/// The rows of one disk.
pub(super) struct Table {
    opener: Opener,
    /// Or why it is shut.
    open: RwLock<Result<Database, DiskError>>,
}

impl Table {
    /// The table at `path`, an empty one if there is none.
    pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<Self, DiskError> {
        let path = path.to_owned();
        let open = move || Ok(Builder::new().set_cache_size(cache_bytes).create(&path)?);
        Self::opened_by(Box::new(open))
    }

    /// The table that `opener` opens.
    fn opened_by(opener: Opener) -> Result<Self, DiskError> {
        let open = RwLock::new(Ok(open(&opener)?));
        Ok(Self { opener, open })
    }

    fn held(&self) -> RwLockReadGuard<'_, Result<Database, DiskError>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `act` with the database, which is opened again if it was shut.
    fn with<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, DiskError> {
        if self.held().is_err() {
            let mut held = self.open.write().unwrap_or_else(PoisonError::into_inner);
            if held.is_err() {
                *held = open(&self.opener);
            }
        }
        let held = self.held();
        let database = held.as_ref().map_err(Clone::clone)?;
        act(database).map_err(said)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        self.with(|database| {
            let rows = rows_of(database)?;
            let found = rows.get(key)?;
            Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    pub(super) fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.with(|database| {
            let rows = rows_of(database)?;
            let mut found = Vec::new();
            for row in rows.range(from..to)?.take(limit) {
                let (key, value) = row?;
                found.push((key.value().to_vec(), Bytes::copy_from_slice(value.value())));
            }
            Ok(found)
        })
    }

    /// Makes the changes of all batches, in their order, durably, or none of them.
    pub(super) fn commit(&self, batches: &[Batch]) -> Result<(), DiskError> {
        let done = self.with(|database| write(database, batches));
        if done == Err(DiskError::NoSpace) {
            // A database whose file could not be written refuses everything from then on, since it
            // does not know what it holds. A full disk is no reason to lose it: what is on the disk
            // is the last commit, and who asks next finds that.
            *self.open.write().unwrap_or_else(PoisonError::into_inner) = Err(DiskError::NoSpace);
        }
        done
    }
}

fn open(opener: &Opener) -> Result<Database, DiskError> {
    let database = opener().map_err(said)?;
    // Who reads needs the rows to be there, if only none.
    if let Err(redb::Error::TableDoesNotExist(_)) = rows_of(&database) {
        write(&database, &[]).map_err(said)?;
    }
    Ok(database)
}

fn rows_of(
    database: &Database,
) -> Result<redb::ReadOnlyTable<&'static [u8], &'static [u8]>, redb::Error> {
    Ok(database.begin_read()?.open_table(ROWS)?)
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
            DiskError::NotFound { .. } => failed("use", NAME)(io::Error::other("its file is gone")),
            other => other,
        },
        other => DiskError::Failed { what: format!("{NAME}: {other}") },
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::ErrorKind;
    use std::ops::Bound;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::backends::FileBackend;
    use redb::{BackendError, StorageBackend};

    use super::*;

    /// A file on a file system that may be full.
    #[derive(Debug)]
    struct Fills(FileBackend, Arc<AtomicBool>);

    impl Fills {
        fn check(&self) -> io::Result<()> {
            let full = self.1.load(Ordering::SeqCst);
            if full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Fills {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.check()?;
            self.0.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.check()?;
            self.0.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.0.close()
        }

        fn try_lock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<bool, BackendError> {
            self.0.try_lock_range(from, to)
        }

        fn unlock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<(), BackendError> {
            self.0.unlock_range(from, to)
        }
    }

    #[test]
    fn a_full_disk_refuses_a_batch_whole_and_the_table_works_again_when_there_is_room() {
        let root = tempfile::tempdir().unwrap();
        let (path, full) = (root.path().join("table"), Arc::new(AtomicBool::new(false)));
        let fills = Arc::clone(&full);
        let open = move || {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
            let backend = Fills(FileBackend::new(file)?, Arc::clone(&fills));
            Ok(Builder::new().create_with_backend(backend)?)
        };
        let table = Table::opened_by(Box::new(open)).unwrap();
        let batch = |value: &'static str| {
            let mut batch = Batch::new();
            batch.put("a", value);
            batch.put("b", vec![7; 100_000]);
            [batch]
        };
        table.commit(&batch("before")).unwrap();
        full.store(true, Ordering::SeqCst);
        assert_eq!(table.commit(&batch("during")), Err(DiskError::NoSpace));
        assert_eq!(table.commit(&batch("during")), Err(DiskError::NoSpace));
        full.store(false, Ordering::SeqCst);
        assert_eq!(table.get(b"a"), Ok(Some(Bytes::from_static(b"before"))));
        table.commit(&batch("after")).unwrap();
        assert_eq!(table.get(b"a"), Ok(Some(Bytes::from_static(b"after"))));
        assert_eq!(table.scan(b"a", b"z", 10).unwrap().len(), 2);
    }
}
