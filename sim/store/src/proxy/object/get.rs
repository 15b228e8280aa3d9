//! Reads an object, or asks about it: from the first replica that has it, or the newest that any has.
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
use super::relay::{Relay, Span};
use super::{ask, etag, large, several};
use crate::http::{Body, IncomingResponse, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, for_client, picked, response, set};
use crate::proxy::backend::{Ask, X_BACKEND_PURPOSE};
use crate::proxy::limits::LOCATE_ROUNDS_MAX;
use crate::proxy::query::is_true;
use crate::proxy::quorum::Search;
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::proxy::routing::Call;
use crate::swift::header::{X_BACKEND_WANT_VERSION, X_NEWEST, X_STAYPUT_PURPOSE, X_TRANS_ID, text};

/// An object that a node has, and how to go on if it breaks off.
pub(super) struct Found {
    pub(super) ask: Ask,
    pub(super) answer: IncomingResponse,
    /// Who may have it as well.
    pub(super) left: VecDeque<ReplicaCandidate>,
}

/// Answers a GET or a HEAD.
pub(super) async fn handle(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    if call.method == Method::GET && several::asked(&call.headers) {
        return Box::pin(several::handle(proxy, call)).await;
    }
    if call.query.is_some() && large::asked(call).as_deref() == Some("get") {
        return Box::pin(large::get_manifest(proxy, call)).await;
    }
    let found = find(proxy, call, &call.method, HeaderMap::new()).await?;
    if large::is(&found.answer.headers) {
        return Box::pin(large::get(proxy, call, found)).await;
    }
    answer_with(proxy, found).await
}

/// The object, from the first replica that has it, with what the client's conditions and range make of it. `own` is what the proxy wants.
///
/// # Errors
/// 404 and 503.
pub(super) async fn find(
    proxy: &Proxy,
    call: &Call,
    method: &Method,
    own: HeaderMap,
) -> Result<Found, ErrorResponse> {
    let conditions = [RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
    let mut headers = picked(&call.headers, &conditions, None);
    if call.headers.contains_key(IF_RANGE) {
        // Nodes do not know it, and who sends it takes the whole as well.
        headers.remove(RANGE);
    }
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_BACKEND_PURPOSE, purpose_of(&call.headers).name());
    headers.extend(own);
    let nodes = proxy.nodes(&call.path);
    let mut ask = ask(method.clone(), &call.path, &nodes, headers);
    let newest = text(&call.headers, &X_NEWEST).is_some_and(is_true);
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    // Only the newest version is looked for again, when it was replaced between finding and reading it.
    for _round in 0..if newest { LOCATE_ROUNDS_MAX } else { 1 } {
        let mut left = VecDeque::from(proxy.candidates(&call.path, &nodes));
        if newest {
            left = Box::pin(pin_newest(proxy, &mut ask, left)).await?;
        }
        let mut search = Search::new(nodes.primaries.len());
        if let Some(answer) = proxy.find(&ask, &mut left, &mut search).await {
            return Ok(Found { ask, answer, left });
        }
        status = if newest { StatusCode::SERVICE_UNAVAILABLE } else { search.verdict() };
    }
    Err(ErrorResponse::of_quorum(status, &call.path))
}

/// Makes `ask` want the newest version, and puts those that hold it first.
async fn pin_newest(
    proxy: &Proxy,
    ask: &mut Ask,
    others: VecDeque<ReplicaCandidate>,
) -> Result<VecDeque<ReplicaCandidate>, ErrorResponse> {
    let located = proxy.locate_with(&ask.path, Patience::Everyone).await.map_err(|error| {
        let status = match error {
            LocateError::NotFound { .. } => StatusCode::NOT_FOUND,
            LocateError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        ErrorResponse::of_quorum(status, &ask.path)
    })?;
    set(&mut ask.headers, X_BACKEND_WANT_VERSION, located.version);
    let holds = |other: &ReplicaCandidate| located.holders.contains(&other.target);
    let (holding, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(holds);
    Ok(holding.into_iter().chain(rest).collect())
}

/// A node's headers as a client may see them, the ETag without the quotes that Swift does not write.
pub(super) fn shown(answer: &IncomingResponse) -> HeaderMap {
    let mut headers = for_client(&answer.headers);
    headers.entry(ACCEPT_RANGES).or_insert(HeaderValue::from_static("bytes"));
    if let Some(etag) = etag(&answer.headers) {
        set(&mut headers, ETAG, etag);
    }
    headers
}

/// The answer to the client: that of the node, its body passed on, from the replicas that are left if it breaks off.
pub(super) async fn answer_with(proxy: &Proxy, found: Found) -> Result<Response, ErrorResponse> {
    let Found { ask, answer, left } = found;
    let mut headers = shown(&answer);
    if ask.method == Method::HEAD {
        if let Some(length) = answer.headers.get(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, length.clone());
        }
        return Ok(response(answer.status, headers, Body::empty()));
    }
    if !answer.status.is_success() {
        return Ok(response(answer.status, headers, Body::empty()));
    }
    let length = answer.body.length().ok_or_else(|| {
        let why = format!("a node did not say how long {} is", ask.path);
        ErrorResponse::new(StatusCode::BAD_GATEWAY, why)
    })?;
    let status = answer.status;
    let span = span_of(status, &answer.headers, length);
    let relay = Relay::new(proxy.clone(), ask, answer, span, left);
    Ok(response(status, headers, relay.into_body().await))
}

/// What the client gets or puts the object for: data, code or the result of a job, or beside all jobs.
pub(super) fn purpose_of(headers: &HeaderMap) -> Purpose {
    match text(headers, &X_STAYPUT_PURPOSE).and_then(Purpose::named) {
        Some(said @ (Purpose::JobCode | Purpose::JobResult | Purpose::Foreground)) => said,
        _ => Purpose::ObjectData,
    }
}

/// Which bytes of the object the body is; its beginning is unknown if the node does not say it as it should.
fn span_of(status: StatusCode, headers: &HeaderMap, length: u64) -> Span {
    let first = match status {
        StatusCode::PARTIAL_CONTENT => text(headers, &CONTENT_RANGE).and_then(first_byte),
        _ => Some(0),
    };
    Span { first, length, whole: status == StatusCode::OK }
}

/// The first byte that a `Content-Range` names.
pub(super) fn first_byte(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}
