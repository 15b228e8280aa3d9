//! A pipe between two sessions, as they and the network wait for each other at it.
//!
//! Both ends may be sessions of one host; or one is, and a task carries the bytes between the pipe
//! and a connection (`node::pipe_transport`). Leaves out what a pipe holds and how reads divide it,
//! which is the runtime's.

use std::cell::RefCell;

use bytes::Bytes;
use stayput_runtime::device::DeviceFault;
use stayput_runtime::pipe::{PipeBuffer, PipeRead, WriterEnd};
use tokio::sync::Notify;

/// A pipe of a running job.
#[derive(Debug)]
pub(crate) struct SessionPipe {
    state: RefCell<State>,
    /// Notified when there is more to read.
    readable: Notify,
    /// Notified when there is room again, or nobody reads any more.
    writable: Notify,
}

#[derive(Debug)]
struct State {
    buffer: PipeBuffer,
    /// Reason for which neither session can use the pipe any more, through no fault of theirs.
    broken: Option<String>,
}

impl SessionPipe {
    /// An empty pipe with room for so many bytes.
    #[must_use]
    pub(crate) fn new(room: usize) -> Self {
        let state = State { buffer: PipeBuffer::new(room), broken: None };
        let (readable, writable) = (Notify::new(), Notify::new());
        Self { state: RefCell::new(state), readable, writable }
    }

    /// Writes, waiting while the pipe is full.
    ///
    /// # Errors
    /// The pipe is broken.
    pub(crate) async fn write(&self, mut data: Bytes) -> Result<(), DeviceFault> {
        loop {
            {
                let state = &mut *self.state.borrow_mut();
                state.check()?;
                let is_taken = state.buffer.write(&mut data);
                self.readable.notify_one();
                if is_taken {
                    return Ok(());
                }
            }
            self.writable.notified().await;
        }
    }

    /// Reads at most `len` bytes of one write, waiting for them; none at the end.
    ///
    /// # Errors
    /// The writer died, or the pipe is broken.
    pub(crate) async fn read(&self, len: usize) -> Result<Bytes, DeviceFault> {
        match self.next(len).await? {
            Some(data) => Ok(data),
            None => Ok(Bytes::new()),
        }
    }

    /// Takes the next write, or the rest of it.
    ///
    /// # Errors
    /// There is none: the writer has ended, or the pipe broke.
    pub(crate) async fn take(&self) -> Result<Bytes, PipeStop> {
        match self.next(usize::MAX).await {
            Ok(Some(data)) => Ok(data),
            Ok(None) => Err(PipeStop::End(WriterEnd::Exited)),
            Err(DeviceFault::PeerDied) => Err(PipeStop::End(WriterEnd::Died)),
            Err(_broken) => Err(PipeStop::Broken),
        }
    }

    async fn next(&self, len: usize) -> Result<Option<Bytes>, DeviceFault> {
        loop {
            {
                let state = &mut *self.state.borrow_mut();
                match state.buffer.read(len) {
                    PipeRead::Data(data) => {
                        self.writable.notify_one();
                        return Ok(Some(data));
                    }
                    PipeRead::End(WriterEnd::Exited) => return Ok(None),
                    PipeRead::End(WriterEnd::Died) => return Err(DeviceFault::PeerDied),
                    PipeRead::Empty => state.check()?,
                }
            }
            self.readable.notified().await;
        }
    }

    /// Ends the writer's side.
    pub(crate) fn end(&self, end: WriterEnd) {
        self.state.borrow_mut().buffer.end(end);
        self.readable.notify_one();
    }

    /// Ends the reader's side.
    pub(crate) fn abandon(&self) {
        self.state.borrow_mut().buffer.abandon();
        self.writable.notify_one();
        self.readable.notify_one();
    }

    /// True if nobody will read any more.
    #[must_use]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.borrow().buffer.is_abandoned()
    }

    /// Ends when nobody will read any more. For the writer's side, while it has nothing to write.
    pub(crate) async fn abandoned(&self) {
        while !self.is_abandoned() {
            self.writable.notified().await;
        }
    }

    /// Breaks the pipe for both ends: whatever they make of the job is worth nothing.
    pub(crate) fn break_off(&self, why: &str) {
        self.state.borrow_mut().broken.get_or_insert_with(|| why.to_owned());
        self.readable.notify_one();
        self.writable.notify_one();
    }
}

/// End of a pipe's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PipeStop {
    /// The writer has ended.
    End(WriterEnd),
    /// The pipe is broken.
    Broken,
}

impl State {
    fn check(&self) -> Result<(), DeviceFault> {
        self.broken.clone().map_or(Ok(()), |reason| Err(DeviceFault::Failed { reason }))
    }
}
