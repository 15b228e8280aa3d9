//! The edge where failures become HTTP: the status of each, and its text as the body.
//!
//! Leaves out error pages: a body is one line of text.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use stayput_host::Purpose;

use super::auth::AuthError;
use super::error::{ManifestError, ProxyError, RequestBodyError, RequestError};
use super::headers::response;
use crate::http::{Body, Response, client_closed_request};
use crate::swift::BadName;

/// Answer to a request that failed: a status and one line of text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {why}")]
pub struct ErrorResponse {
    /// Status of the answer.
    pub status: StatusCode,
    /// Reason and remedy, for the client to read.
    pub why: String,
}

/// Reason of a server error, kept as an extension of its response for the request observer.
#[derive(Clone, Debug)]
pub(super) struct ServerErrorCause(pub(super) String);

impl ErrorResponse {
    /// Joins a status and a text.
    pub fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    /// Answer that reports a failure of the proxy.
    pub(super) fn of(error: &ProxyError) -> Self {
        Self::new(error.status(), error.to_string())
    }

    /// Turns it into a response.
    #[must_use]
    pub fn into_response(self) -> Response {
        let (status, body) = (self.status, Body::full(Purpose::Control, format!("{}\n", self.why)));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let mut response = response(status, headers, body);
        if status.is_server_error() {
            response.extensions_mut().insert(ServerErrorCause(self.why));
        }
        response
    }
}

impl ProxyError {
    /// Status that reports this failure.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Auth(error) => of_auth(error),
            Self::Request(error) => of_request(error),
            Self::Metadata(_) | Self::Expiry(_) => StatusCode::BAD_REQUEST,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Body(error) => of_body(error),
            Self::Quorum(error) => error.failure.status(),
            Self::Manifest(error) => of_manifest(error),
            Self::LengthUnknown { .. } => StatusCode::BAD_GATEWAY,
            Self::ReplicasDisagree { .. } | Self::TimedOut(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

const fn of_auth(error: &AuthError) -> StatusCode {
    match error {
        AuthError::NoToken
        | AuthError::BadToken(_)
        | AuthError::NoCredentials
        | AuthError::BadUserName
        | AuthError::WrongKey => StatusCode::UNAUTHORIZED,
        AuthError::Forbidden { .. } => StatusCode::FORBIDDEN,
        AuthError::AclUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::BadAcl { .. } | AuthError::NoHost => StatusCode::BAD_REQUEST,
        AuthError::LoginMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
    }
}

const fn of_request(error: &RequestError) -> StatusCode {
    match error {
        RequestError::NoSuchPath { .. }
        | RequestError::BadPath(BadName::Missing { .. } | BadName::Slash { .. }) => {
            StatusCode::NOT_FOUND
        }
        RequestError::BadPath(BadName::NotUtf8 { .. })
        | RequestError::QueryNotUtf8 { .. }
        | RequestError::BadCopyPath { .. } => StatusCode::PRECONDITION_FAILED,
        RequestError::BadPath(BadName::TooLong { .. })
        | RequestError::BadLength { .. }
        | RequestError::BadIfNoneMatch
        | RequestError::StaticLargeObjectSet
        | RequestError::CopyWithBody => StatusCode::BAD_REQUEST,
        RequestError::MethodNotAllowed { .. } | RequestError::CopyOfNewManifest => {
            StatusCode::METHOD_NOT_ALLOWED
        }
        RequestError::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
        RequestError::LengthRequired => StatusCode::LENGTH_REQUIRED,
        RequestError::CopyLengthUnknown => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

fn of_body(error: &RequestBodyError) -> StatusCode {
    match error {
        RequestBodyError::ClientLeft => client_closed_request(),
        RequestBodyError::Stalled => StatusCode::REQUEST_TIMEOUT,
        RequestBodyError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        RequestBodyError::CopySourceLost => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn of_manifest(error: &ManifestError) -> StatusCode {
    match error {
        ManifestError::TooLong | ManifestError::TooManySegments => StatusCode::PAYLOAD_TOO_LARGE,
        ManifestError::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
        ManifestError::ClientLeft(_) => client_closed_request(),
        ManifestError::Flaws { .. }
        | ManifestError::SegmentTooLong
        | ManifestError::NotAManifest => StatusCode::BAD_REQUEST,
        ManifestError::StoredTooLong => StatusCode::SERVICE_UNAVAILABLE,
        ManifestError::SegmentGone { .. } => StatusCode::CONFLICT,
        ManifestError::Damaged { .. } | ManifestError::NoJson(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
