//! An open file of a real disk.
//!
//! Leaves out appending to a file that was closed: see [`stayput_host::Disk`].

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use stayput_host::{DiskError, File, LocalFuture};

use super::at_once;
use super::names::failed;
use super::pool::DiskPool;
use super::room::Room;

/// State of an open file, shared with calls on the pool's threads.
pub(super) struct OpenFile {
    file: fs::File,
    /// As the store names it when it is opened.
    name: String,
    /// Bytes that were appended, which a call that failed halfway does not count.
    len: AtomicU64,
}

impl OpenFile {
    pub(super) fn new(file: fs::File, name: &str) -> Result<Self, DiskError> {
        let metadata = file.metadata().map_err(failed("look at", name))?;
        if !metadata.is_file() {
            return Err(DiskError::Failed { what: format!("open {name}: it is no file") });
        }
        Ok(Self { file, name: name.to_owned(), len: AtomicU64::new(metadata.len()) })
    }

    fn append(&self, data: &[u8]) -> Result<(), DiskError> {
        let len = self.len.load(Ordering::Acquire);
        let written = self.file.write_all_at(data, len);
        if let Err(error) = written {
            // What a full disk took of it is given back. If that fails too, the next append writes
            // over it.
            let _cut = self.file.set_len(len);
            return Err(failed("append to", &self.name)(error));
        }
        self.len.store(len + data.len() as u64, Ordering::Release);
        Ok(())
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, DiskError> {
        let mut data = vec![0; len];
        let mut read = 0;
        while read < len {
            match self.file.read_at(&mut data[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", &self.name)(error)),
            }
        }
        data.truncate(read);
        Ok(data.into())
    }
}

/// The seam's file: what may block goes to the pool.
pub(super) struct RealFile {
    pub(super) open: Arc<OpenFile>,
    pub(super) pool: DiskPool,
    pub(super) room: Arc<Room>,
    pub(super) reads_at_once: bool,
}

impl File for RealFile {
    fn len(&self) -> u64 {
        self.open.len.load(Ordering::Acquire)
    }

    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>> {
        let len = len.min(self.len().saturating_sub(offset));
        let Ok(len) = usize::try_from(len) else {
            let what = format!("read {}: {len} bytes are more than memory holds", self.open.name);
            return at_once(Err(DiskError::Failed { what }));
        };
        if len == 0 {
            return at_once(Ok(Bytes::new()));
        }
        if self.reads_at_once
            && let Some(data) = super::cached::read(&self.open.file, offset, len)
        {
            return at_once(Ok(data));
        }
        let (open, pool) = (Arc::clone(&self.open), self.pool.clone());
        Box::pin(async move { pool.run(pool.seat().await?, move || open.read(offset, len)).await })
    }

    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>> {
        let (open, pool) = (Arc::clone(&self.open), self.pool.clone());
        let room = Arc::clone(&self.room);
        Box::pin(async move {
            pool.run(pool.seat().await?, move || {
                room.check(data.len() as u64)?;
                open.append(&data)
            })
            .await
        })
    }

    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>> {
        let (open, pool) = (Arc::clone(&self.open), self.pool.clone());
        // The bytes and the length, which is all of a file that the store asks for again: no times.
        let sync = move || open.file.sync_data().map_err(failed("sync", &open.name));
        Box::pin(async move { pool.run(pool.seat().await?, sync).await })
    }
}
