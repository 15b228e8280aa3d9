//! PUT of a manifest, once each of its segments exists and is what the client declares.
//!
//! Leaves out Swift's heartbeat: the client waits in silence until all segments are checked.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::is_manifest;
use super::manifest::{Manifest, Segment};
use super::manifest_request::{self, SegmentRequest};
use crate::http::{Body, BodyError, IncomingBody, RangeSet, Response};
use crate::proxy::Proxy;
use crate::proxy::auth::{Access, authorise};
use crate::proxy::error::{ManifestError, ProxyError};
use crate::proxy::headers::{etag, hex, response, set};
use crate::proxy::limits::{CLIENT_CHUNK_MAX, MANIFEST_BYTES_MAX, SEGMENTS_AT_ONCE};
use crate::proxy::listing_format::prefers_json;
use crate::proxy::object::find::{find, respond};
use crate::proxy::object::put;
use crate::proxy::object::put::{NewBody, content_type, declared_length};
use crate::proxy::object::upload::BodySource;
use crate::proxy::quorum::QuorumFailure;
use crate::proxy::request::RequestHead;
use crate::swift::date::iso_date;
use crate::swift::header::{
    X_SLO_ETAG, X_SLO_SIZE, X_STATIC_LARGE_OBJECT, X_TIMESTAMP, text, timestamp,
};
use crate::swift::{Path, encode_part};

/// Answers a PUT of a manifest.
pub(in crate::proxy) async fn put(
    proxy: &Proxy,
    head: &RequestHead,
    mut body: IncomingBody,
) -> Result<Response, ProxyError> {
    if declared_length(&head.headers)?.is_some_and(|length| length > MANIFEST_BYTES_MAX) {
        return Err(ManifestError::TooLong.into());
    }
    let whole = proxy.host().timeout(CLIENT_CHUNK_MAX, body.collect(MANIFEST_BYTES_MAX)).await;
    let whole = whole.map_err(ManifestError::TooSlow)?;
    let json = whole.map_err(|broken| match broken {
        BodyError::TooLong { .. } => ManifestError::TooLong,
        BodyError::BrokeOff { .. } => ManifestError::ClientLeft(broken),
    })?;
    put_manifest(proxy, head, &json).await
}

/// Stores a manifest that the proxy holds.
pub(in crate::proxy) async fn put_manifest(
    proxy: &Proxy,
    head: &RequestHead,
    json: &Bytes,
) -> Result<Response, ProxyError> {
    let requests = manifest_request::parse(json, &head.path)?;
    let heads = heads(proxy, head, &requests).await;
    let (mut segments, mut problems) = (Vec::new(), Vec::new());
    for (index, request) in requests.iter().enumerate() {
        let is_last = index + 1 == requests.len();
        match heads.get(&request.path) {
            Some(Ok(headers)) => match segment(request, headers, is_last) {
                Ok(segment) => segments.push(segment),
                Err(flaws) => {
                    problems.extend(flaws.into_iter().map(|flaw| (request, flaw.to_owned())));
                }
            },
            Some(Err(status)) => problems.push((request, status.to_string())),
            None => problems.push((request, StatusCode::SERVICE_UNAVAILABLE.to_string())),
        }
    }
    if !problems.is_empty() {
        return Ok(refused(head, &problems));
    }
    let manifest = Manifest::new(segments).ok_or(ManifestError::SegmentTooLong)?;
    store(proxy, head, &manifest).await
}

/// Headers of each segment's object, or the status of its HEAD, which Swift reports to the client.
async fn heads(
    proxy: &Proxy,
    head: &RequestHead,
    requests: &[SegmentRequest],
) -> BTreeMap<Path, Result<HeaderMap, StatusCode>> {
    let paths: BTreeSet<&Path> = requests.iter().map(|request| &request.path).collect();
    let head_of = |path: &Path| {
        let segment = head.related(Method::HEAD, path.clone());
        async move {
            let found = Box::pin(head_segment(proxy, &segment)).await;
            (segment.path, found.map_err(|error| error.status()))
        }
    };
    let found: BTreeMap<_, _> =
        stream::iter(paths).map(head_of).buffered(SEGMENTS_AT_ONCE).collect().await;
    let checked = |(status, headers): (StatusCode, HeaderMap)| {
        if status.is_success() { Ok(headers) } else { Err(status) }
    };
    found.into_iter().map(|(path, answer)| (path, answer.and_then(checked))).collect()
}

