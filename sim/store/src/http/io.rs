//! Between hyper and a stream: says of each byte that hyper writes whether it is head or body, and what the body is for.
//!
//! hyper writes a head, then the body's pieces in the order in which it took them. So the head ends at the
//! first empty line, and after it as many bytes are body as pieces were taken. Around the pieces of a body of unknown length it
//! puts the framing of HTTP's chunked coding, whose lengths follow from the pieces' own.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use stayput_host::{BoxStream, Host, Label, LocalFuture, Time};

use super::body::{Labels, Piece};
use super::talk::{HEAD_MAX, STALL_MAX, Talk};

/// A connection on which nothing comes or goes for so long is given up: its other end may be without power.
const IDLE_MAX: Duration = Duration::from_secs(120);

const HEAD_END: &[u8; 4] = b"\r\n\r\n";

pub(super) struct Io {
    host: Host,
    stream: BoxStream,
    labels: Labels,
    /// How many bytes of [`HEAD_END`] the head that is being written ends with; `None` outside a head.
    head_end_seen: Option<usize>,
    last_progress: Time,
    /// When the wait for something to come or go ends, and that wait.
    idle: Option<(Time, LocalFuture<'static, ()>)>,
    /// Who hears of what comes, on a server.
    talk: Option<Rc<Talk>>,
}

impl Io {
    pub(super) fn new(host: &Host, stream: BoxStream) -> (Self, Labels) {
        let labels = Labels::default();
        let io = Self {
            host: host.clone(),
            stream,
            labels: Labels::clone(&labels),
            head_end_seen: Some(0),
            last_progress: host.now(),
            idle: None,
            talk: None,
        };
        (io, labels)
    }

    /// Tells `talk` of what comes, and keeps to its limit on heads.
    pub(super) fn heard_by(self, talk: &Rc<Talk>) -> Self {
        Self { talk: Some(Rc::clone(talk)), ..self }
    }

    /// The length and label of the longest prefix of `data` that has one label.
    fn next_piece(&mut self, data: &[u8]) -> (usize, Label) {
        if self.head_end_seen.is_none() {
            match self.labels.borrow_mut().front() {
                Some(Piece::Bytes(purpose, left)) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    return (len, Label::body(*purpose));
                }
                Some(Piece::Framing(left)) => {
                    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    return (len, Label::HEAD);
                }
                Some(Piece::End) | None => self.head_end_seen = Some(0),
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

    /// Takes note that `written`, of `label`, is on its way.
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
        if let Some(Piece::Bytes(_, left) | Piece::Framing(left)) = labels.front_mut() {
            *left -= written.len() as u64;
            if *left == 0 {
                labels.pop_front();
            }
        }
        drop(labels);
        self.end_body();
    }

    /// Goes on to the next head if the body has ended.
    fn end_body(&mut self) {
        if self.labels.borrow().front() == Some(&Piece::End) {
            self.labels.borrow_mut().pop_front();
            self.head_end_seen = Some(0);
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let silent = self.last_progress + IDLE_MAX;
            let head = self.talk.as_ref().and_then(|talk| talk.head_ends());
            let stall = self.talk.as_ref().and_then(|talk| talk.stall_ends());
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
            // One that ends earlier than need be is waited for again; one that would end too late is not.
            if self.idle.as_ref().is_some_and(|(until, _)| *until > end) {
                self.idle = None;
            }
            let (_, idle) = self.idle.get_or_insert_with(|| (end, self.host.sleep_until(end)));
            ready!(idle.as_mut().poll(cx));
            self.idle = None;
        }
    }

    /// What a write, a flush or a close has come to. One that waits is bound to the same limits as reading, which hyper leaves off while
    /// it cannot write.
    fn limited<T>(
        &mut self,
        cx: &mut Context<'_>,
        went: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Poll::Ready(went) = went else {
            if let Some(talk) = &self.talk {
                talk.stalled();
            }
            ready!(self.poll_idle(cx))?;
            return Poll::Pending;
        };
        if let Some(talk) = &self.talk {
            talk.flows();
        }
        Poll::Ready(went)
    }
}

impl Read for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        match io.stream.poll_read(cx, buf.remaining()) {
            Poll::Ready(read) => {
                io.last_progress = io.host.now();
                if let Some(talk) = &io.talk {
                    talk.heard();
                }
                buf.put_slice(&read?);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => io.poll_idle(cx),
        }
    }
}

impl Write for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        let (len, label) = io.next_piece(data);
        let went = io.stream.poll_write(cx, &data[..len], label);
        let written = ready!(io.limited(cx, went))?;
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

    /// Lets hyper hand over bodies as they are, instead of copying them behind their heads.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let went = io.stream.poll_flush(cx);
        io.limited(cx, went)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        let went = io.stream.poll_close(cx);
        io.limited(cx, went)
    }
}
