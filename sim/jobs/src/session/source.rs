//! Sources of a session's devices: who supplies the bytes that it reads, and takes those that it
//! writes.
//!
//! Leaves out which source a device has: a node's order says it, or the plan of a fetched job.

use std::rc::Rc;

use bytes::Bytes;
use stayput_runtime::device::{DeviceFault, DeviceKind, DeviceMode, DeviceSpec, SIZE_UNKNOWN};
use stayput_store::client::ObjectDownload;

use super::pipe::SessionPipe;
use super::verified_replica::VerifiedReplica;

/// A device of a session, with the source of its bytes.
pub(crate) struct ResolvedDevice {
    pub(crate) name: String,
    pub(crate) kind: DeviceKind,
    pub(crate) mode: DeviceMode,
    pub(crate) source: InputSource,
}

/// Supplier of a device's bytes.
pub(crate) enum InputSource {
    /// The host's own replica, verified while it is read.
    LocalReplica(Rc<VerifiedReplica>),
    /// Bytes in memory: pushed with an order, a listing, or the request's body.
    Memory(Bytes),
    /// An object of so many bytes that is still being fetched.
    Fetched { download: Rc<ObjectDownload>, size_bytes: u64 },
    /// Another session, which writes it or reads it.
    Pipe(Rc<SessionPipe>),
    /// No supplier: the session writes the device, and its host stages what it writes.
    Staged,
}

impl ResolvedDevice {
    /// The device as the runtime sees it.
    pub(crate) fn spec(&self) -> DeviceSpec {
        let size = match &self.source {
            InputSource::LocalReplica(replica) => replica.len(),
            InputSource::Memory(data) => data.len() as u64,
            InputSource::Fetched { size_bytes, .. } => *size_bytes,
            InputSource::Pipe(_) if self.kind.is_readable() => SIZE_UNKNOWN,
            InputSource::Pipe(_) | InputSource::Staged => 0,
        };
        DeviceSpec { name: self.name.clone(), kind: self.kind, mode: self.mode, size }
    }

    /// The pipe of the device, if it is an end of one.
    pub(crate) fn pipe(&self) -> Option<&Rc<SessionPipe>> {
        match &self.source {
            InputSource::Pipe(pipe) => Some(pipe),
            _ => None,
        }
    }
}

impl InputSource {
    /// Reads at most `len` bytes at an offset; a pipe has no offsets.
    ///
    /// # Errors
    /// The source failed, or only takes bytes.
    pub(crate) async fn read(&self, offset: u64, len: usize) -> Result<Bytes, DeviceFault> {
        let failed = |reason: String| DeviceFault::Failed { reason };
        match self {
            Self::LocalReplica(replica) => {
                let read = replica.read(offset, len as u64).await;
                read.map_err(|error| failed(error.to_string()))
            }
            Self::Memory(data) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
                Ok(data.slice(start..start.saturating_add(len).min(data.len())))
            }
            Self::Fetched { download, .. } => {
                let read = download.read_at(offset, len as u64).await;
                read.map_err(|broken| failed(broken.to_string()))
            }
            Self::Pipe(pipe) => pipe.read(len).await,
            Self::Staged => Err(failed("it can only be written to".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn device(kind: DeviceKind, source: InputSource) -> ResolvedDevice {
        ResolvedDevice { name: "input".to_owned(), kind, mode: DeviceMode::File, source }
    }

    fn read(source: &InputSource, offset: u64, len: usize) -> Result<Bytes, DeviceFault> {
        source.read(offset, len).now_or_never().expect("nothing is waited for")
    }

    #[test]
    fn bytes_in_memory_are_read_at_any_offset_and_end_where_they_end() {
        let source = InputSource::Memory(Bytes::from_static(b"banana"));
        assert_eq!(read(&source, 0, 3), Ok(Bytes::from_static(b"ban")));
        assert_eq!(read(&source, 4, 9), Ok(Bytes::from_static(b"na")));
        assert_eq!(read(&source, 6, 1), Ok(Bytes::new()));
        assert_eq!(read(&source, u64::MAX, usize::MAX), Ok(Bytes::new()));
        assert_eq!(device(DeviceKind::RandomRead, source).spec().size, 6);
    }

    #[test]
    fn a_download_is_read_as_far_as_it_has_come_and_has_the_size_that_was_announced() {
        let download = Rc::new(ObjectDownload::default());
        download.begin("etag".to_owned(), Default::default(), Some(6));
        download.add(b"ban");
        let source = InputSource::Fetched { download: Rc::clone(&download), size_bytes: 6 };
        assert_eq!(read(&source, 0, 3), Ok(Bytes::from_static(b"ban")));
        assert!(source.read(3, 3).now_or_never().is_none(), "the rest has not come");
        download.add(b"ana");
        download.end(true);
        assert_eq!(read(&source, 3, 9), Ok(Bytes::from_static(b"ana")));
        assert_eq!(device(DeviceKind::SequentialRead, source).spec().size, 6);
    }

    #[test]
    fn a_download_that_broke_off_fails_the_device_and_not_the_guest() {
        let download = Rc::new(ObjectDownload::default());
        download.begin("etag".to_owned(), Default::default(), Some(6));
        download.end(false);
        let source = InputSource::Fetched { download, size_bytes: 6 };
        assert!(matches!(read(&source, 0, 3), Err(DeviceFault::Failed { .. })));
    }

    #[test]
    fn only_the_reading_end_of_a_pipe_has_no_size() {
        let pipe = || InputSource::Pipe(Rc::new(SessionPipe::new(9)));
        assert_eq!(device(DeviceKind::SequentialRead, pipe()).spec().size, SIZE_UNKNOWN);
        assert_eq!(device(DeviceKind::SequentialWrite, pipe()).spec().size, 0);
    }

    #[test]
    fn an_output_cannot_be_read() {
        assert!(matches!(read(&InputSource::Staged, 0, 1), Err(DeviceFault::Failed { .. })));
    }
}
