//! Flaws of a job's description, with the node and the field that have them.
//!
//! Leaves out what the store says of objects that are named rightly.

use stayput_runtime::job::{DescriptionError, JobNode};
use stayput_store::http::StatusCode;
use stayput_store::swift::{BadName, Path};

use crate::session::result::STAGED_BYTES_MAX;
use crate::store_access::StoreAccessError;

/// Flaw of a description.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// It is no description.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// A field has a flaw.
    #[error("node {node:?}, field `{field}`: {flaw}")]
    Field {
        /// Name of the node.
        node: String,
        /// Path of the field.
        field: String,
        /// The flaw.
        flaw: Box<FieldFlaw>,
    },
    /// The store refused or failed to list what a wildcard matches.
    #[error(transparent)]
    Store(#[from] StoreAccessError),
    /// A wildcard names what Swift does not take.
    #[error("{pattern}: {error}")]
    Pattern {
        /// The wildcard.
        pattern: String,
        /// The flaw.
        error: BadName,
    },
}

/// Flaw of one field.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FieldFlaw {
    /// An executable in an image, of a node without images.
    #[error("it names a file of an image, and the node has no image device")]
    NoImages,
    /// An executable in an image that is no device of the node.
    #[error("it names a file of {image:?}, which is no device of the node: add it")]
    NoDevice {
        /// The image.
        image: String,
    },
    /// A system image that the cluster does not offer.
    #[error("there is no system image {image:?}: {known}")]
    UnknownImage {
        /// The image.
        image: String,
        /// Those that there are, in words.
        known: String,
    },
    /// The device of the image that was posted.
    #[error("has the device image, which is what was posted: leave it out")]
    PostedImage,
    /// A least size beyond what is stored.
    #[error("at most {STAGED_BYTES_MAX} bytes are stored")]
    TooLarge,
    /// A name that Swift does not take.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// Something of another account, where nobody can be asked for access.
    #[error("{path} is in another account than yours, {account}")]
    OtherAccount {
        /// Path that is named.
        path: Path,
        /// Account of the caller.
        account: String,
    },
    /// Something of another account, to which there is no access.
    #[error(transparent)]
    Denied(#[from] StoreAccessError),
}

impl PlanError {
    /// A flaw of a field of `node`.
    pub(crate) fn field(node: &JobNode, field: &str, flaw: impl Into<FieldFlaw>) -> Self {
        let (node, field) = (node.name.as_str().to_owned(), field.to_owned());
        Self::Field { node, field, flaw: Box::new(flaw.into()) }
    }

    /// Status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Description(error) => status_of(error),
            Self::Field { flaw, .. } => match &**flaw {
                FieldFlaw::OtherAccount { .. } => StatusCode::FORBIDDEN,
                FieldFlaw::Denied(error) => error.status(),
                _ => StatusCode::BAD_REQUEST,
            },
            Self::Store(error) => error.status(),
            Self::Pattern { .. } => StatusCode::BAD_REQUEST,
        }
    }
}

/// Status of the answer to a description that is none.
pub(crate) fn status_of(error: &DescriptionError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
}
