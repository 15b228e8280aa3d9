//! Passes an object's body on to a client. When a node breaks off or stalls, another one goes on from there.
//!
//! What goes on is the same version by its data timestamp and ETag, or nothing: a body is never put together from two.
//! A whole body's MD5 is checked before its last chunk leaves, because a damaged copy shows only at its end, when
//! its node has sent the damage and another one would complete it.
//!
//! Leaves out checking parts of an object: their MD5 is not known.

use std::collections::VecDeque;

use bytes::Bytes;
use hyper::header::{
    CONTENT_RANGE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use hyper::{HeaderMap, StatusCode};
use stayput_host::{Attempt, AttemptKind, Checksum, Purpose};
use tracing::Instrument;

use super::get::first_byte;
use super::{etag, is_md5};
use crate::http::{Body, BodySender, IncomingBody, IncomingResponse};
use crate::proxy::Proxy;
use crate::proxy::answer::set;
use crate::proxy::backend::{Ask, X_BACKEND_PURPOSE};
use crate::proxy::limits::{CHUNK_MAX, CLIENT_CHUNK_MAX};
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::swift::Timestamp;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, X_BACKEND_WANT_VERSION, text, timestamp};

/// A body up to here is taken whole before it goes on: it would leave in one piece anyway.
const SMALL_BYTES_MAX: u64 = 64 << 10;

/// Which bytes of an object a body is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The number of the first one, if it is known.
    pub(super) first: Option<u64>,
    pub(super) length: u64,
    /// Whether it is the whole object.
    pub(super) whole: bool,
}

/// A body on its way to a client.
pub(super) struct Relay {
    proxy: Proxy,
    ask: Ask,
    span: Span,
    taken: u64,
    purpose: Purpose,
    version: Option<Timestamp>,
    etag: Option<String>,
    checksum: Option<Checksum>,
    source: IncomingBody,
    reading: Attempt,
    /// Whether the body comes from more than one node.
    resumed: bool,
    left: VecDeque<ReplicaCandidate>,
}

impl Relay {
    /// Of what `answer` brings and, if that breaks off, those that are `left`.
    pub(super) fn new(
        proxy: Proxy,
        ask: Ask,
        answer: IncomingResponse,
        span: Span,
        left: VecDeque<ReplicaCandidate>,
    ) -> Self {
        let etag = etag(&answer.headers);
        let purpose = text(&ask.headers, &X_BACKEND_PURPOSE).and_then(Purpose::named);
        let checked = span.whole && etag.as_deref().is_some_and(is_md5);
        Self {
            purpose: purpose.unwrap_or(Purpose::ObjectData),
            ask,
            span,
            taken: 0,
            version: timestamp(&answer.headers, &X_BACKEND_DATA_TIMESTAMP),
            etag,
            checksum: checked.then(|| proxy.host().checksum()),
            source: answer.body,
            reading: reading(&proxy),
            resumed: false,
            left,
            proxy,
        }
    }

    /// The body for the client: a small one at once, a large one as it comes.
    pub(super) async fn into_body(mut self) -> Body {
        let length = self.span.length;
        if length <= SMALL_BYTES_MAX {
            // Without a sender it breaks off at once, which its reader sees.
            return self.small().await.unwrap_or_else(|| Body::stream(length).1);
        }
        let (sender, body) = Body::stream(length);
        let host = self.proxy.host().clone();
        // Ends when the client leaves, when a chunk is too late, or at the end.
        let pouring = async move {
            // A body that breaks off is seen by its reader.
            let _sent = self.pour(&sender).await;
        };
        host.spawn(pouring.in_current_span());
        body
    }

