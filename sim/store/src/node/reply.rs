//! Small pieces of answers.
//!
//! Leaves out errors, which say themselves in HTTP.

use crate::http::{Body, HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// Sets a header. A value that cannot stand in one (it came from a name or a stored value) is left
/// out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// Sets stored headers, whose names were headers once.
pub(super) fn set_stored<'a>(
    headers: &mut HeaderMap,
    stored: impl IntoIterator<Item = (&'a String, &'a String)>,
) {
    for (name, value) in stored {
        if let Ok(name) = HeaderName::try_from(name.as_str()) {
            set(headers, name, value);
        }
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
