//! Connections between actors of one process: bytes that change hands in memory, between threads as
//! well.
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

/// Bytes that one way holds: what a socket's buffers would.
const ROOM_BYTES: usize = 256 << 10;
/// The most bytes that are written at once.
const CHUNK_MAX: usize = 64 << 10;

/// One way of a connection.
#[derive(Debug, Default)]
struct Way {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody will read any more.
    unread: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake_reader(&mut self) -> Option<Waker> {
        self.reader.take()
    }
}

type SharedWay = Arc<Mutex<Way>>;

/// No code that holds the lock can panic, so what a poisoned lock guards is whole.
fn lock(way: &SharedWay) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct PipeEnd {
    incoming: SharedWay,
    outgoing: SharedWay,
    meters: Arc<Meters>,
}

/// The two ends of a new connection.
pub(super) fn pipe(meters: &Arc<Meters>) -> (PipeEnd, PipeEnd) {
    let (there, back) = (SharedWay::default(), SharedWay::default());
    let end = |incoming: &SharedWay, outgoing: &SharedWay| PipeEnd {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        meters: Arc::clone(meters),
    };
    (end(&back, &there), end(&there, &back))
}

impl Stream for PipeEnd {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let mut way = lock(&self.incoming);
        let Some(first) = way.chunks.front_mut() else {
            if way.ended {
                return Poll::Ready(Ok(Bytes::new()));
            }
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let taken = first.split_to(first.len().min(max));
        if first.is_empty() {
            way.chunks.pop_front();
        }
        way.bytes -= taken.len();
        let writer = way.writer.take();
        drop(way);
        wake(writer);
        Poll::Ready(Ok(taken))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let mut way = lock(&self.outgoing);
        if way.unread {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if way.ended {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = ROOM_BYTES.saturating_sub(way.bytes).min(CHUNK_MAX);
        if room == 0 {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = data.len().min(room);
        way.chunks.push_back(Bytes::copy_from_slice(&data[..len]));
        way.bytes += len;
        let reader = way.wake_reader();
        // Before anybody can read them, so that what has arrived is counted.
        self.meters.sent(label, len as u64);
        drop(way);
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
        let mut way = lock(&self.outgoing);
        way.ended = true;
        let reader = way.wake_reader();
        drop(way);
        wake(reader);
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.end();
        let mut way = lock(&self.incoming);
        way.unread = true;
        way.chunks.clear();
        way.bytes = 0;
        let writer = way.writer.take();
        drop(way);
        wake(writer);
    }
}
