//! Job descriptions: the JSON that ZeroCloud's users post, as types that hold no flaw.
//!
//! [`parse`] checks all that can be known without the store: fields, names, paths, devices and
//! connections. [`Job::graph`] makes sessions of it, when it is known what its wildcards match. Left out: what the paths mean
//! in a store.

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
pub use path::{Account, DevicePath, ExecPath, ObjectPath};
pub use placement::attached_device;
pub use words::split_words;

use crate::device::{DeviceKind, DeviceMode};
use error::FlawList;
use std::collections::BTreeMap;
use std::fmt;

/// The most bytes of a description; more is [`DescriptionError::TooLarge`].
pub const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;

/// The JSON Schema (draft 2020-12) of descriptions, for editors. It says what a schema can say: what it refuses,
/// [`parse`] refuses too.
pub const SCHEMA: &str = include_str!("job.schema.json");

/// A whole description: nodes of distinct names, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The nodes in the order of the description.
    pub nodes: Vec<JobNode>,
}

/// One node of a job: a program and its devices, one session or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNode {
    /// Its name.
    pub name: NodeName,
    /// What it runs.
    pub exec: Exec,
    /// Its devices, of distinct names.
    pub devices: Vec<NodeDevice>,
    /// How many sessions it has, if it says so.
    pub count: Option<u32>,
    /// The nodes that it writes to.
    pub connect: Vec<NodeName>,
    /// How many copies run on different nodes.
    pub replicate: Replicate,
    /// The device whose object decides where it runs, instead of the rule's choice.
    pub attach: Option<String>,
    /// Sessions of the same location go to the same storage node, if possible.
    pub location: Option<String>,
}

/// A node's name: 1 to 64 of letters, digits, `-`, `_` and `.`, neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName(String);

/// How many copies of a session run: 1 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replicate(u8);

/// What a node runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The executable.
    pub path: ExecPath,
    /// The words after `argv[0]`.
    pub args: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// `argv[0]`, if it is not to be the session's name.
    pub name: Option<String>,
}

/// A device of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDevice {
    /// Its name, under `/dev`.
    pub name: String,
    /// What its name makes it.
    pub class: DeviceClass,
    /// Where its bytes come from or go to; none for the request's or the response's body.
    pub path: Option<DevicePath>,
    /// The content type of what it writes, or of the response.
    pub content_type: Option<String>,
    /// Metadata of the object that it writes.
    pub meta: BTreeMap<String, String>,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// The least bytes that the object it writes has.
    pub min_size: u64,
}

/// What a device's name makes it.
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
    /// `debug`: a connection out, which no simulated world has.
    Debug,
    /// Any other name: an image that the cluster offers.
    SystemImage,
}

/// Which end of a pipe between two sessions a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeEnd {
    /// It is read.
    Reader,
    /// It is written.
    Writer,
}

/// Parses and checks a description.
///
/// # Errors
/// [`DescriptionError`] names the node, the field and the reason of each flaw.
pub fn parse(json: &[u8]) -> Result<Job, DescriptionError> {
    let mut found = FlawList::default();
    let read = json::read(json, &mut found)?;
    check::whole(&read.nodes, &read.names, &mut found);
    found.into_result(Job { nodes: read.nodes })
}

impl Job {
    /// Refuses readable devices without a path, for a job that is itself the request's body.
    ///
    /// # Errors
    /// Each such device.
    pub fn check_without_body(&self) -> Result<(), DescriptionError> {
        let mut found = FlawList::default();
        check::no_body(&self.nodes, &mut found);
        found.into_result(())
    }
}

impl DeviceClass {
    /// What a device of that name is; none if no device can have the name.
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

    /// How a guest reads or writes it; none if it is no file for the guest.
    pub fn kind(self) -> Option<DeviceKind> {
        match self {
            Self::Stdin => Some(DeviceKind::SequentialRead),
            Self::Stdout | Self::Stderr => Some(DeviceKind::SequentialWrite),
            Self::Input | Self::Script => Some(DeviceKind::RandomRead),
            Self::Output => Some(DeviceKind::RandomWrite),
            Self::Image | Self::Debug | Self::SystemImage => None,
        }
    }

    /// Whether a pipe to or from another session may take its place, and which end it is then.
    pub fn pipe_end(self) -> Option<PipeEnd> {
        match self.kind() {
            Some(DeviceKind::SequentialRead) => Some(PipeEnd::Reader),
            Some(DeviceKind::SequentialWrite) => Some(PipeEnd::Writer),
            _ => None,
        }
    }

    /// What `stat` says of it when the description does not.
    pub fn default_mode(self) -> DeviceMode {
        match self {
            Self::Stdin | Self::Stdout | Self::Stderr => DeviceMode::Pipe,
            _ => DeviceMode::File,
        }
    }
}

/// A job of one node with nothing but what is given.
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
    /// One of which nothing but the name is said.
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

    /// Whether the guest reads from it.
    pub fn is_readable(&self) -> bool {
        self.class.kind().is_some_and(DeviceKind::is_readable)
    }

    /// Whether the guest writes to it.
    pub fn is_writable(&self) -> bool {
        self.class.kind().is_some_and(DeviceKind::is_writable)
    }

    /// The object that it names, if it names one.
    pub fn object(&self) -> Option<&ObjectPath> {
        match &self.path {
            Some(DevicePath::Swift(path)) => Some(path),
            _ => None,
        }
    }
}

impl JobNode {
    /// The devices that the guest reads, in the description's order.
    pub fn readables(&self) -> impl Iterator<Item = &NodeDevice> {
        self.devices.iter().filter(|device| device.is_readable())
    }

    /// The devices that the guest writes, in the description's order.
    pub fn writables(&self) -> impl Iterator<Item = &NodeDevice> {
        self.devices.iter().filter(|device| device.is_writable())
    }

    /// The device of that name.
    pub fn device(&self, name: &str) -> Option<&NodeDevice> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// Whether any readable path has a `*`, so that there is a session per match.
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
    /// One copy, as when the description is silent.
    pub const ONE: Self = Self(1);

    pub(crate) fn new(copies: u64) -> Option<Self> {
        (1..=3).contains(&copies).then_some(Self(copies as u8))
    }

    /// The number of copies.
    pub fn copies(self) -> u8 {
        self.0
    }
}
