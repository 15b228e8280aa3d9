//! Sessions of a description: wildcards and groups expanded, connections as pipes between sessions.
//!
//! A pure function of the description and of the matches of its wildcards, so that a proxy, a
//! worker and a local run agree. Leaves out where the sessions run and the meaning of paths in a
//! store.

mod connect;
mod sessions;
mod wildcard;

use super::{Account, DescriptionError, Job, ObjectPath};
use crate::device::{DeviceKind, DeviceMode};
use std::collections::BTreeMap;

/// Limit of sessions of a job, copies not counted.
pub const SESSIONS_MAX: usize = 1_000;
/// Limit of pipes of a job.
pub const PIPES_MAX: usize = 4_096;

/// Sessions of a job and the pipes between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobGraph {
    /// Sessions, those of a node together, in the order of the description's nodes.
    pub sessions: Vec<JobSession>,
    /// Pipes.
    pub pipes: Vec<JobPipe>,
    /// Gangs: sessions that pipes connect. Each session is in one, alone if it has no pipes.
    pub gangs: Vec<Gang>,
}

/// Session of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSession {
    /// Name: the node's, with `-1`, `-2`, … if the node is a group.
    pub name: String,
    /// Index of its node in [`Job::nodes`].
    pub node: usize,
    /// Images, in their order.
    pub images: Vec<JobImage>,
    /// Devices, those of its pipes behind those of the description.
    pub devices: Vec<JobDevice>,
    /// The object or container that it shall be near to, if any.
    pub attached: Option<Attached>,
}

/// Object or container near which a session shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The object, or a container.
    pub path: ObjectPath,
    /// True if the session writes it.
    pub is_written: bool,
}

/// Image at a session's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobImage {
    /// The user's tar; `None` for the one that comes with the request.
    User(Option<ObjectPath>),
    /// One of the cluster's, by name.
    System(String),
}

/// Device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDevice {
    /// Name under `/dev`; `in/NAME` and `out/NAME` for connections.
    pub name: String,
    /// Direction and access for the guest.
    pub kind: DeviceKind,
    /// Source or target of its bytes.
    pub path: JobPath,
    /// Content type of the object that it writes, or of the response.
    pub content_type: Option<String>,
    /// Metadata of the object that it writes.
    pub meta: BTreeMap<String, String>,
    /// File type for `stat`.
    pub mode: DeviceMode,
    /// Least size of the object that it writes, in bytes.
    pub min_size: u64,
}

/// Source or target of a session device's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobPath {
    /// The request's body, or the response's.
    Client,
    /// An object; or a container, whose listing is read.
    Object(ObjectPath),
    /// A pipe, by its index in [`JobGraph::pipes`].
    Pipe(usize),
}

/// Pipe from a session to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPipe {
    /// Writing end.
    pub from: PipeTip,
    /// Reading end.
    pub to: PipeTip,
}

/// End of a pipe: a session's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipeTip {
    /// Index of the session.
    pub session: usize,
    /// Index of its device.
    pub device: usize,
}

/// Gang: sessions that must run at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gang {
    /// Indexes of its sessions, ascending.
    pub sessions: Vec<usize>,
    /// Copies of the whole gang: the most that any of its nodes asks for. Copies of a gang have
    /// pipes among themselves only.
    pub copies: u8,
}

/// Matches of a job's wildcards, in listing order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches(BTreeMap<ObjectPath, Vec<ObjectPath>>);

impl Matches {
    /// Adds the matches of `pattern`.
    pub fn insert(&mut self, pattern: ObjectPath, paths: Vec<ObjectPath>) {
        self.0.insert(pattern, paths);
    }

    fn of(&self, pattern: &ObjectPath) -> &[ObjectPath] {
        self.0.get(pattern).map_or(&[], Vec::as_slice)
    }
}

impl Job {
    /// Readable paths with a `*`, each once, whose matches [`Job::graph`] needs.
    pub fn wildcards(&self) -> Vec<&ObjectPath> {
        let devices = self.nodes.iter().flat_map(|node| node.readables());
        let mut patterns: Vec<&ObjectPath> = devices
            .filter_map(|device| device.object())
            .filter(|path| path.has_wildcard())
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns
    }

    /// Expands the job to its sessions.
    ///
    /// # Errors
    /// A wildcard that matched nothing, wildcards of a node that matched different texts, equal
    /// names, too many sessions or pipes.
    pub fn graph(&self, matches: &Matches) -> Result<JobGraph, DescriptionError> {
        let mut graph = sessions::sessions(self, matches)?;
        connect::connect(self, &mut graph)?;
        Ok(graph)
    }
}

impl ObjectPath {
    /// Texts for each `*` of this pattern in the names of a container and an object, the longest
    /// first; `None` if they do not match. `object` is `None` for a container by itself.
    pub fn captures(&self, container: &str, object: Option<&str>) -> Option<Vec<String>> {
        let mut texts = wildcard::captures(&self.container, container)?;
        match (&self.object, object) {
            (None, None) => {}
            (Some(pattern), Some(name)) => texts.extend(wildcard::captures(pattern, name)?),
            _ => return None,
        }
        Some(texts)
    }

    /// Prefix of all object names that the pattern can match, for a listing.
    pub fn object_prefix(&self) -> &str {
        self.object.as_deref().map_or("", |object| object.split('*').next().unwrap_or(""))
    }

    /// Pattern with its `*` replaced, left to right; `None` if there are more `*` than texts.
    fn filled(&self, texts: &[String]) -> Option<Self> {
        let mut texts = texts.iter().map(String::as_str);
        let container = wildcard::fill(&self.container, &mut texts)?;
        let object = match &self.object {
            Some(object) => Some(wildcard::fill(object, &mut texts)?),
            None => None,
        };
        Some(Self { account: self.account.clone(), container, object })
    }

    /// Path of a match.
    pub fn of_match(account: &Account, container: &str, object: Option<&str>) -> Self {
        let (container, object) = (container.to_owned(), object.map(str::to_owned));
        Self { account: account.clone(), container, object }
    }
}
