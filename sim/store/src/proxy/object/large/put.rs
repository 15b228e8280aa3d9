//! Stores a manifest, once each of its segments is there and is what the client says.
//!
//! Leaves out Swift's heartbeat: whoever waits hears nothing until it is done.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::manifest::{Manifest, Segment};
use super::spec::{self, Flaws, Spec};
use crate::http::{Body, BodyError, IncomingBody, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::auth::{Access, authorise};
use crate::proxy::formats::prefers_json;
use crate::proxy::limits::{
    CLIENT_CHUNK_MAX, MANIFEST_BYTES_MAX, MANIFEST_SEGMENTS_MAX, SEGMENTS_AT_ONCE,
};
use crate::proxy::object::put;
use crate::proxy::object::put::{New, content_type, length_of};
use crate::proxy::object::ranges::{Wanted, parse};
use crate::proxy::object::relay::hex;
use crate::proxy::object::upload::Source;
use crate::proxy::object::{etag, get, large};
use crate::proxy::routing::Call;
use crate::swift::date::iso_date;
use crate::swift::header::{
    X_SLO_ETAG, X_SLO_SIZE, X_STATIC_LARGE_OBJECT, X_TIMESTAMP, text, timestamp,
};
use crate::swift::{Path, encode_part};

/// Stores the manifest that a client sends.
pub(in crate::proxy::object) async fn put(
    proxy: &Proxy,
    call: &Call,
    mut body: IncomingBody,
) -> Result<Response, ErrorResponse> {
    let too_long = || {
        let why = format!("Manifest File > {MANIFEST_BYTES_MAX} bytes");
        ErrorResponse::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    if length_of(&call.headers)?.is_some_and(|length| length > MANIFEST_BYTES_MAX) {
        return Err(too_long());
    }
    let whole = proxy.host().timeout(CLIENT_CHUNK_MAX, body.collect(MANIFEST_BYTES_MAX)).await;
    let whole = whole.map_err(|late| {
        ErrorResponse::new(StatusCode::REQUEST_TIMEOUT, format!("the manifest is too slow: {late}"))
    })?;
    let json = whole.map_err(|broken| match broken {
        BodyError::TooLong { .. } => too_long(),
        BodyError::BrokeOff { .. } => ErrorResponse::client_left(broken.to_string()),
    })?;
    put_held(proxy, call, &json).await
}

/// Stores a manifest that is here.
pub(in crate::proxy::object) async fn put_held(
    proxy: &Proxy,
    call: &Call,
    json: &Bytes,
) -> Result<Response, ErrorResponse> {
    let specs = spec::read(json, &call.path).map_err(|flaws| match flaws {
        Flaws::Lines(lines) => ErrorResponse::new(StatusCode::BAD_REQUEST, lines.trim_end()),
        Flaws::TooMany => {
            let why = format!("a manifest has at most {MANIFEST_SEGMENTS_MAX} segments");
            ErrorResponse::new(StatusCode::PAYLOAD_TOO_LARGE, why)
        }
    })?;
    let heads = heads(proxy, call, &specs).await;
    let (mut segments, mut problems) = (Vec::new(), Vec::new());
    for (index, spec) in specs.iter().enumerate() {
        let is_last = index + 1 == specs.len();
        match heads.get(&spec.path) {
            Some(Ok(headers)) => match segment(spec, headers, is_last) {
                Ok(segment) => segments.push(segment),
                Err(found) => problems.extend(found.into_iter().map(|why| (spec, why.to_owned()))),
            },
            Some(Err(status)) => problems.push((spec, status.to_string())),
            None => problems.push((spec, StatusCode::SERVICE_UNAVAILABLE.to_string())),
        }
    }
    if !problems.is_empty() {
        return Ok(refused(call, &problems));
    }
    let manifest = Manifest::new(segments).ok_or_else(|| {
        ErrorResponse::new(StatusCode::BAD_REQUEST, "a segment is longer than a segment may be")
    })?;
    store(proxy, call, &manifest).await
}

/// What is known of each segment's object, as far as who asks may read it.
async fn heads(
    proxy: &Proxy,
    call: &Call,
    specs: &[Spec],
) -> BTreeMap<Path, Result<HeaderMap, StatusCode>> {
    let paths: BTreeSet<&Path> = specs.iter().map(|spec| &spec.path).collect();
    let head = |path: &Path| {
        let asked = call.along(Method::HEAD, path.clone());
        async move {
            let may = authorise(proxy, &asked.caller, &asked.path, Access::Read).await;
            let found = match may.map(|()| Box::pin(get::handle(proxy, &asked))) {
                Ok(head) => head.await,
                Err(refusal) => Err(refusal),
            };
            let found = match found {
                Ok(response) if response.status().is_success() => {
                    Ok(response.into_parts().0.headers)
                }
                Ok(response) => Err(response.status()),
                Err(refusal) => Err(refusal.status),
            };
            (asked.path, found)
        }
    };
    stream::iter(paths).map(head).buffered(SEGMENTS_AT_ONCE).collect().await
}

/// The segment as it is stored, or what is wrong with it.
fn segment(spec: &Spec, headers: &HeaderMap, is_last: bool) -> Result<Segment, Vec<&'static str>> {
    let mut problems = Vec::new();
    let bytes = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
    let hash = etag(headers).unwrap_or_default();
    let (mut range, mut length) = (None, bytes);
    if let Some(said) = &spec.range {
        match parse(&format!("bytes={said}"), bytes) {
            Wanted::Parts(runs) if runs.len() == 1 => {
                length = runs[0].length;
                range = Some(format!("{}-{}", runs[0].first, runs[0].last()))
                    .filter(|_| length < bytes);
            }
            _ => problems.push("Unsatisfiable Range"),
        }
    }
    if length == 0 && !is_last {
        problems.push("Too small; each segment must be at least 1 byte.");
    }
    if spec.bytes.is_some_and(|said| said != bytes) {
        problems.push("Size Mismatch");
    }
    if spec.etag.as_ref().is_some_and(|said| said.trim_matches('"') != hash) {
        problems.push("Etag Mismatch");
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Segment {
        name: format!("/{}", spec.name.trim_start_matches('/')),
        bytes,
        hash,
        content_type: text(headers, &CONTENT_TYPE).unwrap_or_default().to_owned(),
        last_modified: iso_date(timestamp(headers, &X_TIMESTAMP).unwrap_or_default()),
        range,
        sub_slo: large::is(headers),
    })
}

/// 400 with all that is wrong, in Swift's form for it.
fn refused(call: &Call, problems: &[(&Spec, String)]) -> Response {
    let encoded = |name: &str| name.split('/').map(encode_part).collect::<Vec<_>>().join("/");
    let problems = problems.iter().map(|(spec, why)| (encoded(&spec.name), why));
    let mut headers = HeaderMap::new();
    let text = if prefers_json(&call.headers) {
        set(&mut headers, CONTENT_TYPE, "application/json");
        json!({ "Errors": problems.collect::<Vec<_>>() }).to_string()
    } else {
        set(&mut headers, CONTENT_TYPE, "text/plain");
        problems
            .fold("Errors:\n".to_owned(), |lines, (name, why)| lines + &format!("{name}, {why}\n"))
    };
    response(StatusCode::BAD_REQUEST, headers, Body::full(Purpose::Control, text))
}

async fn store(proxy: &Proxy, call: &Call, manifest: &Manifest) -> Result<Response, ErrorResponse> {
    let (large_etag, size) = (manifest.etag(), manifest.size());
    let said = text(&call.headers, &ETAG).map(|said| said.trim_matches('"').to_lowercase());
    if said.is_some_and(|said| said != large_etag) {
        return Err(ErrorResponse::of_quorum(StatusCode::UNPROCESSABLE_ENTITY, &call.path));
    }
    let json = serde_json::to_vec(manifest).map(Bytes::from).map_err(|bad| {
        ErrorResponse::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the manifest has no JSON form: {bad}"),
        )
    })?;
    let mut checksum = proxy.host().checksum();
    checksum.update(&json);
    let mut own = HeaderMap::new();
    set(&mut own, X_STATIC_LARGE_OBJECT, "True");
    set(&mut own, X_SLO_ETAG, &large_etag);
    set(&mut own, X_SLO_SIZE, size);
    set(&mut own, ETAG, hex(&checksum.sum()));
    set(&mut own, CONTENT_TYPE, format!("{};swift_bytes={size}", content_type(call)));
    let mut plain = call.clone();
    plain.headers.remove(ETAG);
    let length = Some(json.len() as u64);
    let mut stored =
        put::store(proxy, &plain, New { length, source: Source::Held(json), own }).await?;
    set(stored.headers_mut(), ETAG, format!("\"{large_etag}\""));
    Ok(stored)
}
