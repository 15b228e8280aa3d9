//! A node's own copy of an object, whose checksum is taken while a session reads it.
//!
//! Most sessions read from front to back, and then the disk is read once, always a piece ahead of
//! the session, so that it works while the session computes. Small reads come out of blocks, the
//! latest of which are kept: all of the object is read anyway, and a seek for each would cost more.
//! Parts that a session leaves out or skips are read afterwards, so that in the end every byte was
//! looked at. Leaves out what sessions could share: two on one object read it twice.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use stayput_host::{Checksum, Host, TaskGuard};
use stayput_store::node::{NodeError, OpenObject};
use tokio::sync::oneshot;

/// Bytes read at a time of the parts that the session did not read.
const READ_BYTES: u64 = BLOCK_BYTES;
/// Bytes read for a smaller read, from a multiple of it on.
const BLOCK_BYTES: u64 = 256 << 10;
/// Blocks of an object that are kept.
const BLOCKS_MAX: usize = 16;

/// A replica whose checksum is taken while it is read.
pub(crate) struct VerifiedReplica {
    host: Host,
    object: Rc<OpenObject>,
    hashed: RefCell<RunningChecksum>,
    ahead: RefCell<Option<ReadAhead>>,
    /// Blocks by their offsets, the one that was read first in front.
    blocks: RefCell<VecDeque<(u64, Bytes)>>,
}

/// A piece that is being read before it is asked for.
struct ReadAhead {
    offset: u64,
    len: u64,
    data: oneshot::Receiver<Result<Bytes, NodeError>>,
    _task: TaskGuard,
}

/// Checksum of the bytes up to an offset.
struct RunningChecksum {
    checksum: Checksum,
    up_to: u64,
}

impl RunningChecksum {
    /// Takes in what of `data`, which lies at `offset`, goes on from where it is.
    fn take(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        if offset <= self.up_to && end > self.up_to {
            let known = usize::try_from(self.up_to - offset).unwrap_or(data.len());
            self.checksum.update(&data[known..]);
            self.up_to = end;
        }
    }
}

impl VerifiedReplica {
    pub(crate) fn new(host: &Host, object: OpenObject) -> Self {
        let (host, object) = (host.clone(), Rc::new(object));
        let hashed = RefCell::new(RunningChecksum { checksum: host.checksum(), up_to: 0 });
        let (ahead, blocks) = Default::default();
        Self { host, object, hashed, ahead, blocks }
    }

    pub(crate) fn len(&self) -> u64 {
        self.object.metadata().length
    }

    /// Reads at most `len` bytes for a session.
    pub(crate) async fn read(&self, offset: u64, len: u64) -> Result<Bytes, NodeError> {
        if len >= BLOCK_BYTES {
            return self.read_piece(offset, len).await;
        }
        let begin = offset - offset % BLOCK_BYTES;
        let block = self.block(begin).await?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(block.len());
        Ok(block.slice(at(offset - begin)..at(offset - begin + len)))
    }

    async fn block(&self, begin: u64) -> Result<Bytes, NodeError> {
        let kept = self.blocks.borrow().iter().find(|(at, _)| *at == begin).cloned();
        if let Some((_, block)) = kept {
            return Ok(block);
        }
        let block = self.read_piece(begin, BLOCK_BYTES).await?;
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() >= BLOCKS_MAX {
            blocks.pop_front();
        }
        blocks.push_back((begin, block.clone()));
        Ok(block)
    }

    async fn read_piece(&self, offset: u64, len: u64) -> Result<Bytes, NodeError> {
        let ahead = self.ahead.take().filter(|ahead| (ahead.offset, ahead.len) == (offset, len));
        let data = match ahead {
            Some(ahead) => match ahead.data.await {
                Ok(read) => read?,
                Err(_dropped) => self.object.read_at(offset, len).await?,
            },
            None => self.object.read_at(offset, len).await?,
        };
        self.hashed.borrow_mut().take(offset, &data);
        self.read_ahead(offset + data.len() as u64, len);
        Ok(data)
    }

    fn read_ahead(&self, offset: u64, len: u64) {
        if offset >= self.len() {
            return;
        }
        let (sender, data) = oneshot::channel();
        let object = Rc::clone(&self.object);
        let task = self.host.spawn_guarded(async move {
            let _nobody_waits = sender.send(object.read_at(offset, len).await);
        });
        *self.ahead.borrow_mut() = Some(ReadAhead { offset, len, data, _task: task });
    }

    /// Reads the parts that were not read, and compares the checksum.
    ///
    /// # Errors
    /// The copy is damaged (it was put aside), or the disk failed.
    pub(crate) async fn finish(&self) -> Result<(), NodeError> {
        loop {
            let offset = self.hashed.borrow().up_to;
            // Of what is kept, the hash may not have taken all: it takes what follows what it has.
            let kept = self.blocks.borrow().iter().find(|(at, _)| *at == offset).cloned();
            if let Some((_, block)) = kept.filter(|(_, block)| !block.is_empty()) {
                self.hashed.borrow_mut().take(offset, &block);
                continue;
            }
            if offset >= self.len() || self.read_piece(offset, READ_BYTES).await?.is_empty() {
                break;
            }
        }
        let checksum = std::mem::take(&mut self.hashed.borrow_mut().checksum);
        self.object.judge(checksum).await
    }
}
