//! A node's own copy of an object, whose checksum is taken while a session reads it.
//!
//! Most sessions read from front to back, and then the disk is read once. What a session leaves out or skips is read
//! afterwards, so that in the end every byte was looked at.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use md5::{Digest, Md5};
use stayput_runtime::device::DeviceFault;

use super::run::Reader;
use crate::node::{NodeError, OpenObject};

/// What is read at a time of what the session did not read.
const READ_BYTES: u64 = 256 << 10;

/// An object on its way to being verified.
pub(super) struct Verified {
    object: OpenObject,
    hashed: RefCell<Hashed>,
}

/// The digest of the bytes up to an offset.
#[derive(Default)]
struct Hashed {
    md5: Md5,
    up_to: u64,
}

impl Hashed {
    /// Takes in what of `data`, which lies at `offset`, goes on from where it is.
    fn take(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        if offset <= self.up_to && end > self.up_to {
            let known = usize::try_from(self.up_to - offset).unwrap_or(data.len());
            self.md5.update(&data[known..]);
            self.up_to = end;
        }
    }
}

impl Verified {
    pub(super) fn new(object: OpenObject) -> Self {
        Self { object, hashed: RefCell::default() }
    }

    pub(super) fn len(&self) -> u64 {
        self.object.metadata().length
    }

    /// Reads for a session.
    pub(super) fn reader(verified: Rc<Self>) -> Reader {
        Rc::new(move |offset, len| {
            let verified = Rc::clone(&verified);
            Box::pin(async move {
                let read = verified.read(offset, len).await;
                read.map_err(|error| DeviceFault::Failed { reason: error.to_string() })
            })
        })
    }

    async fn read(&self, offset: u64, len: u64) -> Result<Bytes, NodeError> {
        let data = self.object.read_at(offset, len).await?;
        self.hashed.borrow_mut().take(offset, &data);
        Ok(data)
    }

    /// Reads what was not read, and compares the checksum.
    ///
    /// # Errors
    /// The copy is damaged (it was put aside), or the disk failed.
    pub(super) async fn finish(&self) -> Result<(), NodeError> {
        loop {
            let offset = self.hashed.borrow().up_to;
            if offset >= self.len() || self.read(offset, READ_BYTES).await?.is_empty() {
                break;
            }
        }
        let md5 = std::mem::take(&mut self.hashed.borrow_mut().md5);
        self.object.judge(md5).await
    }
}
