//! Rules of a description as a whole, beyond each field's own.
//!
//! Leaves out rules that need the store, such as the matches of wildcards.

use super::error::{FieldPlace, Flaw, FlawList, NodeRef};
use super::{DeviceClass, DevicePath, JobNode, NodeDevice, NodeName, ObjectPath};
use std::collections::BTreeSet;

/// Checks `nodes`, which have no flaws of their own; `names` includes those of flawed nodes.
pub(super) fn whole(nodes: &[JobNode], names: &BTreeSet<NodeName>, flaws: &mut FlawList) {
    for node in nodes {
        let place = FieldPlace::of(NodeRef::Named(node.name.clone()));
        check_devices(node, &place, flaws);
        check_pipes(node, nodes, names, &place, flaws);
        check_wildcards(node, &place, flaws);
        check_connections(node, names, &place, flaws);
        if let Some(attach) = node.attach.as_deref().filter(|name| node.device(name).is_none()) {
            let why = format!("names the device \"{attach}\", which the node does not have");
            flaws.add(place.field("attach").flaw(why));
        }
    }
}

/// A job that is itself the request's body leaves no body for a device without a path, unless a
/// pipe ends there.
pub(super) fn no_body(nodes: &[JobNode], flaws: &mut FlawList) {
    for node in nodes {
        for (index, device) in node.devices.iter().enumerate() {
            let wants_body = device.is_readable() || device.class == DeviceClass::Image;
            if device.path.is_none() && wants_body && !has_pipe(nodes, node, device) {
                let place = FieldPlace::of(NodeRef::Named(node.name.clone()));
                let place = place.field("devices").index(index).field("path");
                flaws.add(place.flaw(format!(
                    "is missing: {} would read the request's body, which is the job itself",
                    device.name
                )));
            }
        }
    }
}

fn has_pipe(nodes: &[JobNode], node: &JobNode, device: &NodeDevice) -> bool {
    let mut paths = nodes.iter().flat_map(|node| &node.devices).filter_map(|it| it.path.as_ref());
    paths.any(|path| leads_to(path, node, &device.name))
}

/// True if the path is that of a pipe to this device.
fn leads_to(path: &DevicePath, to: &JobNode, name: &str) -> bool {
    matches!(path, DevicePath::Zvm { node, device } if *node == to.name && device == name)
}

fn check_devices(node: &JobNode, place: &FieldPlace, flaws: &mut FlawList) {
    let mut names = BTreeSet::new();
    for (index, device) in node.devices.iter().enumerate() {
        let place = place.field("devices").index(index);
        if !names.insert(device.name.as_str()) {
            let why = format!("\"{}\" is the name of an earlier device", device.name);
            flaws.add(place.field("name").flaw(why));
        }
        flaws.keep(check_path(device, &place.field("path")));
    }
}

/// A device with a `zvm://` path is one end of a pipe. The other one may be left out of its node,
/// which then has it all the same; if it is there, it fits and has no path of its own, or the path
/// that leads back.
fn check_pipes(
    node: &JobNode,
    nodes: &[JobNode],
    names: &BTreeSet<NodeName>,
    place: &FieldPlace,
    flaws: &mut FlawList,
) {
    let is_file = |device: &NodeDevice| device.class.kind().is_some();
    for (index, device) in node.devices.iter().enumerate().filter(|(_, it)| is_file(it)) {
        let Some(DevicePath::Zvm { node: target, device: peer }) = &device.path else { continue };
        let name = &device.name;
        let way = device.class.pipe_end();
        let declared =
            nodes.iter().find(|node| node.name == *target).and_then(|it| it.device(peer));
        let why = match DeviceClass::of(peer) {
            _ if !names.contains(target) => {
                format!("names the node \"{target}\", which the job does not have")
            }
            _ if way.is_none() => format!(
                "connects \"{name}\", which is read or written anywhere: a pipe goes from stdout or stderr to stdin"
            ),
            _ if *target == node.name => "connects a node to itself".to_owned(),
            DeviceClass::SystemImage if declared.is_some() => {
                format!("names \"{peer}\", which is a system image of node \"{target}\"")
            }
            class
                if class != DeviceClass::SystemImage
                    && class.pipe_end().is_none_or(|end| Some(end) == way) =>
            {
                format!(
                    "connects \"{name}\" to \"{peer}\": one must be read, the other written, both from front to back"
                )
            }
            _ => match declared.and_then(|peer| peer.path.as_ref()) {
                Some(path) if !leads_to(path, node, name) => {
                    format!("names \"{peer}\" of node \"{target}\", which has another path")
                }
                _ => continue,
            },
        };
        flaws.add(place.field("devices").index(index).field("path").flaw(why));
    }
}

