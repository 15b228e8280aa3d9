//! PUT of an object: stores a body that a client sends, or that the proxy holds.
//!
//! Leaves out a second check of the MD5: nodes check it, and have to agree.

use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LAST_MODIFIED, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Method, StatusCode};

use super::content_type::{guess, without_swift_bytes};
use super::find::purpose_of;
use super::locate::LocateError;
use super::request::{change_headers, container_of, object_request};
use super::upload::{BodySource, UploadPlan, statuses_and_etags, upload};
use crate::http::{Body, IncomingBody, Response};
use crate::proxy::Proxy;
use crate::proxy::backend::update_headers;
use crate::proxy::error::{ProxyError, RequestBodyError, RequestError};
use crate::proxy::headers::{response, set};
use crate::proxy::index::check_container;
use crate::proxy::limits::OBJECT_BYTES_MAX;
use crate::proxy::query::is_true;
use crate::proxy::quorum::{NotStored, QuorumError, QuorumFailure, stored};
use crate::proxy::request::RequestHead;
use crate::swift::date::{http_date, modified_seconds};
use crate::swift::header::{X_TIMESTAMP, text};
use crate::swift::{Path, Service, Timestamp};

/// Body to be stored, with headers of the proxy's own.
pub(in crate::proxy) struct NewBody {
    /// Length in bytes; `None` until the body ends.
    pub(in crate::proxy) length: Option<u64>,
    pub(in crate::proxy) source: BodySource,
    pub(in crate::proxy) own: HeaderMap,
}

/// Answers a PUT of a body that the client sends.
pub(in crate::proxy) async fn handle(
    proxy: &Proxy,
    head: &RequestHead,
    body: IncomingBody,
) -> Result<Response, ProxyError> {
    let (length, source) = (declared_length(&head.headers)?, BodySource::Client(body));
    store(proxy, head, NewBody { length, source, own: HeaderMap::new() }).await
}

/// Stores `new` at the path and with the headers of `head`.
pub(in crate::proxy) async fn store(
    proxy: &Proxy,
    head: &RequestHead,
    new: NewBody,
) -> Result<Response, ProxyError> {
    if new.length.is_some_and(|length| length > OBJECT_BYTES_MAX) {
        return Err(RequestBodyError::TooLong.into());
    }
    let timestamp = proxy.next_timestamp();
    let mut headers = headers_of(head, timestamp)?;
    headers.extend(new.own);
    let path = &head.path;
    let container = container_of(path)?;
    let container_nodes = proxy.nodes(&container);
    check_container(proxy, &container, &container_nodes).await?;
    if headers.contains_key(IF_NONE_MATCH) {
        Box::pin(check_absent(proxy, path)).await?;
    }
    let nodes = proxy.nodes(path);
    let own = update_headers(Service::Container, &container_nodes, nodes.primaries.len());
    let request = object_request(Method::PUT, path, &nodes, headers);
    let (length, purpose) = (new.length, purpose_of(&head.headers));
    let plan = UploadPlan { request, nodes, own, length, purpose };
    let replies = upload(proxy, &plan, new.source).await?;
    match stored(&statuses_and_etags(&replies), plan.nodes.primaries.len()) {
        Ok(etag) => {
            let mut headers = HeaderMap::new();
            set(&mut headers, ETAG, etag);
            set(&mut headers, X_TIMESTAMP, timestamp);
            set(&mut headers, LAST_MODIFIED, http_date(modified_seconds(timestamp)));
            Ok(response(StatusCode::CREATED, headers, Body::empty()))
        }
        // As in Swift: what lost to a newer write counts as stored and overwritten since.
        Err(NotStored::Newer) => {
            Ok(response(StatusCode::ACCEPTED, HeaderMap::new(), Body::empty()))
        }
        Err(NotStored::Disagree) => Err(ProxyError::ReplicasDisagree { path: path.clone() }),
        Err(NotStored::Failed(failure)) => Err(failure.on(path).into()),
    }
}

/// Headers of the PUT to nodes.
fn headers_of(head: &RequestHead, timestamp: Timestamp) -> Result<HeaderMap, ProxyError> {
    let mut headers = change_headers(head, timestamp)?;
    set(&mut headers, CONTENT_TYPE, content_type(head));
    if let Some(etag) = text(&head.headers, &ETAG) {
        set(&mut headers, ETAG, etag.trim_matches('"').to_lowercase());
    }
    match text(&head.headers, &IF_NONE_MATCH).map(str::trim) {
        None => {}
        Some("*") => set(&mut headers, IF_NONE_MATCH, "*"),
        Some(_) => return Err(RequestError::BadIfNoneMatch.into()),
    }
    Ok(headers)
}

/// Content type that the client sends, or a guess by the object's name.
pub(in crate::proxy) fn content_type(head: &RequestHead) -> String {
    let detect = HeaderName::from_static("x-detect-content-type");
    let detect = text(&head.headers, &detect).is_some_and(is_true);
    let given = text(&head.headers, &CONTENT_TYPE);
    let given = given.filter(|given| !given.trim().is_empty() && !detect);
    given.map_or_else(
        || guess(head.path.object().unwrap_or_default()).to_owned(),
        without_swift_bytes,
    )
}

/// Refuses a conditional PUT where an object exists. Nodes check again before and after the body,
/// so that a node takes one of two simultaneous writers.
async fn check_absent(proxy: &Proxy, path: &Path) -> Result<(), QuorumError> {
    match proxy.locate(path).await {
        Ok(_) => Err(QuorumFailure::Exists.on(path)),
        Err(LocateError::NotFound { .. }) => Ok(()),
        Err(LocateError::Unavailable { .. }) => Err(QuorumFailure::Unavailable.on(path)),
    }
}

/// Length that the client declares; `None` for a chunked body.
pub(in crate::proxy) fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, RequestError> {
    let Some(length) = text(headers, &CONTENT_LENGTH) else {
        let chunked = text(headers, &TRANSFER_ENCODING)
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
        return if chunked { Ok(None) } else { Err(RequestError::LengthRequired) };
    };
    length.parse().map(Some).map_err(|_| RequestError::BadLength { value: length.to_owned() })
}
