//! Several ranges in one response: the framing of `multipart/byteranges`.
//!
//! Leaves out joining ranges that touch: clients get them as they asked for them.

use bytes::Bytes;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use hyper::{HeaderMap, StatusCode};
use rand::Rng;

use crate::http::{Body, ByteRange, Response};
use crate::proxy::Proxy;
use crate::proxy::headers::{response, set};
use crate::proxy::request::RequestHead;
use crate::swift::header::text;

/// Piece of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum MultipartPiece {
    /// Boundary and headers of a part, or the last boundary.
    Framing(Bytes),
    /// Content of a part.
    Content(ByteRange),
}

/// True if the client asks for several ranges.
pub(in crate::proxy) fn is_requested(headers: &HeaderMap) -> bool {
    let several = |range: &str| range.contains(',');
    headers.contains_key(RANGE)
        && text(headers, &RANGE).is_some_and(several)
        && !headers.contains_key(IF_RANGE)
}

/// Response 416, which names the length of the object.
pub(in crate::proxy) fn unsatisfiable(mut headers: HeaderMap, size: u64) -> Response {
    set(&mut headers, CONTENT_RANGE, format!("bytes */{size}"));
    response(StatusCode::RANGE_NOT_SATISFIABLE, headers, Body::empty())
}

/// Pieces of a multipart body of `ranges`. Replaces the content type in `headers`, which becomes
/// that of each part.
pub(in crate::proxy) fn framed(
    proxy: &Proxy,
    head: &RequestHead,
    headers: &mut HeaderMap,
    size: u64,
    ranges: &[ByteRange],
) -> Vec<MultipartPiece> {
    let content_type =
        text(headers, &CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
    let mut entropy = proxy.host().entropy("boundary", head.trans_id.as_bytes(), 0);
    let boundary = format!("{:016x}{:016x}", entropy.next_u64(), entropy.next_u64());
    set(headers, CONTENT_TYPE, format!("multipart/byteranges;boundary={boundary}"));
    headers.remove(CONTENT_RANGE);
    let mut pieces = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let before = if at == 0 { "" } else { "\r\n" };
        let framing = format!(
            "{before}--{boundary}\r\nContent-Type: {content_type}\r\n\
             Content-Range: bytes {}-{}/{size}\r\n\r\n",
            range.first,
            range.last(),
        );
        pieces.push(MultipartPiece::Framing(framing.into()));
        pieces.push(MultipartPiece::Content(*range));
    }
    pieces.push(MultipartPiece::Framing(format!("\r\n--{boundary}--").into()));
    pieces
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn several_ranges_are_asked_for_by_a_comma_unless_a_condition_takes_the_whole() {
        let mut headers = HeaderMap::new();
        assert!(!is_requested(&headers));
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert!(!is_requested(&headers));
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1,5-6"));
        assert!(is_requested(&headers));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"e\""));
        assert!(!is_requested(&headers));
    }

    #[test]
    fn an_unsatisfiable_range_is_answered_with_the_length() {
        let refused = unsatisfiable(HeaderMap::new(), 12);
        assert_eq!(refused.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(refused.headers()[CONTENT_RANGE], "bytes */12");
    }
}
