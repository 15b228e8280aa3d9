//! Upload of one body to several nodes at once, at the pace of the slowest that does not stall.
//!
//! A node that cannot be connected, or refuses before it can have stored anything, is replaced by a
//! handoff as long as all chunks so far are still held ([`REPLAY_BYTES_MAX`]).
//!
//! Leaves out undoing a write of a minority: a later write or deletion wins over it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::body::Body as _;
use hyper::{HeaderMap, StatusCode};
use stayput_host::{Attempt, AttemptKind, Purpose, TaskGuard};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::http::{Body, BodySender, IncomingBody, IncomingResponse};
use crate::proxy::Proxy;
use crate::proxy::backend::{BackendError, BackendReply, BackendRequest, log_failure};
use crate::proxy::error::RequestBodyError;
use crate::proxy::headers::etag;
use crate::proxy::limits::{
    ANSWER_MAX, CHUNK_BYTES, CHUNK_MAX, CLIENT_CHUNK_MAX, OBJECT_BYTES_MAX, REPLAY_BYTES_MAX,
    REPLAY_CHUNKS_MAX, UPLOAD_TIMEOUTS,
};
use crate::proxy::quorum::majority;
use crate::proxy::replica_nodes::ReplicaNodes;
use crate::swift::ReplicaTarget;

/// Source of a body.
pub(in crate::proxy) enum BodySource {
    /// Client that is sending it.
    Client(IncomingBody),
    /// Body held in memory.
    Held(Bytes),
    /// Body of a response that the proxy would have sent to a client.
    Copied(Body),
}

impl BodySource {
    /// Next chunk; `None` at the end.
    pub(in crate::proxy) async fn next(
        &mut self,
        proxy: &Proxy,
    ) -> Result<Option<Bytes>, RequestBodyError> {
        match self {
            Self::Client(body) => {
                let chunk = proxy.host().timeout(CLIENT_CHUNK_MAX, body.chunk()).await;
                chunk
                    .map_err(|_| RequestBodyError::Stalled)?
                    .map_err(|_| RequestBodyError::ClientLeft)
            }
            Self::Copied(body) => {
                // Its sender has limits of its own.
                let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
                let frame = frame.transpose().map_err(|_| RequestBodyError::CopySourceLost)?;
                Ok(frame.and_then(|frame| frame.into_data().ok()))
            }
            Self::Held(left) if left.is_empty() => Ok(None),
            Self::Held(left) => Ok(Some(left.split_to(left.len().min(CHUNK_BYTES)))),
        }
    }
}

/// Request, nodes and length of an upload.
pub(super) struct UploadPlan {
    pub(super) request: BackendRequest,
    pub(super) nodes: ReplicaNodes,
    /// Further headers for each slot.
    pub(super) own: Vec<HeaderMap>,
    /// Length in bytes; `None` until the body ends.
    pub(super) length: Option<u64>,
    pub(super) purpose: Purpose,
}

/// Place of one copy.
enum Slot {
    Writing(Writer),
    Answered(BackendReply),
    Lost,
}

/// Node that is being written to.
struct Writer {
    index: usize,
    primary: bool,
    sender: BodySender,
    answer: oneshot::Receiver<Result<IncomingResponse, BackendError>>,
    trying: Attempt,
    /// Closes the connection when dropped, which ends the node's wait for the rest.
    _sending: TaskGuard,
}

struct Upload<'a> {
    proxy: &'a Proxy,
    plan: &'a UploadPlan,
    spare: RefCell<VecDeque<ReplicaTarget>>,
    /// All chunks so far; `None` once they are too many to hold.
    replay: RefCell<Option<Vec<Bytes>>>,
}

/// Writes the body of `source`. Returns the replies that came until [`QUORUM_GRACE`] after a
/// majority was reached, or too few for one.
///
/// [`QUORUM_GRACE`]: crate::proxy::limits::QUORUM_GRACE
///
/// # Errors
/// The source failed; then no node has stored anything.
pub(super) async fn upload(
    proxy: &Proxy,
    plan: &UploadPlan,
    mut source: BodySource,
) -> Result<Vec<BackendReply>, RequestBodyError> {
    let upload = Upload {
        proxy,
        plan,
        spare: RefCell::new(plan.nodes.handoffs.clone().into()),
        replay: RefCell::new(Some(Vec::new())),
    };
    let primaries = plan.nodes.primaries.iter().enumerate();
    let mut slots: Vec<Slot> =
        primaries.map(|(index, target)| upload.begin(index, target, true)).collect();
    let needed = majority(slots.len());
    let mut taken = 0;
    while let Some(chunk) = source.next(proxy).await? {
        taken += chunk.len() as u64;
        if taken > OBJECT_BYTES_MAX {
            return Err(RequestBodyError::TooLong);
        }
        upload.hold(&chunk);
        slots = join_all(slots.into_iter().map(|slot| upload.feed(slot, &chunk))).await;
        if slots.iter().filter(|slot| matches!(slot, Slot::Writing(_))).count() < needed {
            // A majority is out of reach: dropping the senders breaks the writes off.
            slots.retain(|slot| matches!(slot, Slot::Answered(_)));
            break;
        }
    }
    let replicas = plan.nodes.primaries.len();
    let waiting = slots.into_iter().map(|slot| upload.finish(slot)).collect();
    let created = |reply: &BackendReply| reply.status == StatusCode::CREATED;
    Ok(proxy.gather(waiting, replicas, created).await)
}

