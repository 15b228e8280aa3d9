//! What clients get to see: refusals with a reason, and nodes' headers without what only backends say.
//!
//! Leaves out error pages: a reason is one line of text.

use std::fmt::Display;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, StatusCode};
use stayput_host::Purpose;

use super::watch::leave_cause;
use crate::http::{Body, Response};
use crate::swift::header::{BACKEND_PREFIX, NEXE_PREFIX, OBJECT_SYSMETA_PREFIX};

/// The status that says that the client left; nginx and Swift use it, no standard does.
pub(super) const CLIENT_LEFT: u16 = 499;

/// Why a request is not done, with the status that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {why}")]
pub struct ErrorResponse {
    /// The status of the answer.
    pub status: StatusCode,
    /// What is wrong, and what to do about it.
    pub why: String,
}

impl ErrorResponse {
    /// The refusal of that status and reason.
    pub fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    /// One whose status has no name.
    pub fn client_left(why: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, why)
    }

    /// 404.
    pub(super) fn not_found(what: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }

    /// The status that a quorum came to, for a request on `what`.
    pub(super) fn of_quorum(status: StatusCode, what: impl Display) -> Self {
        let why = match status {
            StatusCode::NOT_FOUND => format!("there is no {what}"),
            StatusCode::CONFLICT => format!("{what} is in the way of that, or newer: look again"),
            StatusCode::UNPROCESSABLE_ENTITY => {
                format!("the body of {what} has another MD5 than its ETag says")
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                format!("too few replicas of {what} answered: try again later")
            }
            StatusCode::INSUFFICIENT_STORAGE => {
                format!("the disks that are to hold {what} are full or out of order: make room")
            }
            other => format!("the replicas of {what} say {other}"),
        };
        Self::new(status, why)
    }

    /// As an answer.
    #[must_use]
    pub fn into_response(self) -> Response {
        let (status, body) = (self.status, Body::full(Purpose::Control, format!("{}\n", self.why)));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let mut response = response(status, headers, body);
        leave_cause(&mut response, self);
        response
    }
}

/// An answer of these three.
pub(super) fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Sets a header. What cannot stand in one is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

/// Whether only backends, or only the job service, may say it.
pub(super) fn is_internal(name: &HeaderName) -> bool {
    let prefixes = [BACKEND_PREFIX, NEXE_PREFIX, OBJECT_SYSMETA_PREFIX];
    prefixes.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// A node's headers as a client may see them: without internal ones and those of the connection.
/// `Content-Length` goes as well, because it belongs to the body.
pub(super) fn for_client(headers: &HeaderMap) -> HeaderMap {
    let hop = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];
    let shown = |name: &HeaderName| !is_internal(name) && !hop.contains(name);
    headers
        .iter()
        .filter(|(name, _)| shown(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Those of a client's headers that have one of the `names` or begin with `prefix`.
pub(super) fn picked(headers: &HeaderMap, names: &[HeaderName], prefix: Option<&str>) -> HeaderMap {
    let wanted = |name: &HeaderName| {
        names.contains(name) || prefix.is_some_and(|prefix| name.as_str().starts_with(prefix))
    };
    headers
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
