//! Everything that a storage node refuses or fails to do, and the one place that says it in HTTP.
//!
//! Leaves out what a client's proxy makes of it: retries, handoffs and quorums.

use std::time::Duration;

use stayput_host::{DiskError, Purpose};

use super::object::trailer::Damage;
use crate::http::{Body, Response, StatusCode};
use crate::swift::{Timestamp, header};

/// Swift's status for a client that left before its body was whole.
const CLIENT_LEFT: u16 = 499;

/// Why a request to a storage node, or a call of its object store, was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The request does not say what it must, or says it wrongly.
    #[error("{path}: {why}")]
    BadRequest {
        /// What was asked for.
        path: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The method means nothing here.
    #[error("{path}: {method} is not taken here")]
    BadMethod {
        /// What was asked for.
        path: String,
        /// The method.
        method: String,
    },
    /// The device is none of this node's.
    #[error("{path}: this node has no device {device:?}")]
    NoDevice {
        /// What was asked for.
        path: String,
        /// The name that was asked for.
        device: String,
    },
    /// A disk failed, or is full.
    #[error("{path}: device {device:?}: {source}")]
    Disk {
        /// What was asked for.
        path: String,
        /// The device.
        device: String,
        /// What the disk said.
        source: DiskError,
    },
    /// What is stored is damaged. It has been put aside, or will not be used.
    #[error("{path}: what device {device:?} holds of it is damaged: {damage}")]
    Damaged {
        /// What was asked for.
        path: String,
        /// The device.
        device: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// It is not here.
    #[error("{path}: not found")]
    NotFound {
        /// What was asked for.
        path: String,
        /// When it was deleted, if that is known.
        deleted: Option<Timestamp>,
    },
    /// What is here is as new as the request, or newer.
    #[error("{path}: what is here is of {has}, the request of {wants}")]
    Newer {
        /// What was asked for.
        path: String,
        /// The timestamp here.
        has: Timestamp,
        /// The request's.
        wants: Timestamp,
    },
    /// Another version was wanted than the one that is here.
    #[error("{path}: the version here is {has}, {wants} was wanted")]
    OtherVersion {
        /// What was asked for.
        path: String,
        /// The data timestamp here.
        has: Timestamp,
        /// The one that was wanted.
        wants: Timestamp,
    },
    /// There are rows in it.
    #[error("{path}: not empty, delete what is in it first")]
    NotEmpty {
        /// What was asked for.
        path: String,
    },
    /// A condition of the request does not hold.
    #[error("{path}: {condition} does not hold")]
    Precondition {
        /// What was asked for.
        path: String,
        /// The header, or the limit.
        condition: &'static str,
    },
    /// An upload is too long.
    #[error("{path}: {length} bytes, at most {max} are taken")]
    TooLong {
        /// What was asked for.
        path: String,
        /// How long it would be.
        length: u64,
        /// The limit.
        max: u64,
    },
    /// An upload is not what its ETag says.
    #[error("{path}: the body's MD5 is {is}, the ETag says {said}")]
    WrongEtag {
        /// What was asked for.
        path: String,
        /// The MD5 of what came.
        is: String,
        /// The ETag that the request named.
        said: String,
    },
    /// An upload broke off.
    #[error("{path}: {why}")]
    BrokeOff {
        /// What was asked for.
        path: String,
        /// What is known of it.
        why: String,
    },
    /// The other side, or the disk, was too slow.
    #[error("{path}: {what} took longer than {} s", .limit.as_secs())]
    TooSlow {
        /// What was asked for.
        path: String,
        /// What was waited for.
        what: Waited,
        /// How long.
        limit: Duration,
    },
    /// A range beyond the end of the object.
    #[error("{path}: no byte of that range is in its {length} bytes")]
    RangeUnsatisfiable {
        /// What was asked for.
        path: String,
        /// How long the object is.
        length: u64,
    },
    /// A bound of this node is reached.
    #[error("{path}: device {device:?} has {max} updates waiting, try again later")]
    Backlog {
        /// What was asked for.
        path: String,
        /// The device.
        device: String,
        /// The bound.
        max: usize,
    },
}

/// What a request waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The next piece of the client's body.
    Client,
    /// This node itself.
    Node,
}

impl std::fmt::Display for Waited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "the next piece of the body",
            Self::Node => "the storage node",
        })
    }
}

impl NodeError {
    /// The status that says it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::BadMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoDevice { .. } | Self::Disk { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Self::Damaged { .. } | Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Newer { .. } | Self::OtherVersion { .. } | Self::NotEmpty { .. } => {
                StatusCode::CONFLICT
            }
            Self::Precondition { .. } => StatusCode::PRECONDITION_FAILED,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongEtag { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BrokeOff { .. } => {
                StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::TooSlow { what: Waited::Client, .. } => StatusCode::REQUEST_TIMEOUT,
            Self::TooSlow { what: Waited::Node, .. } | Self::Backlog { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::RangeUnsatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }

    /// The timestamp of what is here instead, for the proxy to compare.
    const fn backend_timestamp(&self) -> Option<Timestamp> {
        match self {
            Self::NotFound { deleted, .. } => *deleted,
            Self::Newer { has, .. } | Self::OtherVersion { has, .. } => Some(*has),
            _ => None,
        }
    }

    /// Tells whoever runs the node of what is amiss with it, and nothing of what clients do wrong.
    pub(super) fn log(&self) {
        match self {
            Self::Disk { .. } | Self::Damaged { .. } => {
                tracing::error!(error = %self, "a disk fails");
            }
            error if error.status().is_server_error() => {
                tracing::warn!(%error, "a storage node fails");
            }
            _ => {}
        }
    }

    /// The answer that says it: the status, and a line of text that names the path and the reason.
    #[must_use]
    pub fn into_response(self) -> Response {
        let text = format!("{self}\n");
        let mut response = Response::new(Body::full(Purpose::Control, text));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        super::reply::set(headers, hyper::header::CONTENT_TYPE, "text/plain; charset=utf-8");
        if let Some(timestamp) = self.backend_timestamp() {
            super::reply::set(headers, header::X_BACKEND_TIMESTAMP, &timestamp.to_string());
        }
        if let Self::RangeUnsatisfiable { length, .. } = self {
            let range = format!("bytes */{length}");
            super::reply::set(headers, hyper::header::CONTENT_RANGE, &range);
        }
        response
    }
}
