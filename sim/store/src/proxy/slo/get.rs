//! GET and HEAD of a large object, or of its manifest.
//!
//! Leaves out how the segments are read: see `composite`.

use std::rc::Rc;

use bytes::Bytes;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::composite::{self, Part};
use super::is_manifest;
use super::read::{manifest_json, manifest_of, parse};
use crate::http::{Body, ByteRange, IncomingResponse, RangeSet, Response};
use crate::proxy::error::{ManifestError, ProxyError};
use crate::proxy::headers::{etag, hex, response, set};
use crate::proxy::object::find::{FoundObject, find, purpose_of, respond, shown};
use crate::proxy::object::{multi_range, without_swift_bytes};
use crate::proxy::request::RequestHead;
use crate::proxy::{Proxy, query};
use crate::swift::Path;
use crate::swift::header::{X_BACKEND_MANIFEST, X_SLO_ETAG, X_SLO_SIZE, text};

/// ETag of the manifest's own bytes.
const X_MANIFEST_ETAG: HeaderName = HeaderName::from_static("x-manifest-etag");

/// Answers a GET or a HEAD of the large object whose manifest was found.
pub(in crate::proxy) async fn get(
    proxy: &Proxy,
    head: &RequestHead,
    found: FoundObject,
) -> Result<Response, ProxyError> {
    let status = found.answer.status;
    let header = |name| text(&found.answer.headers, &name);
    if !status.is_success() || head.method == Method::HEAD {
        let (large_etag, size) = (header(X_SLO_ETAG).unwrap_or_default(), header(X_SLO_SIZE));
        let mut headers = described(&found.answer, large_etag);
        if status.is_success() {
            set(&mut headers, CONTENT_LENGTH, size.unwrap_or("0"));
        }
        return Ok(response(status, headers, Body::empty()));
    }
    let (answer, manifest) = manifest_of(proxy, &head.path, found).await?;
    let (mut headers, size) = (described(&answer, &manifest.etag()), manifest.size());
    let manifest = Rc::new(manifest);
    let of = |range| Part::LargeObject(Rc::clone(&manifest), range);
    let range = text(&head.headers, &RANGE).filter(|_| !head.headers.contains_key(IF_RANGE));
    let ranges = range.map_or(RangeSet::Whole, |range| RangeSet::parse(range, size));
    let (status, parts) = match ranges {
        RangeSet::Unsatisfiable => return Ok(multi_range::unsatisfiable(headers, size)),
        RangeSet::Whole => (StatusCode::OK, vec![of(ByteRange { first: 0, length: size })]),
        RangeSet::Ranges(ranges) => {
            let parts = match ranges[..] {
                [range] => {
                    let value = format!("bytes {}-{}/{size}", range.first, range.last());
                    set(&mut headers, CONTENT_RANGE, value);
                    vec![of(range)]
                }
                _ => {
                    let pieces = multi_range::framed(proxy, head, &mut headers, size, &ranges);
                    composite::parts(pieces, of)
                }
            };
            (StatusCode::PARTIAL_CONTENT, parts)
        }
    };
    let body = composite::body(proxy, head, purpose_of(&head.headers), parts).await;
    let body = body.ok_or_else(|| ManifestError::SegmentGone { path: head.path.clone() })?;
    Ok(response(status, headers, body))
}

/// Answers a GET or a HEAD of the manifest itself; of an object that is none, as if the query did
/// not ask for one.
pub(in crate::proxy) async fn get_manifest(
    proxy: &Proxy,
    head: &RequestHead,
) -> Result<Response, ProxyError> {
    let mut own = HeaderMap::new();
    set(&mut own, X_BACKEND_MANIFEST, "get");
    let found = find(proxy, head, &head.method, own).await?;
    if !is_manifest(&found.answer.headers) {
        return respond(proxy, found).await;
    }
    let raw = query::value(head.query.as_deref(), "format").as_deref() == Some("raw");
    let (status, json_type) = (found.answer.status, "application/json; charset=utf-8");
    if !status.is_success() || head.method == Method::HEAD {
        let mut headers = shown(&found.answer);
        set(&mut headers, CONTENT_TYPE, json_type);
        let length = found.answer.headers.get(CONTENT_LENGTH).filter(|_| !raw);
        headers.extend(length.map(|length| (CONTENT_LENGTH, length.clone())));
        return Ok(response(status, headers, Body::empty()));
    }
    let (answer, json) = manifest_json(proxy, &head.path, found).await?;
    let mut headers = shown(&answer);
    set(&mut headers, CONTENT_TYPE, json_type);
    let json = if raw { as_put(&head.path, &json)? } else { json };
    if raw {
        let mut checksum = proxy.host().checksum();
        checksum.update(&json);
        set(&mut headers, ETAG, hex(&checksum.sum()));
    }
    Ok(response(status, headers, Body::full(Purpose::ObjectData, json)))
}

/// JSON of the manifest in the form that clients put.
fn as_put(path: &Path, json: &Bytes) -> Result<Bytes, ManifestError> {
    let manifest = parse(path, json)?;
    let segments = manifest.segments().iter().map(|segment| {
        let mut entry = json!({
            "path": segment.name,
            "etag": segment.hash,
            "size_bytes": segment.bytes,
        });
        if let Some(range) = &segment.range {
            entry["range"] = json!(range);
        }
        entry
    });
    Ok(serde_json::Value::Array(segments.collect()).to_string().into())
}

/// Headers of a large object, without its length.
fn described(answer: &IncomingResponse, large_etag: &str) -> HeaderMap {
    let mut headers = shown(answer);
    if let Some(given) = text(&headers, &CONTENT_TYPE).map(without_swift_bytes) {
        set(&mut headers, CONTENT_TYPE, given);
    }
    if let Some(etag) = etag(&answer.headers) {
        set(&mut headers, X_MANIFEST_ETAG, etag);
    }
    set(&mut headers, ETAG, format!("\"{large_etag}\""));
    headers
}
