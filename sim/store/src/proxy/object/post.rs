//! Replaces an object's metadata on a quorum of replicas.
//!
//! The container hears of another content type. Leaves out telling it of other metadata, of which its rows say nothing.

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode};

use super::delete::conflict;
use super::{ask, change_headers, container_of};
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::backend::updates;
use crate::proxy::limits::CHANGE_ROUNDS_MAX;
use crate::proxy::quorum::changed_status;
use crate::proxy::routing::Call;
use crate::swift::Service;
use crate::swift::header::{X_DELETE_AT, X_TIMESTAMP};

pub(super) async fn handle(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    let nodes = proxy.nodes(&call.path);
    let mut at = proxy.next_timestamp();
    let mut ask = ask(Method::POST, &call.path, &nodes, change_headers(call, at)?);
    // Who removes the object when it expires has to know who lists it, and its row shows the content type.
    let own = if [X_DELETE_AT, CONTENT_TYPE].iter().any(|name| ask.headers.contains_key(name)) {
        let container = proxy.nodes(&container_of(&call.path)?);
        updates(Service::Container, &container, nodes.primaries.len())
    } else {
        Vec::new()
    };
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    for _round in 0..CHANGE_ROUNDS_MAX {
        set(&mut ask.headers, X_TIMESTAMP, at);
        let replies = proxy.change(&ask, &nodes, &own).await;
        let answers: Vec<_> = replies.iter().map(|reply| (reply.primary, reply.status)).collect();
        status = changed_status(&answers, nodes.primaries.len());
        let Some(newer) = conflict(&replies) else { break };
        at = proxy.timestamp_after(newer);
    }
    match status {
        status if status.is_success() => Ok(response(status, HeaderMap::new(), Body::empty())),
        status => Err(ErrorResponse::of_quorum(status, &call.path)),
    }
}
