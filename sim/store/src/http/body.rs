//! Body on its way out, whose bytes are labelled with their purpose.
//!
//! Most bodies know their length; one that is written while it is sent does not, and uses HTTP's
//! chunked coding. Either way the receiver notices a body that ends early. Leaves out trailers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use stayput_host::{OpenSpan, Purpose};
use tokio::sync::mpsc;

use super::server_connection::PendingRequest;

/// Chunks that may wait between a sender and its connection.
const STREAM_CHUNKS_MAX: usize = 4;

/// Failure to read a body to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The other side ended early.
    #[error("the body broke off: {why}")]
    BrokeOff {
        /// Error of the connection.
        why: String,
    },
    /// The body is longer than the limit of its reader.
    #[error("the body is longer than {limit_bytes} bytes")]
    TooLong {
        /// Limit in bytes.
        limit_bytes: u64,
    },
}

/// Label of bytes that hyper will write to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLabel {
    /// Number of bytes of the body, with their purpose.
    Bytes(Purpose, u64),
    /// Number of bytes that hyper writes around a chunk.
    Framing(u64),
    /// End of the body: a head comes next.
    End,
}

/// Labels of all bytes but heads, in the order of sending.
pub(super) type BodyLabels = Rc<RefCell<VecDeque<BodyLabel>>>;

impl Default for BodyLength {
    fn default() -> Self {
        Self::Known(0)
    }
}

/// Observer of a body on its way into a connection. Dropped when no more of it will be sent.
pub trait BodyObserver: std::fmt::Debug {
    /// Counts bytes that were handed to the connection; `is_whole` after the last one.
    fn sent(&mut self, bytes: u64, is_whole: bool);
}

/// Body to be sent.
#[derive(Debug, Default)]
pub struct Body {
    parts: VecDeque<(Purpose, Bytes)>,
    stream: Option<mpsc::Receiver<StreamItem>>,
    length: BodyLength,
    labels: Option<BodyLabels>,
    /// Span that ends when the body has been sent, or given up.
    span: OpenSpan,
    /// Request that it responds to, on a server.
    pending: Option<PendingRequest>,
    observer: Option<Box<dyn BodyObserver>>,
}

/// Remaining length of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyLength {
    Known(u64),
    /// Unknown until the sender finishes.
    Open,
    /// Nothing remains.
    Ended,
}

/// Item that a sender feeds to a body.
#[derive(Debug)]
enum StreamItem {
    Chunk(Purpose, Bytes),
    End,
}

/// Sender of a [`Body`]. Dropping it before the declared length was sent, or before
/// [`BodySender::finish`] if none was declared, breaks the body off.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<StreamItem>);

impl Body {
    /// Empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Body of one piece.
    #[must_use]
    pub fn full(purpose: Purpose, data: impl Into<Bytes>) -> Self {
        Self::parts([(purpose, data.into())])
    }

    /// Body of several pieces in order.
    #[must_use]
    pub fn parts(parts: impl IntoIterator<Item = (Purpose, Bytes)>) -> Self {
        let parts: VecDeque<_> = parts.into_iter().filter(|(_, data)| !data.is_empty()).collect();
        let length = BodyLength::Known(parts.iter().map(|(_, data)| data.len() as u64).sum());
        Self { parts, length, ..Self::default() }
    }

    /// Body of `length` bytes, fed by a sender.
    #[must_use]
    pub fn stream(length: u64) -> (BodySender, Self) {
        Self::fed(BodyLength::Known(length))
    }

    /// Body of unknown length, fed by a sender until it finishes.
    #[must_use]
    pub fn open() -> (BodySender, Self) {
        Self::fed(BodyLength::Open)
    }