impl Upload<'_> {
    fn begin(&self, index: usize, target: &ReplicaTarget, primary: bool) -> Slot {
        let none = HeaderMap::new();
        let own = self.plan.own.get(index).unwrap_or(&none);
        let (sender, body) = self.plan.length.map_or_else(Body::open, Body::stream);
        let Ok(request) = self.plan.request.http_request(target, own, body) else {
            return Slot::Lost;
        };
        let trying = self.proxy.host().attempt(AttemptKind::Replica, "replica");
        let (answered, answer) = oneshot::channel();
        let (pool, to) = (self.proxy.pool().clone(), target.address(self.plan.request.service));
        // Copied only if warnings are logged.
        let is_logged = tracing::enabled!(tracing::Level::WARN);
        let logged = is_logged.then(|| (target.clone(), self.plan.request.clone()));
        let sending = async move {
            let answer = pool.send(to, request, UPLOAD_TIMEOUTS).await;
            if let Some((target, request)) = logged {
                log_failure(&target, &request, &answer);
            }
            // Nobody waits for it once the upload was given up.
            let _given_up = answered.send(answer.map_err(BackendError::from));
        };
        let sending = self.proxy.host().spawn_guarded(sending.in_current_span());
        Slot::Writing(Writer { index, primary, sender, answer, trying, _sending: sending })
    }

    /// Holds a chunk for handoffs, as long as the chunks are few.
    fn hold(&self, chunk: &Bytes) {
        let mut replay = self.replay.borrow_mut();
        let Some(chunks) = &mut *replay else { return };
        chunks.push(chunk.clone());
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        if chunks.len() > REPLAY_CHUNKS_MAX && bytes > REPLAY_BYTES_MAX {
            *replay = None;
        }
    }

    /// Sends the next chunk to a slot.
    async fn feed(&self, slot: Slot, chunk: &Bytes) -> Slot {
        let Slot::Writing(mut writing) = slot else { return slot };
        let index = writing.index;
        // A node that answers before the end of the body refuses it.
        match writing.answer.try_recv() {
            Ok(Ok(answer)) if !answer.status.is_server_error() => {
                writing.trying.progressed();
                Slot::Answered(BackendReply::new(writing.primary, answer))
            }
            Err(oneshot::error::TryRecvError::Empty) if self.send(&writing, chunk).await => {
                Slot::Writing(writing)
            }
            answered => {
                let refused = answered.ok().and_then(Result::ok);
                let refused = refused.map(|answer| BackendReply::new(writing.primary, answer));
                writing.trying.failed();
                drop(writing);
                or_full(self.replace(index).await, refused)
            }
        }
    }

    async fn send(&self, writing: &Writer, chunk: &Bytes) -> bool {
        let sent = writing.sender.send(self.plan.purpose, chunk.clone());
        self.proxy.host().timeout(CHUNK_MAX, sent).await == Ok(true)
    }

    /// Sends all chunks so far to the next handoff that takes them.
    async fn replace(&self, index: usize) -> Slot {
        loop {
            let held = self.replay.borrow().clone();
            let target = self.spare.borrow_mut().pop_front();
            let (Some(chunks), Some(target)) = (held, target) else { return Slot::Lost };
            let Slot::Writing(mut writing) = self.begin(index, &target, false) else { continue };
            let mut taken = true;
            for chunk in &chunks {
                taken = taken && self.send(&writing, chunk).await;
            }
            if taken {
                return Slot::Writing(writing);
            }
            writing.trying.failed();
        }
    }

    /// Waits for the answer of a slot that has the whole body, or of handoffs in its place.
    async fn finish(&self, mut slot: Slot) -> Option<BackendReply> {
        loop {
            let writing = match slot {
                Slot::Writing(writing) => writing,
                Slot::Answered(reply) => return Some(reply),
                Slot::Lost => return None,
            };
            let Writer { index, primary, sender, answer, mut trying, _sending } = writing;
            if self.plan.length.is_none() {
                // If it takes no more, it does not answer either.
                let _late = self.proxy.host().timeout(CHUNK_MAX, sender.finish()).await;
            }
            let answer = self.proxy.host().timeout(ANSWER_MAX, answer).await;
            let answer = answer.ok().and_then(Result::ok).and_then(Result::ok);
            let reply = answer.map(|answer| BackendReply::new(primary, answer));
            if reply.as_ref().is_some_and(|reply| !reply.status.is_server_error()) {
                trying.progressed();
                return reply;
            }
            trying.failed();
            slot = or_full(self.replace(index).await, reply);
        }
    }
}

/// Status and ETag of each reply.
pub(super) fn statuses_and_etags(replies: &[BackendReply]) -> Vec<(StatusCode, Option<String>)> {
    replies.iter().map(|reply| (reply.status, etag(&reply.headers))).collect()
}

/// Keeps the 507 of the last node of a lost slot, so that the client learns of the full disks.
fn or_full(slot: Slot, refused: Option<BackendReply>) -> Slot {
    let full = |reply: &BackendReply| reply.status == StatusCode::INSUFFICIENT_STORAGE;
    match (slot, refused.filter(full)) {
        (Slot::Lost, Some(reply)) => Slot::Answered(reply),
        (slot, _) => slot,
    }
}
