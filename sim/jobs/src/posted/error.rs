//! Flaws of what a client posts to have a job run.
//!
//! Leaves out flaws of the description that came: they are those of its plan.

use std::rc::Rc;

use stayput_host::TimedOut;
use stayput_runtime::image::ImageError;
use stayput_runtime::image::executable::FIRST_LINE_BYTES_MAX;
use stayput_runtime::job::{DescriptionError, WordsError};
use stayput_store::http::{BodyError, StatusCode, client_closed_request};
use stayput_store::swift::{BadName, Path};

use super::MAPS;
use crate::plan::{PlanError, status_of};
use crate::store_access::StoreAccessError;

/// Flaw of a request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// Flaw of the description.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The store refused or failed to give the job that the request names.
    #[error(transparent)]
    Store(#[from] StoreAccessError),
    /// Flaw of a description that an image holds.
    #[error("{map}: {error}")]
    Map {
        /// Path in the image.
        map: &'static str,
        /// The flaw.
        error: DescriptionError,
    },
    /// `X-Zerovm-Source` names nothing that could be a job.
    #[error("X-Zerovm-Source {source_name:?} {flaw}")]
    Source {
        /// The header.
        source_name: String,
        /// The flaw.
        flaw: SourceFlaw,
    },
    /// A body that did not come whole.
    #[error("{what}: {error}")]
    Body {
        /// Use of the body.
        what: &'static str,
        /// The failure.
        error: BodyError,
    },
    /// A body that is too slow.
    #[error("{what}: {late}")]
    Late {
        /// Use of the body.
        what: &'static str,
        /// The limit.
        late: TimedOut,
    },
    /// An object that is too long for a job.
    #[error("{what} {path} has over {bytes_max} bytes")]
    TooLong {
        /// Use of the object.
        what: &'static str,
        /// The object.
        path: Path,
        /// The limit.
        bytes_max: u64,
    },
    /// Bytes that are neither description nor image nor script.
    #[error(
        "Content-Type is {content_type:?}, neither application/json nor a tar's, and what was posted is no \
         script: it does not begin with `#!`"
    )]
    UnknownType {
        /// Their content type.
        content_type: String,
    },
    /// An image that cannot be unpacked.
    #[error("the posted image: {0}")]
    Image(ImageError),
    /// An image without a job.
    #[error("the posted image has no job: put one at {}", MAPS.join(" or "))]
    NoMap,
    /// Flaw of a script.
    #[error("the script's first line {0}: {SCRIPT_FIX}")]
    Script(ScriptFlaw),
    /// An image for a script that cannot be made.
    #[error("{0}")]
    ScriptImage(Rc<std::io::Error>),
}

/// Form of a script's first line, for messages.
const SCRIPT_FIX: &str = "write `#! image path/to/interpreter` or `#! /container/interpreter`";

/// Flaw of `X-Zerovm-Source`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFlaw {
    /// It is no path.
    #[error("{0}")]
    NoPath(String),
    /// It is a container or a wildcard.
    #[error("must name one object")]
    NotOneObject,
    /// It has a name that Swift does not take.
    #[error(transparent)]
    BadName(BadName),
}

/// Flaw of a script's first line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFlaw {
    /// It is too long.
    #[error("is longer than {FIRST_LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no UTF-8.
    #[error("is no text")]
    NoText,
    /// A quote or backslash is left open.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// It is empty.
    #[error("names no interpreter")]
    NoInterpreter,
    /// It names an image alone.
    #[error("names the image {image:?} and no path in it")]
    NoPath {
        /// The image.
        image: String,
    },
    /// It names a path alone.
    #[error("names no image")]
    NoImage,
    /// It names a path that is none.
    #[error("names {path:?}, which {why}")]
    BadPath {
        /// The path.
        path: String,
        /// The flaw.
        why: String,
    },
}

impl RequestError {
    /// Status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Plan(error) => error.status(),
            Self::Store(error) => error.status(),
            Self::Map { error, .. } => status_of(error),
            Self::Source { .. } | Self::NoMap | Self::Script(_) => StatusCode::BAD_REQUEST,
            Self::Body { error: BodyError::BrokeOff { .. }, .. } => client_closed_request(),
            Self::Body { error: BodyError::TooLong { .. }, .. } | Self::TooLong { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Late { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Image(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ScriptImage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
