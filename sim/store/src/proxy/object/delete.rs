//! Deletes an object: a tombstone on a quorum of replicas, and the container hears of it.
//!
//! Leaves out deleting what a manifest points to.

use hyper::{HeaderMap, Method, StatusCode};

use super::{ask, container_of};
use crate::http::{Body, Response};
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::backend::{Reply, updates};
use crate::proxy::limits::CHANGE_ROUNDS_MAX;
use crate::proxy::quorum::deleted_status;
use crate::proxy::routing::Call;
use crate::proxy::{Proxy, container};
use crate::swift::header::{X_BACKEND_TIMESTAMP, X_TIMESTAMP, X_TRANS_ID, timestamp};
use crate::swift::{Service, Timestamp};

pub(super) async fn handle(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    let container = container_of(&call.path)?;
    let container_nodes = proxy.nodes(&container);
    container::exists(proxy, &container, &container_nodes).await?;
    let nodes = proxy.nodes(&call.path);
    let replicas = nodes.primaries.len();
    let own = updates(Service::Container, &container_nodes, replicas);
    let mut headers = HeaderMap::new();
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    let mut ask = ask(Method::DELETE, &call.path, &nodes, headers);
    let mut at = proxy.next_timestamp();
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    let mut had = false;
    for _round in 0..CHANGE_ROUNDS_MAX {
        set(&mut ask.headers, X_TIMESTAMP, at);
        let replies = proxy.change(&ask, &nodes, &own).await;
        let statuses: Vec<StatusCode> = replies.iter().map(|reply| reply.status).collect();
        status = deleted_status(&statuses, replicas);
        had = had || status == StatusCode::NO_CONTENT;
        // Who deletes an object means the one that is there now, so what is newer than the tombstone goes too.
        let Some(newer) = conflict(&replies) else { break };
        at = proxy.timestamp_after(newer);
    }
    match status {
        // The first round's own tombstones are all that the second one found.
        StatusCode::NOT_FOUND if had => {
            Ok(response(StatusCode::NO_CONTENT, HeaderMap::new(), Body::empty()))
        }
        StatusCode::NO_CONTENT => Ok(response(status, HeaderMap::new(), Body::empty())),
        status => Err(ErrorResponse::of_quorum(status, &call.path)),
    }
}

/// The newest timestamp that stood in the way of a change, if any did.
pub(super) fn conflict(replies: &[Reply]) -> Option<Timestamp> {
    let refused = replies.iter().filter(|reply| reply.status == StatusCode::CONFLICT);
    refused.map(|reply| timestamp(&reply.headers, &X_BACKEND_TIMESTAMP).unwrap_or_default()).max()
}
