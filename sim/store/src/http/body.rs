//! Bodies: those we send know what their bytes are for; those we receive are read in chunks.
//!
//! Most know their length, one that is written while it is sent does not and goes in HTTP's chunked coding; either way a
//! body that ends early is seen by its receiver. Leaves out trailers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HyperBody, Frame, Incoming, SizeHint};
use stayput_host::{OpenSpan, Purpose};
use tokio::sync::mpsc;

use super::pool::Lease;
use super::talk::{Asked, Talk};

/// Chunks that may wait between a sender and the connection.
const STREAM_CHUNKS_MAX: usize = 4;

/// A body ended before its length was reached, or grew past a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The other side ended early.
    #[error("the body broke off: {why}")]
    BrokeOff {
        /// What the connection said.
        why: String,
    },
    /// It is longer than its reader takes.
    #[error("the body is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: u64,
    },
}

/// A piece of body on its way into a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many bytes for a purpose.
    Bytes(Purpose, u64),
    /// So many bytes that hyper puts around a chunk.
    Framing(u64),
    /// Nothing more of this body: a head comes next.
    End,
}

/// What a connection is given to send, beside heads.
pub(super) type Labels = Rc<RefCell<VecDeque<Piece>>>;

impl Default for Length {
    fn default() -> Self {
        Self::Known(0)
    }
}

/// Hears how far a body has gone into its connection. Dropped when nothing more of it will.
pub trait BodyObserver: std::fmt::Debug {
    /// So many bytes were handed over, and with them the last one if it `is_whole` now.
    fn sent(&mut self, bytes: u64, is_whole: bool);
}

/// A body to be sent.
#[derive(Debug, Default)]
pub struct Body {
    parts: VecDeque<(Purpose, Bytes)>,
    stream: Option<mpsc::Receiver<Fed>>,
    length: Length,
    labels: Option<Labels>,
    /// What ends when it has been handed over, or given up.
    span: OpenSpan,
    /// The request that it answers, on a server.
    asked: Option<Asked>,
    observer: Option<Box<dyn BodyObserver>>,
}

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    /// Until its sender says so.
    Open,
    /// Nothing.
    Ended,
}

/// What a sender feeds to a body.
#[derive(Debug)]
enum Fed {
    Piece(Purpose, Bytes),
    End,
}

/// Feeds a [`Body`]. Dropping it before the promised length was sent, or before [`BodySender::finish`] if none was promised, breaks
/// the body off.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<Fed>);

impl Body {
    /// A body of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// One piece.
    #[must_use]
    pub fn full(purpose: Purpose, data: impl Into<Bytes>) -> Self {
        Self::parts([(purpose, data.into())])
    }

    /// Several pieces, one after the other.
    #[must_use]
    pub fn parts(parts: impl IntoIterator<Item = (Purpose, Bytes)>) -> Self {
        let parts: VecDeque<_> = parts.into_iter().filter(|(_, data)| !data.is_empty()).collect();
        let length = Length::Known(parts.iter().map(|(_, data)| data.len() as u64).sum());
        Self { parts, length, ..Self::default() }
    }

    /// A body of `length` bytes that its sender will bring.
    #[must_use]
    pub fn stream(length: u64) -> (BodySender, Self) {
        Self::fed(Length::Known(length))
    }

    /// A body of as many bytes as its sender brings until it says that it has finished.
    #[must_use]
    pub fn open() -> (BodySender, Self) {
        Self::fed(Length::Open)
    }

