//! Reader of descriptions: JSON to nodes, one field at a time, so that each flaw names its place.
//!
//! After a flawed field the others are read as well; a node with a flaw is left out of the result.
//! Leaves out rules over several fields, which [`check`](super::check) holds.

use super::error::{FieldPlace, Flaw, FlawList, NodeRef};
use super::{
    DESCRIPTION_BYTES_MAX, DescriptionError, DeviceClass, DevicePath, Exec, ExecPath, JobNode,
    NodeDevice, NodeName, Replicate, split_words,
};
use crate::device::DeviceMode;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const NODES_MAX: usize = 1_000;
const COUNT_MAX: u64 = 10_000;

type Object = Map<String, Value>;

/// Sound part of a description.
pub(super) struct Read {
    /// Nodes without a flaw, in its order.
    pub(super) nodes: Vec<JobNode>,
    /// Names of all nodes, flawed ones included.
    pub(super) names: BTreeSet<NodeName>,
}

pub(super) fn read(json: &[u8], flaws: &mut FlawList) -> Result<Read, DescriptionError> {
    let value = value(json)?;
    let mut read = Read { nodes: Vec::new(), names: BTreeSet::new() };
    let place = FieldPlace::of(NodeRef::Job).field("nodes");
    let Some(list) = flaws.keep(array(&value, &place)) else { return Ok(read) };
    if list.is_empty() {
        flaws.add(place.flaw("the list of nodes is empty: a job needs at least one"));
    }
    if list.len() > NODES_MAX {
        let why = format!("has {} nodes, the most are {NODES_MAX}", list.len());
        flaws.add(place.flaw(why));
        return Ok(read);
    }
    for (index, value) in list.iter().enumerate() {
        let node = node(value, index, &mut read.names, flaws);
        read.nodes.extend(node);
    }
    Ok(read)
}

/// Parses JSON within the size limit.
pub(super) fn value(json: &[u8]) -> Result<Value, DescriptionError> {
    if json.len() > DESCRIPTION_BYTES_MAX {
        return Err(DescriptionError::TooLarge { bytes: json.len() });
    }
    serde_json::from_slice(json).map_err(|error| DescriptionError::NotJson {
        why: error.to_string(),
        line: error.line(),
        column: error.column(),
    })
}

fn node(
    value: &Value,
    index: usize,
    names: &mut BTreeSet<NodeName>,
    flaws: &mut FlawList,
) -> Option<JobNode> {
    let unnamed = FieldPlace::of(NodeRef::Index(index));
    let object = flaws.keep(object(value, &unnamed.field("node")))?;
    let name = flaws.keep(node_name(object, names, &unnamed));
    let place = match &name {
        Some(name) => FieldPlace::of(NodeRef::Named(name.clone())),
        None => unnamed,
    };
    names.extend(name.clone());
    // All are read before any is missed, so that each flaw is flaws.
    let exec = flaws.keep(required(object, "exec", &place));
    let exec = exec.and_then(|value| self::exec(value, &place.field("exec"), flaws));
    let devices = devices(object, &place, flaws);
    let count = flaws.keep(count(object, &place));
    let connect = connect(object, &place, flaws);
    let replicate = flaws.keep(replicate(object, &place));
    let attach = flaws.keep(optional_text(object, "attach", &place));
    let location = flaws.keep(optional_text(object, "location", &place));
    Some(JobNode {
        name: name?,
        exec: exec?,
        devices: devices?,
        count: count?,
        connect: connect?,
        replicate: replicate?,
        attach: attach?.map(str::to_owned),
        location: location?.map(str::to_owned),
    })
}

fn node_name(
    object: &Object,
    names: &BTreeSet<NodeName>,
    place: &FieldPlace,
) -> Result<NodeName, Flaw> {
    let at = place.field("name");
    let name = NodeName::new(required_text(object, "name", place)?)
        .ok_or_else(|| at.flaw("must be 1 to 64 letters, digits, `-`, `_` or `.`"))?;
    if names.contains(&name) {
        return Err(at.flaw(format!("\"{name}\" is the name of an earlier node")));
    }
    Ok(name)
}

