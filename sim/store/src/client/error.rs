//! Why a client did not get what it asked for.
//!
//! Leaves out the attempts in between: only the last one's failure is told.

use std::net::SocketAddr;

use hyper::StatusCode;
use stayput_host::TimedOut;

use crate::http::{BodyError, SendError};
use crate::swift::BadName;

/// Why a client did not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It was given no proxy to ask.
    #[error("there is no proxy to ask: name at least one")]
    NoProxies,
    /// The name is none that Swift takes.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// What is asked for cannot be put into a request.
    #[error("{what} cannot be put into a request: {source}")]
    Malformed {
        /// Method and path.
        what: String,
        /// Which part is wrong.
        source: hyper::http::Error,
    },
    /// The proxy said no.
    #[error("{what}: {proxy} says {status}: {why}")]
    Refused {
        /// Method and path.
        what: String,
        /// Who was asked.
        proxy: SocketAddr,
        /// Its status.
        status: StatusCode,
        /// The reason that it gives.
        why: String,
    },
    /// The proxy's answer makes no sense.
    #[error("{what}: the answer of {proxy} makes no sense: {why}")]
    Senseless {
        /// Method and path.
        what: String,
        /// Who was asked.
        proxy: SocketAddr,
        /// What is wrong with it.
        why: String,
    },
    /// No answer came.
    #[error("{what}: {source}")]
    NoAnswer {
        /// Method and path.
        what: String,
        /// Why not.
        source: SendError,
    },
    /// The answer broke off.
    #[error("{what}: the answer of {proxy} broke off: {source}")]
    Broken {
        /// Method and path.
        what: String,
        /// Who was asked.
        proxy: SocketAddr,
        /// How.
        source: BodyError,
    },
    /// The answer stalled.
    #[error("{what}: the answer of {proxy} stalled: {source}")]
    Stalled {
        /// Method and path.
        what: String,
        /// Who was asked.
        proxy: SocketAddr,
        /// The limit.
        source: TimedOut,
    },
    /// The body is not what its ETag says.
    #[error("{what}: {proxy} sent a body whose MD5 is not its ETag {etag}")]
    Damaged {
        /// Method and path.
        what: String,
        /// Who was asked.
        proxy: SocketAddr,
        /// The ETag.
        etag: String,
    },
}

impl ClientError {
    /// With the reason that stands in the answer's body.
    pub(super) fn refused(
        what: String,
        proxy: SocketAddr,
        status: StatusCode,
        body: &[u8],
    ) -> Self {
        let why = String::from_utf8_lossy(body).trim().to_owned();
        Self::Refused { what, proxy, status, why }
    }

    /// Whether asking again, or another proxy, may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { .. }
            | Self::Broken { .. }
            | Self::Stalled { .. }
            | Self::Damaged { .. } => true,
            Self::Refused { status, .. } => matches!(status.as_u16(), 408 | 499 | 502..=504),
            Self::NoProxies
            | Self::BadName(_)
            | Self::Malformed { .. }
            | Self::Senseless { .. } => false,
        }
    }
}
