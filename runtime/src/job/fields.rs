//! Names of the fields that a description may have. Others are accepted without effect, as in
//! ZeroCloud, with a warning.
//!
//! Leaves out the values, which [`json`](super::json) reads.

use super::error::{FieldPlace, Flaw, NodeRef};
use super::{DescriptionError, NodeName, json};
use serde_json::{Map, Value};

/// Fields of a node. `file_list` is the old name of `devices`.
pub const NODE_FIELDS: &[&str] = &[
    "name",
    "exec",
    "devices",
    "file_list",
    "count",
    "connect",
    "replicate",
    "attach",
    "location",
];

/// Fields of a node's `exec`.
pub const EXEC_FIELDS: &[&str] = &["path", "args", "env", "name"];

/// Fields of a device. `device` is the old name of `name`.
pub const DEVICE_FIELDS: &[&str] =
    &["name", "device", "path", "content_type", "meta", "mode", "min_size"];

/// Unknown fields of a description, each as the flaw that it would be if it were refused.
///
/// # Errors
/// The description is no JSON or too large. Other flaws are for [`parse`](super::parse).
pub fn unknown_fields(description: &[u8]) -> Result<Vec<Flaw>, DescriptionError> {
    let value = json::value(description)?;
    let mut unknown = Vec::new();
    for (index, node) in value.as_array().into_iter().flatten().enumerate() {
        let Some(node) = node.as_object() else { continue };
        let name = node.get("name").and_then(Value::as_str).and_then(NodeName::new);
        let place = FieldPlace::of(name.map_or(NodeRef::Index(index), NodeRef::Named));
        gather(node, NODE_FIELDS, "a node", &place, &mut unknown);
        if let Some(exec) = node.get("exec").and_then(Value::as_object) {
            gather(exec, EXEC_FIELDS, "exec", &place.field("exec"), &mut unknown);
        }
        for key in ["devices", "file_list"] {
            let devices = node.get(key).and_then(Value::as_array);
            for (index, device) in devices.into_iter().flatten().enumerate() {
                let Some(device) = device.as_object() else { continue };
                let place = place.field(key).index(index);
                gather(device, DEVICE_FIELDS, "a device", &place, &mut unknown);
            }
        }
    }
    Ok(unknown)
}

fn gather(
    object: &Map<String, Value>,
    known: &[&str],
    of: &str,
    place: &FieldPlace,
    unknown: &mut Vec<Flaw>,
) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let why =
            format!("is no field of {of} and has no effect: the fields are {}", known.join(", "));
        unknown.push(place.field(name).flaw(why));
    }
}
