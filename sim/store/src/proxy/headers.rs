//! Headers between clients and nodes: which pass, and which stay within the cluster.
//!
//! Leaves out the bodies, and the headers of failures: see `error_response`.

use std::fmt::Display;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, DATE, ETAG, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, StatusCode};

use crate::http::{Body, Response};
use crate::swift::header::{BACKEND_PREFIX, NEXE_PREFIX, OBJECT_SYSMETA_PREFIX, text};

/// Builds a response.
pub(super) fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Sets a header; a value that no header can hold is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

/// True if only nodes or the job service may set this header.
pub(super) fn is_internal(name: &HeaderName) -> bool {
    let prefixes = [BACKEND_PREFIX, NEXE_PREFIX, OBJECT_SYSMETA_PREFIX];
    prefixes.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Headers of a node's response that a client may see: neither internal ones nor those of the
/// connection. `Content-Length` is dropped as well, because it belongs to the body.
pub(super) fn for_client(headers: &HeaderMap) -> HeaderMap {
    let hop = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];
    filtered(headers, |name| !is_internal(name) && !hop.contains(name))
}

/// Headers that have one of the `names` or begin with `prefix`.
pub(super) fn picked(headers: &HeaderMap, names: &[HeaderName], prefix: Option<&str>) -> HeaderMap {
    filtered(headers, |name| {
        names.contains(name) || prefix.is_some_and(|prefix| name.as_str().starts_with(prefix))
    })
}

fn filtered(headers: &HeaderMap, passes: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| passes(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// ETag without the quotes that HTTP puts around it and Swift does not.
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_owned())
}

/// Digest in lower-case hexadecimal digits.
pub(super) fn hex(digest: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> HeaderMap {
        let header =
            |name: &&str| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_static("value"));
        names.iter().map(header).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn clients_see_neither_internal_headers_nor_those_of_the_connection() {
        let from_node = headers(&[
            "x-backend-timestamp",
            "x-object-sysmeta-x",
            "x-nexe-status",
            "connection",
            "date",
            "content-length",
            "content-type",
            "x-object-meta-color",
        ]);
        assert_eq!(names(&for_client(&from_node)), ["content-type", "x-object-meta-color"]);
    }

    #[test]
    fn headers_are_picked_by_name_or_prefix() {
        let given = headers(&["etag", "x-object-meta-a", "x-container-meta-a"]);
        assert_eq!(names(&picked(&given, &[ETAG], None)), ["etag"]);
        assert_eq!(names(&picked(&given, &[], Some("x-object-meta-"))), ["x-object-meta-a"]);
        assert!(picked(&given, &[], None).is_empty());
    }

    #[test]
    fn a_value_that_no_header_can_hold_is_left_out() {
        let mut headers = HeaderMap::new();
        set(&mut headers, ETAG, "a\r\nb");
        assert!(headers.is_empty());
        set(&mut headers, ETAG, "\"a\"");
        assert_eq!(etag(&headers).as_deref(), Some("a"), "without quotes");
    }
}
