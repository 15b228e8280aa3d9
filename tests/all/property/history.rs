//! What happened in a run: each operation of each client with its time and its outcome, and how the world ended.
//!
//! Leaves out what it means: see `check`.

use std::fmt;

use bytes::Bytes;
use stayput_host::Time;
use stayput_store::swift::Timestamp;
use stayput_world::{Effects, Ledger, RunEnd};

use super::case::JobAt;

/// A run.
pub(crate) struct History {
    /// In the order in which they ended.
    pub(crate) records: Vec<Record>,
    /// Each part of the run and how it ended.
    pub(crate) ends: Vec<(&'static str, RunEnd)>,
    pub(crate) ledger: Ledger,
    /// When all was over.
    pub(crate) in_flight: Option<u64>,
    /// As `in_flight`: those that the network still knew.
    pub(crate) connections: usize,
    /// The digest of which task ran when.
    pub(crate) schedule: Option<String>,
    /// Each fault's kind and what it did.
    pub(crate) effects: Vec<(&'static str, Effects)>,
    /// Copies of everything that is stored.
    pub(crate) replicas: usize,
    /// What the trace says that disks keep of objects, in order.
    pub(crate) commits: Vec<Commit>,
    /// The trace, line by line.
    pub(crate) trace: String,
}

/// A disk keeps something of an object from then on.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) at: Time,
    /// The host and its disk.
    pub(crate) device: String,
    pub(crate) object: u32,
    pub(crate) what: Committed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    /// A file that has no name in the object's directory yet.
    Bytes,
    /// The names in its directory.
    Names,
}

impl Commit {
    /// Reads a line of the trace; `object_of` knows the objects by the hexadecimal hash of their paths.
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

/// Something that a client did.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) client: u32,
    pub(crate) object: u32,
    pub(crate) begun: Time,
    pub(crate) ended: Time,
    /// Whether all was mended and quiet when it began.
    pub(crate) last: bool,
    pub(crate) did: Did,
}

/// What it did, and what came of it.
#[derive(Clone, Debug)]
pub(crate) enum Did {
    Put { content: Bytes, outcome: Result<(), String> },
    Delete { outcome: Result<bool, String> },
    Read { newest: bool, outcome: Result<Option<Version>, String> },
    Job { word: &'static str, at: JobAt, outcome: Result<Counted, String> },
}

/// A body that was read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) content: Bytes,
}

/// The answer of a job that says it is right.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) answer: Bytes,
    /// The versions that it names.
    pub(crate) inputs: String,
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
                let outcome = outcome.as_ref().map(|version| version.as_ref().map(Version::told));
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
    fn told(&self) -> String {
        let timestamp = self.timestamp.unwrap_or_default();
        format!("{} B {:?} of {timestamp}", self.content.len(), first_line(&self.content))
    }
}

fn first_line(content: &[u8]) -> String {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned()
}
