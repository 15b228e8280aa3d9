//! Reads a large object by its manifest, or the manifest itself.
//!
//! Leaves out asking all replicas which manifest is the newest, unless the client wants that.

use std::rc::Rc;

use bytes::Bytes;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::manifest::Manifest;
use crate::http::{Body, IncomingResponse, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::limits::{CHUNK_MAX, STORED_MANIFEST_BYTES_MAX};
use crate::proxy::object::get::{Found, answer_with, find, purpose_of, shown};
use crate::proxy::object::ranges::{Run, Wanted, parse};
use crate::proxy::object::several::{framed, unsatisfiable};
use crate::proxy::object::stitch;
use crate::proxy::object::stitch::Part;
use crate::proxy::object::{etag, kinds, large};
use crate::proxy::query;
use crate::proxy::quorum::Search;
use crate::proxy::routing::Call;
use crate::swift::Path;
use crate::swift::header::{X_BACKEND_MANIFEST, X_SLO_ETAG, X_SLO_SIZE, text};

/// The ETag of the manifest's own bytes.
const X_MANIFEST_ETAG: HeaderName = HeaderName::from_static("x-manifest-etag");

/// A manifest that was read.
pub(in crate::proxy::object) struct Read {
    /// The ETag of the large object.
    pub(in crate::proxy::object) etag: String,
    pub(in crate::proxy::object) manifest: Manifest,
}

/// The manifest at the path of `call`.
///
/// # Errors
/// 404, 503, and 400 for an object that is none.
pub(in crate::proxy::object) async fn read(
    proxy: &Proxy,
    call: &Call,
) -> Result<Read, ErrorResponse> {
    let found = find(proxy, call, &Method::GET, HeaderMap::new()).await?;
    if !large::is(&found.answer.headers) {
        return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, "Not an SLO manifest"));
    }
    let (_, manifest) = manifest_of(proxy, &call.path, found).await?;
    Ok(Read { etag: manifest.etag(), manifest })
}

/// Answers a GET or a HEAD of the large object whose manifest was found.
pub(in crate::proxy::object) async fn get(
    proxy: &Proxy,
    call: &Call,
    found: Found,
) -> Result<Response, ErrorResponse> {
    let status = found.answer.status;
    let said = |name| text(&found.answer.headers, &name);
    if !status.is_success() || call.method == Method::HEAD {
        let (large_etag, size) = (said(X_SLO_ETAG).unwrap_or_default(), said(X_SLO_SIZE));
        let mut headers = described(&found.answer, large_etag);
        if status.is_success() {
            set(&mut headers, CONTENT_LENGTH, size.unwrap_or("0"));
        }
        return Ok(response(status, headers, Body::empty()));
    }
    let (answer, manifest) = manifest_of(proxy, &call.path, found).await?;
    let (mut headers, size) = (described(&answer, &manifest.etag()), manifest.size());
    let manifest = Rc::new(manifest);
    let of = |run| Part::Large(Rc::clone(&manifest), run);
    let range = text(&call.headers, &RANGE).filter(|_| !call.headers.contains_key(IF_RANGE));
    let wanted = range.map_or(Wanted::Whole, |range| parse(range, size));
    let (status, parts) = match wanted {
        Wanted::Unsatisfiable => return Ok(unsatisfiable(headers, size)),
        Wanted::Whole => (StatusCode::OK, vec![of(Run { first: 0, length: size })]),
        Wanted::Parts(runs) => {
            let parts = match runs[..] {
                [run] => {
                    let range = format!("bytes {}-{}/{size}", run.first, run.last());
                    set(&mut headers, CONTENT_RANGE, range);
                    vec![of(run)]
                }
                _ => framed(proxy, call, &mut headers, size, &runs, of),
            };
            (StatusCode::PARTIAL_CONTENT, parts)
        }
    };
    let body = stitch::body(proxy, call, purpose_of(&call.headers), parts).await;
    let body = body.ok_or_else(|| {
        let why = format!("a segment of {} is gone, or is not what it was", call.path);
        ErrorResponse::new(StatusCode::CONFLICT, why)
    })?;
    Ok(response(status, headers, body))
}

