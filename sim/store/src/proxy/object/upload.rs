//! Writes one body to several nodes at once. The slowest of them sets the pace, until it stalls and is dropped.
//!
//! A node that cannot be connected, or refuses before it can have stored anything, gives its slot to a handoff as
//! long as all chunks so far are still held ([`REPLAY_BYTES_MAX`]).
//!
//! Leaves out undoing what a minority has stored: a later write or a deletion wins over it.

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
use crate::proxy::backend::{Ask, NodeError, Reply, log};
use crate::proxy::limits::{
    ANSWER_MAX, CHUNK_BYTES, CHUNK_MAX, CLIENT_CHUNK_MAX, OBJECT_BYTES_MAX, REPLAY_BYTES_MAX,
    REPLAY_CHUNKS_MAX, UPLOAD_LIMITS,
};
use crate::proxy::quorum::majority;
use crate::proxy::replica_nodes::ReplicaNodes;
use crate::swift::ReplicaTarget;

/// Where a body comes from.
pub(super) enum Source {
    /// A client that is sending it.
    Client(IncomingBody),
    /// It is here.
    Held(Bytes),
    /// What another of the proxy's answers would have brought its client.
    Copied(Body),
}

/// The body ended before its length was reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceBroken {
    #[error("the body broke off before its Content-Length")]
    BrokeOff,
    #[error("the next chunk of the body did not come within {} s", CLIENT_CHUNK_MAX.as_secs())]
    Stalled,
    #[error("the body is longer than an object may be")]
    TooLong,
    #[error("what was to be copied broke off: try again later")]
    CopyBroke,
}

impl Source {
    pub(super) async fn next(&mut self, proxy: &Proxy) -> Result<Option<Bytes>, SourceBroken> {
        match self {
            Self::Client(body) => {
                let chunk = proxy.host().timeout(CLIENT_CHUNK_MAX, body.chunk()).await;
                chunk.map_err(|_| SourceBroken::Stalled)?.map_err(|_| SourceBroken::BrokeOff)
            }
            Self::Copied(body) => {
                // Its sender has limits of its own.
                let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
                let frame = frame.transpose().map_err(|_| SourceBroken::CopyBroke)?;
                Ok(frame.and_then(|frame| frame.into_data().ok()))
            }
            Self::Held(left) if left.is_empty() => Ok(None),
            Self::Held(left) => Ok(Some(left.split_to(left.len().min(CHUNK_BYTES)))),
        }
    }
}

/// What is to be written.
pub(super) struct Plan {
    pub(super) ask: Ask,
    pub(super) nodes: ReplicaNodes,
    /// The headers for each slot.
    pub(super) own: Vec<HeaderMap>,
    /// `None` if only its end will tell.
    pub(super) length: Option<u64>,
    pub(super) purpose: Purpose,
}

/// One of the copies.
enum Slot {
    Writing(Writing),
    Answered(Reply),
    Lost,
}

/// A node that is being written to.
struct Writing {
    index: usize,
    primary: bool,
    sender: BodySender,
    answer: oneshot::Receiver<Result<IncomingResponse, NodeError>>,
    trying: Attempt,
    /// Ends the connection, and so the node's wait for the rest, when this is dropped.
    _sending: TaskGuard,
}

struct Upload<'a> {
    proxy: &'a Proxy,
    plan: &'a Plan,
    spare: RefCell<VecDeque<ReplicaTarget>>,
    /// All chunks so far; `None` when they have become too many to hold.
    replay: RefCell<Option<Vec<Bytes>>>,
}

/// Writes the body that `source` brings. The replies are those that came until a while after a majority was
/// reached, or too few for one.
///
/// # Errors
/// [`SourceBroken`]; then no node has stored anything.
pub(super) async fn upload(
    proxy: &Proxy,
    plan: &Plan,
    mut source: Source,
) -> Result<Vec<Reply>, SourceBroken> {
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
            return Err(SourceBroken::TooLong);
        }
        upload.hold(&chunk);
        slots = join_all(slots.into_iter().map(|slot| upload.feed(slot, &chunk))).await;
        if slots.iter().filter(|slot| matches!(slot, Slot::Writing(_))).count() < needed {
            // A majority can no longer be had: what is written so far breaks off with its senders.
            slots.retain(|slot| matches!(slot, Slot::Answered(_)));
            break;
        }
    }
    let replicas = plan.nodes.primaries.len();
    let waiting = slots.into_iter().map(|slot| upload.finish(slot)).collect();
    let created = |reply: &Reply| reply.status == StatusCode::CREATED;
    Ok(proxy.gather(waiting, replicas, created).await)
}

