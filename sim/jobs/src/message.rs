//! Messages between a proxy and a node, the order of a session and its report: a JSON head, then
//! bytes.
//!
//! The body is the head's length (four bytes, big endian), the head, and the parts that it lists
//! one after the other. Leaves out encryption and compression.

use std::net::SocketAddr;

use bytes::{Buf, Bytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stayput_host::Purpose;
use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_runtime::outcome::Accounting;
use stayput_store::http::{Body, StatusCode};
use stayput_store::swift::{Path, Timestamp};

use crate::placement::NodeLoad;
use crate::session::result::SessionEnd;

/// The longest head: a description of 64 KiB with room for what is added to it.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// Status of a session that lost a peer on another node, through no fault of either.
pub(crate) const PEER_LOST: StatusCode = StatusCode::FAILED_DEPENDENCY;

/// Order of a session to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOrder {
    /// Names the execution, through all its attempts.
    pub id: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// The session's name.
    pub session: String,
    /// Its command line, its own name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Source of its module.
    pub module: OrderedModule,
    /// The system images that it has, in their order.
    pub system_images: Vec<String>,
    /// Its devices.
    pub devices: Vec<OrderedDevice>,
    /// Names the attempt of the gang that its pipes are of, for all hosts alike; empty without
    /// pipes.
    pub gang: String,
    /// Bytes that each of its pipes has room for.
    pub pipe_room: usize,
    /// Replica that the session reads where it lies, if any.
    pub local: Option<LocalObject>,
    /// Parts that follow the head.
    pub parts: Vec<PartHead>,
    /// True if the report is to have the node's load. Left out if not: bytes are counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_load: bool,
}

/// Source of an ordered session's module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderedModule {
    /// It is the part [`PartRole::Module`].
    Pushed,
    /// It is a file of an image, or the interpreter of a script that is one.
    InImage {
        /// The image's name; without one the first that has the file.
        image: Option<String>,
        /// The file's path.
        path: String,
    },
}

/// Device of an ordered session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedDevice {
    /// Its name.
    pub name: String,
    /// Direction and order of its bytes.
    pub kind: DeviceKind,
    /// File type that `stat` reports.
    pub mode: DeviceMode,
    /// Source of its bytes.
    pub source: OrderedSource,
}

/// Source of an ordered device's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderedSource {
    /// The node's own replica of [`SessionOrder::local`].
    Local,
    /// The part [`PartRole::Device`] of its name.
    Pushed,
    /// None: it is written to.
    Written,
    /// Another session of the gang, which writes it or reads it.
    Pipe {
        /// The pipe's number in the job.
        number: u32,
        /// The host of the reader, if that is another one than the writer's.
        reader: Option<SocketAddr>,
    },
}

/// Replica that a node must hold in this very version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalObject {
    /// Disk that has it.
    pub disk: String,
    /// Its partition.
    pub partition: u32,
    /// Its name.
    pub path: Path,
    /// The timestamp of its data.
    pub version: Timestamp,
}

/// Role of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartRole {
    /// The module.
    Module,
    /// An image.
    Image,
    /// Bytes that a device reads, or has written.
    Device(String),
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHead {
    /// Role of the part.
    pub role: PartRole,
    /// Length in bytes.
    pub bytes: u64,
}

/// Report of a session. Its parts are the outputs of its devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Execution of the order.
    pub id: String,
    /// Attempt of the order.
    pub attempt: u32,
    /// End of the session.
    pub end: SessionEnd,
    /// Fuel that it used.
    pub fuel: u64,
    /// Time on a core, in microseconds.
    pub core_us: u64,
    /// From its start to its end, in microseconds. Always of the same width in the message: how
    /// long something takes must not decide how many bytes are sent, or two networks could not be
    /// compared.
    #[serde(with = "same_width")]
    pub took_us: u64,
    /// Bytes that it read and wrote, by device.
    pub accounting: Accounting,
    /// Parts that follow the head.
    pub parts: Vec<PartHead>,
    /// Load of the node, if the order asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<NodeLoad>,
}