/// Status and headers of a segment, if the caller may read it.
async fn head_segment(
    proxy: &Proxy,
    segment: &RequestHead,
) -> Result<(StatusCode, HeaderMap), ProxyError> {
    authorise(proxy, &segment.caller, &segment.path, Access::Read).await?;
    let found = find(proxy, segment, &Method::HEAD, HeaderMap::new()).await?;
    if is_manifest(&found.answer.headers) {
        let response = super::get(proxy, segment, found).await?;
        return Ok((response.status(), response.into_parts().0.headers));
    }
    let response = respond(proxy, found).await?;
    Ok((response.status(), response.into_parts().0.headers))
}

/// Segment as it is stored, or its flaws in Swift's words.
fn segment(
    request: &SegmentRequest,
    headers: &HeaderMap,
    is_last: bool,
) -> Result<Segment, Vec<&'static str>> {
    let mut flaws = Vec::new();
    let bytes = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
    let hash = etag(headers).unwrap_or_default();
    let (mut range, mut length) = (None, bytes);
    if let Some(asked) = &request.range {
        match RangeSet::parse(&format!("bytes={asked}"), bytes) {
            RangeSet::Ranges(ranges) if ranges.len() == 1 => {
                length = ranges[0].length;
                range = Some(format!("{}-{}", ranges[0].first, ranges[0].last()))
                    .filter(|_| length < bytes);
            }
            _ => flaws.push("Unsatisfiable Range"),
        }
    }
    if length == 0 && !is_last {
        flaws.push("Too small; each segment must be at least 1 byte.");
    }
    if request.bytes.is_some_and(|declared| declared != bytes) {
        flaws.push("Size Mismatch");
    }
    if request.etag.as_ref().is_some_and(|declared| declared.trim_matches('"') != hash) {
        flaws.push("Etag Mismatch");
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    Ok(Segment {
        name: format!("/{}", request.name.trim_start_matches('/')),
        bytes,
        hash,
        content_type: text(headers, &CONTENT_TYPE).unwrap_or_default().to_owned(),
        last_modified: iso_date(timestamp(headers, &X_TIMESTAMP).unwrap_or_default()),
        range,
        sub_slo: is_manifest(headers),
    })
}

/// Response 400 with the flaws of all segments, in Swift's form.
fn refused(head: &RequestHead, problems: &[(&SegmentRequest, String)]) -> Response {
    let encoded = |name: &str| name.split('/').map(encode_part).collect::<Vec<_>>().join("/");
    let problems = problems.iter().map(|(request, why)| (encoded(&request.name), why));
    let mut headers = HeaderMap::new();
    let text = if prefers_json(&head.headers) {
        set(&mut headers, CONTENT_TYPE, "application/json");
        json!({ "Errors": problems.collect::<Vec<_>>() }).to_string()
    } else {
        set(&mut headers, CONTENT_TYPE, "text/plain");
        problems
            .fold("Errors:\n".to_owned(), |lines, (name, why)| lines + &format!("{name}, {why}\n"))
    };
    response(StatusCode::BAD_REQUEST, headers, Body::full(Purpose::Control, text))
}

/// Stores the manifest with the size and ETag of its large object.
async fn store(
    proxy: &Proxy,
    head: &RequestHead,
    manifest: &Manifest,
) -> Result<Response, ProxyError> {
    let (large_etag, size) = (manifest.etag(), manifest.size());
    let declared = text(&head.headers, &ETAG);
    let declared = declared.map(|etag| etag.trim_matches('"').to_lowercase());
    if declared.is_some_and(|etag| etag != large_etag) {
        return Err(QuorumFailure::ChecksumMismatch.on(&head.path).into());
    }
    let json = serde_json::to_vec(manifest).map(Bytes::from).map_err(ManifestError::from)?;
    let mut checksum = proxy.host().checksum();
    checksum.update(&json);
    let mut own = HeaderMap::new();
    set(&mut own, X_STATIC_LARGE_OBJECT, "True");
    set(&mut own, X_SLO_ETAG, &large_etag);
    set(&mut own, X_SLO_SIZE, size);
    set(&mut own, ETAG, hex(&checksum.sum()));
    set(&mut own, CONTENT_TYPE, format!("{};swift_bytes={size}", content_type(head)));
    let mut plain = head.clone();
    plain.headers.remove(ETAG);
    let length = Some(json.len() as u64);
    let mut stored =
        put::store(proxy, &plain, NewBody { length, source: BodySource::Held(json), own }).await?;
    set(stored.headers_mut(), ETAG, format!("\"{large_etag}\""));
    Ok(stored)
}