fn exec(value: &Value, place: &FieldPlace, flaws: &mut FlawList) -> Option<Exec> {
    let object = flaws.keep(object(value, place))?;
    let parse =
        |path| ExecPath::parse(path).map_err(|why| place.field("path").flaw(why.to_string()));
    let path = flaws.keep(required_text(object, "path", place).and_then(parse));
    let args = args(object, &place.field("args"), flaws);
    let env = env(object, &place.field("env"), flaws);
    let name = flaws.keep(optional_text(object, "name", place));
    Some(Exec { path: path?, args: args?, env: env?, name: name?.map(str::to_owned) })
}

/// Reads arguments: a string is split into words, a list of words is taken as it is.
fn args(object: &Object, place: &FieldPlace, flaws: &mut FlawList) -> Option<Vec<String>> {
    match present(object, "args") {
        None => Some(Vec::new()),
        Some(Value::String(line)) => flaws.keep(
            check_text(line, place)
                .and_then(|()| split_words(line).map_err(|error| place.flaw(error.to_string()))),
        ),
        Some(Value::Array(words)) => {
            let word = |(index, value)| text(value, &place.index(index)).map(str::to_owned);
            all(words.iter().enumerate().map(word), flaws)
        }
        Some(_) => flaws.keep(Err(place.flaw("must be a string or a list of strings"))),
    }
}

fn env(
    object: &Object,
    place: &FieldPlace,
    flaws: &mut FlawList,
) -> Option<BTreeMap<String, String>> {
    let env = text_map(object, "env", place, flaws)?;
    let mut is_sound = true;
    for name in env.keys().filter(|name| name.is_empty() || name.contains('=')) {
        let why = format!("{name:?} is no name of a variable: none is empty or has `=`");
        flaws.add(place.flaw(why));
        is_sound = false;
    }
    is_sound.then_some(env)
}

/// Reads an object whose values are strings; numbers and booleans are taken as they are written.
fn text_map(
    parent: &Object,
    name: &str,
    place: &FieldPlace,
    flaws: &mut FlawList,
) -> Option<BTreeMap<String, String>> {
    let Some(value) = present(parent, name) else { return Some(BTreeMap::new()) };
    let entry = |(name, value): (&String, &Value)| {
        check_text(name, place)?;
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            value => text(value, &place.field(name))?.to_owned(),
        };
        Ok((name.clone(), value))
    };
    let entries = flaws.keep(object(value, place))?.iter().map(entry);
    all(entries, flaws).map(BTreeMap::from_iter)
}

fn devices(object: &Object, place: &FieldPlace, flaws: &mut FlawList) -> Option<Vec<NodeDevice>> {
    let (name, value) = match (present(object, "devices"), present(object, "file_list")) {
        (Some(_), Some(_)) => {
            let why = "is the old name of `devices`, and both are given: keep one";
            return flaws.keep(Err(place.field("file_list").flaw(why)));
        }
        (Some(value), None) => ("devices", value),
        (None, Some(value)) => ("file_list", value),
        (None, None) => return Some(Vec::new()),
    };
    let place = place.field(name);
    let list = flaws.keep(array(value, &place))?;
    let mut devices = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        devices.push(device(value, &place.index(index), flaws));
    }
    devices.into_iter().collect()
}

fn device(value: &Value, place: &FieldPlace, flaws: &mut FlawList) -> Option<NodeDevice> {
    let object = flaws.keep(object(value, place))?;
    let name = flaws.keep(device_name(object, place));
    let parse =
        |path| DevicePath::parse(path).map_err(|why| place.field("path").flaw(why.to_string()));
    let path = optional_text(object, "path", place);
    let path = flaws.keep(path.and_then(|path| path.map(parse).transpose()));
    let content_type = flaws.keep(optional_text(object, "content_type", place));
    let meta = text_map(object, "meta", &place.field("meta"), flaws);
    let mode = flaws.keep(mode(object, &place.field("mode")));
    let min_size = flaws.keep(min_size(object, &place.field("min_size")));
    let (name, class) = name.map(|name| (name, DeviceClass::of(name)))?;
    Some(NodeDevice {
        name: name.to_owned(),
        class,
        path: path?,
        content_type: content_type?.map(str::to_owned),
        meta: meta?,
        mode: mode?.unwrap_or(class.default_mode()),
        min_size: min_size?,
    })
}

