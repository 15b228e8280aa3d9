//! What a proxy sends a node to have a session run, and what comes back: a JSON head and then bytes.
//!
//! The body is the head's length (four bytes, big endian), the head, and the parts that it lists one after the other.
//! Leaves out encryption and compression.

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
use crate::session::driver::SessionEnd;

/// The longest head: a description of 64 KiB with room for what is added to it.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// Status of a session that lost a peer on another node, through no fault of either.
pub(crate) const PEER_LOST: StatusCode = StatusCode::FAILED_DEPENDENCY;

/// A session that a node shall run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOrder {
    /// Names the execution, through all its attempts.
    pub id: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The session's name.
    pub session: String,
    /// Its command line, its own name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Where its module comes from.
    pub module: ModuleSource,
    /// The system images that it has, in their order.
    pub system_images: Vec<String>,
    /// Its devices.
    pub devices: Vec<OrderedDevice>,
    /// Names the attempt of the gang that its pipes are of, for all hosts alike; empty without pipes.
    pub gang: String,
    /// Bytes that each of its pipes has room for.
    pub pipe_room: usize,
    /// The object of the store that the node shall have, if it shall have one.
    pub local: Option<LocalObject>,
    /// What follows the head.
    pub parts: Vec<PartHead>,
    /// Whether the report shall tell the node's load. Unsaid if not: bytes are counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_load: bool,
}

/// Where the module of a session comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleSource {
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

/// A device of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedDevice {
    /// Its name.
    pub name: String,
    /// Which way its bytes flow.
    pub kind: DeviceKind,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// Where its bytes come from.
    pub source: DeviceSource,
}

/// Where a device's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSource {
    /// From the node's own copy of [`SessionOrder::local`].
    Local,
    /// From the part [`PartRole::Device`] of its name.
    Pushed,
    /// Nowhere: it is written to.
    Written,
    /// From another session of the gang, or to it.
    Pipe {
        /// The pipe's number in the job.
        number: u32,
        /// The host of the reader, if that is another one than the writer's.
        reader: Option<SocketAddr>,
    },
}

/// An object that the node shall hold in just this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalObject {
    /// The disk that has it.
    pub disk: String,
    /// Its partition.
    pub partition: u32,
    /// Its name.
    pub path: Path,
    /// The timestamp of its data.
    pub version: Timestamp,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartRole {
    /// The module.
    Module,
    /// An image.
    Image,
    /// What a device reads, or has written.
    Device(String),
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHead {
    /// What it is.
    pub role: PartRole,
    /// How long it is.
    pub bytes: u64,
}

/// What became of a session. Its parts are what its devices wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Of which execution.
    pub id: String,
    /// Of which attempt.
    pub attempt: u32,
    /// How it ended.
    pub end: SessionEnd,
    /// Fuel that it used.
    pub fuel: u64,
    /// Time on a core, in microseconds.
    pub core_us: u64,
    /// From its start to its end, in microseconds. Always of the same width in the message: how long something
    /// takes must not decide how many bytes are sent, or two networks could not be compared.
    #[serde(with = "same_width")]
    pub took_us: u64,
    /// What it read and wrote.
    pub accounting: Accounting,
    /// What follows the head.
    pub parts: Vec<PartHead>,
    /// What else the node has to do, if the order wants to know.
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

/// A message that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is malformed: {why}")]
pub struct BadMessage {
    why: String,
}

fn bad(why: impl Into<String>) -> BadMessage {
    BadMessage { why: why.into() }
}

/// Puts a message into a body; each part is counted as its purpose, the head as control.
///
/// # Errors
/// The head is longer than any description leads to.
pub fn encode(head: &impl Serialize, parts: Vec<(Purpose, Bytes)>) -> Result<Body, BadMessage> {
    let json = serde_json::to_vec(head).map_err(|error| bad(error.to_string()))?;
    if json.len() > HEAD_BYTES_MAX {
        return Err(bad(format!(
            "its head has {} bytes, {HEAD_BYTES_MAX} are allowed",
            json.len()
        )));
    }
    let length = u32::try_from(json.len()).map_err(|error| bad(error.to_string()))?;
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
) -> Result<(H, Vec<(PartRole, Bytes)>), BadMessage> {
    if message.len() < 4 {
        return Err(bad("it ends before its head"));
    }
    let length = message.get_u32() as usize;
    if length > HEAD_BYTES_MAX || length > message.len() {
        return Err(bad(format!("its head shall have {length} bytes, {} are left", message.len())));
    }
    let json = message.split_to(length);
    let head: H = serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
    let mut parts = Vec::new();
    for part in head.parts() {
        let bytes = usize::try_from(part.bytes).unwrap_or(usize::MAX);
        if bytes > message.len() {
            return Err(bad(format!(
                "the part {:?} ends after {} bytes",
                part.role,
                message.len()
            )));
        }
        parts.push((part.role.clone(), message.split_to(bytes)));
    }
    if message.is_empty() { Ok((head, parts)) } else { Err(bad("more follows its parts")) }
}

/// Path of one attempt on a node: orders are posted to it, and its status is read there.
pub(crate) fn status_path(id: &str, attempt: u32) -> String {
    format!("/running/{id}/{attempt}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _either = decode::<SessionOrder>(Bytes::from(bytes));
        }

        #[test]
        fn a_head_of_json_without_its_parts_is_refused(claimed in any::<u32>(), json in ".{0,100}") {
            let message = [&claimed.to_be_bytes()[..], json.as_bytes()].concat();
            prop_assert!(decode::<SessionReport>(Bytes::from(message)).is_err());
        }
    }
}
