//! Composite bodies: several ranges of an object, or the segments of a large one, sent in order.
//!
//! Each part comes from any replica that has the right version; otherwise the body breaks off.
//! Leaves out reading ahead: one part follows the other.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::RANGE;
use hyper::{HeaderMap, Method};
use stayput_host::{LocalFuture, Purpose};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::manifest::{Manifest, Segment};
use super::read::read;
use crate::http::{Body, BodySender, ByteRange};
use crate::proxy::Proxy;
use crate::proxy::auth::{Access, authorise};
use crate::proxy::backend::X_BACKEND_PURPOSE;
use crate::proxy::headers::{etag, set};
use crate::proxy::limits::{CLIENT_CHUNK_MAX, MANIFEST_DEPTH_MAX};
use crate::proxy::object::multi_range::MultipartPiece;
use crate::proxy::object::relay::{BodyRelay, RelayedBytes};
use crate::proxy::object::request::object_request;
use crate::proxy::quorum::ReplicaSearch;
use crate::proxy::request::RequestHead;
use crate::swift::header::{X_BACKEND_WANT_VERSION, X_TRANS_ID};
use crate::swift::{Path, Timestamp};

/// Part of a composite body.
pub(in crate::proxy) enum Part {
    /// Bytes held in memory.
    Bytes(Bytes),
    Object(ObjectRange),
    /// Range of a large object.
    LargeObject(Rc<Manifest>, ByteRange),
}

/// Range of one version of an object.
pub(in crate::proxy) struct ObjectRange {
    pub(in crate::proxy) path: Path,
    pub(in crate::proxy) range: ByteRange,
    /// Length of the object in bytes.
    pub(in crate::proxy) size: u64,
    pub(in crate::proxy) etag: Option<String>,
    pub(in crate::proxy) version: Option<Timestamp>,
}

impl Part {
    const fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object(ObjectRange { range, .. }) | Self::LargeObject(_, range) => range.length,
        }
    }
}

/// Parts of a multipart body; `of` gives the content of a range.
pub(in crate::proxy) fn parts(
    pieces: Vec<MultipartPiece>,
    of: impl Fn(ByteRange) -> Part,
) -> Vec<Part> {
    let part = |piece| match piece {
        MultipartPiece::Framing(bytes) => Part::Bytes(bytes),
        MultipartPiece::Content(range) => of(range),
    };
    pieces.into_iter().map(part).collect()
}

/// Starts to send `parts`, and returns their body once the first object is known to exist; `None`
/// if it does not.
pub(in crate::proxy) async fn body(
    proxy: &Proxy,
    head: &RequestHead,
    purpose: Purpose,
    parts: Vec<Part>,
) -> Option<Body> {
    let (sender, body) = Body::stream(parts.iter().map(Part::length).sum());
    let (first, is_first_found) = oneshot::channel();
    let mut composer =
        Composer { proxy: proxy.clone(), head: head.clone(), purpose, sender, first: Some(first) };
    let sending = async move {
        for part in parts {
            if !composer.send(part, 0).await {
                return;
            }
        }
    };
    proxy.host().spawn(sending.in_current_span());
    // Without any object, as in an empty large object, the channel is just dropped.
    is_first_found.await.unwrap_or(true).then_some(body)
}

struct Composer {
    proxy: Proxy,
    head: RequestHead,
    purpose: Purpose,
    sender: BodySender,
    /// Receives whether the first object exists.
    first: Option<oneshot::Sender<bool>>,
}

impl Composer {
    /// Sends a part, `depth` manifests deep. False on failure: then the body breaks off.
    fn send(&mut self, part: Part, depth: usize) -> LocalFuture<'_, bool> {
        Box::pin(async move {
            match part {
                Part::Bytes(bytes) => {
                    let sent = self.sender.send(Purpose::Control, bytes);
                    self.proxy.host().timeout(CLIENT_CHUNK_MAX, sent).await == Ok(true)
                }
                Part::Object(object) => {
                    let opened = self.open(&object).await;
                    self.report_first(opened.is_some());
                    let Some(mut relay) = opened else { return false };
                    relay.send_all(&self.sender).await
                }
                Part::LargeObject(manifest, range) => {
                    self.send_large(&manifest, range, depth).await
                }
            }
        })
    }

    fn report_first(&mut self, exists: bool) {
        if let Some(first) = self.first.take() {
            let _client_left = first.send(exists);
        }
    }

    async fn send_large(&mut self, manifest: &Manifest, range: ByteRange, depth: usize) -> bool {
        for (segment, range) in manifest.ranges(range) {
            let Some(part) = self.part_of(segment, range, depth).await else {
                self.report_first(false);
                return false;
            };
            if !self.send(part, depth + 1).await {
                return false;
            }
        }
        true
    }

    /// Range of a segment, which may be a large object itself; `None` if the caller may not read
    /// it.
    async fn part_of(&self, segment: &Segment, range: ByteRange, depth: usize) -> Option<Part> {
        let path = segment.path(&self.head.path).ok()?;
        authorise(&self.proxy, &self.head.caller, &path, Access::Read).await.ok()?;
        let (size, etag) = (segment.bytes, Some(segment.hash.clone()));
        if !segment.sub_slo {
            return Some(Part::Object(ObjectRange { path, range, size, etag, version: None }));
        }
        if depth >= MANIFEST_DEPTH_MAX {
            return None;
        }
        let head = self.head.related(Method::GET, path);
        let manifest = read(&self.proxy, &head).await.ok()?;
        (manifest.etag() == segment.hash).then(|| Part::LargeObject(Rc::new(manifest), range))
    }

    /// Opens the range at a replica that has the right version.
    async fn open(&self, object: &ObjectRange) -> Option<BodyRelay> {
        let ObjectRange { path, range, size, .. } = object;
        let nodes = self.proxy.nodes(path);
        let mut headers = HeaderMap::new();
        set(&mut headers, X_TRANS_ID, &self.head.trans_id);
        set(&mut headers, X_BACKEND_PURPOSE, self.purpose.name());
        if let Some(version) = object.version {
            set(&mut headers, X_BACKEND_WANT_VERSION, version);
        }
        let whole = range.length == *size;
        if !whole {
            set(&mut headers, RANGE, range.header());
        }
        let request = object_request(Method::GET, path, &nodes, headers);
        let mut left = VecDeque::from(self.proxy.candidates(path, &nodes));
        let mut search = ReplicaSearch::new(nodes.primaries.len());
        // Each round uses up at least one candidate.
        while let Some(answer) = self.proxy.find(&request, &mut left, &mut search).await {
            let is_right = answer.status.is_success()
                && answer.body.length() == Some(range.length)
                && (object.etag.is_none() || etag(&answer.headers) == object.etag);
            if is_right {
                let (first, length) = (Some(range.first), range.length);
                let bytes = RelayedBytes { first, length, whole };
                return Some(BodyRelay::new(self.proxy.clone(), request, answer, bytes, left));
            }
        }
        None
    }
}
