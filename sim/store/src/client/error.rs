//! Failures of a client.
//!
//! Leaves out the attempts in between: only the failure of the last one is returned.

use std::net::SocketAddr;

use hyper::StatusCode;
use stayput_host::TimedOut;

use crate::http::{BodyError, CLIENT_CLOSED_REQUEST, SendError};
use crate::swift::BadName;

/// Failure of a client's request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client has no proxy.
    #[error("there is no proxy to ask: name at least one")]
    NoProxies,
    /// The name is not valid in Swift.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// A header or the path is not valid in HTTP.
    #[error("{what} cannot be put into a request: {source}")]
    Malformed {
        /// Method and path.
        what: String,
        /// Part that is wrong.
        source: hyper::http::Error,
    },
    /// The proxy refused the request.
    #[error("{what}: {proxy} says {status}: {why}")]
    Refused {
        /// Method and path.
        what: String,
        /// Proxy that was asked.
        proxy: SocketAddr,
        /// Status of the response.
        status: StatusCode,
        /// Body of the response.
        why: String,
    },
    /// The proxy's response is malformed.
    #[error("{what}: the answer of {proxy} makes no sense: {why}")]
    InvalidResponse {
        /// Method and path.
        what: String,
        /// Proxy that was asked.
        proxy: SocketAddr,
        /// Flaw of the response.
        why: String,
    },
    /// No response came.
    #[error("{what}: {source}")]
    NoAnswer {
        /// Method and path.
        what: String,
        /// Reason.
        source: SendError,
    },
    /// The response broke off.
    #[error("{what}: the answer of {proxy} broke off: {source}")]
    Broken {
        /// Method and path.
        what: String,
        /// Proxy that was asked.
        proxy: SocketAddr,
        /// Failure of the body.
        source: BodyError,
    },
    /// The response stalled.
    #[error("{what}: the answer of {proxy} stalled: {source}")]
    Stalled {
        /// Method and path.
        what: String,
        /// Proxy that was asked.
        proxy: SocketAddr,
        /// Limit that was reached.
        source: TimedOut,
    },
    /// The MD5 of the body is not its ETag.
    #[error("{what}: {proxy} sent a body whose MD5 is not its ETag {etag}")]
    Damaged {
        /// Method and path.
        what: String,
        /// Proxy that was asked.
        proxy: SocketAddr,
        /// ETag of the object.
        etag: String,
    },
}

impl ClientError {
    /// Refusal with the response's body as its reason.
    pub(super) fn refused(
        what: String,
        proxy: SocketAddr,
        status: StatusCode,
        body: &[u8],
    ) -> Self {
        let why = String::from_utf8_lossy(body).trim().to_owned();
        Self::Refused { what, proxy, status, why }
    }

    /// True if another attempt, or another proxy, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. }
            | Self::Broken { .. }
            | Self::Stalled { .. }
            | Self::Damaged { .. } => true,
            Self::Refused { status, .. } => {
                matches!(status.as_u16(), 408 | CLIENT_CLOSED_REQUEST | 502..=504)
            }
            Self::NoProxies
            | Self::BadName(_)
            | Self::Malformed { .. }
            | Self::InvalidResponse { .. } => false,
        }
    }
}
