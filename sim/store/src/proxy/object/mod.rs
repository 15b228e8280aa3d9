//! Objects: the requests on them, and what the job service asks of them without HTTP.
//!
//! Leaves out dynamic large objects, removing what has expired, and versions.

mod copy;
mod delete;
mod expiry;
mod fetch;
mod get;
mod kinds;
mod large;
mod locate;
mod post;
mod put;
mod ranges;
mod relay;
mod several;
mod stitch;
mod store;
mod upload;

use hyper::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
    EXPIRES, HeaderName,
};
use hyper::{HeaderMap, Method, StatusCode};

use super::Proxy;
use super::answer::{ErrorResponse, picked, set};
use super::backend::Ask;
use super::metadata;
use super::replica_nodes::ReplicaNodes;
use super::routing::{Call, no_method};
use crate::http::{IncomingBody, Response};
use crate::swift::header::{
    OBJECT_META_PREFIX, X_DELETE_AT, X_STATIC_LARGE_OBJECT, X_TIMESTAMP, X_TRANS_ID, text,
};
use crate::swift::{Path, Service, Timestamp};

pub use fetch::{FetchError, FetchEvent};
pub use locate::{LocateError, LocatedObject};
pub use store::{NewObject, StoreError, StoredObject};

/// Answers a request on an object.
pub(super) async fn handle(
    proxy: &Proxy,
    call: Call,
    body: IncomingBody,
) -> Result<Response, ErrorResponse> {
    match call.method {
        Method::GET | Method::HEAD => get::handle(proxy, &call).await,
        // Boxed, so that a reading does not carry the room for changes.
        _ => Box::pin(change(proxy, &call, body)).await,
    }
}

async fn change(proxy: &Proxy, call: &Call, body: IncomingBody) -> Result<Response, ErrorResponse> {
    let manifest = large::asked(call);
    match call.method.as_str() {
        "PUT" | "POST" if call.headers.contains_key(X_STATIC_LARGE_OBJECT) => {
            let why = "X-Static-Large-Object is for the store to set: send the manifest with ?multipart-manifest=put";
            Err(ErrorResponse::new(StatusCode::BAD_REQUEST, why))
        }
        "PUT" if call.headers.contains_key(copy::X_COPY_FROM) => copy::put(proxy, call).await,
        "PUT" if manifest.as_deref() == Some("put") => large::put(proxy, call, body).await,
        "PUT" => put::handle(proxy, call, body).await,
        "COPY" => copy::to_destination(proxy, call).await,
        "POST" => post::handle(proxy, call).await,
        "DELETE" if manifest.as_deref() == Some("delete") => large::delete(proxy, call).await,
        "DELETE" => delete::handle(proxy, call).await,
        _ => Err(no_method(&call.method, "an object")),
    }
}

/// A request for the object, to be put to nodes.
fn ask(method: Method, path: &Path, nodes: &ReplicaNodes, headers: HeaderMap) -> Ask {
    Ask {
        method,
        service: Service::Object,
        path: path.clone(),
        partition: nodes.partition,
        query: None,
        headers,
    }
}

/// What is kept with an object beside its metadata and its content type.
const KEPT: [HeaderName; 6] = [
    CONTENT_ENCODING,
    CONTENT_DISPOSITION,
    CONTENT_LANGUAGE,
    CACHE_CONTROL,
    EXPIRES,
    HeaderName::from_static("x-robots-tag"),
];

/// What a client says about an object's metadata, with what every change carries.
///
/// # Errors
/// 400 for metadata beyond the limits, and for an expiry that makes no sense.
fn change_headers(call: &Call, timestamp: Timestamp) -> Result<HeaderMap, ErrorResponse> {
    metadata::check(&call.headers, OBJECT_META_PREFIX)?;
    let mut headers = picked(&call.headers, &KEPT, Some(OBJECT_META_PREFIX));
    let content_type = text(&call.headers, &CONTENT_TYPE).filter(|said| !said.trim().is_empty());
    if let Some(said) = content_type {
        set(&mut headers, CONTENT_TYPE, kinds::without_bytes(said));
    }
    if let Some(at) = expiry::delete_at(&call.headers, timestamp)? {
        set(&mut headers, X_DELETE_AT, at);
    }
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_TIMESTAMP, timestamp);
    Ok(headers)
}

/// The ETag without the quotes that HTTP puts round it and Swift does not.
fn etag(headers: &HeaderMap) -> Option<String> {
    text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_owned())
}

/// Whether the ETag is an MD5, so that a body can be checked by it.
fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The container's name, which an object's path has.
fn container_of(path: &Path) -> Result<Path, ErrorResponse> {
    path.to_container().ok_or_else(|| ErrorResponse::not_found(format!("container in {path}")))
}
