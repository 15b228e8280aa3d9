//! The network's face: byte streams, and the labels by which bytes are counted.
//!
//! Leaves out names (hosts are addressed by IP and port, as in a ring) and datagrams.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::LocalFuture;

/// What bytes are sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// What objects hold, on its way into the store, out of it or to a job.
    ObjectData,
    /// Modules and images, on their way to where they run.
    JobCode,
    /// What jobs answer.
    JobResult,
    /// What sessions of one job tell each other.
    JobToJob,
    /// Copies that the store makes to mend itself.
    Replication,
    /// What is sent again to another node because an attempt of a job was lost.
    Retry,
    /// What is sent to a second node while the first one still has the session: the loser's bytes, mostly.
    Hedge,
    /// What clients read and write beside the jobs.
    Foreground,
    /// Names of containers and objects.
    Listing,
    /// Job descriptions, metadata, errors and everything else.
    Control,
}

impl Purpose {
    /// All of them, in the order in which they are reported.
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

    /// As results name it.
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

    /// That of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Which part of an HTTP message bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessagePart {
    /// Start line, headers and the framing of bodies.
    Head,
    /// The body itself.
    Body,
}

/// How bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What they are for.
    pub purpose: Purpose,
    /// Which part of a message they are.
    pub part: MessagePart,
}

impl Label {
    /// The head of a message.
    pub const HEAD: Self = Self { purpose: Purpose::Control, part: MessagePart::Head };

    /// The body of a message that is sent for `purpose`.
    #[must_use]
    pub const fn body(purpose: Purpose) -> Self {
        Self { purpose, part: MessagePart::Body }
    }
}

/// A connection.
pub type BoxStream = Box<dyn Stream>;

/// One end of a connection. Dropping it closes it both ways, what was written is still delivered.
pub trait Stream: Unpin {
    /// Takes what has arrived, at most `max` bytes (above zero); nothing at the end of the stream.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>>;

    /// Sends a prefix of `data` (which is not empty) and says how long it was.
    ///
    /// # Errors
    /// The connection was reset, or closed by [`Stream::poll_close`].
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>>;

    /// Sees to it that what was written leaves. Streams that hold nothing back have nothing to do.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more will be written; the other end reads to its end.
    ///
    /// # Errors
    /// The connection was reset.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Connections that a listener's machine can hold for it, unless it says otherwise.
const CONNECTIONS_MAX: usize = 4096;

/// A port that takes connections until it is dropped.
pub trait Listener {
    /// How many connections it may have at a time.
    fn connections_max(&self) -> usize {
        CONNECTIONS_MAX
    }

    /// The next connection and where it comes from.
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>>;
}
