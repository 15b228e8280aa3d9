//! The rules that a description must keep as a whole, beyond each field's own.

use super::error::{NodeRef, Place};
use super::{Device, DeviceClass, DevicePath, Job, JobError, Node, ObjectPath};
use std::collections::BTreeSet;

pub(super) fn whole(job: &Job) -> Result<(), JobError> {
    let mut names = BTreeSet::new();
    for (index, node) in job.nodes.iter().enumerate() {
        if !names.insert(node.name.as_str()) {
            let place = Place::of(NodeRef::Index(index)).field("name");
            return Err(place.flaw(format!("\"{}\" is the name of an earlier node", node.name)));
        }
    }
    for node in &job.nodes {
        let place = Place::of(NodeRef::Named(node.name.clone()));
        check_devices(node, job, &place)?;
        check_wildcards(node, &place)?;
        check_connections(node, &names, &place)?;
        if let Some(attach) = node.attach.as_deref().filter(|name| node.device(name).is_none()) {
            return Err(place
                .field("attach")
                .flaw(format!("names the device \"{attach}\", which the node does not have")));
        }
    }
    Ok(())
}

/// A job that is itself the request's body leaves no body for a device without a path, unless a pipe ends there.
pub(super) fn no_body(job: &Job) -> Result<(), JobError> {
    for node in &job.nodes {
        for (index, device) in node.devices.iter().enumerate() {
            let wants_body = device.is_readable() || device.class == DeviceClass::Image;
            if device.path.is_none() && wants_body && !has_pipe(job, node, device) {
                let place = Place::of(NodeRef::Named(node.name.clone()));
                let place = place.field("devices").index(index).field("path");
                return Err(place.flaw(format!(
                    "is missing: {} would read the request's body, which is the job itself",
                    device.name
                )));
            }
        }
    }
    Ok(())
}

fn has_pipe(job: &Job, node: &Node, device: &Device) -> bool {
    let leads_here = |path: &DevicePath| matches!(path, DevicePath::Zvm { node: n, device: d } if *n == node.name && *d == device.name);
    job.nodes
        .iter()
        .flat_map(|node| &node.devices)
        .filter_map(|it| it.path.as_ref())
        .any(leads_here)
}

fn check_devices(node: &Node, job: &Job, place: &Place) -> Result<(), JobError> {
    let mut names = BTreeSet::new();
    for (index, device) in node.devices.iter().enumerate() {
        let place = place.field("devices").index(index);
        if !names.insert(device.name.as_str()) {
            let why = format!("\"{}\" is the name of an earlier device", device.name);
            return Err(place.field("name").flaw(why));
        }
        check_path(device, &place.field("path"))?;
        check_pipe(device, node, job, &place.field("path"))?;
    }
    Ok(())
}

/// A device with a `zvm://` path is one end of a pipe. The other one may be left out of its node, which then has it all the
/// same; if it is there, it fits and has no path of its own, or the path that leads back.
fn check_pipe(device: &Device, node: &Node, job: &Job, place: &Place) -> Result<(), JobError> {
    let Some(DevicePath::Zvm { node: target, device: peer }) = &device.path else { return Ok(()) };
    let name = &device.name;
    let Some(other) = job.nodes.iter().find(|node| node.name == *target) else {
        return Err(place.flaw(format!("names the node \"{target}\", which the job does not have")));
    };
    let Some(way) = device.class.pipe_end() else {
        return Err(place.flaw(format!(
            "connects \"{name}\", which is read or written anywhere: a pipe goes from stdout or stderr to stdin"
        )));
    };
    if *target == node.name {
        return Err(place.flaw("connects a node to itself"));
    }
    let class = DeviceClass::of(peer);
    let fits = match class {
        DeviceClass::SystemImage => true,
        _ => class.pipe_end().is_some_and(|end| end != way),
    };
    if !fits {
        return Err(place.flaw(format!(
            "connects \"{name}\" to \"{peer}\": one must be read, the other written, both from front to back"
        )));
    }
    let back = |path: &DevicePath| matches!(path, DevicePath::Zvm { node: n, device: d } if *n == node.name && d == name);
    match other.device(peer) {
        Some(declared) if declared.class == DeviceClass::SystemImage => {
            Err(place
                .flaw(format!("names \"{peer}\", which is a system image of node \"{target}\"")))
        }
        Some(declared) if declared.path.as_ref().is_some_and(|path| !back(path)) => {
            Err(place
                .flaw(format!("names \"{peer}\" of node \"{target}\", which has another path")))
        }
        _ => Ok(()),
    }
}

/// Whether the device may have the path that it has, or may have none.
fn check_path(device: &Device, place: &Place) -> Result<(), JobError> {
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

fn require_object(path: &ObjectPath, place: &Place) -> Result<(), JobError> {
    if path.object.is_some() {
        return Ok(());
    }
    Err(place.flaw("names a container, but an object is needed here"))
}

/// What can be said of wildcards before they are matched.
fn check_wildcards(node: &Node, place: &Place) -> Result<(), JobError> {
    let stars = |path: &ObjectPath| {
        let object = path.object.as_deref().unwrap_or("");
        path.container.matches('*').count() + object.matches('*').count()
    };
    let mut captured: Option<usize> = None;
    for (index, device) in node.devices.iter().enumerate() {
        let count = device.object().filter(|_| device.is_readable()).map_or(0, stars);
        if count == 0 {
            continue;
        }
        if *captured.get_or_insert(count) != count {
            let place = place.field("devices").index(index).field("path");
            return Err(place.flaw(
                "has another number of `*` than an earlier device: all must match the same texts",
            ));
        }
    }
    let is_group = captured.is_some() || node.count.is_some_and(|count| count > 1);
    for (index, device) in node.devices.iter().enumerate().filter(|(_, it)| it.is_writable()) {
        let place = place.field("devices").index(index).field("path");
        let Some(path) = device.object() else { continue };
        match (stars(path), captured) {
            (0, _) if is_group => {
                return Err(place.flaw("is one fixed object for several sessions: put a `*` in it"));
            }
            (wanted, Some(captured)) if wanted > captured => {
                let why = format!("has {wanted} `*`, but only {captured} are matched by the input");
                return Err(place.flaw(why));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A group may connect to itself, a plain node may not. A wildcard or a count makes a group.
fn check_connections(node: &Node, names: &BTreeSet<&str>, place: &Place) -> Result<(), JobError> {
    let is_group = node.count.is_some() || node.has_wildcard_input();
    let mut targets = BTreeSet::new();
    for (index, target) in node.connect.iter().enumerate() {
        let place = place.field("connect").index(index);
        if !names.contains(target.as_str()) {
            return Err(place.flaw(format!("there is no node \"{target}\"")));
        }
        if *target == node.name && !is_group {
            return Err(place.flaw("connects the node to itself, which only a group may"));
        }
        if !targets.insert(target) {
            return Err(place.flaw(format!("names \"{target}\" twice")));
        }
    }
    Ok(())
}
