//! Requests to object servers, and the headers that a change of an object carries.

use hyper::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
    HeaderName,
};
use hyper::{HeaderMap, Method};

use super::content_type::without_swift_bytes;
use super::expiry;
use crate::proxy::backend::BackendRequest;
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{picked, set};
use crate::proxy::metadata;
use crate::proxy::quorum::{QuorumError, QuorumFailure};
use crate::proxy::replica_nodes::ReplicaNodes;
use crate::proxy::request::RequestHead;
use crate::swift::header::{OBJECT_META_PREFIX, X_DELETE_AT, X_TIMESTAMP, X_TRANS_ID, text};
use crate::swift::{Path, Service, Timestamp};

/// Headers stored with an object, beside its metadata and its content type.
pub(in crate::proxy) const STORED_HEADERS: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_DISPOSITION,
    CONTENT_LANGUAGE,
    CACHE_CONTROL,
    EXPIRES,
    HeaderName::from_static("x-robots-tag"),
];

/// Builds a request to the object servers of `nodes`.
pub(in crate::proxy) fn object_request(
    method: Method,
    path: &Path,
    nodes: &ReplicaNodes,
    headers: HeaderMap,
) -> BackendRequest {
    BackendRequest {
        method,
        service: Service::Object,
        path: path.clone(),
        partition: nodes.partition,
        query: None,
        headers,
    }
}

/// Headers of a PUT or a POST: the client's metadata, and the id and the timestamp of the change.
///
/// # Errors
/// Metadata beyond the limits, or an expiry date that makes no sense.
pub(super) fn change_headers(
    head: &RequestHead,
    timestamp: Timestamp,
) -> Result<HeaderMap, ProxyError> {
    metadata::check(&head.headers, OBJECT_META_PREFIX)?;
    let mut headers = picked(&head.headers, &STORED_HEADERS, Some(OBJECT_META_PREFIX));
    let content_type = text(&head.headers, &CONTENT_TYPE).filter(|given| !given.trim().is_empty());
    if let Some(given) = content_type {
        set(&mut headers, CONTENT_TYPE, without_swift_bytes(given));
    }
    if let Some(at) = expiry::delete_at(&head.headers, timestamp)? {
        set(&mut headers, X_DELETE_AT, at);
    }
    set(&mut headers, X_TRANS_ID, &head.trans_id);
    set(&mut headers, X_TIMESTAMP, timestamp);
    Ok(headers)
}

/// Path of the object's container.
pub(super) fn container_of(path: &Path) -> Result<Path, QuorumError> {
    let missing = || QuorumFailure::NotFound.on(format!("container in {path}"));
    path.to_container().ok_or_else(missing)
}
