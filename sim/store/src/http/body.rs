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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    /// Bytes of a body whose sender waits for nobody, the failure if it broke off, and the labels.
    fn drained(body: Body) -> (Vec<u8>, Option<BodyError>, Vec<BodyLabel>) {
        let labels = BodyLabels::default();
        let mut body = body.labelled(&labels);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut bytes, mut failure) = (Vec::new(), None);
        while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut cx) {
            match frame {
                Ok(frame) => bytes.extend_from_slice(frame.data_ref().expect("no trailers")),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let labels = labels.borrow().iter().copied().collect();
        (bytes, failure, labels)
    }

    fn send(sender: &BodySender, data: &[u8]) {
        let sent = sender.send(Purpose::ObjectData, Bytes::copy_from_slice(data)).now_or_never();
        assert_eq!(sent, Some(true), "there is room for it");
    }

    proptest! {
        #[test]
        fn the_parts_of_a_body_come_in_order_and_each_is_labelled(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6),
        ) {
            let purposes = [Purpose::Control, Purpose::JobCode, Purpose::ObjectData];
            let labelled = parts.iter().zip(purposes.iter().cycle());
            let body = Body::parts(labelled.clone().map(|(it, purpose)| (*purpose, it.clone().into())));
            let whole = parts.concat();
            prop_assert_eq!(body.len(), Some(whole.len() as u64));
            prop_assert_eq!(body.is_empty(), whole.is_empty());
            let (bytes, failure, labels) = drained(body);
            prop_assert_eq!((bytes, failure), (whole, None));
            let expected = labelled.filter(|(it, _)| !it.is_empty());
            let expected = expected.map(|(it, purpose)| BodyLabel::Bytes(*purpose, it.len() as u64));
            prop_assert_eq!(labels, expected.chain([BodyLabel::End]).collect::<Vec<_>>());
        }

        #[test]
        fn a_body_of_a_known_length_has_it_whatever_its_sender_sends(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..4),
            length in 0_u64..16,
        ) {
            let (sender, body) = Body::stream(length);
            chunks.iter().for_each(|chunk| send(&sender, chunk));
            drop(sender);
            let (bytes, failure, _) = drained(body);
            let sent = chunks.concat();
            let most = sent.len().min(usize::try_from(length).expect("it is small"));
            prop_assert_eq!(&bytes, &sent[..most]);
            let left = length - bytes.len() as u64;
            let why = format!("its sender left with {left} bytes to go");
            prop_assert_eq!(failure, (left > 0).then_some(BodyError::BrokeOff { why }));
        }

        #[test]
        fn a_chunk_has_as_much_framing_as_http_puts_around_it(bytes in 1_u64..) {
            prop_assert_eq!(chunk_head(bytes), format!("{bytes:x}\r\n").len() as u64);
        }

        #[test]
        fn a_body_of_unknown_length_ends_when_its_sender_says_so(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..6), 0..4),
            is_finished: bool,
        ) {
            let (sender, body) = Body::open();
            prop_assert_eq!((body.len(), body.is_empty()), (None, false));
            let room = chunks.iter().take(STREAM_CHUNKS_MAX - 1);
            room.clone().for_each(|chunk| send(&sender, chunk));
            if is_finished {
                prop_assert_eq!(sender.finish().now_or_never(), Some(()));
            } else {
                drop(sender);
            }
            let (bytes, failure, labels) = drained(body);
            prop_assert_eq!(bytes, room.clone().flatten().copied().collect::<Vec<u8>>());
            prop_assert_eq!(failure.is_none(), is_finished);
            let framing: u64 = labels
                .iter()
                .map(|label| if let BodyLabel::Framing(bytes) = label { *bytes } else { 0 })
                .sum();
            let around = room.map(|chunk| format!("{:x}\r\n\r\n", chunk.len()).len() as u64);
            let end = if is_finished { "0\r\n\r\n".len() as u64 } else { 0 };
            prop_assert_eq!(framing, around.sum::<u64>() + end);
        }
    }

    #[test]
    fn a_sender_waits_when_so_many_chunks_wait_and_learns_that_nobody_takes_them() {
        let (sender, body) = Body::open();
        (0..STREAM_CHUNKS_MAX).for_each(|_| send(&sender, b"x"));
        let mut one_more = Box::pin(sender.send(Purpose::ObjectData, Bytes::from_static(b"y")));
        assert_eq!(one_more.as_mut().now_or_never(), None);
        drop(body);
        assert_eq!(one_more.as_mut().now_or_never(), Some(false));
        let empty = sender.send(Purpose::ObjectData, Bytes::new()).now_or_never();
        assert_eq!(empty, Some(true), "nothing needs nobody");
    }

    #[test]
    fn only_a_body_that_nobody_feeds_can_be_copied() {
        let body = Body::full(Purpose::Control, "again");
        let copy = body.copy().expect("it is at hand");
        assert_eq!((drained(copy).0, drained(body).0), (b"again".to_vec(), b"again".to_vec()));
        assert!(Body::stream(3).1.copy().is_none() && Body::open().1.copy().is_none());
    }

    #[derive(Debug)]
    struct Counting(Rc<RefCell<Vec<(u64, bool)>>>);

    impl BodyObserver for Counting {
        fn sent(&mut self, bytes: u64, is_whole: bool) {
            self.0.borrow_mut().push((bytes, is_whole));
        }
    }

    #[test]
    fn an_observer_hears_of_each_piece_and_of_the_last() {
        let seen: Rc<RefCell<Vec<(u64, bool)>>> = Rc::default();
        let pieces = [(Purpose::Control, "ab".into()), (Purpose::Control, "c".into())];
        let body = Body::parts(pieces).observed_by(Box::new(Counting(Rc::clone(&seen))));
        drained(body);
        assert_eq!(seen.take(), [(2, false), (1, true)]);
        let (sender, body) = Body::open();
        send(&sender, b"abc");
        assert_eq!(sender.finish().now_or_never(), Some(()));
        drained(body.observed_by(Box::new(Counting(Rc::clone(&seen)))));
        assert_eq!(seen.take(), [(3, false), (0, true)]);
    }
}