/// Numbers as text of as many digits as the greatest has.
mod same_width {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{number:020}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|bad| D::Error::custom(format!("{text:?} is no number: {bad}")))
    }
}

/// Flaw of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is shorter than the length of its head.
    #[error("the message is malformed: it ends before its head")]
    NoHead,
    /// Its head is longer than it may be, or than what came.
    #[error("the message is malformed: its head shall have {length} bytes, {left} are left")]
    HeadCut {
        /// Length that it announces.
        length: usize,
        /// Bytes that came.
        left: usize,
    },
    /// Its head is longer than any description leads to.
    #[error("the message is malformed: its head has {length} bytes, {HEAD_BYTES_MAX} are allowed")]
    HeadTooLong {
        /// Length of the head.
        length: usize,
    },
    /// Its head is no such JSON.
    #[error("the message is malformed: {why}")]
    Json {
        /// Flaw, with its line and column.
        why: String,
    },
    /// A part is shorter than its head says.
    #[error("the message is malformed: the part {role:?} ends after {left} bytes")]
    PartCut {
        /// Role of the part.
        role: PartRole,
        /// Bytes of it that came.
        left: usize,
    },
    /// More bytes follow its parts.
    #[error("the message is malformed: more follows its parts")]
    Rest,
}

impl From<serde_json::Error> for MessageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { why: error.to_string() }
    }
}

/// Puts a message into a body; each part is counted as its purpose, the head as control.
///
/// # Errors
/// The head is longer than any description leads to.
pub fn encode(head: &impl Serialize, parts: Vec<(Purpose, Bytes)>) -> Result<Body, MessageError> {
    let json = serde_json::to_vec(head)?;
    if json.len() > HEAD_BYTES_MAX {
        return Err(MessageError::HeadTooLong { length: json.len() });
    }
    let length =
        u32::try_from(json.len()).map_err(|_| MessageError::HeadTooLong { length: json.len() })?;
    let head = Bytes::from([&length.to_be_bytes()[..], &json].concat());
    Ok(Body::parts(std::iter::once((Purpose::Control, head)).chain(parts)))
}

/// A message whose head lists its parts.
pub trait MessageHead: DeserializeOwned {
    /// The parts that follow.
    fn parts(&self) -> &[PartHead];
}

impl MessageHead for SessionOrder {
    fn parts(&self) -> &[PartHead] {
        &self.parts
    }
}

impl MessageHead for SessionReport {
    fn parts(&self) -> &[PartHead] {
        &self.parts
    }
}

/// Takes a message apart.
///
/// # Errors
/// It is cut, its head is no such head, or its parts do not have the lengths that the head says.
pub fn decode<H: MessageHead>(
    mut message: Bytes,
) -> Result<(H, Vec<(PartRole, Bytes)>), MessageError> {
    if message.len() < 4 {
        return Err(MessageError::NoHead);
    }
    let length = message.get_u32() as usize;
    if length > HEAD_BYTES_MAX || length > message.len() {
        return Err(MessageError::HeadCut { length, left: message.len() });
    }
    let json = message.split_to(length);
    let head: H = serde_json::from_slice(&json)?;
    let mut parts = Vec::new();
    for part in head.parts() {
        let bytes = usize::try_from(part.bytes).unwrap_or(usize::MAX);
        if bytes > message.len() {
            return Err(MessageError::PartCut { role: part.role.clone(), left: message.len() });
        }
        parts.push((part.role.clone(), message.split_to(bytes)));
    }
    if message.is_empty() { Ok((head, parts)) } else { Err(MessageError::Rest) }
}

/// Path of one attempt on a node: orders are posted to it, and its status is read there.
pub(crate) fn status_path(id: &str, attempt: u32) -> String {
    format!("/running/{id}/{attempt}")
}

#[cfg(test)]
mod tests;
