//! Several ranges of an object in one answer: `multipart/byteranges`.
//!
//! Leaves out joining ranges that touch: clients get them as they asked for them.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use hyper::{HeaderMap, Method, StatusCode};

use super::get::{Found, answer_with, find, handle as get, purpose_of, shown};
use super::ranges::{Run, Wanted, parse};
use super::stitch::{self, Part, Piece};
use super::{etag, large};
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::routing::Call;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, text, timestamp};

/// Whether the client asks for several ranges.
pub(super) fn asked(headers: &HeaderMap) -> bool {
    let several = |range: &str| range.contains(',');
    headers.contains_key(RANGE)
        && text(headers, &RANGE).is_some_and(several)
        && !headers.contains_key(IF_RANGE)
}

/// Answers a GET for several ranges.
pub(super) async fn handle(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    let header = text(&call.headers, &RANGE).unwrap_or_default().to_owned();
    let mut plain = call.clone();
    plain.headers.remove(RANGE);
    if call.query.is_some() && large::asked(call).as_deref() == Some("get") {
        // A manifest is given whole.
        return Box::pin(get(proxy, &plain)).await;
    }
    // How long it is says which ranges there are.
    let found = find(proxy, &plain, &Method::HEAD, HeaderMap::new()).await?;
    if large::is(&found.answer.headers) {
        let found = find(proxy, &plain, &Method::GET, HeaderMap::new()).await?;
        return large::get(proxy, call, found).await;
    }
    if !found.answer.status.is_success() {
        return answer_with(proxy, found).await;
    }
    let size = text(&found.answer.headers, &CONTENT_LENGTH).and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| {
        ErrorResponse::new(
            StatusCode::BAD_GATEWAY,
            format!("a node did not say how long {} is", call.path),
        )
    })?;
    match parse(&header, size) {
        Wanted::Whole => Box::pin(get(proxy, &plain)).await,
        Wanted::Unsatisfiable => Ok(unsatisfiable(shown(&found.answer), size)),
        Wanted::Parts(runs) => match runs[..] {
            [run] => {
                let range = format!("bytes={}-{}", run.first, run.last());
                set(&mut plain.headers, RANGE, range);
                Box::pin(get(proxy, &plain)).await
            }
            _ => parts_of(proxy, call, &found, size, &runs).await,
        },
    }
}

async fn parts_of(
    proxy: &Proxy,
    call: &Call,
    found: &Found,
    size: u64,
    runs: &[Run],
) -> Result<Response, ErrorResponse> {
    let of = |run| {
        Part::Piece(Piece {
            path: call.path.clone(),
            run,
            size,
            etag: etag(&found.answer.headers),
            version: timestamp(&found.answer.headers, &X_BACKEND_DATA_TIMESTAMP),
        })
    };
    let mut headers = shown(&found.answer);
    let parts = framed(proxy, call, &mut headers, size, runs, of);
    let body = stitch::body(proxy, call, purpose_of(&call.headers), parts).await;
    let body =
        body.ok_or_else(|| ErrorResponse::of_quorum(StatusCode::SERVICE_UNAVAILABLE, &call.path))?;
    Ok(response(StatusCode::PARTIAL_CONTENT, headers, body))
}

/// 416, naming how long it is.
pub(super) fn unsatisfiable(mut headers: HeaderMap, size: u64) -> Response {
    set(&mut headers, CONTENT_RANGE, format!("bytes */{size}"));
    response(StatusCode::RANGE_NOT_SATISFIABLE, headers, Body::empty())
}

/// The parts of a `multipart/byteranges` with what HTTP puts round them; says so in `headers`, whose content type is that of each part.
pub(super) fn framed(
    proxy: &Proxy,
    call: &Call,
    headers: &mut HeaderMap,
    size: u64,
    runs: &[Run],
    of: impl Fn(Run) -> Part,
) -> Vec<Part> {
    let content_type =
        text(headers, &CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
    let mut entropy = proxy.host().entropy("boundary", call.trans_id.as_bytes(), 0);
    let boundary = format!("{:016x}{:016x}", entropy.next_u64(), entropy.next_u64());
    set(headers, CONTENT_TYPE, format!("multipart/byteranges;boundary={boundary}"));
    headers.remove(CONTENT_RANGE);
    let mut parts = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let before = if at == 0 { "" } else { "\r\n" };
        let head = format!(
            "{before}--{boundary}\r\nContent-Type: {content_type}\r\n\
             Content-Range: bytes {}-{}/{size}\r\n\r\n",
            run.first,
            run.last(),
        );
        parts.extend([Part::Text(Bytes::from(head)), of(*run)]);
    }
    parts.push(Part::Text(Bytes::from(format!("\r\n--{boundary}--"))));
    parts
}
