//! Finds a replica of an object for a client's GET or HEAD, and responds with it.
//!
//! Leaves out what is put together from several reads: several ranges, and large objects.

use std::collections::VecDeque;

use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::locate::{LocateError, Patience};
use super::relay::{BodyRelay, RelayedBytes};
use super::request::object_request;
use crate::http::{Body, IncomingResponse, Response, content_range_start};
use crate::proxy::Proxy;
use crate::proxy::backend::{BackendRequest, X_BACKEND_PURPOSE};
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{etag, for_client, picked, response, set};
use crate::proxy::limits::LOCATE_ROUNDS_MAX;
use crate::proxy::query::is_true;
use crate::proxy::quorum::{QuorumError, QuorumFailure, ReplicaSearch};
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::proxy::request::RequestHead;
use crate::swift::header::{X_BACKEND_WANT_VERSION, X_NEWEST, X_STAYPUT_PURPOSE, X_TRANS_ID, text};

/// Response of a node that has the object, and the nodes that can resume its body.
pub(in crate::proxy) struct FoundObject {
    pub(in crate::proxy) request: BackendRequest,
    pub(in crate::proxy) answer: IncomingResponse,
    /// Candidates that were not asked.
    pub(in crate::proxy) left: VecDeque<ReplicaCandidate>,
}

/// Asks the replicas for the object, under the client's conditions and range, until one has it.
/// `own` are further headers of the proxy.
///
/// # Errors
/// `NotFound` or `Unavailable`.
pub(in crate::proxy) async fn find(
    proxy: &Proxy,
    head: &RequestHead,
    method: &Method,
    own: HeaderMap,
) -> Result<FoundObject, QuorumError> {
    let conditions = [RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
    let mut headers = picked(&head.headers, &conditions, None);
    if head.headers.contains_key(IF_RANGE) {
        // Nodes do not know it, and its sender takes the whole object as well.
        headers.remove(RANGE);
    }
    set(&mut headers, X_TRANS_ID, &head.trans_id);
    set(&mut headers, X_BACKEND_PURPOSE, purpose_of(&head.headers).name());
    headers.extend(own);
    let nodes = proxy.nodes(&head.path);
    let mut request = object_request(method.clone(), &head.path, &nodes, headers);
    let newest = text(&head.headers, &X_NEWEST).is_some_and(is_true);
    let mut failure = QuorumFailure::Unavailable;
    // Only the newest version is looked for again, if it was replaced before it was read.
    for _round in 0..if newest { LOCATE_ROUNDS_MAX } else { 1 } {
        let mut left = VecDeque::from(proxy.candidates(&head.path, &nodes));
        if newest {
            left = Box::pin(pin_newest(proxy, &mut request, left)).await?;
        }
        let mut search = ReplicaSearch::new(nodes.primaries.len());
        if let Some(answer) = proxy.find(&request, &mut left, &mut search).await {
            return Ok(FoundObject { request, answer, left });
        }
        failure = if newest { QuorumFailure::Unavailable } else { search.failure() };
    }
    Err(failure.on(&head.path))
}

/// Restricts `request` to the newest version, and puts its holders first.
async fn pin_newest(
    proxy: &Proxy,
    request: &mut BackendRequest,
    others: VecDeque<ReplicaCandidate>,
) -> Result<VecDeque<ReplicaCandidate>, QuorumError> {
    let located = proxy.locate_with(&request.path, Patience::Everyone).await.map_err(|error| {
        let failure = match error {
            LocateError::NotFound { .. } => QuorumFailure::NotFound,
            LocateError::Unavailable { .. } => QuorumFailure::Unavailable,
        };
        failure.on(&request.path)
    })?;
    set(&mut request.headers, X_BACKEND_WANT_VERSION, located.version);
    let holds = |other: &ReplicaCandidate| located.holders.contains(&other.target);
    let (holding, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(holds);
    Ok(holding.into_iter().chain(rest).collect())
}

/// Headers of a node's response for the client, the ETag without quotes as Swift writes it.
pub(in crate::proxy) fn shown(answer: &IncomingResponse) -> HeaderMap {
    let mut headers = for_client(&answer.headers);
    headers.entry(ACCEPT_RANGES).or_insert(HeaderValue::from_static("bytes"));
    if let Some(etag) = etag(&answer.headers) {
        set(&mut headers, ETAG, etag);
    }
    headers
}

/// Responds with the node's response. If its body breaks off, the replicas that are left resume it.
pub(in crate::proxy) async fn respond(
    proxy: &Proxy,
    found: FoundObject,
) -> Result<Response, ProxyError> {
    let FoundObject { request, answer, left } = found;
    let mut headers = shown(&answer);
    if request.method == Method::HEAD {
        if let Some(length) = answer.headers.get(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, length.clone());
        }
        return Ok(response(answer.status, headers, Body::empty()));
    }
    if !answer.status.is_success() {
        return Ok(response(answer.status, headers, Body::empty()));
    }
    let unknown = || ProxyError::LengthUnknown { path: request.path.clone() };
    let length = answer.body.length().ok_or_else(unknown)?;
    let status = answer.status;
    let bytes = bytes_of(status, &answer.headers, length);
    let relay = BodyRelay::new(proxy.clone(), request, answer, bytes, left);
    Ok(response(status, headers, relay.into_body().await))
}

/// Purpose that the client names for the bytes of a GET or a PUT: object data unless it is code or
/// the result of a job, or load in the foreground.
pub(in crate::proxy) fn purpose_of(headers: &HeaderMap) -> Purpose {
    match text(headers, &X_STAYPUT_PURPOSE).and_then(Purpose::named) {
        Some(named @ (Purpose::JobCode | Purpose::JobResult | Purpose::Foreground)) => named,
        _ => Purpose::ObjectData,
    }
}

/// Bytes of the object that a body consists of. Their start is unknown if the node's
/// `Content-Range` is bad.
fn bytes_of(status: StatusCode, headers: &HeaderMap, length: u64) -> RelayedBytes {
    let first = match status {
        StatusCode::PARTIAL_CONTENT => text(headers, &CONTENT_RANGE).and_then(content_range_start),
        _ => Some(0),
    };
    RelayedBytes { first, length, whole: status == StatusCode::OK }
}
