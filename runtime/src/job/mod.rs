//! Job descriptions: the JSON that ZeroCloud's users post, as types that hold no flaw.
//!
//! [`parse`] checks all that can be known without the store: fields, names, paths, devices and
//! connections. [`Job::graph`] makes sessions of it, given the matches of its wildcards. Leaves out
//! the meaning of paths in a store.

mod check;
mod error;
mod fields;
mod graph;
mod json;
mod path;
mod placement;
mod words;

pub use error::{DescriptionError, FLAWS_MAX, Field, FieldStep, Flaw, Flaws, NodeRef};
pub use fields::{DEVICE_FIELDS, EXEC_FIELDS, NODE_FIELDS, unknown_fields};
pub use graph::{
    Attached, Gang, JobDevice, JobGraph, JobImage, JobPath, JobPipe, JobSession, Matches,
    PIPES_MAX, PipeTip, SESSIONS_MAX,
};
pub use path::{Account, DevicePath, ExecPath, JobPathError, ObjectPath};
pub use placement::attached_device;
pub use words::{WordsError, split_words};

use crate::device::{DeviceKind, DeviceMode};
use error::FlawList;
use std::collections::BTreeMap;
use std::fmt;

/// Limit of a description, in bytes; more is [`DescriptionError::TooLarge`].
pub const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;

/// JSON Schema (draft 2020-12) of descriptions, for editors. [`parse`] refuses whatever it refuses,
/// and more that no schema can express.
pub const SCHEMA: &str = include_str!("job.schema.json");

/// Job description: nodes of distinct names, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Nodes in the order of the description.
    pub nodes: Vec<JobNode>,
}

/// Node of a job: a program and its devices, one session or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNode {
    /// Name.
    pub name: NodeName,
    /// Executable, arguments and environment.
    pub exec: Exec,
    /// Devices, of distinct names.
    pub devices: Vec<NodeDevice>,
    /// Number of sessions, if given.
    pub count: Option<u32>,
    /// Nodes that it writes to.
    pub connect: Vec<NodeName>,
    /// Copies on different storage nodes.
    pub replicate: Replicate,
    /// Device whose object decides the placement, instead of the rule's choice.
    pub attach: Option<String>,
    /// Label of sessions that go to the same storage node, if possible.
    pub location: Option<String>,
}

/// Name of a job's node: 1 to 64 of letters, digits, `-`, `_` and `.`, neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName(String);

/// Number of copies of a session: 1 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replicate(u8);

/// Program of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Executable.
    pub path: ExecPath,
    /// Arguments after `argv[0]`.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// `argv[0]`; `None` for the session's name.
    pub name: Option<String>,
}

/// Device of a node, as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDevice {
    /// Name under `/dev`.
    pub name: String,
    /// Class, by its name.
    pub class: DeviceClass,
    /// Source or target of its bytes; `None` for the request's or the response's body.
    pub path: Option<DevicePath>,
    /// Content type of the object that it writes, or of the response.
    pub content_type: Option<String>,
    /// Metadata of the object that it writes.
    pub meta: BTreeMap<String, String>,
    /// File type for `stat`.
    pub mode: DeviceMode,
    /// Least size of the object that it writes, in bytes.
    pub min_size: u64,
}

/// Class of a device, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceClass {
    /// `stdin`.
    Stdin,
    /// `stdout`.
    Stdout,
    /// `stderr`.
    Stderr,
    /// `input`.
    Input,
    /// `script`.
    Script,
    /// `output`.
    Output,
    /// `image`: the user's tar, unpacked at `/`.
    Image,
    /// `debug`: a connection out of the cluster, which no job may have.
    Debug,
    /// Any other name: a system image of the cluster.
    SystemImage,
}

/// End of a pipe between two sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeEnd {
    /// Reading end.
    Reader,
    /// Writing end.
    Writer,
}

/// Parses and checks a description.
///
/// # Errors
/// [`DescriptionError`] names the node, the field and the reason of each flaw.
pub fn parse(json: &[u8]) -> Result<Job, DescriptionError> {
    let mut flaws = FlawList::default();
    let read = json::read(json, &mut flaws)?;
    check::whole(&read.nodes, &read.names, &mut flaws);
    flaws.into_result(Job { nodes: read.nodes })
}

