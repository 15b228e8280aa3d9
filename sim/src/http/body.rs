//! Bodies: those we send know their length and what their bytes are for; those we receive are read in chunks.
//!
//! Leaves out bodies of unknown length: everything that is sent here has a `Content-Length`, so a body that
//! ends early is seen by its receiver.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HyperBody, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use super::pool::Lease;

use crate::host::{OpenSpan, Purpose};

/// Chunks that may wait between a sender and the connection.
const STREAM_CHUNKS_MAX: usize = 4;

/// A body ended before its length was reached, or grew past a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyBroken {
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
    /// Nothing more of this body: a head comes next.
    End,
}

/// What a connection is given to send, beside heads.
pub(super) type Labels = Rc<RefCell<VecDeque<Piece>>>;

/// A body to be sent.
#[derive(Debug, Default)]
pub struct Body {
    parts: VecDeque<(Purpose, Bytes)>,
    stream: Option<mpsc::Receiver<(Purpose, Bytes)>>,
    remaining: u64,
    labels: Option<Labels>,
    /// What ends when it has been handed over, or given up.
    span: OpenSpan,
}

/// Feeds a [`Body`]. Dropping it before the promised length was sent breaks the body off.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<(Purpose, Bytes)>);

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
        let remaining = parts.iter().map(|(_, data)| data.len() as u64).sum();
        Self { parts, stream: None, remaining, labels: None, span: OpenSpan::UNHEARD }
    }

    /// A body of `length` bytes that its sender will bring.
    #[must_use]
    pub fn stream(length: u64) -> (BodySender, Self) {
        let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_MAX);
        let body = Self {
            parts: VecDeque::new(),
            stream: Some(receiver),
            remaining: length,
            labels: None,
            span: OpenSpan::UNHEARD,
        };
        (BodySender(sender), body)
    }

    /// How many bytes are still to come.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.remaining
    }

    /// Whether nothing is still to come.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// The same once more, unless a sender brings it.
    pub(super) fn copy(&self) -> Option<Self> {
        let (parts, remaining) = (self.parts.clone(), self.remaining);
        self.stream.is_none().then_some(Self {
            parts,
            stream: None,
            remaining,
            labels: None,
            span: OpenSpan::UNHEARD,
        })
    }

    pub(super) fn labelled(mut self, labels: &Labels) -> Self {
        if self.remaining == 0 {
            labels.borrow_mut().push_back(Piece::End);
        }
        self.labels = Some(Rc::clone(labels));
        self
    }

    /// Lets `span` last as long as the body is being sent.
    pub(super) fn during(mut self, span: OpenSpan) -> Self {
        self.span = span;
        self
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Purpose, Bytes)>> {
        if let Some(piece) = self.parts.pop_front() {
            return Poll::Ready(Some(piece));
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
        data.is_empty() || self.0.send((purpose, data)).await.is_ok()
    }
}

impl HyperBody for Body {
    type Data = Bytes;
    type Error = BodyBroken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyBroken>>> {
        let body = self.get_mut();
        if body.remaining == 0 {
            return Poll::Ready(None);
        }
        let Some((purpose, mut data)) = std::task::ready!(body.poll_piece(cx)) else {
            let why = format!("its sender left with {} bytes to go", body.remaining);
            return Poll::Ready(Some(Err(BodyBroken::BrokeOff { why })));
        };
        data.truncate(usize::try_from(body.remaining).unwrap_or(usize::MAX));
        body.remaining -= data.len() as u64;
        if let Some(labels) = &body.labels {
            let mut labels = labels.borrow_mut();
            labels.push_back(Piece::Bytes(purpose, data.len() as u64));
            if body.remaining == 0 {
                labels.push_back(Piece::End);
            }
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// A body on its way in. Dropping it before its end closes the connection that it comes by.
#[derive(Debug)]
pub struct Received {
    incoming: Incoming,
    /// The connection, for bodies of answers: a server's connection drives itself.
    lease: Option<Lease>,
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.incoming.is_end_stream()
        {
            lease.give_back();
        }
    }
}

impl Received {
    pub(super) const fn new(incoming: Incoming, lease: Option<Lease>) -> Self {
        Self { incoming, lease }
    }

    /// How long it will be, if the sender said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`BodyBroken::BrokeOff`] when the connection failed or ended before the promised length.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyBroken> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx)).await;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(BodyBroken::BrokeOff { why: error.to_string() }),
                Some(Ok(frame)) => {
                    // Trailers are no part of the body.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole of it.
    ///
    /// # Errors
    /// As [`Received::chunk`], and [`BodyBroken::TooLong`] past `limit_bytes`.
    pub async fn collect(&mut self, limit_bytes: u64) -> Result<Bytes, BodyBroken> {
        let too_long = BodyBroken::TooLong { limit_bytes };
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