    /// The whole body, if all of it comes. What comes from one node that node has judged; what comes from several is judged here.
    async fn small(&mut self) -> Option<Body> {
        let judged = self.checksum.take();
        let mut pieces = Vec::new();
        while self.taken < self.span.length {
            pieces.push((self.purpose, self.next().await?));
        }
        if self.resumed
            && let Some(mut checksum) = judged
        {
            pieces.iter().for_each(|(_, piece)| checksum.update(piece));
            self.checksum = Some(checksum);
        }
        self.is_intact().then(|| Body::parts(pieces))
    }

    /// Sends the whole body. False if that did not work: then the sender is to be dropped.
    pub(super) async fn pour(&mut self, sender: &BodySender) -> bool {
        while self.taken < self.span.length {
            let Some(chunk) = self.next().await else { return false };
            if self.taken == self.span.length && !self.is_intact() {
                return false;
            }
            let sent = sender.send(self.purpose, chunk);
            if self.proxy.host().timeout(CLIENT_CHUNK_MAX, sent).await != Ok(true) {
                return false;
            }
        }
        true
    }

    /// The next chunk from whoever has it; `None` when nobody is left.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let chunk = self.proxy.host().timeout(CHUNK_MAX, self.source.chunk()).await;
            if let Ok(Ok(Some(mut chunk))) = chunk {
                let remaining = self.span.length - self.taken;
                chunk.truncate(usize::try_from(remaining).unwrap_or(usize::MAX));
                self.taken += chunk.len() as u64;
                self.reading.progressed();
                if let Some(checksum) = &mut self.checksum {
                    checksum.update(&chunk);
                }
                return Some(chunk);
            }
            self.reading.failed();
            let (taken, of) = (self.taken, self.span.length);
            tracing::warn!(
                path = self.ask.path.encoded(),
                taken,
                of,
                "a body broke off, its rest comes from another replica"
            );
            self.source = Box::pin(self.resume()).await?;
            self.reading = reading(&self.proxy);
            self.resumed = true;
        }
    }

    /// Whether all that was taken is what the ETag says, as far as that can be known.
    pub(super) fn is_intact(&mut self) -> bool {
        let is_intact = match (self.checksum.take(), &self.etag) {
            (Some(checksum), Some(etag)) => hex(&checksum.sum()) == *etag,
            _ => true,
        };
        if !is_intact {
            tracing::error!(
                path = self.ask.path.encoded(),
                "what replicas sent is not what the ETag says"
            );
            self.reading.discard_progress();
            self.reading.failed();
        }
        is_intact
    }

    /// The rest of the same version from the next replica that has it.
    async fn resume(&mut self) -> Option<IncomingBody> {
        let version = self.version?;
        let first = self.span.first? + self.taken;
        let last = self.span.first? + self.span.length - 1;
        let conditions = [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
        for condition in conditions {
            self.ask.headers.remove(condition);
        }
        set(&mut self.ask.headers, RANGE, format!("bytes={first}-{last}"));
        set(&mut self.ask.headers, X_BACKEND_WANT_VERSION, version);
        while let Some(candidate) = self.left.pop_front() {
            let answer = self.proxy.ask(&candidate.target, &self.ask, &HeaderMap::new()).await;
            if let Ok(answer) = answer
                && self.goes_on(&answer, first)
            {
                return Some(answer.body);
            }
        }
        None
    }

    /// Whether the answer is what is missing, and of the same version.
    fn goes_on(&self, answer: &IncomingResponse, first: u64) -> bool {
        let range = text(&answer.headers, &CONTENT_RANGE).and_then(first_byte);
        answer.status == StatusCode::PARTIAL_CONTENT
            && range == Some(first)
            && answer.body.length() == Some(self.span.length - self.taken)
            && timestamp(&answer.headers, &X_BACKEND_DATA_TIMESTAMP) == self.version
            && self.etag.is_some()
            && etag(&answer.headers) == self.etag
    }
}

/// The reading of a body that comes from a node.
fn reading(proxy: &Proxy) -> Attempt {
    proxy.host().attempt(AttemptKind::Replica, "replica")
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(digest: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
