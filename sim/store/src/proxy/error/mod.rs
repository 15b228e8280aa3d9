//! Failures of a client's request, typed by what happened.
//!
//! Leaves out HTTP statuses: [`super::error_response`] gives each failure its own.

mod manifest;
mod request;

use stayput_host::TimedOut;

use super::auth::AuthError;
use super::listing_format::NotAcceptable;
use super::metadata::MetadataError;
use super::object::ExpiryError;
use super::quorum::{QuorumError, QuorumFailure};
use crate::swift::Path;

pub(super) use manifest::ManifestError;
pub(super) use request::{RequestBodyError, RequestError, UnsupportedFeature};

/// Failure of a client's request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Expiry(#[from] ExpiryError),
    #[error(transparent)]
    NotAcceptable(#[from] NotAcceptable),
    #[error(transparent)]
    Body(#[from] RequestBodyError),
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("a node did not say how long {path} is")]
    LengthUnknown { path: Path },
    #[error("the replicas of {path} disagree on what they got: send it again")]
    ReplicasDisagree { path: Path },
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl ProxyError {
    /// True if the object, container or account does not exist.
    pub(super) const fn is_not_found(&self) -> bool {
        matches!(self, Self::Quorum(QuorumError { failure: QuorumFailure::NotFound, .. }))
    }
}