/// Checks that the device may have its path, or none.
fn check_path(device: &NodeDevice, place: &FieldPlace) -> Result<(), Flaw> {
    let name = &device.name;
    match (device.class, &device.path) {
        (DeviceClass::Debug, Some(DevicePath::Tcp { .. })) => Ok(()),
        (DeviceClass::Debug, _) => Err(place.flaw("must be `tcp://host:port`")),
        (_, Some(DevicePath::Tcp { .. })) => {
            Err(place.flaw(format!("`tcp://` is only for the device `debug`, not for {name}")))
        }
        (DeviceClass::SystemImage, Some(_)) => Err(place.flaw(format!(
            "{name} is a system image, which has no path; a device is one of stdin, stdout, \
             stderr, input, script, output, image, debug"
        ))),
        (DeviceClass::Image, Some(DevicePath::Swift(path))) if path.has_wildcard() => {
            Err(place.flaw("has a wildcard, but an image is one object"))
        }
        (DeviceClass::Image, Some(DevicePath::Swift(path))) => require_object(path, place),
        (DeviceClass::Image, Some(DevicePath::Zvm { .. })) => {
            Err(place.flaw("must be a `swift://` path: an image is an object"))
        }
        (_, Some(DevicePath::Swift(path))) if device.is_writable() => require_object(path, place),
        _ => Ok(()),
    }
}

fn require_object(path: &ObjectPath, place: &FieldPlace) -> Result<(), Flaw> {
    if path.object.is_some() {
        return Ok(());
    }
    Err(place.flaw("names a container, but an object is needed here"))
}

/// Checks wildcards as far as that is possible before they are matched.
fn check_wildcards(node: &JobNode, place: &FieldPlace, flaws: &mut FlawList) {
    let stars = |path: &ObjectPath| {
        let object = path.object.as_deref().unwrap_or("");
        path.container.matches('*').count() + object.matches('*').count()
    };
    let at = |index| place.field("devices").index(index).field("path");
    let mut captured: Option<usize> = None;
    for (index, device) in node.devices.iter().enumerate() {
        let count = device.object().filter(|_| device.is_readable()).map_or(0, stars);
        if count > 0 && *captured.get_or_insert(count) != count {
            flaws.add(at(index).flaw(
                "has another number of `*` than an earlier device: all must match the same texts",
            ));
        }
    }
    let is_group = captured.is_some() || node.count.is_some_and(|count| count > 1);
    for (index, device) in node.devices.iter().enumerate().filter(|(_, it)| it.is_writable()) {
        let Some(path) = device.object() else { continue };
        let why = match (stars(path), captured) {
            (0, _) if is_group => {
                "is one fixed object for several sessions: put a `*` in it".to_owned()
            }
            (wanted, Some(captured)) if wanted > captured => {
                format!("has {wanted} `*`, but only {captured} are matched by the input")
            }
            _ => continue,
        };
        flaws.add(at(index).flaw(why));
    }
}

/// A group may connect to itself, a plain node may not. A wildcard or a count makes a group.
fn check_connections(
    node: &JobNode,
    names: &BTreeSet<NodeName>,
    place: &FieldPlace,
    flaws: &mut FlawList,
) {
    let is_group = node.count.is_some() || node.has_wildcard_input();
    let mut targets = BTreeSet::new();
    for (index, target) in node.connect.iter().enumerate() {
        let why = match () {
            () if !names.contains(target) => format!("there is no node \"{target}\""),
            () if *target == node.name && !is_group => {
                "connects the node to itself, which only a group may".to_owned()
            }
            () if !targets.insert(target) => format!("names \"{target}\" twice"),
            () => continue,
        };
        flaws.add(place.field("connect").index(index).flaw(why));
    }
}
