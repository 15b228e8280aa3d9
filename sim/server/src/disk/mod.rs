//! A real disk: a directory of this machine, which keeps what it acknowledged through a crash and a
//! loss of power.
//!
//! ```text
//! Disk ─┬─ files: cached (at once, if in memory), else pool → file, directories
//!       └─ rows:  pool → rounds (one sync for all who commit meanwhile) → table (redb)
//! ```
//! Nothing here blocks its caller's thread. Concurrent commits share a sync, and so do concurrent
//! syncs of one directory; syncs of different files run beside each other, and the file system
//! joins them in its own journal: `benches/disk.rs` compares that with one sync of the whole file
//! system for all, which was slower, and reading on the caller's thread with reading on the pool's.
//!
//! Leaves out checksums, which the store keeps with what it writes, and keeping jobs and other
//! tenants from filling the disk.

mod cached;
mod directories;
mod file;
mod group_commit;
mod names;
mod pool;
mod room;
mod start;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::join_all;

use self::directories::Directories;
use self::file::{OpenFile, RealFile};
use self::group_commit::Rounds;
use self::names::failed;
pub use self::pool::DiskPool;
use self::pool::lock;
use self::room::Room;
pub use self::start::OpenError;
use stayput_host::{Batch, Disk, DiskError, File, LocalFuture, Row};

use self::table::Table;

/// Options of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Bytes of the file system that are left free: with less, writing says that the disk is full,
    /// while deleting works. What Swift calls `fallocate_reserve`.
    pub reserve_bytes: u64,
    /// Bytes of memory for pages of the table.
    pub table_cache_bytes: usize,
    /// True if files and names that the system has in memory are read on the caller's thread. It
    /// saves two changes of threads; a file system that does not know what it has in memory says no
    /// by itself.
    pub reads_at_once: bool,
}

impl Default for DiskOptions {
    /// 64 MiB of room, 8 MiB of memory, and reading at once.
    fn default() -> Self {
        Self { reserve_bytes: 64 << 20, table_cache_bytes: 8 << 20, reads_at_once: true }
    }
}

/// A disk in a real directory.
pub struct RealDisk {
    shared: Arc<Shared>,
    calls: Arc<Calls>,
    pool: DiskPool,
    commits: Rounds<&'static str, Batch>,
    syncs: Rounds<PathBuf, ()>,
    reads_at_once: bool,
}

/// State of a disk, shared with calls on the pool's threads.
struct Shared {
    files: PathBuf,
    directories: Directories,
    room: Arc<Room>,
    table: Table,
    // Closed last: until then nobody else may use the directory.
    held: start::Held,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.directories.all_synced() {
            self.held.leave();
        }
    }
}

impl RealDisk {
    /// The disk at `root`, a new one if there is nothing. Blocks while it recovers.
    ///
    /// # Errors
    /// [`OpenError`] says whose the directory is, or what the system refused.
    pub fn open(root: &Path, pool: &DiskPool) -> Result<Rc<dyn Disk>, OpenError> {
        Self::open_with(root, pool, DiskOptions::default())
    }

    /// As [`RealDisk::open`], with other options.
    ///
    /// # Errors
    /// As [`RealDisk::open`].
    pub fn open_with(
        root: &Path,
        pool: &DiskPool,
        options: DiskOptions,
    ) -> Result<Rc<dyn Disk>, OpenError> {
        let held = start::hold(root)?;
        let path = root.join(start::TABLE);
        let table = Table::open(&path, options.table_cache_bytes);
        let table = table.map_err(|source| OpenError::Table { path, source })?;
        let files = root.join(start::FILES);
        let directories = Directories::new(&files);
        let room = Arc::new(Room::new(root, options.reserve_bytes));
        let shared = Arc::new(Shared { files, directories, room, table, held });
        let (calls, pool) = (Arc::default(), pool.clone());
        let (commits, syncs) = (Rounds::default(), Rounds::default());
        let reads_at_once = options.reads_at_once;
        Ok(Rc::new(Self { shared, calls, pool, commits, syncs, reads_at_once }))
    }

    fn handles(&self) -> (Arc<Shared>, Arc<Calls>, DiskPool) {
        (Arc::clone(&self.shared), Arc::clone(&self.calls), self.pool.clone())
    }

    /// Does `work` on a thread of the pool.
    fn pooled<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, DiskError> + Send + 'static,
    ) -> LocalFuture<'static, Result<T, DiskError>> {
        let (shared, calls, pool) = self.handles();
        Box::pin(async move {
            let seat = pool.seat().await?;
            let call = Call::begin(shared, &calls);
            pool.run(seat, move || work(call.shared())).await
        })
    }

    /// The file that `opening` opens on a thread of the pool.
    fn file(
        &self,
        opening: impl FnOnce(&Shared) -> Result<OpenFile, DiskError> + Send + 'static,
    ) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let (opened, opening) = (self.opened(), self.pooled(opening));
        Box::pin(async move { Ok(opened(opening.await?)) })
    }

    /// Adapter of an open file to the seam.
    fn opened(&self) -> impl Fn(OpenFile) -> Rc<dyn File> + 'static {
        let (pool, room) = (self.pool.clone(), Arc::clone(&self.shared.room));
        let reads_at_once = self.reads_at_once;
        move |open| {
            let (pool, room) = (pool.clone(), Arc::clone(&room));
            Rc::new(RealFile { open: Arc::new(open), pool, room, reads_at_once })
        }
    }
}

impl Drop for RealDisk {
    /// Waits for the calls that are under way, so that who opens the directory next finds nobody in
    /// it.
    fn drop(&mut self) {
        self.calls.wait();
    }
}

/// Calls of a disk that its pool has not ended.
#[derive(Default)]
struct Calls {
    open: Mutex<usize>,
    ended: Condvar,
}