    fn fed(length: BodyLength) -> (BodySender, Self) {
        let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_MAX);
        (BodySender(sender), Self { stream: Some(receiver), length, ..Self::default() })
    }

    /// Remaining bytes, if their number is known.
    #[must_use]
    pub const fn len(&self) -> Option<u64> {
        match self.length {
            BodyLength::Known(bytes) => Some(bytes),
            BodyLength::Open => None,
            BodyLength::Ended => Some(0),
        }
    }

    /// True if no bytes remain.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.len(), Some(0))
    }

    /// Copy of the body, unless a sender feeds it.
    pub(super) fn copy(&self) -> Option<Self> {
        let (parts, length) = (self.parts.clone(), self.length);
        self.stream.is_none().then(|| Self { parts, length, ..Self::default() })
    }

    /// Records the labels of its bytes in `labels` as they are sent.
    pub(super) fn labelled(mut self, labels: &BodyLabels) -> Self {
        if self.is_empty() {
            labels.borrow_mut().push_back(BodyLabel::End);
        }
        self.labels = Some(Rc::clone(labels));
        self
    }

    fn label<const N: usize>(&self, pieces: [BodyLabel; N]) {
        if let Some(labels) = &self.labels {
            labels.borrow_mut().extend(pieces);
        }
    }

    /// Keeps `span` open while the body is being sent.
    pub(super) fn during(mut self, span: OpenSpan) -> Self {
        self.span = span;
        self
    }

    /// Keeps the request pending until the body has been sent.
    pub(super) fn answering(mut self, pending: PendingRequest) -> Self {
        self.pending = Some(pending);
        self
    }

    /// Reports its progress to `observer` from now on.
    #[must_use]
    pub fn observed_by(mut self, observer: Box<dyn BodyObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    fn report(&mut self, bytes: u64) {
        let is_whole = self.is_empty();
        if let Some(observer) = &mut self.observer {
            observer.sent(bytes, is_whole);
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<StreamItem>> {
        if let Some((purpose, data)) = self.parts.pop_front() {
            return Poll::Ready(Some(StreamItem::Chunk(purpose, data)));
        }
        match &mut self.stream {
            Some(stream) => stream.poll_recv(cx),
            None => Poll::Ready(None),
        }
    }
}

impl BodySender {
    /// Sends a chunk, waiting while the connection is behind. False if the body was dropped.
    pub async fn send(&self, purpose: Purpose, data: Bytes) -> bool {
        data.is_empty() || self.0.send(StreamItem::Chunk(purpose, data)).await.is_ok()
    }

    /// Ends a body of unknown length.
    pub async fn finish(self) {
        let _nobody_takes_it = self.0.send(StreamItem::End).await;
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
            Some(StreamItem::Chunk(purpose, data)) => (purpose, data),
            Some(StreamItem::End) if body.length == BodyLength::Open => {
                body.length = BodyLength::Ended;
                body.label([BodyLabel::Framing(CHUNKS_END), BodyLabel::End]);
                body.report(0);
                return Poll::Ready(None);
            }
            Some(StreamItem::End) | None => {
                let to_go = body.len().map(|bytes| format!(" with {bytes} bytes to go"));
                return broken(format!("its sender left{}", to_go.unwrap_or_default()));
            }
        };
        match &mut body.length {
            BodyLength::Known(remaining) => {
                data.truncate(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining -= data.len() as u64;
                body.label([BodyLabel::Bytes(purpose, data.len() as u64)]);
                if body.is_empty() {
                    body.label([BodyLabel::End]);
                }
            }
            BodyLength::Open | BodyLength::Ended => {
                let bytes = data.len() as u64;
                body.label([
                    BodyLabel::Framing(chunk_head(bytes)),
                    BodyLabel::Bytes(purpose, bytes),
                    BodyLabel::Framing(CHUNK_END),
                ]);
            }
        }
        body.report(data.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Bytes behind a chunk: an end of line.
const CHUNK_END: u64 = 2;
/// Bytes behind the last chunk: a zero and two ends of lines.
const CHUNKS_END: u64 = 5;

/// Bytes before a chunk: its length in hexadecimal digits, and an end of line.
const fn chunk_head(bytes: u64) -> u64 {
    bytes.ilog2() as u64 / 4 + 1 + 2
}
