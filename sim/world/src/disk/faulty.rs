//! Decorator that gives any disk of the seam faults, real disks included.
//!
//! A slow disk waits after each access for as long as the access would have taken longer; time is
//! read from a clock. A batch counts as a write that needs room if it puts anything. Leaves out
//! torn writes: only the disk model can lose power.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::time::nanos;
use stayput_host::{Batch, Disk, DiskError, File, LocalFuture, Row};

use super::faults::{DiskFaults, DiskIdentity};
use crate::clock::Clock;

/// Disk with faults.
#[derive(Clone)]
pub struct FaultyDisk {
    inner: Rc<dyn Disk>,
    faults: DiskFaults,
    clock: Rc<dyn Clock>,
}

impl FaultyDisk {
    /// `inner` without faults at first.
    #[must_use]
    pub fn new(inner: Rc<dyn Disk>, identity: DiskIdentity, clock: Rc<dyn Clock>) -> Self {
        Self { inner, faults: DiskFaults::new(identity), clock }
    }

    /// Faults of the disk.
    #[must_use]
    pub fn faults(&self) -> &DiskFaults {
        &self.faults
    }

    /// Does `access` as long as the disk does not stop, and as slowly as its faults have it.
    fn access<T: 'static>(
        &self,
        is_change: bool,
        access: impl AsyncFnOnce() -> Result<T, DiskError> + 'static,
    ) -> LocalFuture<'static, Result<T, DiskError>> {
        let disk = self.clone();
        Box::pin(async move {
            let slowly = async || {
                let begun = disk.clock.now();
                let done = access().await;
                let took = nanos(disk.clock.now().since(begun));
                let longer = disk.faults.access_ns(took).saturating_sub(took);
                if longer > 0 {
                    let end = disk.clock.now() + Duration::from_nanos(longer);
                    disk.clock.sleep_until(end).await;
                }
                done
            };
            disk.faults.unless_stopped(is_change, slowly).await
        })
    }

    fn file(&self, inner: Rc<dyn File>) -> Rc<dyn File> {
        Rc::new(FaultyFile { inner, disk: self.clone() })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let (disk, path) = (self.clone(), path.to_owned());
        self.access(true, async move || {
            disk.faults.grow()?;
            Ok(disk.file(disk.inner.create(&path).await?))
        })
    }

    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let (disk, path) = (self.clone(), path.to_owned());
        self.access(false, async move || Ok(disk.file(disk.inner.open(&path).await?)))
    }

    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let (inner, from, to) = (Rc::clone(&self.inner), from.to_owned(), to.to_owned());
        self.access(true, async move || inner.rename(&from, &to).await)
    }

    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let (inner, path) = (Rc::clone(&self.inner), path.to_owned());
        self.access(true, async move || inner.remove(&path).await)
    }

    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>> {
        let (inner, dir) = (Rc::clone(&self.inner), dir.to_owned());
        self.access(false, async move || inner.list(&dir).await)
    }

    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let (inner, dir) = (Rc::clone(&self.inner), dir.to_owned());
        self.access(true, async move || inner.sync_dir(&dir).await)
    }

    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>> {
        let (inner, key) = (Rc::clone(&self.inner), key.to_owned());
        self.access(false, async move || inner.get(&key).await)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>> {
        let (inner, from, to) = (Rc::clone(&self.inner), from.to_owned(), to.to_owned());
        self.access(false, async move || inner.scan(&from, &to, limit).await)
    }

    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>> {
        let disk = self.clone();
        self.access(true, async move || {
            if batch.changes().iter().any(|(_, value)| value.is_some()) {
                disk.faults.grow()?;
            }
            disk.inner.commit(batch).await
        })
    }
}

struct FaultyFile {
    inner: Rc<dyn File>,
    disk: FaultyDisk,
}

impl File for FaultyFile {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>> {
        let (inner, permitted) = (Rc::clone(&self.inner), self.disk.faults.read());
        self.disk.access(false, async move || {
            let data = inner.read_at(offset, len).await?;
            permitted.map(|()| data)
        })
    }

    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>> {
        let (inner, faults) = (Rc::clone(&self.inner), self.disk.faults.clone());
        self.disk.access(true, async move || {
            if !data.is_empty() {
                faults.grow()?;
            }
            inner.append(data).await
        })
    }

    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>> {
        let inner = Rc::clone(&self.inner);
        self.disk.access(true, async move || inner.sync().await)
    }
}
