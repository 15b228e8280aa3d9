//! Relays an object's body to a client, and resumes it at another node if one breaks off or stalls.
//!
//! The rest has the same data timestamp and ETag, or the body breaks off: two versions are never
//! mixed. The MD5 of a whole body is checked before its last chunk leaves, because a damaged copy
//! shows only at its end, after its node has sent the damage.
//!
//! Leaves out checking ranges of an object: their MD5 is not known.

use std::collections::VecDeque;

use bytes::Bytes;
use hyper::header::{
    CONTENT_RANGE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use hyper::{HeaderMap, StatusCode};
use stayput_host::{Attempt, AttemptKind, Checksum, Purpose};
use tracing::Instrument;

use crate::http::{Body, BodySender, IncomingBody, IncomingResponse, content_range_start};
use crate::proxy::Proxy;
use crate::proxy::backend::{BackendRequest, X_BACKEND_PURPOSE};
use crate::proxy::headers::{etag, hex, set};
use crate::proxy::limits::{CHUNK_MAX, CLIENT_CHUNK_MAX};
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::swift::Timestamp;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, X_BACKEND_WANT_VERSION, text, timestamp};

/// Bytes of the largest body that is read whole before it is sent: it would leave in one piece
/// anyway.
const SMALL_BYTES_MAX: u64 = 64 << 10;

/// Bytes of an object that a body consists of.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct RelayedBytes {
    /// Offset of the first one, if it is known.
    pub(in crate::proxy) first: Option<u64>,
    pub(in crate::proxy) length: u64,
    /// True if they are the whole object.
    pub(in crate::proxy) whole: bool,
}

/// Body on its way from nodes to a client.
pub(in crate::proxy) struct BodyRelay {
    proxy: Proxy,
    request: BackendRequest,
    bytes: RelayedBytes,
    taken: u64,
    purpose: Purpose,
    version: Option<Timestamp>,
    etag: Option<String>,
    checksum: Option<Checksum>,
    source: IncomingBody,
    reading: Attempt,
    /// True if the body comes from more than one node.
    resumed: bool,
    left: VecDeque<ReplicaCandidate>,
}

impl BodyRelay {
    /// Relays the body of `answer`; candidates in `left` resume it.
    pub(in crate::proxy) fn new(
        proxy: Proxy,
        request: BackendRequest,
        answer: IncomingResponse,
        bytes: RelayedBytes,
        left: VecDeque<ReplicaCandidate>,
    ) -> Self {
        let etag = etag(&answer.headers);
        let purpose = text(&request.headers, &X_BACKEND_PURPOSE).and_then(Purpose::named);
        let checked = bytes.whole && etag.as_deref().is_some_and(is_md5);
        Self {
            purpose: purpose.unwrap_or(Purpose::ObjectData),
            request,
            bytes,
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

    /// Body for the client: a small one at once, a large one as it arrives.
    pub(in crate::proxy) async fn into_body(mut self) -> Body {
        let length = self.bytes.length;
        if length <= SMALL_BYTES_MAX {
            // A body without a sender breaks off at once.
            return self.collect().await.unwrap_or_else(|| Body::stream(length).1);
        }
        let (sender, body) = Body::stream(length);
        let host = self.proxy.host().clone();
        // Ends when the client leaves, when a chunk is too late, or at the end.
        let sending = async move {
            // The reader sees a body that breaks off.
            let _sent = self.send_all(&sender).await;
        };
        host.spawn(sending.in_current_span());
        body
    }

    /// The whole body, if all of it arrives. A body of one node was checked by that node; a body of
    /// several is checked here.
    async fn collect(&mut self) -> Option<Body> {
        let checksum = self.checksum.take();
        let mut pieces = Vec::new();
        while self.taken < self.bytes.length {
            pieces.push((self.purpose, self.next().await?));
        }
        if self.resumed
            && let Some(mut checksum) = checksum
        {
            pieces.iter().for_each(|(_, piece)| checksum.update(piece));
            self.checksum = Some(checksum);
        }
        self.is_intact().then(|| Body::parts(pieces))
    }

    /// Sends the whole body. False on failure: then the sender is to be dropped.
    pub(in crate::proxy) async fn send_all(&mut self, sender: &BodySender) -> bool {
        while self.taken < self.bytes.length {
            let Some(chunk) = self.next().await else { return false };
            if self.taken == self.bytes.length && !self.is_intact() {
                return false;
            }
            let sent = sender.send(self.purpose, chunk);
            if self.proxy.host().timeout(CLIENT_CHUNK_MAX, sent).await != Ok(true) {
                return false;
            }
        }
        true
    }

    /// Next chunk from any node that has it; `None` if no node is left.
    pub(in crate::proxy) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let chunk = self.proxy.host().timeout(CHUNK_MAX, self.source.chunk()).await;
            if let Ok(Ok(Some(mut chunk))) = chunk {
                let remaining = self.bytes.length - self.taken;
                chunk.truncate(usize::try_from(remaining).unwrap_or(usize::MAX));
                self.taken += chunk.len() as u64;
                self.reading.progressed();
                if let Some(checksum) = &mut self.checksum {
                    checksum.update(&chunk);
                }
                return Some(chunk);
            }
            self.reading.failed();
            let (taken, of) = (self.taken, self.bytes.length);
            tracing::warn!(
                path = self.request.path.encoded(),
                taken,
                of,
                "a body broke off, its rest comes from another replica"
            );
            self.source = Box::pin(self.resume()).await?;
            self.reading = reading(&self.proxy);
            self.resumed = true;
        }
    }