impl Job {
    /// Refuses readable devices without a path, for a job that is itself the request's body.
    ///
    /// # Errors
    /// Each such device.
    pub fn check_without_body(&self) -> Result<(), DescriptionError> {
        let mut flaws = FlawList::default();
        check::no_body(&self.nodes, &mut flaws);
        flaws.into_result(())
    }
}

impl DeviceClass {
    /// Class of a device of that name; `None` if no device can have the name.
    pub fn named(name: &str) -> Option<Self> {
        NodeName::new(name).map(|_| Self::of(name))
    }

    pub(crate) fn of(name: &str) -> Self {
        match name {
            "stdin" => Self::Stdin,
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            "input" => Self::Input,
            "script" => Self::Script,
            "output" => Self::Output,
            "image" => Self::Image,
            "debug" => Self::Debug,
            _ => Self::SystemImage,
        }
    }

    /// Direction and access for a guest; `None` if it is no file for the guest.
    pub fn kind(self) -> Option<DeviceKind> {
        match self {
            Self::Stdin => Some(DeviceKind::SequentialRead),
            Self::Stdout | Self::Stderr => Some(DeviceKind::SequentialWrite),
            Self::Input | Self::Script => Some(DeviceKind::RandomRead),
            Self::Output => Some(DeviceKind::RandomWrite),
            Self::Image | Self::Debug | Self::SystemImage => None,
        }
    }

    /// End of a pipe that it may be; `None` if it can be none.
    pub fn pipe_end(self) -> Option<PipeEnd> {
        match self.kind() {
            Some(DeviceKind::SequentialRead) => Some(PipeEnd::Reader),
            Some(DeviceKind::SequentialWrite) => Some(PipeEnd::Writer),
            _ => None,
        }
    }

    /// File type for `stat` when the description gives none.
    pub fn default_mode(self) -> DeviceMode {
        match self {
            Self::Stdin | Self::Stdout | Self::Stderr => DeviceMode::Pipe,
            _ => DeviceMode::File,
        }
    }
}

/// Job of one node, with defaults for all that is not given.
///
/// # Panics
/// `name` is no node's name.
pub fn single(name: &str, path: ExecPath, args: Vec<String>, devices: Vec<NodeDevice>) -> Job {
    let name = NodeName::new(name).expect("the name is one that a node can have");
    let exec = Exec { path, args, env: BTreeMap::new(), name: None };
    let (replicate, connect) = (Replicate::ONE, Vec::new());
    let node = JobNode {
        name,
        exec,
        devices,
        count: None,
        connect,
        replicate,
        attach: None,
        location: None,
    };
    Job { nodes: vec![node] }
}

impl NodeDevice {
    /// Device of a name, with defaults for the rest.
    pub fn bare(name: &str, class: DeviceClass) -> Self {
        Self {
            name: name.to_owned(),
            class,
            path: None,
            content_type: None,
            meta: BTreeMap::new(),
            mode: class.default_mode(),
            min_size: 0,
        }
    }

    /// True if the guest reads from it.
    pub fn is_readable(&self) -> bool {
        self.class.kind().is_some_and(DeviceKind::is_readable)
    }

    /// True if the guest writes to it.
    pub fn is_writable(&self) -> bool {
        self.class.kind().is_some_and(DeviceKind::is_writable)
    }

    /// Object of its path, if it is one.
    pub fn object(&self) -> Option<&ObjectPath> {
        match &self.path {
            Some(DevicePath::Swift(path)) => Some(path),
            _ => None,
        }
    }
}

impl JobNode {
    /// Devices that the guest reads, in the description's order.
    pub fn readables(&self) -> impl Iterator<Item = &NodeDevice> {
        self.devices.iter().filter(|device| device.is_readable())
    }

    /// Device of that name.
    pub fn device(&self, name: &str) -> Option<&NodeDevice> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// True if a readable path has a `*`, so that there is a session per match.
    pub fn has_wildcard_input(&self) -> bool {
        self.readables().filter_map(NodeDevice::object).any(ObjectPath::has_wildcard)
    }
}

impl NodeName {
    const BYTES_MAX: usize = 64;

    pub(crate) fn new(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=Self::BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed);
        // A session's name is a file's name for its peers.
        (fits && !matches!(name, "." | "..")).then(|| Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Replicate {
    /// One copy, the default.
    pub const ONE: Self = Self(1);

    pub(crate) fn new(copies: u64) -> Option<Self> {
        (1..=3).contains(&copies).then_some(Self(copies as u8))
    }

    /// The number of copies.
    pub fn copies(self) -> u8 {
        self.0
    }
}
