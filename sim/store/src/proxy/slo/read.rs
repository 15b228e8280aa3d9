//! Reads a manifest from the replicas that hold it.
//!
//! Leaves out asking all replicas for the newest manifest, unless the client wants that.

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode};

use super::is_manifest;
use super::manifest::Manifest;
use crate::http::IncomingResponse;
use crate::proxy::Proxy;
use crate::proxy::error::{ManifestError, ProxyError};
use crate::proxy::limits::{CHUNK_MAX, STORED_MANIFEST_BYTES_MAX};
use crate::proxy::object::find::{FoundObject, find};
use crate::proxy::quorum::{QuorumError, QuorumFailure, ReplicaSearch};
use crate::proxy::request::RequestHead;
use crate::swift::Path;

/// Reads the manifest at the path of `head`.
///
/// # Errors
/// Not found, not available, or no manifest.
pub(super) async fn read(proxy: &Proxy, head: &RequestHead) -> Result<Manifest, ProxyError> {
    let found = find(proxy, head, &Method::GET, HeaderMap::new()).await?;
    if !is_manifest(&found.answer.headers) {
        return Err(ManifestError::NotAManifest.into());
    }
    let (_, manifest) = manifest_of(proxy, &head.path, found).await?;
    Ok(manifest)
}

/// Parses the manifest that was found, and returns it with the rest of the node's response.
pub(super) async fn manifest_of(
    proxy: &Proxy,
    path: &Path,
    found: FoundObject,
) -> Result<(IncomingResponse, Manifest), ProxyError> {
    let (answer, json) = manifest_json(proxy, path, found).await?;
    Ok((answer, parse(path, &json)?))
}

/// Parses the JSON of a stored manifest.
pub(super) fn parse(path: &Path, json: &[u8]) -> Result<Manifest, ManifestError> {
    Manifest::stored(json).ok_or_else(|| ManifestError::Damaged { path: path.clone() })
}

/// JSON of the manifest, from the first replica that sends all of it, with the rest of its
/// response.
pub(super) async fn manifest_json(
    proxy: &Proxy,
    path: &Path,
    found: FoundObject,
) -> Result<(IncomingResponse, Bytes), QuorumError> {
    let FoundObject { request, answer, mut left } = found;
    let (mut next, mut search) = (Some(answer), ReplicaSearch::new(left.len()));
    // Each round uses up at least one candidate.
    while let Some(mut answer) = next {
        if answer.status == StatusCode::OK && is_manifest(&answer.headers) {
            let whole = answer.body.collect(STORED_MANIFEST_BYTES_MAX);
            if let Ok(Ok(json)) = proxy.host().timeout(CHUNK_MAX, whole).await {
                return Ok((answer, json));
            }
        }
        next = proxy.find(&request, &mut left, &mut search).await;
    }
    Err(QuorumFailure::Unavailable.on(path))
}