    /// True if the relayed bytes match the ETag, as far as that can be checked.
    pub(in crate::proxy) fn is_intact(&mut self) -> bool {
        let is_intact = match (self.checksum.take(), &self.etag) {
            (Some(checksum), Some(etag)) => hex(&checksum.sum()) == *etag,
            _ => true,
        };
        if !is_intact {
            tracing::error!(
                path = self.request.path.encoded(),
                "the MD5 of a body is not its ETag"
            );
            self.reading.discard_progress();
            self.reading.failed();
        }
        is_intact
    }

    /// Rest of the same version from the next replica that has it.
    async fn resume(&mut self) -> Option<IncomingBody> {
        let version = self.version?;
        let first = self.bytes.first? + self.taken;
        let last = self.bytes.first? + self.bytes.length - 1;
        let conditions = [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
        for condition in conditions {
            self.request.headers.remove(condition);
        }
        set(&mut self.request.headers, RANGE, format!("bytes={first}-{last}"));
        set(&mut self.request.headers, X_BACKEND_WANT_VERSION, version);
        while let Some(candidate) = self.left.pop_front() {
            let answer = self.proxy.send(&candidate.target, &self.request, &HeaderMap::new()).await;
            if let Ok(answer) = answer
                && self.resumes(&answer, first)
            {
                return Some(answer.body);
            }
        }
        None
    }

    /// True if the answer is the missing rest, of the same version.
    fn resumes(&self, answer: &IncomingResponse, first: u64) -> bool {
        let range = text(&answer.headers, &CONTENT_RANGE).and_then(content_range_start);
        answer.status == StatusCode::PARTIAL_CONTENT
            && range == Some(first)
            && answer.body.length() == Some(self.bytes.length - self.taken)
            && timestamp(&answer.headers, &X_BACKEND_DATA_TIMESTAMP) == self.version
            && self.etag.is_some()
            && etag(&answer.headers) == self.etag
    }
}

/// Attempt to read a body from a node.
fn reading(proxy: &Proxy) -> Attempt {
    proxy.host().attempt(AttemptKind::Replica, "replica")
}

/// True if the ETag is an MD5, by which a body can be checked.
fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}
