//! History of a run: each operation of each client with its times and its outcome, and the end of
//! the world.
//!
//! Leaves out judging it: see `checker`.

use std::fmt;

use bytes::Bytes;
use stayput_host::{RunEnd, Time};
use stayput_store::swift::Timestamp;
use stayput_world::{Effects, Ledger};

use super::workload::JobAt;

/// History of one run.
pub struct History {
    /// Operations, in the order in which they ended.
    pub records: Vec<Record>,
    /// Phases of the run, and the end of each.
    pub ends: Vec<(&'static str, RunEnd)>,
    /// Bytes sent, delivered and dropped.
    pub ledger: Ledger,
    /// Bytes in flight when all was over.
    pub in_flight: u64,
    /// Connections that the network still knew when all was over.
    pub connections: usize,
    /// Digest of the task polls.
    pub schedule: String,
    /// Faults by the keys of their kinds, and the effects of each.
    pub effects: Vec<(String, Effects)>,
    /// Keys of all kinds of faults that were drawn from.
    pub kinds: Vec<&'static str>,
    /// Copies of everything that is stored.
    pub replicas: usize,
    /// Commits of objects' files on disks, as the trace has them, in order.
    pub commits: Vec<Commit>,
    /// Trace, a line per event.
    pub trace: String,
}

/// Commit of a disk: something of an object survives every crash from then on.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Time of the commit.
    pub at: Time,
    /// Host and disk.
    pub device: String,
    /// Number of the object.
    pub object: u32,
    /// Kind of the commit.
    pub what: Committed,
}

/// Kind of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// A file that has no name in the object's directory yet.
    Bytes,
    /// The names in its directory.
    Names,
}

impl Commit {
    /// Reads a line of the trace; `object_of` knows the objects by the hexadecimal hash of their
    /// paths.
    pub(crate) fn parse(line: &str, object_of: impl Fn(&str) -> Option<u32>) -> Option<Self> {
        let (at, rest) = line.split_once(" committed ")?;
        let mut words = rest.split(' ');
        let device = format!("{} {}", words.next()?, words.next()?);
        let (what, path) = match words.next()? {
            "names" => (Committed::Names, words.nth(1)?),
            path => (Committed::Bytes, path),
        };
        let name = path.rsplit('/').next()?;
        let hash = name.split('-').next()?;
        let at = Time::from_nanos(at.parse().ok()?);
        Some(Self { at, device, object: object_of(hash)?, what })
    }
}

/// One operation of a client.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number of the client.
    pub client: u32,
    /// Number of the object.
    pub object: u32,
    /// Start.
    pub begun: Time,
    /// End.
    pub ended: Time,
    /// True if all faults were over and the cluster was quiet when it began.
    pub last: bool,
    /// Operation and outcome.
    pub did: Did,
}

/// Operation and its outcome; errors in words.
#[derive(Clone, Debug)]
pub enum Did {
    /// Write of a version.
    Put {
        /// Its content.
        content: Bytes,
        /// Acknowledged, or the error.
        outcome: Result<(), String>,
    },
    /// Deletion.
    Delete {
        /// True if there was something to delete.
        outcome: Result<bool, String>,
    },
    /// Read.
    Read {
        /// `X-Newest`.
        newest: bool,
        /// Version that was read; `None` for 404.
        outcome: Result<Option<Version>, String>,
    },
    /// Job that counts lines.
    Job {
        /// Word that the lines mention.
        word: &'static str,
        /// Addressee.
        at: JobAt,
        /// Answer.
        outcome: Result<JobCount, String>,
    },
}

/// Version of an object, read to its end.
#[derive(Clone, Debug)]
pub struct Version {
    /// Timestamp that the answer names.
    pub timestamp: Option<Timestamp>,
    /// Body.
    pub content: Bytes,
}

/// Answer of a job with status 200.
#[derive(Clone, Debug)]
pub struct JobCount {
    /// Body.
    pub answer: Bytes,
    /// Versions of its inputs, as `X-Stayput-Inputs` names them.
    pub inputs: String,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, object, begun, ended, last, did } = self;
        let last = if *last { " (last)" } else { "" };
        write!(f, "{begun} to {ended}{last}: client {client} object {object}: ")?;
        match did {
            Did::Put { content, outcome } => {
                write!(f, "PUT {} B {:?}: {outcome:?}", content.len(), first_line(content))
            }
            Did::Delete { outcome } => write!(f, "DELETE: {outcome:?}"),
            Did::Read { newest, outcome } => {
                let newest = if *newest { " newest" } else { "" };
                let outcome =
                    outcome.as_ref().map(|version| version.as_ref().map(Version::summary));
                write!(f, "GET{newest}: {outcome:?}")
            }
            Did::Job { word, at, outcome } => {
                let outcome = outcome.as_ref().map(|counted| {
                    let answer = String::from_utf8_lossy(&counted.answer);
                    format!("{:?} of {}", answer, counted.inputs)
                });
                write!(f, "job {word:?} at {at:?}: {outcome:?}")
            }
        }
    }
}

impl Version {
    fn summary(&self) -> String {
        let timestamp = self.timestamp.unwrap_or_default();
        format!("{} B {:?} of {timestamp}", self.content.len(), first_line(&self.content))
    }
}

fn first_line(content: &[u8]) -> String {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned()
}
