//! Everything that a storage node refuses or fails to do.
//!
//! Leaves out HTTP, which is `protocol::response`'s, and the proxy's retries, handoffs and quorums.

use std::fmt;
use std::time::Duration;

use stayput_host::DiskError;

use super::trailer::FileDamage;
use crate::http::HeaderName;
use crate::swift::{BadName, BadTimestamp, Timestamp};

/// Reason for which a storage node did not do what a request or a job asked for. `path` is the
/// name of what was asked for, as the request gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// A request that lacks something, or has something in a wrong form.
    #[error("{path}: {flaw}")]
    InvalidRequest {
        /// Path of the request, or what stands for it.
        path: String,
        /// Flaw of the request.
        flaw: RequestFlaw,
    },
    /// A method that this service does not have.
    #[error("{path}: {method} is not taken here")]
    UnsupportedMethod {
        /// Path of the request, or what stands for it.
        path: String,
        /// Method of the request.
        method: String,
    },
    /// A device that this node does not have, or whose disk is not mounted.
    #[error("{path}: this node has no device {device:?}")]
    NoDevice {
        /// Path of the request, or what stands for it.
        path: String,
        /// Name of the device.
        device: String,
    },
    /// A failed or full disk.
    #[error("{path}: device {device:?}: {source}")]
    Disk {
        /// Path of the request, or what stands for it.
        path: String,
        /// Name of the device.
        device: String,
        /// The disk's error.
        source: DiskError,
    },
    /// A damaged file or row. A file is in quarantine by now; a row stays and is not used.
    #[error("{path}: what device {device:?} holds of it is damaged: {damage}")]
    Damaged {
        /// Path of the request, or what stands for it.
        path: String,
        /// Name of the device.
        device: String,
        /// Damage that was found.
        damage: FileDamage,
    },
    /// Nothing of that name, with the time of its deletion if that is known.
    #[error("{path}: not found")]
    NotFound {
        /// Path of the request, or what stands for it.
        path: String,
        /// Time of the deletion.
        deleted: Option<Timestamp>,
    },
    /// A change at `wants` that is not newer than the one that is here, of `has`.
    #[error("{path}: what is here is of {has}, the request of {wants}")]
    Newer {
        /// Path of the request, or what stands for it.
        path: String,
        /// Timestamp here.
        has: Timestamp,
        /// Timestamp of the request.
        wants: Timestamp,
    },
    /// Another version than the wanted one, both by the timestamp of their data.
    #[error("{path}: the version here is {has}, {wants} was wanted")]
    OtherVersion {
        /// Path of the request, or what stands for it.
        path: String,
        /// Timestamp here.
        has: Timestamp,
        /// Timestamp of the request.
        wants: Timestamp,
    },
    /// A deletion of a container or an account with rows.
    #[error("{path}: not empty, delete what is in it first")]
    NotEmpty {
        /// Path of the request, or what stands for it.
        path: String,
    },
    /// A condition of the request, or a limit, that does not hold.
    #[error("{path}: {condition} does not hold")]
    ConditionFailed {
        /// Path of the request, or what stands for it.
        path: String,
        /// Header or limit.
        condition: &'static str,
    },
    /// An upload of more than the longest object, both in bytes.
    #[error("{path}: {length} bytes, at most {max} are taken")]
    TooLong {
        /// Path of the request, or what stands for it.
        path: String,
        /// Length in bytes.
        length: u64,
        /// Limit.
        max: u64,
    },
    /// An upload whose MD5 is not the ETag that the request named.
    #[error("{path}: the body's MD5 is {actual}, the ETag says {expected}")]
    WrongEtag {
        /// Path of the request, or what stands for it.
        path: String,
        /// MD5 of the bytes that came.
        actual: String,
        /// ETag of the request.
        expected: String,
    },
    /// An upload that broke off.
    #[error("{path}: {reason}")]
    UploadCutOff {
        /// Path of the request, or what stands for it.
        path: String,
        /// Cause, as far as it is known.
        reason: String,
    },
    /// A client, or this node itself, that took longer than a limit.
    #[error("{path}: {party} took longer than {} s", .limit.as_secs())]
    TooSlow {
        /// Path of the request, or what stands for it.
        path: String,
        /// The slow side.
        party: SlowParty,
        /// Time limit.
        limit: Duration,
    },
    /// A range without any byte of the object, which has `length` bytes.
    #[error("{path}: no byte of that range is in its {length} bytes")]
    RangeUnsatisfiable {
        /// Path of the request, or what stands for it.
        path: String,
        /// Length in bytes.
        length: u64,
    },
    /// A device with as many pending updates as it may have.
    #[error("{path}: device {device:?} has {max} updates waiting, try again later")]
    Backlog {
        /// Path of the request, or what stands for it.
        path: String,
        /// Name of the device.
        device: String,
        /// Limit.
        max: usize,
    },
}

/// A flaw of a request's path, headers, query or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFlaw {
    /// A path with more or fewer parts than the service takes, or something that it does not have.
    #[error("{0}")]
    Path(&'static str),
    /// A partition that is no number.
    #[error("the partition {0:?} is no number below 2^32")]
    Partition(String),
    /// A name that Swift would not take.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A hash of a name that is no 32 hexadecimal digits.
    #[error("{0:?} is no hash of a name")]
    NameHash(String),
    /// A required header that is missing.
    #[error("the header {0} is missing")]
    MissingHeader(HeaderName),
    /// A header that is no whole number.
    #[error("the header {0} says {1:?}, which is no whole number")]
    HeaderNumber(HeaderName, String),
    /// A header that is no partition.
    #[error("{0} wants a number below 2^32")]
    HeaderPartition(HeaderName),
    /// A header that is no timestamp.
    #[error("the header {0}: {1}")]
    HeaderTimestamp(HeaderName, BadTimestamp),
    /// A stored header that is not UTF-8.
    #[error("the header {0} is not UTF-8")]
    HeaderEncoding(HeaderName),
    /// An address in a list of servers that is none.
    #[error("{0}: {1:?} is no address with a port")]
    ServerAddress(HeaderName, String),
    /// Lists of servers and devices of different or excessive lengths.
    #[error("{hosts} lists {host_count}, {devices} {device_count}: both want as many, up to {max}")]
    ServerLists {
        /// Header with the servers' addresses.
        hosts: HeaderName,
        /// Number of addresses.
        host_count: usize,
        /// Header with the devices' names.
        devices: HeaderName,
        /// Number of names.
        device_count: usize,
        /// Most servers that one request may name.
        max: usize,
    },
    /// A purpose that the ledger does not have, beside those that it has.
    #[error("{0}: {1:?} is none of {2}")]
    Purpose(HeaderName, String, String),
    /// A query parameter that is not UTF-8.
    #[error("the query's {0} is not UTF-8")]
    QueryEncoding(String),
    /// More metadata items than a container or an account may have.
    #[error("it would have {items} metadata items, at most {max} are kept")]
    MetadataItems {
        /// Number of items with those of the request.
        items: usize,
        /// Most items that are stored.
        max: usize,
    },
    /// A body of a replication request that cannot be read.
    #[error("{0}")]
    Body(String),
}

impl RequestFlaw {
    /// Error of a request for `path` with this flaw.
    pub(crate) fn of(self, path: impl fmt::Display) -> NodeError {
        NodeError::InvalidRequest { path: path.to_string(), flaw: self }
    }
}

/// The side of a request that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowParty {
    /// A client that did not send the next piece of its body.
    Client,
    /// This node itself.
    Node,
}

impl fmt::Display for SlowParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "the next piece of the body",
            Self::Node => "the storage node",
        })
    }
}
