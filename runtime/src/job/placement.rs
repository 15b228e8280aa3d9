//! ZeroCloud's rule for the object that decides a session's placement, as its documents give it.
//!
//! Leaves out the choice among the object's replicas, which policies make.

use super::{DeviceClass, JobNode, NodeDevice};

/// Device whose object decides where `node` runs; `None` if any storage node will do.
///
/// It is the first with a `swift://` path, read-only devices before write-only ones before the
/// rest (images), each in the description's order; `script` counts only if it is the only readable
/// one. `attach` names another device, and if that has no such path the choice is free.
pub fn attached_device(node: &JobNode) -> Option<&NodeDevice> {
    if let Some(name) = &node.attach {
        return node.device(name).filter(|device| device.object().is_some());
    }
    let is_script = |device: &NodeDevice| device.class == DeviceClass::Script;
    let reads_more = node.readables().any(|device| device.object().is_some() && !is_script(device));
    let rank = |device: &NodeDevice| match () {
        () if device.is_readable() => 0,
        () if device.is_writable() => 1,
        () => 2,
    };
    node.devices
        .iter()
        .filter(|device| device.object().is_some() && !(is_script(device) && reads_more))
        .min_by_key(|device| rank(device))
}
