//! Failures of a session on a node, and the statuses of the answers that report them.
//!
//! Leaves out what guests do: that is a result.

use stayput_runtime::outcome::EndReason;
use stayput_store::http::{BodyError, Response, StatusCode};
use stayput_store::node::{NodeError, error_status};
use stayput_store::proxy::ErrorResponse;

use super::pipe_transport::PipeTransportError;
use crate::message::{MessageError, PEER_LOST};
use crate::session::NoSlot;

/// Flaw of an order.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// The same attempt runs already.
    #[error("{path} runs already")]
    Running {
        /// Path of the attempt.
        path: String,
    },
    /// The order did not come.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It is no order.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// It was posted to the path of another attempt.
    #[error("{path} is not the path of the order that it brings")]
    OtherPath {
        /// Path that it was posted to.
        path: String,
    },
    /// A part is missing.
    #[error("the order lacks {what}")]
    Missing {
        /// Device, or other use of the part.
        what: String,
    },
}

/// Failure of a session, through no fault of its guest.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The order cannot be carried out anywhere.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// There is no slot: another node may have one.
    #[error(transparent)]
    NoSlot(#[from] NoSlot),
    /// The node's replica is missing, of another version or damaged: another replica may do.
    #[error(transparent)]
    Replica(#[from] NodeError),
    /// A peer on another node was lost: the gang has to begin anew.
    #[error(transparent)]
    PeerUnreachable(#[from] PipeTransportError),
    /// A pipe broke while the guest used it: the gang has to begin anew.
    #[error("{end}")]
    PeerLost {
        /// End of the session.
        end: EndReason,
    },
    /// A disk failed while the guest read from it: another replica may do.
    #[error("{end}")]
    DeviceFailed {
        /// End of the session.
        end: EndReason,
    },
    /// The report is too long.
    #[error(transparent)]
    Report(MessageError),
}

impl SessionError {
    /// Status by which proxies know what happened.
    fn status(&self) -> StatusCode {
        match self {
            Self::Order(_) => StatusCode::BAD_REQUEST,
            Self::NoSlot(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Replica(error) => error_status(error),
            Self::PeerUnreachable(_) | Self::PeerLost { .. } => PEER_LOST,
            Self::DeviceFailed { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Self::Report(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn into_response(self) -> Response {
        ErrorResponse::new(self.status(), self.to_string()).into_response()
    }
}
