//! The rules of the job language once more, as yes or no over plain JSON, without a word of the
//! parser's code.
//!
//! Written from the language's description, rule by rule; each function is one of them. Leaves out
//! reasons and places.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

type Object = Map<String, Value>;

/// True if this is a job by every rule that needs no store.
pub(super) fn is_job(value: &Value) -> bool {
    let Some(list) = value.as_array() else { return false };
    if !(1..=1000).contains(&list.len()) {
        return false;
    }
    let Some(nodes) = list.iter().map(Value::as_object).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let names: Vec<&str> = nodes.iter().filter_map(|node| given(node, "name")?.as_str()).collect();
    names.len() == nodes.len()
        && names.iter().all(|name| is_name(name))
        && are_distinct(&names)
        && nodes.iter().all(|node| is_node(node, &nodes))
}

/// Value of a field; one that is `null` is not given.
fn given<'a>(object: &'a Object, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

fn are_distinct(names: &[&str]) -> bool {
    names.iter().collect::<BTreeSet<_>>().len() == names.len()
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && ![".", ".."].contains(&text)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_printable(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// Absent, or a text that is not empty and has no control characters.
fn is_text_if_given(object: &Object, field: &str) -> bool {
    given(object, field).is_none_or(|value| {
        value.as_str().is_some_and(|text| !text.is_empty() && is_printable(text))
    })
}

fn is_number_if_given(object: &Object, field: &str, least: u64, most: u64) -> bool {
    given(object, field).is_none_or(|value| value.as_u64().is_some_and(|n| n >= least && n <= most))
}

/// Absent, or an object of printable texts, numbers and truth values.
fn is_map_if_given(object: &Object, field: &str) -> bool {
    let is_entry = |(name, value): (&String, &Value)| {
        is_printable(name)
            && match value {
                Value::String(text) => is_printable(text),
                Value::Number(_) | Value::Bool(_) => true,
                _ => false,
            }
    };
    given(object, field)
        .is_none_or(|value| value.as_object().is_some_and(|map| map.iter().all(is_entry)))
}

fn is_node(node: &Object, nodes: &[&Object]) -> bool {
    let Some(devices) = devices(node) else { return false };
    let names: Vec<&str> = devices.iter().filter_map(|device| device_name(device)).collect();
    let attach = given(node, "attach");
    given(node, "exec").and_then(Value::as_object).is_some_and(is_exec)
        && names.len() == devices.len()
        && are_distinct(&names)
        && devices.iter().all(|device| is_device(device, node, nodes))
        && is_number_if_given(node, "count", 1, 10_000)
        && is_number_if_given(node, "replicate", 1, 3)
        && is_text_if_given(node, "attach")
        && is_text_if_given(node, "location")
        && attach.is_none_or(|it| it.as_str().is_some_and(|it| names.contains(&it)))
        && wildcards_fit(node, &devices)
        && connections_fit(node, &devices, nodes)
}

fn devices(node: &Object) -> Option<Vec<&Object>> {
    let list = match (given(node, "devices"), given(node, "file_list")) {
        (None, None) => return Some(Vec::new()),
        (Some(list), None) | (None, Some(list)) => list.as_array()?,
        (Some(_), Some(_)) => return None,
    };
    list.iter().map(Value::as_object).collect()
}

fn device_name(device: &Object) -> Option<&str> {
    let name = match (given(device, "name"), given(device, "device")) {
        (Some(name), None) | (None, Some(name)) => name.as_str()?,
        _ => return None,
    };
    is_name(name).then_some(name)
}

fn is_exec(exec: &Object) -> bool {
    let args = match given(exec, "args") {
        None => true,
        Some(Value::String(line)) => is_printable(line) && is_shell_line(line),
        Some(Value::Array(words)) => {
            words.iter().all(|word| word.as_str().is_some_and(is_printable))
        }
        Some(_) => false,
    };
    let is_variable = |name: &String| !name.is_empty() && !name.contains('=');
    let env = given(exec, "env").and_then(Value::as_object);
    let path = given(exec, "path").and_then(Value::as_str);
    args && is_map_if_given(exec, "env")
        && env.is_none_or(|env| env.keys().all(is_variable))
        && is_text_if_given(exec, "name")
        && path.is_some_and(is_exec_path)
}

/// True if every quote is closed and no backslash is the last.
fn is_shell_line(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find(['\'', '"', '\\']) {
        let mark = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        let end = match mark {
            b'\\' => rest.chars().next().map(char::len_utf8),
            b'\'' => rest.find('\'').map(|end| end + 1),
            _ => end_of_double_quotes(rest),
        };
        let Some(end) = end else { return false };
        rest = &rest[end..];
    }
    true
}

fn end_of_double_quotes(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_exec_path(path: &str) -> bool {
    if path.starts_with("swift://") {
        return swift(path).is_some_and(|(names, stars)| names == 3 && stars == 0);
    }
    let (image, file) = match path.strip_prefix("file://") {
        Some(rest) => {
            rest.split_once(':').map_or((None, rest), |(image, file)| (Some(image), file))
        }
        None if path.contains("://") || path.starts_with('/') => return false,
        None => (None, path),
    };
    image.is_none_or(is_name)
        && is_printable(path)
        && !file.trim_start_matches('/').is_empty()
        && file.split('/').all(|name| name != "..")
}

/// Number of account, container and object that a path names, and of the `*` that are in the latter
/// two.
fn swift(path: &str) -> Option<(usize, usize)> {
    if !is_printable(path) {
        return None;
    }
    let mut parts = path.strip_prefix("swift://")?.splitn(3, '/');
    let (account, container) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
    let object = decoded(parts.next().unwrap_or(""))?;
    let is_one = |name: &str| (1..=256).contains(&name.len()) && !name.contains('/');
    let is_account = !account.contains('*') || parts.next().is_some();
    (is_one(&account) && is_one(&container) && is_account && object.len() <= 1024).then(|| {
        let stars = container.matches('*').count() + object.matches('*').count();
        (if object.is_empty() { 2 } else { 3 }, stars)
    })
}

fn decoded(name: &str) -> Option<String> {
    let mut pieces = name.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let digits =
            piece.get(..2).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().filter(|name| is_printable(name))
}

fn is_read(name: &str) -> bool {
    ["stdin", "input", "script"].contains(&name)
}

fn is_written(name: &str) -> bool {
    ["stdout", "stderr", "output"].contains(&name)
}

fn is_device(device: &Object, node: &Object, nodes: &[&Object]) -> bool {
    let name = device_name(device).unwrap_or_default();
    let modes = ["file", "char", "block", "pipe"];
    let path = given(device, "path");
    is_text_if_given(device, "content_type")
        && is_text_if_given(device, "path")
        && is_map_if_given(device, "meta")
        && is_number_if_given(device, "min_size", 0, u64::MAX)
        && given(device, "mode").is_none_or(|it| it.as_str().is_some_and(|it| modes.contains(&it)))
        && match path.and_then(Value::as_str) {
            None => path.is_none() && name != "debug",
            Some(path) => is_path_of(name, path, node, nodes),
        }
}

fn is_path_of(name: &str, path: &str, node: &Object, nodes: &[&Object]) -> bool {
    match name {
        "debug" => is_address(path),
        "image" => swift(path) == Some((3, 0)),
        _ if !is_read(name) && !is_written(name) => false,
        _ if path.starts_with("zvm://") => is_peer(name, path, node, nodes),
        _ => swift(path).is_some_and(|(names, _)| names == 3 || is_read(name)),
    }
}

fn is_address(path: &str) -> bool {
    let address = path.strip_prefix("tcp://").and_then(|rest| rest.rsplit_once(':'));
    address.is_some_and(|(host, port)| {
        let is_number = port.chars().all(|c| c.is_ascii_digit());
        is_number
            && !host.is_empty()
            && !host.contains('/')
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// The other end of a pipe from front to back. One that is not declared there is made.
fn is_peer(name: &str, path: &str, node: &Object, nodes: &[&Object]) -> bool {
    let Some((target, peer)) = pipe(path) else { return false };
    let name_of = |node: &Object| given(node, "name").and_then(Value::as_str).map(str::to_owned);
    let own = name_of(node).unwrap_or_default();
    let named = |node: &&&Object| name_of(node).as_deref() == Some(target);
    let Some(other) = nodes.iter().find(named) else { return false };
    let others = devices(other).unwrap_or_default();
    let declared = others.iter().find(|device| device_name(device) == Some(peer));
    let other_path = declared.and_then(|device| given(device, "path")).and_then(Value::as_str);
    let is_end = |name: &str| name == "stdin" || name == "stdout" || name == "stderr";
    let is_own = is_read(peer) || is_written(peer) || peer == "image" || peer == "debug";
    let flows = is_end(peer) && is_read(name) != is_read(peer);
    is_end(name)
        && own != target
        && (flows || (!is_own && declared.is_none()))
        && other_path.is_none_or(|path| pipe(path) == Some((own.as_str(), name)))
}

/// The node and the device that a `zvm://` path names.
fn pipe(path: &str) -> Option<(&str, &str)> {
    let parts = path.strip_prefix("zvm://").and_then(|rest| rest.split_once(":/dev/"));
    parts.filter(|(node, device)| is_name(node) && is_name(device))
}

/// The `*` of each readable device's object, of those that have some.
fn captures(devices: &[&Object]) -> Vec<usize> {
    let stars = |device: &&Object| {
        let name = device_name(device).filter(|name| is_read(name))?;
        let path = given(device, "path")?.as_str()?;
        let (_, stars) = swift(path).filter(|_| !name.is_empty())?;
        (stars > 0).then_some(stars)
    };
    devices.iter().filter_map(stars).collect()
}

fn wildcards_fit(node: &Object, devices: &[&Object]) -> bool {
    let captured = captures(devices);
    let several = given(node, "count").and_then(Value::as_u64).is_some_and(|count| count > 1);
    let fits = |device: &&Object| {
        let is_written = device_name(device).is_some_and(is_written);
        let path = given(device, "path").and_then(Value::as_str);
        let Some((_, stars)) = path.filter(|_| is_written).and_then(swift) else { return true };
        match captured.first() {
            Some(most) => (1..=*most).contains(&stars),
            None => stars > 0 || !several,
        }
    };
    captured.windows(2).all(|two| two[0] == two[1]) && devices.iter().all(fits)
}

fn connections_fit(node: &Object, devices: &[&Object], nodes: &[&Object]) -> bool {
    let Some(connect) = given(node, "connect") else { return true };
    let targets = connect.as_array().map(|list| list.iter().map(Value::as_str).collect());
    let Some(Some(targets)) =
        targets.map(|list: Vec<_>| list.into_iter().collect::<Option<Vec<_>>>())
    else {
        return false;
    };
    let name = |node: &Object| given(node, "name").and_then(Value::as_str).map(str::to_owned);
    let is_group = given(node, "count").is_some() || !captures(devices).is_empty();
    let exists = |target: &str| nodes.iter().any(|node| name(node).as_deref() == Some(target));
    let is_other = |target: &str| is_group || name(node).as_deref() != Some(target);
    are_distinct(&targets) && targets.iter().all(|target| exists(target) && is_other(target))
}
