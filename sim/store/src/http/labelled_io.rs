//! Adapter between hyper and a stream: labels each byte that hyper writes as head or body, and the
//! body with its purpose.
//!
//! hyper writes a head, then the chunks of the body in the order in which it took them. So the head
//! ends at the first empty line, and after it follow as many bytes as the labels name. Around the
//! chunks of a body of unknown length it writes the framing of HTTP's chunked coding, whose lengths
//! follow from the chunks' own. Leaves out what the labels are for: the host counts by them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use stayput_host::{BoxStream, Host, Label, LocalFuture, Time};

use super::body::{BodyLabel, BodyLabels};
use super::server_connection::{HEAD_MAX, STALL_MAX, ServerConnection};

/// Idle time after which a connection is closed: its other end may be without power.
const IDLE_MAX: Duration = Duration::from_secs(120);

const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// Stream whose written bytes are labelled.
pub(super) struct LabelledIo {
    host: Host,
    stream: BoxStream,
    labels: BodyLabels,
    /// Bytes of [`HEAD_END`] at the end of the head so far; `None` outside a head.
    head_end_seen: Option<usize>,
    last_progress: Time,
    /// Timer of the next time limit, and its end.
    idle: Option<(Time, LocalFuture<'static, ()>)>,
    /// State of the connection, on a server.
    connection: Option<Rc<ServerConnection>>,
}

impl LabelledIo {
    pub(super) fn new(host: &Host, stream: BoxStream) -> (Self, BodyLabels) {
        let labels = BodyLabels::default();
        let io = Self {
            host: host.clone(),
            stream,
            labels: BodyLabels::clone(&labels),
            head_end_seen: Some(0),
            last_progress: host.now(),
            idle: None,
            connection: None,
        };
        (io, labels)
    }

    /// Records progress in `connection`, and keeps its time limits.
    pub(super) fn recorded_in(self, connection: &Rc<ServerConnection>) -> Self {
        Self { connection: Some(Rc::clone(connection)), ..self }
    }

    /// Length and label of the longest prefix of `data` that has one label.
    fn next_piece(&mut self, data: &[u8]) -> (usize, Label) {
        if self.head_end_seen.is_none() {
            match self.labels.borrow_mut().front() {
                Some(BodyLabel::Bytes(purpose, left)) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    return (len, Label::body(*purpose));
                }
                Some(BodyLabel::Framing(left)) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    return (len, Label::HEAD);
                }
                Some(BodyLabel::End) | None => self.head_end_seen = Some(0),
            }
        }
        let mut seen = self.head_end_seen.unwrap_or(0);
        for (index, byte) in data.iter().enumerate() {
            seen = if *byte == HEAD_END[seen] { seen + 1 } else { usize::from(*byte == b'\r') };
            if seen == HEAD_END.len() {
                return (index + 1, Label::HEAD);
            }
        }
        (data.len(), Label::HEAD)
    }

    /// Records that `written`, with `label`, was sent.
    fn advance(&mut self, written: &[u8], label: Label) {
        self.last_progress = self.host.now();
        if label == Label::HEAD
            && let Some(mut seen) = self.head_end_seen
        {
            for byte in written {
                seen = if *byte == HEAD_END[seen] { seen + 1 } else { usize::from(*byte == b'\r') };
                if seen == HEAD_END.len() {
                    self.head_end_seen = None;
                    self.end_body();
                    return;
                }
            }
            self.head_end_seen = Some(seen);
            return;
        }
        let mut labels = self.labels.borrow_mut();
        if let Some(BodyLabel::Bytes(_, left) | BodyLabel::Framing(left)) = labels.front_mut() {
            *left -= written.len() as u64;
            if *left == 0 {
                labels.pop_front();
            }
        }
        drop(labels);
        self.end_body();
    }

    /// Starts the next head if the body has ended.
    fn end_body(&mut self) {
        if self.labels.borrow().front() == Some(&BodyLabel::End) {
            self.labels.borrow_mut().pop_front();
            self.head_end_seen = Some(0);
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let silent = self.last_progress + IDLE_MAX;
            let connection = self.connection.as_ref();
            let head = connection.and_then(|connection| connection.head_deadline());
            let stall = connection.and_then(|connection| connection.stall_deadline());
            let end = [head, stall].into_iter().flatten().fold(silent, Time::min);
            if self.host.now() >= end {
                let why = if end == silent {
                    format!("nothing came or went for {} s", IDLE_MAX.as_secs())
                } else if Some(end) == head {
                    format!("a request's head took longer than {} s", HEAD_MAX.as_secs())
                } else {
                    let most = STALL_MAX.as_secs();
                    format!("nothing of an answer was taken for {most} s, and the server is to end")
                };
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)));
            }
            // A timer that ends too early is started again; one that would end too late is
            // replaced.
            if self.idle.as_ref().is_some_and(|(until, _)| *until > end) {
                self.idle = None;
            }
            let (_, idle) = self.idle.get_or_insert_with(|| (end, self.host.sleep_until(end)));
            ready!(idle.as_mut().poll(cx));
            self.idle = None;
        }
    }

    /// Applies the time limits to a write, a flush or a close that waits: hyper does not read,
    /// which would apply them, while it cannot write.
    fn limited<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(result) = result else {
            if let Some(connection) = &self.connection {
                connection.write_stalled();
            }
            ready!(self.poll_idle(cx))?;
            return Poll::Pending;
        };
        if let Some(connection) = &self.connection {
            connection.write_progressed();
        }
        Poll::Ready(result)
    }
}

impl Read for LabelledIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        match io.stream.poll_read(cx, buf.remaining()) {
            Poll::Ready(read) => {
                io.last_progress = io.host.now();
                if let Some(connection) = &io.connection {
                    connection.bytes_received();
                }
                buf.put_slice(&read?);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => io.poll_idle(cx),
        }
    }
}

impl Write for LabelledIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        let (len, label) = io.next_piece(data);
        let result = io.stream.poll_write(cx, &data[..len], label);
        let written = ready!(io.limited(cx, result))?;
        io.advance(&data[..written], label);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.iter().find(|slice| !slice.is_empty()) {
            Some(slice) => self.poll_write(cx, slice),
            None => Poll::Ready(Ok(0)),
        }
    }

    /// Makes hyper hand over bodies as they are, instead of copying them behind their heads.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let result = io.stream.poll_flush(cx);
        io.limited(cx, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let result = io.stream.poll_close(cx);
        io.limited(cx, result)
    }
}
