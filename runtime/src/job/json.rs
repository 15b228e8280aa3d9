//! From JSON to nodes, one field at a time, so that each error names its place.

use super::error::{NodeRef, Place};
use super::{
    DESCRIPTION_BYTES_MAX, Device, DeviceClass, DevicePath, Exec, ExecPath, Job, JobError, Node,
    NodeName, Replicate, split_words,
};
use crate::device::DeviceMode;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const NODES_MAX: usize = 1_000;
const COUNT_MAX: u64 = 10_000;

type Object = Map<String, Value>;

pub(super) fn read(json: &[u8]) -> Result<Job, JobError> {
    if json.len() > DESCRIPTION_BYTES_MAX {
        return Err(JobError::TooLarge { bytes: json.len() });
    }
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| JobError::NotJson { why: error.to_string() })?;
    let place = Place::of(NodeRef::Job).field("nodes");
    let list = array(&value, &place)?;
    if list.is_empty() {
        return Err(place.flaw("the list of nodes is empty: a job needs at least one"));
    }
    if list.len() > NODES_MAX {
        return Err(place.flaw(format!("has {} nodes, the most are {NODES_MAX}", list.len())));
    }
    let nodes = list.iter().enumerate().map(|(index, value)| node(value, index));
    Ok(Job { nodes: nodes.collect::<Result<_, _>>()? })
}

fn node(value: &Value, index: usize) -> Result<Node, JobError> {
    let unnamed = Place::of(NodeRef::Index(index));
    let object = object(value, &unnamed.field("node"))?;
    let at = unnamed.field("name");
    let name = NodeName::new(required_text(object, "name", &unnamed)?)
        .ok_or_else(|| at.flaw("must be 1 to 64 letters, digits, `-`, `_` or `.`"))?;
    let place = Place::of(NodeRef::Named(name.clone()));
    let exec = exec(required(object, "exec", &place)?, &place.field("exec"))?;
    Ok(Node {
        exec,
        devices: devices(object, &place)?,
        count: count(object, &place)?,
        connect: connect(object, &place)?,
        replicate: replicate(object, &place)?,
        attach: optional_text(object, "attach", &place)?.map(str::to_owned),
        location: optional_text(object, "location", &place)?.map(str::to_owned),
        name,
    })
}

fn exec(value: &Value, place: &Place) -> Result<Exec, JobError> {
    let object = object(value, place)?;
    let path = required_text(object, "path", place)?;
    Ok(Exec {
        path: ExecPath::parse(path).map_err(|why| place.field("path").flaw(why))?,
        args: args(object, &place.field("args"))?,
        env: env(object, &place.field("env"))?,
        name: optional_text(object, "name", place)?.map(str::to_owned),
    })
}

/// A string is split into words; a list of words is taken as it is.
fn args(object: &Object, place: &Place) -> Result<Vec<String>, JobError> {
    match present(object, "args") {
        None => Ok(Vec::new()),
        Some(Value::String(line)) => {
            check_text(line, place)?;
            split_words(line).map_err(|error| place.flaw(error.to_string()))
        }
        Some(Value::Array(words)) => {
            let word = |(index, value): (usize, &Value)| {
                text(value, &place.index(index)).map(str::to_owned)
            };
            words.iter().enumerate().map(word).collect()
        }
        Some(_) => Err(place.flaw("must be a string or a list of strings")),
    }
}

fn env(object: &Object, place: &Place) -> Result<BTreeMap<String, String>, JobError> {
    let env = text_map(object, "env", place)?;
    match env.keys().find(|name| name.is_empty() || name.contains('=')) {
        Some(name) => {
            Err(place.flaw(format!("{name:?} is no name of a variable: none is empty or has `=`")))
        }
        None => Ok(env),
    }
}

/// An object whose values are strings; numbers and booleans are taken as they are written.
fn text_map(
    parent: &Object,
    name: &str,
    place: &Place,
) -> Result<BTreeMap<String, String>, JobError> {
    let Some(value) = present(parent, name) else { return Ok(BTreeMap::new()) };
    let mut map = BTreeMap::new();
    for (name, value) in object(value, place)? {
        check_text(name, place)?;
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            value => text(value, &place.field(name))?.to_owned(),
        };
        map.insert(name.clone(), value);
    }
    Ok(map)
}

fn devices(object: &Object, place: &Place) -> Result<Vec<Device>, JobError> {
    let (name, value) = match (present(object, "devices"), present(object, "file_list")) {
        (Some(_), Some(_)) => {
            return Err(place
                .field("file_list")
                .flaw("is the old name of `devices`, and both are given: keep one"));
        }
        (Some(value), None) => ("devices", value),
        (None, Some(value)) => ("file_list", value),
        (None, None) => return Ok(Vec::new()),
    };
    let place = place.field(name);
    let list = array(value, &place)?;
    list.iter().enumerate().map(|(index, value)| device(value, &place.index(index))).collect()
}