impl Calls {
    fn wait(&self) {
        let mut open = lock(&self.open);
        while *open > 0 {
            open = self.ended.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A call for the pool. Only what has its place there may hold one: that comes to its end whatever
/// its asker does.
struct Call {
    // Given back before the end is told.
    shared: Arc<Shared>,
    _end: CallEnd,
}

struct CallEnd(Arc<Calls>);

impl Call {
    fn begin(shared: Arc<Shared>, calls: &Arc<Calls>) -> Self {
        *lock(&calls.open) += 1;
        Self { shared, _end: CallEnd(Arc::clone(calls)) }
    }

    /// Asked of the whole, so that a closure takes the whole with it.
    fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for CallEnd {
    fn drop(&mut self) {
        *lock(&self.0.open) -= 1;
        self.0.ended.notify_all();
    }
}

/// Known contents.
fn at_once<T: 'static>(known: Result<T, DiskError>) -> LocalFuture<'static, Result<T, DiskError>> {
    Box::pin(std::future::ready(known))
}

/// True if a batch may need more room than it frees.
fn grows(batch: &Batch) -> bool {
    batch.changes().iter().any(|(_, value)| value.is_some())
}

impl Shared {
    fn create(&self, name: &str) -> Result<OpenFile, DiskError> {
        let path = names::file(&self.files, name)?;
        // A name needs room too.
        self.room.check(0)?;
        let create = || fs::File::options().read(true).write(true).create_new(true).open(&path);
        let created = create().or_else(|error| match path.parent() {
            Some(above) if error.kind() == ErrorKind::NotFound => {
                self.directories.make(above)?;
                create()
            }
            _ => Err(error),
        });
        OpenFile::new(created.map_err(failed("create", name))?, name)
    }

    fn open(&self, name: &str) -> Result<OpenFile, DiskError> {
        let path = names::file(&self.files, name)?;
        let opened = fs::File::open(path).map_err(|error| match error.kind() {
            // A part of its path is a file.
            ErrorKind::NotADirectory => DiskError::NotFound { path: name.to_owned() },
            _ => failed("open", name)(error),
        });
        OpenFile::new(opened?, name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let (old, new) = (names::file(&self.files, from)?, names::file(&self.files, to)?);
        let renamed = fs::rename(&old, &new).or_else(|error| match new.parent() {
            Some(above) if error.kind() == ErrorKind::NotFound => {
                // Which of the two it is that is not there.
                fs::symlink_metadata(&old)?;
                self.directories.make(above)?;
                fs::rename(&old, &new)
            }
            _ => Err(error),
        });
        renamed.map_err(failed("rename", from))
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        fs::remove_file(names::file(&self.files, name)?).map_err(failed("remove", name))
    }

    fn commit(&self, batches: &[Batch]) -> Result<(), DiskError> {
        let bytes: u64 = batches.iter().filter(|batch| grows(batch)).map(Batch::size_bytes).sum();
        if bytes > 0 {
            self.room.check(bytes)?;
        }
        self.table.commit(batches)
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let name = path.to_owned();
        self.file(move |shared| shared.create(&name))
    }

    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let real = match names::file(&self.shared.files, path) {
            Ok(real) => real,
            Err(error) => return at_once(Err(error)),
        };
        if self.reads_at_once
            && let Some(file) = cached::open(&real)
        {
            return at_once(OpenFile::new(file, path).map(self.opened()));
        }
        let name = path.to_owned();
        self.file(move |shared| shared.open(&name))
    }

    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.pooled(move |shared| shared.rename(&from, &to))
    }

    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let name = path.to_owned();
        self.pooled(move |shared| shared.remove(&name))
    }

    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>> {
        let path = match names::directory(&self.shared.files, dir) {
            Ok(path) => path,
            Err(error) => return at_once(Err(error)),
        };
        if self.reads_at_once
            && let Some(names) = cached::list(&path)
        {
            return at_once(Ok(names));
        }
        let name = dir.to_owned();
        self.pooled(move |_| directories::list(&path).map_err(failed("list", &name)))
    }

    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let path = match names::directory(&self.shared.files, dir) {
            Ok(path) => path,
            Err(error) => return at_once(Err(error)),
        };
        let ((shared, calls, pool), syncs) = (self.handles(), self.syncs.clone());
        let name = dir.to_owned();
        Box::pin(async move {
            // Side by side, and shared with all who wait for the same directory.
            let due = shared.directories.due(&path);
            let each = due.into_iter().map(async |directory| {
                let (name, seat) = (name.clone(), pool.seat().await?);
                let call = Call::begin(Arc::clone(&shared), &calls);
                let sync = move |directory: &PathBuf, _askers| {
                    call.shared().directories.sync(directory).map_err(failed("sync", &name))
                };
                syncs.join((&pool, seat), directory, (), sync).await
            });
            join_all(each).await.into_iter().collect()
        })
    }

    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>> {
        let key = key.to_vec();
        self.pooled(move |shared| shared.table.get(&key))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>> {
        let (from, to) = (from.to_vec(), to.to_vec());
        self.pooled(move |shared| shared.table.scan(&from, &to, limit))
    }

    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>> {
        let ((shared, calls, pool), commits) = (self.handles(), self.commits.clone());
        Box::pin(async move {
            let seat = pool.seat().await?;
            let call = Call::begin(shared, &calls);
            let commit = move |_: &&str, batches: Vec<Batch>| call.shared().commit(&batches);
            // What only takes rows out works on a full disk, so it must not share the fate of what
            // does not.
            let key = if grows(&batch) { "more" } else { "less" };
            commits.join((&pool, seat), key, batch, commit).await
        })
    }
}