    fn fed(length: Length) -> (BodySender, Self) {
        let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_MAX);
        (BodySender(sender), Self { stream: Some(receiver), length, ..Self::default() })
    }

    /// How many bytes are still to come, if that is known.
    #[must_use]
    pub const fn len(&self) -> Option<u64> {
        match self.length {
            Length::Known(bytes) => Some(bytes),
            Length::Open => None,
            Length::Ended => Some(0),
        }
    }

    /// Whether nothing is still to come.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.len(), Some(0))
    }

    /// The same once more, unless a sender brings it.
    pub(super) fn copy(&self) -> Option<Self> {
        let (parts, length) = (self.parts.clone(), self.length);
        self.stream.is_none().then(|| Self { parts, length, ..Self::default() })
    }

    pub(super) fn labelled(mut self, labels: &Labels) -> Self {
        if self.is_empty() {
            labels.borrow_mut().push_back(Piece::End);
        }
        self.labels = Some(Rc::clone(labels));
        self
    }

    fn label<const N: usize>(&self, pieces: [Piece; N]) {
        if let Some(labels) = &self.labels {
            labels.borrow_mut().extend(pieces);
        }
    }

    /// Lets `span` last as long as the body is being sent.
    pub(super) fn during(mut self, span: OpenSpan) -> Self {
        self.span = span;
        self
    }

    /// Answers a request until it has been handed over.
    pub(super) fn answering(mut self, asked: Asked) -> Self {
        self.asked = Some(asked);
        self
    }

    /// Tells `watch` how far it goes, from now on.
    #[must_use]
    pub fn observed_by(mut self, observer: Box<dyn BodyObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    fn tell(&mut self, bytes: u64) {
        let is_whole = self.is_empty();
        if let Some(observer) = &mut self.observer {
            observer.sent(bytes, is_whole);
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Fed>> {
        if let Some((purpose, data)) = self.parts.pop_front() {
            return Poll::Ready(Some(Fed::Piece(purpose, data)));
        }
        match &mut self.stream {
            Some(stream) => stream.poll_recv(cx),
            None => Poll::Ready(None),
        }
    }
}

impl BodySender {
    /// Sends a piece, waiting while the connection is behind. False when nobody takes it any more.
    pub async fn send(&self, purpose: Purpose, data: Bytes) -> bool {
        data.is_empty() || self.0.send(Fed::Piece(purpose, data)).await.is_ok()
    }

    /// Says that this was all of a body of unknown length.
    pub async fn finish(self) {
        let _nobody_takes_it = self.0.send(Fed::End).await;
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = self.get_mut();
        if body.is_empty() {
            return Poll::Ready(None);
        }
        let broken = |why: String| Poll::Ready(Some(Err(BodyError::BrokeOff { why })));
        let (purpose, mut data) = match std::task::ready!(body.poll_piece(cx)) {
            Some(Fed::Piece(purpose, data)) => (purpose, data),
            Some(Fed::End) if body.length == Length::Open => {
                body.length = Length::Ended;
                body.label([Piece::Framing(CHUNKS_END), Piece::End]);
                body.tell(0);
                return Poll::Ready(None);
            }
            Some(Fed::End) | None => {
                let to_go = body.len().map(|bytes| format!(" with {bytes} bytes to go"));
                return broken(format!("its sender left{}", to_go.unwrap_or_default()));
            }
        };
        match &mut body.length {
            Length::Known(remaining) => {
                data.truncate(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining -= data.len() as u64;
                body.label([Piece::Bytes(purpose, data.len() as u64)]);
                if body.is_empty() {
                    body.label([Piece::End]);
                }
            }
            Length::Open | Length::Ended => {
                let bytes = data.len() as u64;
                body.label([
                    Piece::Framing(chunk_head(bytes)),
                    Piece::Bytes(purpose, bytes),
                    Piece::Framing(CHUNK_END),
                ]);
            }
        }
        body.tell(data.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// What ends a chunk, in bytes: an end of line.
const CHUNK_END: u64 = 2;
/// What ends the last chunk of all: a zero and two ends of lines.
const CHUNKS_END: u64 = 5;

/// What begins a chunk of so many bytes, in bytes: their number in hexadecimal digits, and an end of line.
const fn chunk_head(bytes: u64) -> u64 {
    bytes.ilog2() as u64 / 4 + 1 + 2
}

/// A body on its way in. Dropping it before its end closes the connection that it comes by.
#[derive(Debug)]
pub struct IncomingBody {
    incoming: Incoming,
    /// The connection, for bodies of answers: a server's connection drives itself.
    lease: Option<Lease>,
    /// The connection that it comes by, on a server.
    talk: Option<Rc<Talk>>,
    /// What its bytes are added to as they are read.
    tally: Option<Rc<Cell<u64>>>,
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.incoming.is_end_stream()
        {
            lease.give_back();
        }
    }
}

impl IncomingBody {
    pub(super) const fn new(incoming: Incoming, lease: Option<Lease>) -> Self {
        Self { incoming, lease, talk: None, tally: None }
    }

    /// One that a server gets.
    pub(super) const fn on(talk: Rc<Talk>, incoming: Incoming) -> Self {
        Self { incoming, lease: None, talk: Some(talk), tally: None }
    }

    /// Who sends it, of a body that a server got.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.talk.as_ref().map(|talk| talk.peer())
    }

    /// Adds the bytes that are read from now on to `tally`.
    pub fn add_to(&mut self, tally: &Rc<Cell<u64>>) {
        self.tally = Some(Rc::clone(tally));
    }

    /// How long it will be, if the sender said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`BodyError::BrokeOff`] when the connection failed or ended before the promised length.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx)).await;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(BodyError::BrokeOff { why: error.to_string() }),
                Some(Ok(frame)) => {
                    // Trailers are no part of the body.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        if let Some(tally) = &self.tally {
                            tally.set(tally.get() + data.len() as u64);
                        }
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole of it.
    ///
    /// # Errors
    /// As [`IncomingBody::chunk`], and [`BodyError::TooLong`] past `limit_bytes`.
    pub async fn collect(&mut self, limit_bytes: u64) -> Result<Bytes, BodyError> {
        let too_long = BodyError::TooLong { limit_bytes };
        if self.length().is_some_and(|length| length > limit_bytes) {
            return Err(too_long);
        }
        let mut whole = BytesMut::new();
        while let Some(data) = self.chunk().await? {
            if whole.len() as u64 + data.len() as u64 > limit_bytes {
                return Err(too_long);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Reads on without keeping anything, until the end or past `limit_bytes`.
    pub async fn discard(&mut self, limit_bytes: u64) {
        let mut discarded = 0;
        while discarded <= limit_bytes
            && let Ok(Some(data)) = self.chunk().await
        {
            discarded += data.len() as u64;
        }
    }
}
