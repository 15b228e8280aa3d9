//! From a description to the sessions that run: wildcards and groups multiplied out, connections as pipes between sessions.
//!
//! A pure function of the description and of what its wildcards matched, so that a proxy, a worker and a local run make the same of
//! a job. Leaves out where the sessions run and what their paths mean in a store.

mod connect;
mod sessions;
mod wildcard;

use super::{Account, DescriptionError, Job, ObjectPath};
use crate::device::{DeviceKind, DeviceMode};
use std::collections::BTreeMap;

/// The most sessions of a job, copies not counted.
pub const SESSIONS_MAX: usize = 1_000;
/// The most pipes of a job.
pub const PIPES_MAX: usize = 4_096;

/// A job as sessions and the pipes between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobGraph {
    /// The sessions: those of a node follow each other, in the order of the description's nodes.
    pub sessions: Vec<JobSession>,
    /// The pipes.
    pub pipes: Vec<JobPipe>,
    /// Sessions that pipes connect, which must run at the same time; each session is in one gang, alone if it has no pipes.
    pub gangs: Vec<Gang>,
}

/// A session of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSession {
    /// Its name: the node's, with `-1`, `-2`, … if the node is a group.
    pub name: String,
    /// The index of its node in [`Job::nodes`].
    pub node: usize,
    /// Its images, in their order.
    pub images: Vec<JobImage>,
    /// Its devices, those of its pipes behind those of the description.
    pub devices: Vec<JobDevice>,
    /// The object or container that it shall be near to, if any.
    pub attached: Option<Attached>,
}

/// What a session shall be near to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The object, or a container.
    pub path: ObjectPath,
    /// Whether the session writes it.
    pub is_written: bool,
}

/// A tree at a session's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobImage {
    /// The user's tar; `None` for the one that comes with the request.
    User(Option<ObjectPath>),
    /// One of the cluster's, by name.
    System(String),
}

/// A device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDevice {
    /// Its name under `/dev`; `in/NAME` and `out/NAME` for connections.
    pub name: String,
    /// How the guest reads or writes it.
    pub kind: DeviceKind,
    /// Where its bytes come from or go to.
    pub path: JobPath,
    /// The content type of what it writes, or of the response.
    pub content_type: Option<String>,
    /// Metadata of the object that it writes.
    pub meta: BTreeMap<String, String>,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// The least bytes that the object it writes has.
    pub min_size: u64,
}

/// Where a device's bytes come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobPath {
    /// From the request's body, or to the response.
    Client,
    /// An object; or a container, whose listing is read.
    Object(ObjectPath),
    /// A pipe, by its index in [`JobGraph::pipes`].
    Pipe(usize),
}

/// Bytes that flow from a session to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPipe {
    /// Who writes.
    pub from: PipeTip,
    /// Who reads.
    pub to: PipeTip,
}

/// An end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipeTip {
    /// The index of the session.
    pub session: usize,
    /// The index of its device.
    pub device: usize,
}

/// Sessions that run at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gang {
    /// The indexes of its sessions, ascending.
    pub sessions: Vec<usize>,
    /// How many copies of all of it run: the most that any of its nodes asks for. Copies of a gang talk among themselves only.
    pub copies: u8,
}

/// What a job's wildcards matched, in listing order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches(BTreeMap<ObjectPath, Vec<ObjectPath>>);

impl Matches {
    /// Notes what `pattern` matched.
    pub fn insert(&mut self, pattern: ObjectPath, paths: Vec<ObjectPath>) {
        self.0.insert(pattern, paths);
    }

    fn of(&self, pattern: &ObjectPath) -> &[ObjectPath] {
        self.0.get(pattern).map_or(&[], Vec::as_slice)
    }
}

impl Job {
    /// The readable paths with a `*`, each once: what [`Job::graph`] wants the matches of.
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

    /// The sessions of the job.
    ///
    /// # Errors
    /// A wildcard that matched nothing, wildcards of a node that matched different texts, names that meet, too many sessions or pipes.
    pub fn graph(&self, matches: &Matches) -> Result<JobGraph, DescriptionError> {
        let mut graph = sessions::sessions(self, matches)?;
        connect::connect(self, &mut graph)?;
        Ok(graph)
    }
}

impl ObjectPath {
    /// What each `*` of this pattern stands for in the names of a container and an object, the longest first; `None` if they do
    /// not match. `object` is `None` for a container by itself.
    pub fn captures(&self, container: &str, object: Option<&str>) -> Option<Vec<String>> {
        let mut texts = wildcard::captures(&self.container, container)?;
        match (&self.object, object) {
            (None, None) => {}
            (Some(pattern), Some(name)) => texts.extend(wildcard::captures(pattern, name)?),
            _ => return None,
        }
        Some(texts)
    }

    /// What the names of all objects begin with that the pattern can match: a listing needs no others.
    pub fn object_prefix(&self) -> &str {
        self.object.as_deref().map_or("", |object| object.split('*').next().unwrap_or(""))
    }

    /// This pattern with its `*` replaced, left to right; `None` if there are more `*` than texts.
    fn filled(&self, texts: &[String]) -> Option<Self> {
        let mut texts = texts.iter().map(String::as_str);
        let container = wildcard::fill(&self.container, &mut texts)?;
        let object = match &self.object {
            Some(object) => Some(wildcard::fill(object, &mut texts)?),
            None => None,
        };
        Some(Self { account: self.account.clone(), container, object })
    }

    /// This pattern for an object that it matched.
    pub fn of_match(account: &Account, container: &str, object: Option<&str>) -> Self {
        let (container, object) = (container.to_owned(), object.map(str::to_owned));
        Self { account: account.clone(), container, object }
    }
}