fn device(value: &Value, place: &Place) -> Result<Device, JobError> {
    let object = object(value, place)?;
    let key = match (present(object, "name"), present(object, "device")) {
        (Some(_), Some(_)) => {
            return Err(place
                .field("device")
                .flaw("is the old name of `name`, and both are given: keep one"));
        }
        (None, Some(_)) => "device",
        _ => "name",
    };
    let name = required_text(object, key, place)?;
    if NodeName::new(name).is_none() {
        return Err(place.field(key).flaw("must be 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    let class = DeviceClass::of(name);
    let path = match optional_text(object, "path", place)? {
        Some(path) => Some(DevicePath::parse(path).map_err(|why| place.field("path").flaw(why))?),
        None => None,
    };
    let content_type = optional_text(object, "content_type", place)?;
    Ok(Device {
        name: name.to_owned(),
        class,
        path,
        content_type: content_type.map(str::to_owned),
        meta: text_map(object, "meta", &place.field("meta"))?,
        mode: mode(object, &place.field("mode"))?.unwrap_or(class.default_mode()),
        min_size: min_size(object, &place.field("min_size"))?,
    })
}

fn mode(object: &Object, place: &Place) -> Result<Option<DeviceMode>, JobError> {
    let Some(value) = present(object, "mode") else { return Ok(None) };
    match value.as_str() {
        Some("file") => Ok(Some(DeviceMode::File)),
        Some("char") => Ok(Some(DeviceMode::Char)),
        Some("block") => Ok(Some(DeviceMode::Block)),
        Some("pipe") => Ok(Some(DeviceMode::Pipe)),
        _ => Err(place.flaw("must be \"file\", \"char\", \"block\" or \"pipe\"")),
    }
}

fn min_size(object: &Object, place: &Place) -> Result<u64, JobError> {
    match present(object, "min_size") {
        None => Ok(0),
        Some(value) => value.as_u64().ok_or_else(|| place.flaw("must be a number of bytes, 0 up")),
    }
}

fn count(object: &Object, place: &Place) -> Result<Option<u32>, JobError> {
    let Some(value) = present(object, "count") else { return Ok(None) };
    match value.as_u64().filter(|count| (1..=COUNT_MAX).contains(count)) {
        Some(count) => Ok(Some(count as u32)),
        None => {
            Err(place.field("count").flaw(format!("must be a whole number from 1 to {COUNT_MAX}")))
        }
    }
}

fn replicate(object: &Object, place: &Place) -> Result<Replicate, JobError> {
    let Some(value) = present(object, "replicate") else { return Ok(Replicate::ONE) };
    let flaw = || place.field("replicate").flaw("must be 1, 2 or 3");
    value.as_u64().and_then(Replicate::new).ok_or_else(flaw)
}

fn connect(object: &Object, place: &Place) -> Result<Vec<NodeName>, JobError> {
    let Some(value) = present(object, "connect") else { return Ok(Vec::new()) };
    let place = place.field("connect");
    let name = |(index, value): (usize, &Value)| {
        let place = place.index(index);
        NodeName::new(text(value, &place)?).ok_or_else(|| place.flaw("is no name of a node"))
    };
    array(value, &place)?.iter().enumerate().map(name).collect()
}

/// A field's value. What is `null` is as good as absent.
fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn required<'a>(object: &'a Object, name: &str, place: &Place) -> Result<&'a Value, JobError> {
    present(object, name).ok_or_else(|| place.field(name).flaw("is missing"))
}

fn required_text<'a>(object: &'a Object, name: &str, place: &Place) -> Result<&'a str, JobError> {
    let value = text(required(object, name, place)?, &place.field(name))?;
    if value.is_empty() { Err(place.field(name).flaw("is empty")) } else { Ok(value) }
}

fn optional_text<'a>(
    object: &'a Object,
    name: &str,
    place: &Place,
) -> Result<Option<&'a str>, JobError> {
    present(object, name).map(|_| required_text(object, name, place)).transpose()
}

fn text<'a>(value: &'a Value, place: &Place) -> Result<&'a str, JobError> {
    let text = value.as_str().ok_or_else(|| place.flaw("must be a string"))?;
    check_text(text, place)?;
    Ok(text)
}

fn check_text(text: &str, place: &Place) -> Result<(), JobError> {
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(place.flaw(format!("has the control character {c:?}, none is allowed"))),
        None => Ok(()),
    }
}

fn array<'a>(value: &'a Value, place: &Place) -> Result<&'a Vec<Value>, JobError> {
    value.as_array().ok_or_else(|| place.flaw("must be a list"))
}

fn object<'a>(value: &'a Value, place: &Place) -> Result<&'a Object, JobError> {
    value.as_object().ok_or_else(|| place.flaw("must be an object"))
}
