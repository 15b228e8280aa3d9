//! Interface of the network: byte streams, and the labels by which bytes are counted.
//!
//! Leaves out names (hosts are addressed by IP and port, as in a ring) and datagrams.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::LocalFuture;

/// Purpose of sent bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Object contents on their way into the store, out of it or to a job.
    ObjectData,
    /// Modules and images on their way to their sessions.
    JobCode,
    /// Answers of jobs.
    JobResult,
    /// Pipes between the sessions of a job.
    JobToJob,
    /// Copies made by replicators.
    Replication,
    /// Bytes sent again to another node because an attempt at a job was lost.
    Retry,
    /// Bytes for a second copy of a session while the first still runs.
    Hedge,
    /// Load of clients beside the jobs.
    Foreground,
    /// Container and account listings.
    Listing,
    /// Job descriptions, metadata, errors and everything else.
    Control,
}

impl Purpose {
    /// All purposes, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::ObjectData,
        Self::JobCode,
        Self::JobResult,
        Self::JobToJob,
        Self::Replication,
        Self::Retry,
        Self::Hedge,
        Self::Foreground,
        Self::Listing,
        Self::Control,
    ];

    /// Name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ObjectData => "object-data",
            Self::JobCode => "job-code",
            Self::JobResult => "job-result",
            Self::JobToJob => "job-to-job",
            Self::Replication => "replication",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Foreground => "foreground",
            Self::Listing => "listing",
            Self::Control => "control",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Part of an HTTP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessagePart {
    /// Start line, headers and the framing of bodies.
    Head,
    /// Body without its framing.
    Body,
}

/// Label under which sent bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Purpose of the bytes.
    pub purpose: Purpose,
    /// Part of the message.
    pub part: MessagePart,
}

impl Label {
    /// Label of a message head.
    pub const HEAD: Self = Self { purpose: Purpose::Control, part: MessagePart::Head };

    /// Label of the body of a message that is sent for `purpose`.
    #[must_use]
    pub const fn body(purpose: Purpose) -> Self {
        Self { purpose, part: MessagePart::Body }
    }
}

/// Boxed end of a connection.
pub type BoxStream = Box<dyn Stream>;

/// One end of a connection. Dropping it closes both ways; bytes written before are still
/// delivered.
pub trait Stream: Unpin {
    /// Takes arrived bytes, at most `max` (above zero); none at the end of the stream.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>>;

    /// Sends a prefix of `data` (which is not empty) and returns its length.
    ///
    /// # Errors
    /// The connection was reset, or closed by [`Stream::poll_close`].
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>>;

    /// Flushes written bytes. Streams that hold nothing back have nothing to do.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closes the writing half; the other end reads to the end of the stream.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Default of [`Listener::connections_max`].
const CONNECTIONS_MAX: usize = 4096;

/// Listening port; dropping it frees the port.
pub trait Listener {
    /// Most open connections of this port.
    fn connections_max(&self) -> usize {
        CONNECTIONS_MAX
    }

    /// Accepts the next connection; with the address of its peer.
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>>;
}
