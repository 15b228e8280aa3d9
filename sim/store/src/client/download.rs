//! Object being downloaded: its first bytes can be read while the rest is on its way.
//!
//! Leaves out its checksum, which is known only at the end: see [`ObjectDownload::finished`].

use std::cell::{Cell, RefCell};

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use tokio::sync::Notify;

/// Failure of a download: the version that was read was replaced meanwhile, or broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object was replaced, or could not be had whole, while it was read")]
pub struct DownloadBroken;

/// Bytes of one version that have arrived so far.
#[derive(Default)]
pub struct ObjectDownload {
    state: RefCell<DownloadState>,
    /// True if it ended whole and intact; `None` until its end.
    ended: Cell<Option<bool>>,
    /// True if another version began after readers saw the first.
    replaced: Cell<bool>,
    changed: Notify,
}

#[derive(Default)]
struct DownloadState {
    etag: String,
    headers: HeaderMap,
    size: Option<u64>,
    content: BytesMut,
}

impl ObjectDownload {
    /// Waits for length and headers; `None` if the object could not be downloaded.
    pub async fn begun(&self) -> Option<(u64, HeaderMap)> {
        loop {
            let changed = self.changed.notified();
            if let Some(size) = self.state.borrow().size {
                return Some((size, self.state.borrow().headers.clone()));
            }
            if self.ended.get().is_some() {
                return None;
            }
            changed.await;
        }
    }

    /// Waits for `len` bytes at `offset`; returns fewer only at the end.
    ///
    /// # Errors
    /// The version was replaced, or broke off.
    pub async fn read_at(&self, offset: u64, len: u64) -> Result<Bytes, DownloadBroken> {
        loop {
            let changed = self.changed.notified();
            if self.replaced.get() || self.ended.get() == Some(false) {
                return Err(DownloadBroken);
            }
            {
                let state = self.state.borrow();
                let size = state.size.unwrap_or(u64::MAX);
                let wanted = offset.saturating_add(len).min(size);
                if state.content.len() as u64 >= wanted {
                    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                    let range = index(offset.min(wanted))..index(wanted);
                    return Ok(Bytes::copy_from_slice(&state.content[range]));
                }
            }
            changed.await;
        }
    }

    /// Waits for the end. True if the object was whole, intact and of one version.
    pub async fn finished(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            if let Some(intact) = self.ended.get() {
                return intact && !self.replaced.get();
            }
            changed.await;
        }
    }

    pub(super) fn etag(&self) -> String {
        self.state.borrow().etag.clone()
    }

    pub(super) fn len(&self) -> usize {
        self.state.borrow().content.len()
    }

    /// Begins a version; bytes of an earlier one are void.
    pub fn begin(&self, etag: String, headers: HeaderMap, size: Option<u64>) {
        let is_another = {
            let state = self.state.borrow();
            state.size.is_some() && state.etag != etag
        };
        if is_another {
            self.replaced.set(true);
        }
        self.reset();
        *self.state.borrow_mut() = DownloadState { etag, headers, size, content: BytesMut::new() };
        self.changed.notify_waiters();
    }

    pub(super) fn reset(&self) {
        if self.len() > 0 {
            self.replaced.set(true);
        }
        self.state.replace(DownloadState::default());
    }

    /// Adds the next bytes.
    pub fn add(&self, chunk: &[u8]) {
        self.state.borrow_mut().content.extend_from_slice(chunk);
        self.changed.notify_waiters();
    }

    pub(super) fn with_content<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.state.borrow().content)
    }

    /// Ends the download; `intact` if all bytes arrived and the checksum is right.
    pub fn end(&self, intact: bool) {
        self.ended.set(Some(intact));
        self.changed.notify_waiters();
    }

    pub(super) fn into_parts(self) -> (String, HeaderMap, Bytes) {
        let DownloadState { etag, headers, content, .. } = self.state.into_inner();
        (etag, headers, content.freeze())
    }
}
