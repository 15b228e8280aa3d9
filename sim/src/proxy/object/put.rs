//! Stores an object that a client sends.
//!
//! Leaves out `If-None-Match` on writing, and checking the MD5 twice: nodes do it, and have to agree.

use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Method, StatusCode};

use super::get::purpose_of;
use super::upload::{Plan, Source, SourceBroken, told, upload};
use super::{ask, change_headers, container_of};
use crate::http::{Body, BodyBroken, Received, Response};
use crate::proxy::answer::{Refusal, response, set};
use crate::proxy::backend::updates;
use crate::proxy::limits::{CHUNKED_BODY_BYTES_MAX, CLIENT_CHUNK_MAX, OBJECT_BYTES_MAX};
use crate::proxy::quorum::{NotStored, stored};
use crate::proxy::routing::Call;
use crate::proxy::{Proxy, container};
use crate::swift::Service;
use crate::swift::header::{X_TIMESTAMP, text};

pub(super) async fn handle(proxy: &Proxy, call: Call) -> Result<Response, Refusal> {
    let length = length_of(&call.headers)?;
    let container = container_of(&call.path)?;
    let container_nodes = proxy.nodes(&container);
    container::exists(proxy, &container, &container_nodes).await?;
    let nodes = proxy.nodes(&call.path);
    let (timestamp, purpose) = (proxy.next_timestamp(), purpose_of(&call.headers));
    let mut headers = change_headers(&call, timestamp);
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
    if let Some(etag) = text(&call.headers, &ETAG) {
        set(&mut headers, ETAG, etag.trim_matches('"').to_lowercase());
    }
    let (path, body) = (call.path, call.body);
    let (length, source) = match length {
        Some(length) => (length, Source::Client(body)),
        None => hold(proxy, body).await?,
    };
    let own = updates(Service::Container, &container_nodes, nodes.primaries.len());
    let ask = ask(Method::PUT, &path, &nodes, headers);
    let plan = Plan { ask, nodes, own, length, purpose };
    let replies = upload(proxy, &plan, source).await.map_err(|broken| match broken {
        SourceBroken::BrokeOff => Refusal::client_left(broken.to_string()),
        SourceBroken::Stalled => Refusal::new(StatusCode::REQUEST_TIMEOUT, broken.to_string()),
    })?;
    match stored(&told(&replies), plan.nodes.primaries.len()) {
        Ok(etag) => {
            let mut headers = HeaderMap::new();
            set(&mut headers, ETAG, etag);
            set(&mut headers, X_TIMESTAMP, timestamp);
            let modified = replies.iter().find_map(|reply| reply.headers.get(LAST_MODIFIED));
            headers.extend(modified.map(|modified| (LAST_MODIFIED, modified.clone())));
            Ok(response(StatusCode::CREATED, headers, Body::empty()))
        }
        Err(NotStored::Disagree) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the replicas of {path} disagree on what they got: send it again"),
        )),
        Err(NotStored::Refused(status)) => Err(Refusal::of_quorum(status, &path)),
    }
}

/// The length that the client promises; `None` for a chunked body.
fn length_of(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(length) = text(headers, &CONTENT_LENGTH) else {
        let chunked = text(headers, &TRANSFER_ENCODING)
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
        let why = "Content-Length is missing: say how long the body is";
        let refusal = Refusal::new(StatusCode::LENGTH_REQUIRED, why);
        return if chunked { Ok(None) } else { Err(refusal) };
    };
    let length: u64 = length.parse().map_err(|_| {
        let why = format!("Content-Length {length:?} is no number of bytes");
        Refusal::new(StatusCode::BAD_REQUEST, why)
    })?;
    if length > OBJECT_BYTES_MAX {
        return Err(too_long(OBJECT_BYTES_MAX));
    }
    Ok(Some(length))
}

/// A chunked body, whole: only then its length is known.
async fn hold(proxy: &Proxy, mut body: Received) -> Result<(u64, Source), Refusal> {
    let whole = proxy.host().timeout(CLIENT_CHUNK_MAX, body.collect(CHUNKED_BODY_BYTES_MAX)).await;
    let whole = whole.map_err(|late| {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, format!("the body is too slow: {late}"))
    })?;
    match whole {
        Ok(whole) => Ok((whole.len() as u64, Source::Held(whole))),
        Err(BodyBroken::TooLong { limit_bytes }) => Err(too_long(limit_bytes)),
        Err(broken @ BodyBroken::BrokeOff { .. }) => Err(Refusal::client_left(broken.to_string())),
    }
}

fn too_long(limit_bytes: u64) -> Refusal {
    let why = format!(
        "the body is longer than {limit_bytes} bytes: that is the most such a body may have"
    );
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
}
