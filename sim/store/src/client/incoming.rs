//! An object on its way: what has come of it can be read while the rest is still coming.
//!
//! Leaves out its checksum, which is known only at the end: see [`ObjectDownload::finished`].

use std::cell::{Cell, RefCell};

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use tokio::sync::Notify;

/// What was read is of a version that was replaced while it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object was replaced, or could not be had whole, while it was read")]
pub struct DownloadBroken;

/// What has come so far of one version.
#[derive(Default)]
pub struct ObjectDownload {
    state: RefCell<State>,
    /// How it ended: whole and intact, or not.
    ended: Cell<Option<bool>>,
    /// Another version came after the first had been told of.
    replaced: Cell<bool>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    etag: String,
    headers: HeaderMap,
    size: Option<u64>,
    content: BytesMut,
}

impl ObjectDownload {
    /// How long it will be and its headers, when that is known; `None` if it could not be had.
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

    /// At most `len` bytes at `offset`, when all of them have come; fewer only at the end.
    ///
    /// # Errors
    /// [`DownloadBroken`].
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

    /// Waits for its end; says whether what was read was whole, intact and of one version.
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

    /// Begins with a version; what has come of another one is worth nothing.
    pub fn begin(&self, etag: String, headers: HeaderMap, size: Option<u64>) {
        let told_another = {
            let state = self.state.borrow();
            state.size.is_some() && state.etag != etag
        };
        if told_another {
            self.replaced.set(true);
        }
        self.forget();
        *self.state.borrow_mut() = State { etag, headers, size, content: BytesMut::new() };
        self.changed.notify_waiters();
    }

    pub(super) fn forget(&self) {
        if self.len() > 0 {
            self.replaced.set(true);
        }
        self.state.replace(State::default());
    }

    /// Bytes that arrived, in order.
    pub fn add(&self, chunk: &[u8]) {
        self.state.borrow_mut().content.extend_from_slice(chunk);
        self.changed.notify_waiters();
    }

    pub(super) fn with_content<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.state.borrow().content)
    }

    /// End of the body; `intact` if all of it arrived and its checksum is right.
    pub fn end(&self, intact: bool) {
        self.ended.set(Some(intact));
        self.changed.notify_waiters();
    }

    pub(super) fn into_parts(self) -> (String, HeaderMap, Bytes) {
        let State { etag, headers, content, .. } = self.state.into_inner();
        (etag, headers, content.freeze())
    }
}