fn device_name<'a>(object: &'a Object, place: &FieldPlace) -> Result<&'a str, Flaw> {
    let key = match (present(object, "name"), present(object, "device")) {
        (Some(_), Some(_)) => {
            let why = "is the old name of `name`, and both are given: keep one";
            return Err(place.field("device").flaw(why));
        }
        (None, Some(_)) => "device",
        _ => "name",
    };
    let name = required_text(object, key, place)?;
    if NodeName::new(name).is_none() {
        return Err(place.field(key).flaw("must be 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    Ok(name)
}

fn mode(object: &Object, place: &FieldPlace) -> Result<Option<DeviceMode>, Flaw> {
    let Some(value) = present(object, "mode") else { return Ok(None) };
    match value.as_str() {
        Some("file") => Ok(Some(DeviceMode::File)),
        Some("char") => Ok(Some(DeviceMode::Char)),
        Some("block") => Ok(Some(DeviceMode::Block)),
        Some("pipe") => Ok(Some(DeviceMode::Pipe)),
        _ => Err(place.flaw("must be \"file\", \"char\", \"block\" or \"pipe\"")),
    }
}

fn min_size(object: &Object, place: &FieldPlace) -> Result<u64, Flaw> {
    match present(object, "min_size") {
        None => Ok(0),
        Some(value) => value.as_u64().ok_or_else(|| place.flaw("must be a number of bytes, 0 up")),
    }
}

fn count(object: &Object, place: &FieldPlace) -> Result<Option<u32>, Flaw> {
    let Some(value) = present(object, "count") else { return Ok(None) };
    match value.as_u64().filter(|count| (1..=COUNT_MAX).contains(count)) {
        Some(count) => Ok(Some(count as u32)),
        None => {
            Err(place.field("count").flaw(format!("must be a whole number from 1 to {COUNT_MAX}")))
        }
    }
}

fn replicate(object: &Object, place: &FieldPlace) -> Result<Replicate, Flaw> {
    let Some(value) = present(object, "replicate") else { return Ok(Replicate::ONE) };
    let flaw = || place.field("replicate").flaw("must be 1, 2 or 3");
    value.as_u64().and_then(Replicate::new).ok_or_else(flaw)
}

fn connect(object: &Object, place: &FieldPlace, flaws: &mut FlawList) -> Option<Vec<NodeName>> {
    let Some(value) = present(object, "connect") else { return Some(Vec::new()) };
    let place = place.field("connect");
    let name = |(index, value)| {
        let place = place.index(index);
        NodeName::new(text(value, &place)?).ok_or_else(|| place.flaw("is no name of a node"))
    };
    let list = flaws.keep(array(value, &place))?;
    all(list.iter().enumerate().map(name), flaws)
}

/// Collects values; `None` if one is flawed. Each flaw is added.
fn all<T>(read: impl Iterator<Item = Result<T, Flaw>>, flaws: &mut FlawList) -> Option<Vec<T>> {
    let kept: Vec<Option<T>> = read.map(|one| flaws.keep(one)).collect();
    kept.into_iter().collect()
}

/// Value of a field; `null` counts as absent.
fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn required<'a>(object: &'a Object, name: &str, place: &FieldPlace) -> Result<&'a Value, Flaw> {
    present(object, name).ok_or_else(|| place.field(name).flaw("is missing"))
}

fn required_text<'a>(object: &'a Object, name: &str, place: &FieldPlace) -> Result<&'a str, Flaw> {
    let value = text(required(object, name, place)?, &place.field(name))?;
    if value.is_empty() { Err(place.field(name).flaw("is empty")) } else { Ok(value) }
}

fn optional_text<'a>(
    object: &'a Object,
    name: &str,
    place: &FieldPlace,
) -> Result<Option<&'a str>, Flaw> {
    present(object, name).map(|_| required_text(object, name, place)).transpose()
}

fn text<'a>(value: &'a Value, place: &FieldPlace) -> Result<&'a str, Flaw> {
    let text = value.as_str().ok_or_else(|| place.flaw("must be a string"))?;
    check_text(text, place)?;
    Ok(text)
}

fn check_text(text: &str, place: &FieldPlace) -> Result<(), Flaw> {
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(place.flaw(format!("has the control character {c:?}, none is allowed"))),
        None => Ok(()),
    }
}

fn array<'a>(value: &'a Value, place: &FieldPlace) -> Result<&'a Vec<Value>, Flaw> {
    value.as_array().ok_or_else(|| place.flaw("must be a list"))
}

fn object<'a>(value: &'a Value, place: &FieldPlace) -> Result<&'a Object, Flaw> {
    value.as_object().ok_or_else(|| place.flaw("must be an object"))
}
