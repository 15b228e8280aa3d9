//! Answers of a storage node: headers, and the one place that turns errors into HTTP.
//!
//! Leaves out bodies, which are the services'.

use stayput_host::Purpose;

use crate::http::{
    Body, HeaderMap, HeaderName, HeaderValue, Response, StatusCode, client_closed_request,
};
use crate::node::storage::{NodeError, SlowParty};
use crate::swift::{Timestamp, header};

/// Sets a header. A value that is no header value (it came from a name or a stored value) is left
/// out.
pub(crate) fn set_header(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// Sets stored headers, whose names were headers once.
pub(crate) fn set_stored_headers<'a>(
    headers: &mut HeaderMap,
    stored: impl IntoIterator<Item = (&'a String, &'a String)>,
) {
    for (name, value) in stored {
        if let Ok(name) = HeaderName::try_from(name.as_str()) {
            set_header(headers, name, value);
        }
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// HTTP status of a storage node's error.
#[must_use]
pub fn error_status(error: &NodeError) -> StatusCode {
    match error {
        NodeError::InvalidRequest { .. } => StatusCode::BAD_REQUEST,
        NodeError::UnsupportedMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
        NodeError::NoDevice { .. } | NodeError::Disk { .. } => StatusCode::INSUFFICIENT_STORAGE,
        NodeError::Damaged { .. } | NodeError::NotFound { .. } => StatusCode::NOT_FOUND,
        NodeError::Newer { .. } | NodeError::OtherVersion { .. } | NodeError::NotEmpty { .. } => {
            StatusCode::CONFLICT
        }
        NodeError::ConditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
        NodeError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        NodeError::WrongEtag { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        NodeError::UploadCutOff { .. } => client_closed_request(),
        NodeError::TooSlow { party: SlowParty::Client, .. } => StatusCode::REQUEST_TIMEOUT,
        NodeError::TooSlow { party: SlowParty::Node, .. } | NodeError::Backlog { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        NodeError::RangeUnsatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
    }
}

/// Timestamp of what is here instead, for the proxy to compare.
const fn backend_timestamp(error: &NodeError) -> Option<Timestamp> {
    match error {
        NodeError::NotFound { deleted, .. } => *deleted,
        NodeError::Newer { has, .. } | NodeError::OtherVersion { has, .. } => Some(*has),
        _ => None,
    }
}

/// Logs errors of the node and its disks, and none of its clients' mistakes.
pub(crate) fn log_error(error: &NodeError) {
    match error {
        NodeError::Disk { .. } | NodeError::Damaged { .. } => {
            tracing::error!(%error, "a disk fails");
        }
        error if error_status(error).is_server_error() => {
            tracing::warn!(%error, "a storage node fails");
        }
        _ => {}
    }
}

/// Answer to a request that failed: the status, and a line that names the path and the reason.
pub(crate) fn error_response(error: &NodeError) -> Response {
    let mut response = Response::new(Body::full(Purpose::Control, format!("{error}\n")));
    *response.status_mut() = error_status(error);
    let headers = response.headers_mut();
    set_header(headers, hyper::header::CONTENT_TYPE, "text/plain; charset=utf-8");
    if let Some(timestamp) = backend_timestamp(error) {
        set_header(headers, header::X_BACKEND_TIMESTAMP, &timestamp.to_string());
    }
    if let NodeError::RangeUnsatisfiable { length, .. } = error {
        set_header(headers, hyper::header::CONTENT_RANGE, &format!("bytes */{length}"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> String {
        "/a/c/o".to_owned()
    }

    #[test]
    fn an_error_names_the_timestamp_that_the_proxy_compares() {
        let has: Timestamp = "7.0".parse().unwrap();
        let wants: Timestamp = "6.0".parse().unwrap();
        let errors = [
            (NodeError::NotFound { path: path(), deleted: Some(has) }, 404),
            (NodeError::Newer { path: path(), has, wants }, 409),
            (NodeError::OtherVersion { path: path(), has, wants }, 409),
        ];
        for (error, status) in errors {
            let response = error_response(&error);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[header::X_BACKEND_TIMESTAMP], "0000000007.00000");
        }
        let unknown = error_response(&NodeError::NotFound { path: path(), deleted: None });
        assert!(!unknown.headers().contains_key(header::X_BACKEND_TIMESTAMP));
    }

    #[test]
    fn a_range_beyond_the_object_names_its_length() {
        let response = error_response(&NodeError::RangeUnsatisfiable { path: path(), length: 5 });
        assert_eq!(response.status(), 416);
        assert_eq!(response.headers()[hyper::header::CONTENT_RANGE], "bytes */5");
    }

    #[test]
    fn a_value_that_no_header_can_have_is_left_out() {
        let mut headers = HeaderMap::new();
        set_header(&mut headers, hyper::header::ETAG, "a\nb");
        let stored = [("bad name".to_owned(), "v".to_owned()), ("good".to_owned(), "v".to_owned())];
        set_stored_headers(&mut headers, stored.iter().map(|(name, value)| (name, value)));
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["good"], "v");
    }
}
