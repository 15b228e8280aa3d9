//! A disk that records a span for each access, from the call to its result.
//!
//! Leaves out the wait for other accesses, which a real disk does not tell from its own time.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use stayput_host::{Batch, Disk, DiskError, File, LocalFuture, Recorder, Row, Span, SpanKind};

#[derive(Clone)]
pub(super) struct MeteredDisk {
    disk: Rc<dyn Disk>,
    recorder: AccessRecorder,
}

impl MeteredDisk {
    pub(super) fn new(disk: Rc<dyn Disk>, name: &str, recorder: Rc<dyn Recorder>) -> Self {
        Self { disk, recorder: AccessRecorder { recorder, disk: Arc::from(name) } }
    }

    /// A file that is being opened, with the disk's recorder.
    fn file(
        &self,
        opening: LocalFuture<'static, Result<Rc<dyn File>, DiskError>>,
    ) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let recorder = self.recorder.clone();
        Box::pin(async move {
            let file = opening.await?;
            Ok(Rc::new(MeteredFile { file, recorder }) as Rc<dyn File>)
        })
    }
}

/// Recorder of a disk's accesses.
#[derive(Clone)]
struct AccessRecorder {
    recorder: Rc<dyn Recorder>,
    /// Name of the disk.
    disk: Arc<str>,
}

impl AccessRecorder {
    /// `access` with a span, if anybody wants it.
    fn access<T: 'static>(
        &self,
        name: &'static str,
        bytes: u64,
        access: LocalFuture<'static, Result<T, DiskError>>,
    ) -> LocalFuture<'static, Result<T, DiskError>> {
        let job = self.recorder.job();
        if !self.recorder.wants(SpanKind::Disk, job) {
            return access;
        }
        let (Self { recorder, disk }, begin) = (self.clone(), self.recorder.now());
        Box::pin(async move {
            let done = access.await;
            let span = Span::new(SpanKind::Disk, name, begin, recorder.now());
            recorder.add(span.of_job(job).on(&disk).figure("bytes", bytes));
            done
        })
    }
}

impl Disk for MeteredDisk {
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        self.file(self.recorder.access("create", 0, self.disk.create(path)))
    }

    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        self.file(self.recorder.access("open", 0, self.disk.open(path)))
    }

    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("rename", 0, self.disk.rename(from, to))
    }

    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("remove", 0, self.disk.remove(path))
    }

    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>> {
        self.recorder.access("list", 0, self.disk.list(dir))
    }

    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("sync", 0, self.disk.sync_dir(dir))
    }

    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>> {
        self.recorder.access("get", 0, self.disk.get(key))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>> {
        self.recorder.access("scan", 0, self.disk.scan(from, to, limit))
    }

    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("sync", batch.size_bytes(), self.disk.commit(batch))
    }
}

struct MeteredFile {
    file: Rc<dyn File>,
    recorder: AccessRecorder,
}

impl File for MeteredFile {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>> {
        let bytes = len.min(self.len().saturating_sub(offset));
        self.recorder.access("read", bytes, self.file.read_at(offset, len))
    }

    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("append", data.len() as u64, self.file.append(data))
    }

    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>> {
        self.recorder.access("sync", 0, self.file.sync())
    }
}
