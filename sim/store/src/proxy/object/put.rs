//! Stores an object that a client sends, or that the proxy puts together for it.
//!
//! Leaves out checking the MD5 twice: nodes do it, and have to agree.

use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LAST_MODIFIED, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Method, StatusCode};

use super::get::purpose_of;
use super::locate::LocateError;
use super::upload::{Plan, Source, SourceBroken, told, upload};
use super::{ask, change_headers, container_of, kinds};
use crate::http::{Body, IncomingBody, Response};
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::backend::updates;
use crate::proxy::limits::OBJECT_BYTES_MAX;
use crate::proxy::query::is_true;
use crate::proxy::quorum::{NotStored, stored};
use crate::proxy::routing::Call;
use crate::proxy::{Proxy, container};
use crate::swift::date::{http_date, modified_seconds};
use crate::swift::header::{X_TIMESTAMP, text};
use crate::swift::{Path, Service, Timestamp};

/// What is to be stored.
pub(super) struct New {
    /// `None` if only its end will tell.
    pub(super) length: Option<u64>,
    pub(super) source: Source,
    /// What the proxy itself says of it.
    pub(super) own: HeaderMap,
}

/// Stores what the client sends.
pub(super) async fn handle(
    proxy: &Proxy,
    call: &Call,
    body: IncomingBody,
) -> Result<Response, ErrorResponse> {
    let length = length_of(&call.headers)?;
    store(proxy, call, New { length, source: Source::Client(body), own: HeaderMap::new() }).await
}

/// Stores `new` as `call` says.
pub(super) async fn store(proxy: &Proxy, call: &Call, new: New) -> Result<Response, ErrorResponse> {
    if new.length.is_some_and(|length| length > OBJECT_BYTES_MAX) {
        return Err(too_long());
    }
    let timestamp = proxy.next_timestamp();
    let mut headers = headers_of(call, timestamp)?;
    headers.extend(new.own);
    let path = &call.path;
    let container = container_of(path)?;
    let container_nodes = proxy.nodes(&container);
    container::exists(proxy, &container, &container_nodes).await?;
    if headers.contains_key(IF_NONE_MATCH) {
        Box::pin(must_be_absent(proxy, path)).await?;
    }
    let nodes = proxy.nodes(path);
    let own = updates(Service::Container, &container_nodes, nodes.primaries.len());
    let ask = ask(Method::PUT, path, &nodes, headers);
    let plan = Plan { ask, nodes, own, length: new.length, purpose: purpose_of(&call.headers) };
    let replies = upload(proxy, &plan, new.source).await.map_err(|broken| {
        let status = match broken {
            SourceBroken::BrokeOff => return ErrorResponse::client_left(broken.to_string()),
            SourceBroken::TooLong => return too_long(),
            SourceBroken::Stalled => StatusCode::REQUEST_TIMEOUT,
            SourceBroken::CopyBroke => StatusCode::SERVICE_UNAVAILABLE,
        };
        ErrorResponse::new(status, broken.to_string())
    })?;
    match stored(&told(&replies), plan.nodes.primaries.len()) {
        Ok(etag) => {
            let mut headers = HeaderMap::new();
            set(&mut headers, ETAG, etag);
            set(&mut headers, X_TIMESTAMP, timestamp);
            set(&mut headers, LAST_MODIFIED, http_date(modified_seconds(timestamp)));
            Ok(response(StatusCode::CREATED, headers, Body::empty()))
        }
        Err(NotStored::Disagree) => Err(ErrorResponse::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the replicas of {path} disagree on what they got: send it again"),
        )),
        // As in Swift: what lost to a newer write is as good as stored and overwritten since.
        Err(NotStored::Newer) => {
            Ok(response(StatusCode::ACCEPTED, HeaderMap::new(), Body::empty()))
        }
        Err(NotStored::Refused(StatusCode::PRECONDITION_FAILED)) => Err(is_there(path)),
        Err(NotStored::Refused(status)) => Err(ErrorResponse::of_quorum(status, path)),
    }
}

/// What nodes are told of the object beside its body.
fn headers_of(call: &Call, timestamp: Timestamp) -> Result<HeaderMap, ErrorResponse> {
    let mut headers = change_headers(call, timestamp)?;
    set(&mut headers, CONTENT_TYPE, content_type(call));
    if let Some(etag) = text(&call.headers, &ETAG) {
        set(&mut headers, ETAG, etag.trim_matches('"').to_lowercase());
    }
    match text(&call.headers, &IF_NONE_MATCH).map(str::trim) {
        None => {}
        Some("*") => set(&mut headers, IF_NONE_MATCH, "*"),
        Some(_) => {
            let why = "If-None-Match on a PUT takes only *: store it if there is no object";
            return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, why));
        }
    }
    Ok(headers)
}

/// What the client says that it sends, or what its name says.
pub(super) fn content_type(call: &Call) -> String {
    let detect = HeaderName::from_static("x-detect-content-type");
    let detect = text(&call.headers, &detect).is_some_and(is_true);
    let said = text(&call.headers, &CONTENT_TYPE).filter(|said| !said.trim().is_empty() && !detect);
    said.map_or_else(
        || kinds::guess(call.path.object().unwrap_or_default()).to_owned(),
        kinds::without_bytes,
    )
}

/// Refuses with 412 where an object is. Nodes look again before and after the body, so that of two writers at the same time a
/// node takes one.
async fn must_be_absent(proxy: &Proxy, path: &Path) -> Result<(), ErrorResponse> {
    match proxy.locate(path).await {
        Ok(_) => Err(is_there(path)),
        Err(LocateError::NotFound { .. }) => Ok(()),
        Err(LocateError::Unavailable { .. }) => {
            Err(ErrorResponse::of_quorum(StatusCode::SERVICE_UNAVAILABLE, path))
        }
    }
}

fn is_there(path: &Path) -> ErrorResponse {
    ErrorResponse::new(StatusCode::PRECONDITION_FAILED, format!("{path} is there already"))
}

/// The length that the client promises; `None` for a chunked body.
pub(super) fn length_of(headers: &HeaderMap) -> Result<Option<u64>, ErrorResponse> {
    let Some(length) = text(headers, &CONTENT_LENGTH) else {
        let chunked = text(headers, &TRANSFER_ENCODING)
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
        let why = "Content-Length is missing: say how long the body is";
        let refusal = ErrorResponse::new(StatusCode::LENGTH_REQUIRED, why);
        return if chunked { Ok(None) } else { Err(refusal) };
    };
    let length: u64 = length.parse().map_err(|_| {
        let why = format!("Content-Length {length:?} is no number of bytes");
        ErrorResponse::new(StatusCode::BAD_REQUEST, why)
    })?;
    Ok(Some(length))
}

fn too_long() -> ErrorResponse {
    let why = format!("the body is longer than {OBJECT_BYTES_MAX} bytes: send it in segments");
    ErrorResponse::new(StatusCode::PAYLOAD_TOO_LARGE, why)
}
