//! Failures of a job: what happened, whether another place may do better, and the status of the
//! answer.
//!
//! Leaves out how guests end: that is an answer, not a failure.

use std::net::SocketAddr;
use std::rc::Rc;

use stayput_store::http::{Response, SendError, StatusCode};
use stayput_store::proxy::ErrorResponse;

use crate::message::MessageError;
use crate::plan::PlanError;
use crate::posted::RequestError;
use crate::session::NoSlot;
use crate::store_access::StoreAccessError;

/// Failure of a job.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JobError {
    /// Flaw of the request.
    #[error(transparent)]
    Request(Box<RequestError>),
    /// Flaw of the description, with its place.
    #[error(transparent)]
    Plan(Box<PlanError>),
    /// Refusal or failure of the store.
    #[error(transparent)]
    Store(#[from] StoreAccessError),
    /// No slot on the host that runs the whole job.
    #[error(transparent)]
    NoSlot(#[from] NoSlot),
    /// Inputs that changed or broke off under each attempt.
    #[error("its inputs changed or broke off each time it ran: try again later")]
    InputsChanged,
    /// More bytes than are held to be pushed to nodes.
    #[error("more than {bytes_max} bytes would have to be pushed")]
    PushTooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// No candidate place.
    #[error("the policy {policy} has no place for it")]
    NoPlace {
        /// Name of the policy.
        policy: &'static str,
    },
    /// No node that could run a session.
    #[error("no node could run {session}: {}", .reasons.join("; "))]
    NoNode {
        /// Name of the session.
        session: String,
        /// Failures of the nodes, each once.
        reasons: Vec<String>,
    },
    /// A node's refusal that all nodes would repeat.
    #[error("{0}")]
    NodeRefused(NodeAnswer),
    /// An order that cannot be sent.
    #[error(transparent)]
    Order(#[from] MessageError),
    /// A path that cannot stand in a request.
    #[error("{0}")]
    Malformed(Rc<hyper::http::Error>),
    /// A worker that did not take the job.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Copies of a session without a majority.
    #[error(
        "session {session}: of {asked} copies no majority says the same (they ran on {})",
        .hosts.join(", ")
    )]
    Contradiction {
        /// Name of the session.
        session: String,
        /// Copies that were asked for.
        asked: u8,
        /// Hosts of those that ended.
        hosts: Vec<String>,
    },
    /// A request that a worker does not take.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
}

/// Answer of a node that did not run a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct NodeAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its text.
    pub text: String,
}

/// Failure of a worker to which a proxy posted a job: another place may do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WorkerError {
    /// The job cannot stand in a request.
    #[error("{0}")]
    Malformed(Rc<hyper::http::Error>),
    /// It gave no answer.
    #[error("{0}")]
    NoAnswer(Rc<SendError>),
    /// It did not take the job.
    #[error("{worker}: {status}")]
    Refused {
        /// The worker.
        worker: SocketAddr,
        /// Its answer.
        status: StatusCode,
    },
}

/// Refusal of a request by a worker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// It is no job.
    #[error("a worker takes jobs: POST with X-Zerovm-Execute")]
    NoJob,
    /// It does not come with the worker's own token.
    #[error("X-Auth-Token is missing or not known: send your token with it")]
    BadToken,
    /// It is for another account than the token.
    #[error("this token is for the account {account}")]
    OtherAccount {
        /// Account of the token.
        account: String,
    },
}

impl From<RequestError> for JobError {
    fn from(error: RequestError) -> Self {
        Self::Request(Box::new(error))
    }
}

impl From<PlanError> for JobError {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl JobError {
    /// True for failures that another place or a later time may not have: those that answer 503.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Request(error) => error.status(),
            Self::Plan(error) => error.status(),
            Self::Store(error) => error.status(),
            Self::Admission(AdmissionError::NoJob) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Admission(AdmissionError::BadToken) => StatusCode::UNAUTHORIZED,
            Self::Admission(AdmissionError::OtherAccount { .. }) => StatusCode::FORBIDDEN,
            Self::PushTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoSlot(_)
            | Self::InputsChanged
            | Self::NoPlace { .. }
            | Self::NoNode { .. }
            | Self::Worker(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NodeRefused(_)
            | Self::Order(_)
            | Self::Malformed(_)
            | Self::Contradiction { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer that reports the failure.
    #[must_use]
    pub fn into_response(self) -> Response {
        ErrorResponse::new(self.status(), self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests;
