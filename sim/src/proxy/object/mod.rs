//! Objects: the requests on them, and what the job service asks of them without HTTP.
//!
//! Leaves out large-object manifests, copies, expiry and versions.

mod delete;
mod fetch;
mod get;
mod locate;
mod post;
mod put;
mod relay;
mod store;
mod upload;

use hyper::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use hyper::{HeaderMap, Method};

use super::Proxy;
use super::answer::{Refusal, picked, set};
use super::backend::Ask;
use super::placement::Nodes;
use super::routing::{Call, no_method};
use crate::http::Response;
use crate::swift::header::{OBJECT_META_PREFIX, X_TIMESTAMP, X_TRANS_ID, text};
use crate::swift::{Path, Service, Timestamp};

pub use fetch::{FetchError, Fetched};
pub use locate::{LocateError, Located};
pub use store::{NewObject, StoreError, Stored};

/// Answers a request on an object.
pub(super) async fn handle(proxy: &Proxy, call: Call) -> Result<Response, Refusal> {
    match call.method {
        Method::GET | Method::HEAD => get::handle(proxy, &call).await,
        // Boxed, so that a reading does not carry the room for changes.
        Method::PUT => Box::pin(put::handle(proxy, call)).await,
        Method::POST => Box::pin(post::handle(proxy, &call)).await,
        Method::DELETE => Box::pin(delete::handle(proxy, &call)).await,
        _ => Err(no_method(&call.method, "an object")),
    }
}

/// A request for the object, to be put to nodes.
fn ask(method: Method, path: &Path, nodes: &Nodes, headers: HeaderMap) -> Ask {
    Ask {
        method,
        service: Service::Object,
        path: path.clone(),
        partition: nodes.partition,
        query: None,
        headers,
    }
}

/// What a client says about an object's metadata, with what every change carries.
fn change_headers(call: &Call, timestamp: Timestamp) -> HeaderMap {
    let kept = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_DISPOSITION];
    let mut headers = picked(&call.headers, &kept, Some(OBJECT_META_PREFIX));
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_TIMESTAMP, timestamp);
    headers
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
fn container_of(path: &Path) -> Result<Path, Refusal> {
    path.to_container().ok_or_else(|| Refusal::not_found(format!("container in {path}")))
}
