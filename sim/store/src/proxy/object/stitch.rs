//! Bodies that are put together from pieces: several ranges of an object, or the segments of a large one.
//!
//! Each piece comes from whichever replicas have it, and is the version that it should be or breaks the body off.
//! Leaves out reading ahead: one piece comes after the other.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::RANGE;
use hyper::{HeaderMap, Method};
use stayput_host::{LocalFuture, Purpose};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::large::manifest::{Manifest, Segment};
use super::ranges::Run;
use super::relay::{Relay, Span};
use super::{ask, etag, large};
use crate::http::{Body, BodySender};
use crate::proxy::Proxy;
use crate::proxy::answer::set;
use crate::proxy::auth::{Access, authorise};
use crate::proxy::backend::X_BACKEND_PURPOSE;
use crate::proxy::limits::{CLIENT_CHUNK_MAX, MANIFEST_DEPTH_MAX};
use crate::proxy::quorum::Search;
use crate::proxy::routing::Call;
use crate::swift::header::{X_BACKEND_WANT_VERSION, X_TRANS_ID};
use crate::swift::{Path, Timestamp};

/// What a body is put together from.
pub(super) enum Part {
    /// It is here.
    Text(Bytes),
    /// A run of an object.
    Piece(Piece),
    /// A run of a large object.
    Large(Rc<Manifest>, Run),
}

/// A run of a version of an object.
pub(super) struct Piece {
    pub(super) path: Path,
    pub(super) run: Run,
    /// How long the object is.
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    pub(super) version: Option<Timestamp>,
}

impl Part {
    const fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Piece(Piece { run, .. }) | Self::Large(_, run) => run.length,
        }
    }
}

/// A body of these parts, once the first piece of them is known to be there; `None` if it is not.
pub(super) async fn body(
    proxy: &Proxy,
    call: &Call,
    purpose: Purpose,
    parts: Vec<Part>,
) -> Option<Body> {
    let (sender, body) = Body::stream(parts.iter().map(Part::length).sum());
    let (begins, begun) = oneshot::channel();
    let mut stitcher = Stitcher {
        proxy: proxy.clone(),
        call: call.clone(),
        purpose,
        sender,
        begins: Some(begins),
    };
    let pouring = async move {
        for part in parts {
            if !stitcher.pour(part, 0).await {
                return;
            }
        }
    };
    proxy.host().spawn(pouring.in_current_span());
    // Nobody says so if there is no piece at all, as of a large object of nothing.
    begun.await.unwrap_or(true).then_some(body)
}

struct Stitcher {
    proxy: Proxy,
    call: Call,
    purpose: Purpose,
    sender: BodySender,
    /// Hears whether the first piece is there.
    begins: Option<oneshot::Sender<bool>>,
}

impl Stitcher {
    /// Sends a part, `depth` manifests deep. False if that did not work: then the body breaks off.
    fn pour(&mut self, part: Part, depth: usize) -> LocalFuture<'_, bool> {
        Box::pin(async move {
            match part {
                Part::Text(text) => {
                    let sent = self.sender.send(Purpose::Control, text);
                    self.proxy.host().timeout(CLIENT_CHUNK_MAX, sent).await == Ok(true)
                }
                Part::Piece(piece) => {
                    let opened = self.open(&piece).await;
                    self.says(opened.is_some());
                    let Some(mut relay) = opened else { return false };
                    relay.pour(&self.sender).await
                }
                Part::Large(manifest, run) => self.pour_large(&manifest, run, depth).await,
            }
        })
    }

    fn says(&mut self, is_there: bool) {
        if let Some(begins) = self.begins.take() {
            let _client_left = begins.send(is_there);
        }
    }

    async fn pour_large(&mut self, manifest: &Manifest, run: Run, depth: usize) -> bool {
        for (segment, run) in manifest.runs(run) {
            let Some(part) = self.part_of(segment, run, depth).await else {
                self.says(false);
                return false;
            };
            if !self.pour(part, depth + 1).await {
                return false;
            }
        }
        true
    }

    /// A run of a segment, which may be a large object itself; nothing that who asks may not read.
    async fn part_of(&self, segment: &Segment, run: Run, depth: usize) -> Option<Part> {
        let path = segment.path(&self.call.path).ok()?;
        authorise(&self.proxy, &self.call.caller, &path, Access::Read).await.ok()?;
        let (size, etag) = (segment.bytes, Some(segment.hash.clone()));
        if !segment.sub_slo {
            return Some(Part::Piece(Piece { path, run, size, etag, version: None }));
        }
        if depth >= MANIFEST_DEPTH_MAX {
            return None;
        }
        let call = self.call.along(Method::GET, path);
        let read = large::read(&self.proxy, &call).await.ok()?;
        (read.etag == segment.hash).then(|| Part::Large(Rc::new(read.manifest), run))
    }

    /// A replica's answer with the piece.
    async fn open(&self, piece: &Piece) -> Option<Relay> {
        let Piece { path, run, size, .. } = piece;
        let nodes = self.proxy.nodes(path);
        let mut headers = HeaderMap::new();
        set(&mut headers, X_TRANS_ID, &self.call.trans_id);
        set(&mut headers, X_BACKEND_PURPOSE, self.purpose.name());
        if let Some(version) = piece.version {
            set(&mut headers, X_BACKEND_WANT_VERSION, version);
        }
        let whole = run.length == *size;
        if !whole {
            set(&mut headers, RANGE, format!("bytes={}-{}", run.first, run.last()));
        }
        let ask = ask(Method::GET, path, &nodes, headers);
        let mut left = VecDeque::from(self.proxy.candidates(path, &nodes));
        let mut search = Search::new(nodes.primaries.len());
        // Each round uses up at least one candidate.
        while let Some(answer) = self.proxy.find(&ask, &mut left, &mut search).await {
            let is_it = answer.status.is_success()
                && answer.body.length() == Some(run.length)
                && (piece.etag.is_none() || etag(&answer.headers) == piece.etag);
            if is_it {
                let span = Span { first: Some(run.first), length: run.length, whole };
                return Some(Relay::new(self.proxy.clone(), ask, answer, span, left));
            }
        }
        None
    }
}
