//! Connections in memory between hosts of one process, on any threads.
//!
//! They keep the seam's promises to streams as sockets do. Leaves out who connects to whom, which
//! is `switchboard`'s.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use stayput_host::{Label, Stream};

use super::meters::Meters;

/// Bytes that one direction holds, as a socket's buffers would.
const CAPACITY_BYTES: usize = 256 << 10;
/// The most bytes that are written at once.
const CHUNK_MAX: usize = 64 << 10;

/// One direction of a connection.
#[derive(Debug, Default)]
struct PipeDirection {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody will read any more.
    unread: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl PipeDirection {
    fn take_reader(&mut self) -> Option<Waker> {
        self.reader.take()
    }
}

type SharedDirection = Arc<Mutex<PipeDirection>>;

/// No code that holds the lock can panic, so what a poisoned lock guards is whole.
fn lock(direction: &SharedDirection) -> MutexGuard<'_, PipeDirection> {
    direction.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct PipeEnd {
    incoming: SharedDirection,
    outgoing: SharedDirection,
    meters: Arc<Meters>,
}

/// The two ends of a new connection.
pub(super) fn pipe(meters: &Arc<Meters>) -> (PipeEnd, PipeEnd) {
    let (there, back) = (SharedDirection::default(), SharedDirection::default());
    let end = |incoming: &SharedDirection, outgoing: &SharedDirection| PipeEnd {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        meters: Arc::clone(meters),
    };
    (end(&back, &there), end(&there, &back))
}

impl Stream for PipeEnd {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let mut direction = lock(&self.incoming);
        let Some(first) = direction.chunks.front_mut() else {
            if direction.ended {
                return Poll::Ready(Ok(Bytes::new()));
            }
            direction.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let taken = first.split_to(first.len().min(max));
        if first.is_empty() {
            direction.chunks.pop_front();
        }
        direction.bytes -= taken.len();
        let writer = direction.writer.take();
        drop(direction);
        wake(writer);
        Poll::Ready(Ok(taken))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let mut direction = lock(&self.outgoing);
        if direction.unread {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if direction.ended {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY_BYTES.saturating_sub(direction.bytes).min(CHUNK_MAX);
        if room == 0 {
            direction.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = data.len().min(room);
        direction.chunks.push_back(Bytes::copy_from_slice(&data[..len]));
        direction.bytes += len;
        let reader = direction.take_reader();
        // Before anybody can read them, so that what has arrived is counted.
        self.meters.sent(label, len as u64);
        drop(direction);
        wake(reader);
        Poll::Ready(Ok(len))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl PipeEnd {
    fn end(&self) {
        let mut direction = lock(&self.outgoing);
        direction.ended = true;
        let reader = direction.take_reader();
        drop(direction);
        wake(reader);
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.end();
        let mut direction = lock(&self.incoming);
        direction.unread = true;
        direction.chunks.clear();
        direction.bytes = 0;
        let writer = direction.writer.take();
        drop(direction);
        wake(writer);
    }
}
