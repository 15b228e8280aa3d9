//! POST of an object: replaces its metadata on a quorum of its replicas.
//!
//! A new content type updates the container. Leaves out updates for other metadata, which listings
//! do not show.

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method};

use super::delete::newest_conflict;
use super::request::{change_headers, container_of, object_request};
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::backend::update_headers;
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{response, set};
use crate::proxy::limits::CHANGE_ROUNDS_MAX;
use crate::proxy::quorum::{QuorumFailure, posted};
use crate::proxy::request::RequestHead;
use crate::swift::Service;
use crate::swift::header::{X_DELETE_AT, X_TIMESTAMP};

/// Answers a POST.
pub(in crate::proxy) async fn handle(
    proxy: &Proxy,
    head: &RequestHead,
) -> Result<Response, ProxyError> {
    let nodes = proxy.nodes(&head.path);
    let mut at = proxy.next_timestamp();
    let mut request = object_request(Method::POST, &head.path, &nodes, change_headers(head, at)?);
    // Expiry removes the object from its listing, and a listing shows the content type.
    let own = if [X_DELETE_AT, CONTENT_TYPE].iter().any(|name| request.headers.contains_key(name)) {
        let container = proxy.nodes(&container_of(&head.path)?);
        update_headers(Service::Container, &container, nodes.primaries.len())
    } else {
        Vec::new()
    };
    let mut outcome = Err(QuorumFailure::Unavailable);
    for _round in 0..CHANGE_ROUNDS_MAX {
        set(&mut request.headers, X_TIMESTAMP, at);
        let replies = proxy.change(&request, &nodes, &own).await;
        let answers: Vec<_> = replies.iter().map(|reply| (reply.primary, reply.status)).collect();
        outcome = posted(&answers, nodes.primaries.len());
        let Some(newer) = newest_conflict(&replies) else { break };
        at = proxy.timestamp_after(newer);
    }
    let status = outcome.map_err(|failure| failure.on(&head.path))?;
    Ok(response(status, HeaderMap::new(), Body::empty()))
}