/// Answers a GET or a HEAD of the manifest itself; of an object that is none, as if it were not asked for.
pub(in crate::proxy::object) async fn get_manifest(
    proxy: &Proxy,
    call: &Call,
) -> Result<Response, ErrorResponse> {
    let mut own = HeaderMap::new();
    set(&mut own, X_BACKEND_MANIFEST, "get");
    let found = find(proxy, call, &call.method, own).await?;
    if !large::is(&found.answer.headers) {
        return answer_with(proxy, found).await;
    }
    let raw = query::value(call.query.as_deref(), "format").as_deref() == Some("raw");
    let (status, json_type) = (found.answer.status, "application/json; charset=utf-8");
    if !status.is_success() || call.method == Method::HEAD {
        let mut headers = shown(&found.answer);
        set(&mut headers, CONTENT_TYPE, json_type);
        let length = found.answer.headers.get(CONTENT_LENGTH).filter(|_| !raw);
        headers.extend(length.map(|length| (CONTENT_LENGTH, length.clone())));
        return Ok(response(status, headers, Body::empty()));
    }
    let (answer, json) = whole(proxy, &call.path, found).await?;
    let mut headers = shown(&answer);
    set(&mut headers, CONTENT_TYPE, json_type);
    let json = if raw { as_put(&call.path, &json)? } else { json };
    if raw {
        let mut checksum = proxy.host().checksum();
        checksum.update(&json);
        set(&mut headers, ETAG, crate::proxy::object::relay::hex(&checksum.sum()));
    }
    Ok(response(status, headers, Body::full(Purpose::ObjectData, json)))
}

/// The manifest in the words in which clients put one.
fn as_put(path: &Path, json: &Bytes) -> Result<Bytes, ErrorResponse> {
    let manifest = Manifest::stored(json).ok_or_else(|| damaged(path))?;
    let segments = manifest.segments().iter().map(|segment| {
        let mut said = json!({
            "path": segment.name,
            "etag": segment.hash,
            "size_bytes": segment.bytes,
        });
        if let Some(range) = &segment.range {
            said["range"] = json!(range);
        }
        said
    });
    Ok(serde_json::Value::Array(segments.collect()).to_string().into())
}

/// What is said of a large object, but for its length.
fn described(answer: &IncomingResponse, large_etag: &str) -> HeaderMap {
    let mut headers = shown(answer);
    if let Some(said) = text(&headers, &CONTENT_TYPE).map(kinds::without_bytes) {
        set(&mut headers, CONTENT_TYPE, said);
    }
    if let Some(etag) = etag(&answer.headers) {
        set(&mut headers, X_MANIFEST_ETAG, etag);
    }
    set(&mut headers, ETAG, format!("\"{large_etag}\""));
    headers
}

async fn manifest_of(
    proxy: &Proxy,
    path: &Path,
    found: Found,
) -> Result<(IncomingResponse, Manifest), ErrorResponse> {
    let (answer, json) = whole(proxy, path, found).await?;
    let manifest = Manifest::stored(&json).ok_or_else(|| damaged(path))?;
    Ok((answer, manifest))
}

fn damaged(path: &Path) -> ErrorResponse {
    let why = format!("what is stored as the manifest of {path} is none: put it anew");
    ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, why)
}

/// A manifest's bytes, from the first replica that gives all of them, with the rest of its answer.
async fn whole(
    proxy: &Proxy,
    path: &Path,
    found: Found,
) -> Result<(IncomingResponse, Bytes), ErrorResponse> {
    let Found { ask, answer, mut left } = found;
    let (mut next, mut search) = (Some(answer), Search::new(left.len()));
    // Each round uses up at least one candidate.
    while let Some(mut answer) = next {
        if answer.status == StatusCode::OK && large::is(&answer.headers) {
            let whole = answer.body.collect(STORED_MANIFEST_BYTES_MAX);
            if let Ok(Ok(json)) = proxy.host().timeout(CHUNK_MAX, whole).await {
                return Ok((answer, json));
            }
        }
        next = proxy.find(&ask, &mut left, &mut search).await;
    }
    Err(ErrorResponse::of_quorum(StatusCode::SERVICE_UNAVAILABLE, path))
}
