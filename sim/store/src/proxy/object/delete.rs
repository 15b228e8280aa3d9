//! DELETE of an object: a tombstone on a quorum of its replicas, and an update of its container.
//!
//! Leaves out the segments of a large object: see `slo::delete`.

use hyper::{HeaderMap, Method, StatusCode};

use super::request::{container_of, object_request};
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::backend::{BackendReply, update_headers};
use crate::proxy::headers::{response, set};
use crate::proxy::index::check_container;
use crate::proxy::limits::CHANGE_ROUNDS_MAX;
use crate::proxy::quorum::{QuorumError, QuorumFailure, deleted};
use crate::proxy::request::RequestHead;
use crate::swift::header::{X_BACKEND_TIMESTAMP, X_TIMESTAMP, X_TRANS_ID, timestamp};
use crate::swift::{Service, Timestamp};

/// Answers a DELETE.
pub(in crate::proxy) async fn handle(
    proxy: &Proxy,
    head: &RequestHead,
) -> Result<Response, QuorumError> {
    let container = container_of(&head.path)?;
    let container_nodes = proxy.nodes(&container);
    check_container(proxy, &container, &container_nodes).await?;
    let nodes = proxy.nodes(&head.path);
    let replicas = nodes.primaries.len();
    let own = update_headers(Service::Container, &container_nodes, replicas);
    let mut headers = HeaderMap::new();
    set(&mut headers, X_TRANS_ID, &head.trans_id);
    let mut request = object_request(Method::DELETE, &head.path, &nodes, headers);
    let mut at = proxy.next_timestamp();
    let mut outcome = Err(QuorumFailure::Unavailable);
    let mut existed = false;
    for _round in 0..CHANGE_ROUNDS_MAX {
        set(&mut request.headers, X_TIMESTAMP, at);
        let replies = proxy.change(&request, &nodes, &own).await;
        let statuses: Vec<StatusCode> = replies.iter().map(|reply| reply.status).collect();
        outcome = deleted(&statuses, replicas);
        existed = existed || outcome.is_ok();
        // A DELETE means the object that is there now, so a newer one is deleted as well.
        let Some(newer) = newest_conflict(&replies) else { break };
        at = proxy.timestamp_after(newer);
    }
    match outcome {
        Ok(status) => Ok(response(status, HeaderMap::new(), Body::empty())),
        // The second round found only the tombstones of the first.
        Err(QuorumFailure::NotFound) if existed => {
            Ok(response(StatusCode::NO_CONTENT, HeaderMap::new(), Body::empty()))
        }
        Err(failure) => Err(failure.on(&head.path)),
    }
}

/// Newest timestamp among the conflicts that nodes answered with.
pub(super) fn newest_conflict(replies: &[BackendReply]) -> Option<Timestamp> {
    let refused = replies.iter().filter(|reply| reply.status == StatusCode::CONFLICT);
    refused.map(|reply| timestamp(&reply.headers, &X_BACKEND_TIMESTAMP).unwrap_or_default()).max()
}