impl Upload<'_> {
    fn begin(&self, index: usize, target: &ReplicaTarget, primary: bool) -> Slot {
        let none = HeaderMap::new();
        let own = self.plan.own.get(index).unwrap_or(&none);
        let (sender, body) = self.plan.length.map_or_else(Body::open, Body::stream);
        let Ok(request) = self.plan.ask.request(target, own, body) else { return Slot::Lost };
        let trying = self.proxy.host().attempt(AttemptKind::Replica, "replica");
        let (tell, answer) = oneshot::channel();
        let (pool, to) = (self.proxy.pool().clone(), target.address(self.plan.ask.service));
        // Only somebody who listens has it copied.
        let heard = tracing::enabled!(tracing::Level::WARN);
        let told = heard.then(|| (target.clone(), self.plan.ask.clone()));
        let sending = async move {
            let answer = pool.send(to, request, UPLOAD_LIMITS).await;
            if let Some((target, ask)) = told {
                log(&target, &ask, &answer);
            }
            // Nobody waits for it once the upload was given up.
            let _unheard = tell.send(answer.map_err(NodeError::from));
        };
        let sending = self.proxy.host().spawn_guarded(sending.in_current_span());
        Slot::Writing(Writing { index, primary, sender, answer, trying, _sending: sending })
    }

    /// Keeps a chunk for handoffs, as long as they are few.
    fn hold(&self, chunk: &Bytes) {
        let mut replay = self.replay.borrow_mut();
        let Some(chunks) = &mut *replay else { return };
        chunks.push(chunk.clone());
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        if chunks.len() > REPLAY_CHUNKS_MAX && bytes > REPLAY_BYTES_MAX {
            *replay = None;
        }
    }

    /// Gives a slot the next chunk, which is held already.
    async fn feed(&self, slot: Slot, chunk: &Bytes) -> Slot {
        let Slot::Writing(mut writing) = slot else { return slot };
        let index = writing.index;
        // A node that answers before it has the body refuses it.
        match writing.answer.try_recv() {
            Ok(Ok(answer)) if !answer.status.is_server_error() => {
                writing.trying.progressed();
                Slot::Answered(Reply::new(writing.primary, answer))
            }
            Err(oneshot::error::TryRecvError::Empty) if self.give(&writing, chunk).await => {
                Slot::Writing(writing)
            }
            answered => {
                let refused = answered.ok().and_then(Result::ok);
                let refused = refused.map(|answer| Reply::new(writing.primary, answer));
                writing.trying.failed();
                drop(writing);
                or_full(self.replace(index).await, refused)
            }
        }
    }

    async fn give(&self, writing: &Writing, chunk: &Bytes) -> bool {
        let sent = writing.sender.send(self.plan.purpose, chunk.clone());
        self.proxy.host().timeout(CHUNK_MAX, sent).await == Ok(true)
    }

    /// Lets the next handoff that takes them have all chunks so far.
    async fn replace(&self, index: usize) -> Slot {
        loop {
            let held = self.replay.borrow().clone();
            let target = self.spare.borrow_mut().pop_front();
            let (Some(chunks), Some(target)) = (held, target) else { return Slot::Lost };
            let Slot::Writing(mut writing) = self.begin(index, &target, false) else { continue };
            let mut taken = true;
            for chunk in &chunks {
                taken = taken && self.give(&writing, chunk).await;
            }
            if taken {
                return Slot::Writing(writing);
            }
            writing.trying.failed();
        }
    }

    /// What a slot that has the whole body answers, or the handoffs that take its place.
    async fn finish(&self, mut slot: Slot) -> Option<Reply> {
        loop {
            let writing = match slot {
                Slot::Writing(writing) => writing,
                Slot::Answered(reply) => return Some(reply),
                Slot::Lost => return None,
            };
            let Writing { index, primary, sender, answer, mut trying, _sending } = writing;
            if self.plan.length.is_none() {
                // If it takes no more, it does not answer either.
                let _late = self.proxy.host().timeout(CHUNK_MAX, sender.finish()).await;
            }
            let answer = self.proxy.host().timeout(ANSWER_MAX, answer).await;
            let answer = answer.ok().and_then(Result::ok).and_then(Result::ok);
            let reply = answer.map(|answer| Reply::new(primary, answer));
            if reply.as_ref().is_some_and(|reply| !reply.status.is_server_error()) {
                trying.progressed();
                return reply;
            }
            trying.failed();
            slot = or_full(self.replace(index).await, reply);
        }
    }
}

/// The status and the ETag of each reply.
pub(super) fn told(replies: &[Reply]) -> Vec<(StatusCode, Option<String>)> {
    replies.iter().map(|reply| (reply.status, super::etag(&reply.headers))).collect()
}

/// A slot that nobody took any more, because the node that said so last has no room: its client is to hear that.
fn or_full(slot: Slot, refused: Option<Reply>) -> Slot {
    let full = |reply: &Reply| reply.status == StatusCode::INSUFFICIENT_STORAGE;
    match (slot, refused.filter(full)) {
        (Slot::Lost, Some(reply)) => Slot::Answered(reply),
        (slot, _) => slot,
    }
}
