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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join;
    use proptest::prelude::*;

    use super::*;

    /// Output of a future that is looked at so often that only one that was not woken has none.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        (0..200).find_map(|_look| future.as_mut().now_or_never())
    }

    fn failed(why: &str) -> DeviceFault {
        DeviceFault::Failed { reason: why.to_owned() }
    }

    #[test]
    fn a_reader_waits_for_bytes_and_a_writer_for_room() {
        let pipe = SessionPipe::new(3);
        assert_eq!(at_once(pipe.read(9)), None, "there is nothing to read");
        assert_eq!(at_once(pipe.write(Bytes::from_static(b"abc"))), Some(Ok(())));
        let mut writing = Box::pin(pipe.write(Bytes::from_static(b"def")));
        assert_eq!(writing.as_mut().now_or_never(), None, "there is no room");
        assert_eq!(at_once(pipe.read(9)), Some(Ok(Bytes::from_static(b"abc"))));
        assert_eq!(writing.as_mut().now_or_never(), Some(Ok(())));
        assert_eq!(at_once(pipe.read(9)), Some(Ok(Bytes::from_static(b"def"))));
    }

    #[test]
    fn the_end_comes_behind_all_bytes_and_says_how_the_writer_ended() {
        for (end, read, taken) in [
            (WriterEnd::Exited, Ok(Bytes::new()), PipeStop::End(WriterEnd::Exited)),
            (WriterEnd::Died, Err(DeviceFault::PeerDied), PipeStop::End(WriterEnd::Died)),
        ] {
            let pipe = SessionPipe::new(9);
            assert_eq!(at_once(pipe.write(Bytes::from_static(b"x"))), Some(Ok(())));
            pipe.end(end);
            assert_eq!(at_once(pipe.take()), Some(Ok(Bytes::from_static(b"x"))));
            assert_eq!(at_once(pipe.read(1)), Some(read));
            assert_eq!(at_once(pipe.take()), Some(Err(taken)));
        }
    }

    #[test]
    fn who_waits_is_woken_by_each_end_of_the_pipe() {
        let pipe = SessionPipe::new(1);
        let read = at_once(join(pipe.read(1), async { pipe.end(WriterEnd::Died) }));
        assert_eq!(read, Some((Err(DeviceFault::PeerDied), ())));
        let pipe = SessionPipe::new(1);
        let write = pipe.write(Bytes::from_static(b"ab c"));
        let written = at_once(join(write, async { pipe.abandon() }));
        assert_eq!(written, Some((Ok(()), ())), "a write without a reader is dropped");
        let pipe = SessionPipe::new(1);
        let reading = join(pipe.read(1), async { pipe.break_off("cut") });
        assert_eq!(at_once(reading), Some((Err(failed("cut")), ())));
        let pipe = SessionPipe::new(1);
        let write = pipe.write(Bytes::from(vec![0; 1 << 17]));
        let written = at_once(join(write, async { pipe.break_off("cut") }));
        assert_eq!(written, Some((Err(failed("cut")), ())));
    }

    #[test]
    fn a_broken_pipe_gives_what_it_has_and_then_the_first_reason() {
        let pipe = SessionPipe::new(9);
        assert_eq!(at_once(pipe.write(Bytes::from_static(b"x"))), Some(Ok(())));
        pipe.break_off("first");
        pipe.break_off("second");
        assert_eq!(at_once(pipe.write(Bytes::from_static(b"y"))), Some(Err(failed("first"))));
        assert_eq!(at_once(pipe.read(1)), Some(Ok(Bytes::from_static(b"x"))));
        assert_eq!(at_once(pipe.read(1)), Some(Err(failed("first"))));
        assert_eq!(at_once(pipe.take()), Some(Err(PipeStop::Broken)));
    }

    #[test]
    fn the_writer_learns_that_nobody_reads_while_it_has_nothing_to_write() {
        let pipe = SessionPipe::new(9);
        assert!(!pipe.is_abandoned());
        assert_eq!(at_once(pipe.abandoned()), None);
        assert_eq!(at_once(join(pipe.abandoned(), async { pipe.abandon() })), Some(((), ())));
        assert!(pipe.is_abandoned());
    }

    proptest! {
        #[test]
        fn all_bytes_come_out_in_order_whatever_the_room_and_the_reads(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..12),
            room in 1_usize..20,
            len in 1_usize..12,
        ) {
            let pipe = SessionPipe::new(room);
            let writing = async {
                for write in &writes {
                    pipe.write(Bytes::from(write.clone())).await.expect("it is read");
                }
                pipe.end(WriterEnd::Exited);
            };
            let reading = async {
                let mut read = Vec::new();
                loop {
                    let data = pipe.read(len).await.expect("it is not broken");
                    if data.is_empty() {
                        return read;
                    }
                    read.extend_from_slice(&data);
                }
            };
            let both = at_once(join(writing, reading));
            prop_assert_eq!(both.map(|(_, read)| read), Some(writes.concat()));
        }
    }
}
