//! A manifest as a client writes it: JSON that names segments, and what the client knows of them.
//!
//! Leaves out whether the segments are there: see `put`.

use serde_json::{Map, Value};

use super::manifest::path_of;
use crate::proxy::limits::MANIFEST_SEGMENTS_MAX;
use crate::proxy::object::ranges::{Wanted, parse};
use crate::swift::Path;

/// A segment that a client names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Its path in full.
    pub(super) path: Path,
    /// As the client named it.
    pub(super) name: String,
    pub(super) etag: Option<String>,
    pub(super) bytes: Option<u64>,
    /// As in a `Range` header, without `bytes=`.
    pub(super) range: Option<String>,
}

/// Why a manifest is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaws {
    /// It names too many segments.
    TooMany,
    /// A line for each flaw.
    Lines(String),
}

/// Reads a manifest for `manifest`, which it must not name.
pub(super) fn read(json: &[u8], manifest: &Path) -> Result<Vec<Spec>, Flaws> {
    let whole = |why: &str| Flaws::Lines(format!("{why}\n"));
    let parsed: Value =
        serde_json::from_slice(json).map_err(|_| whole("Manifest must be valid JSON."))?;
    let Value::Array(items) = parsed else { return Err(whole("Manifest must be a list.")) };
    if items.len() > MANIFEST_SEGMENTS_MAX {
        return Err(Flaws::TooMany);
    }
    let (mut specs, mut flaws) = (Vec::new(), String::new());
    for (index, item) in items.iter().enumerate() {
        match spec(item, index + 1 == items.len(), manifest) {
            Ok(spec) => specs.push(spec),
            Err(why) => flaws += &format!("Index {index}: {why}\n"),
        }
    }
    if flaws.is_empty() { Ok(specs) } else { Err(Flaws::Lines(flaws)) }
}

fn spec(item: &Value, is_last: bool, manifest: &Path) -> Result<Spec, String> {
    let item = item.as_object().ok_or("not a JSON object")?;
    check_keys(item)?;
    let name = item.get("path").and_then(Value::as_str).ok_or("\"path\" must be a string")?;
    let path = path_of(manifest, name).map_err(|bad| {
        format!("path does not refer to an object, it must be of the form /container/object: {bad}")
    })?;
    if path == *manifest {
        return Err("manifest must not include itself as a segment".to_owned());
    }
    let etag = match item.get("etag") {
        None | Some(Value::Null) => None,
        Some(Value::String(etag)) => Some(etag.clone()),
        Some(_) => return Err("\"etag\" must be a string or null (if provided)".to_owned()),
    };
    let bytes = match item.get("size_bytes") {
        None | Some(Value::Null) => None,
        Some(said) => Some(number(said).ok_or("invalid size_bytes")?),
    };
    if bytes == Some(0) && !is_last {
        return Err("too small; each segment must be at least 1 byte.".to_owned());
    }
    let range = match item.get("range") {
        None | Some(Value::Null) => None,
        Some(Value::String(range)) if range.is_empty() => None,
        Some(Value::String(range)) => Some(checked(range, bytes)?),
        Some(_) => return Err("invalid range".to_owned()),
    };
    Ok(Spec { path, name: name.to_owned(), etag, bytes, range })
}

fn check_keys(item: &Map<String, Value>) -> Result<(), String> {
    if !item.contains_key("path") {
        return Err("expected keys to include \"path\"".to_owned());
    }
    let known = ["path", "etag", "size_bytes", "range"];
    let strange: Vec<String> = item
        .keys()
        .filter(|key| !known.contains(&key.as_str()))
        .map(|key| Value::from(key.as_str()).to_string())
        .collect();
    if strange.is_empty() { Ok(()) } else { Err(format!("extraneous keys {}", strange.join(", "))) }
}

/// A number of bytes, which clients write as a number or in digits.
fn number(said: &Value) -> Option<u64> {
    match said {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// A range that is one, of a segment of so many bytes if the client knows how many.
fn checked(range: &str, bytes: Option<u64>) -> Result<String, String> {
    if range.contains(',') {
        return Err("multiple ranges (only one allowed)".to_owned());
    }
    match parse(&format!("bytes={range}"), bytes.unwrap_or(u64::MAX)) {
        Wanted::Whole => Err("invalid range".to_owned()),
        Wanted::Unsatisfiable => Err("unsatisfiable range".to_owned()),
        Wanted::Parts(_) => Ok(range.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manifest() -> Path {
        Path::object_of("AUTH_a", "c", "big").unwrap()
    }

    fn flaws(json: &str) -> String {
        match read(json.as_bytes(), &manifest()) {
            Err(Flaws::Lines(lines)) => lines,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_manifest_is_read_as_clients_write_it() {
        let json = r#"[{"path": "/s/1", "etag": null, "size_bytes": "12", "range": "1-3"},
            {"path": "s/a/2", "etag": "e", "size_bytes": 0}]"#;
        let specs = read(json.as_bytes(), &manifest()).unwrap();
        assert_eq!(specs[0].path, Path::object_of("AUTH_a", "s", "1").unwrap());
        assert_eq!((specs[0].bytes, specs[0].range.as_deref()), (Some(12), Some("1-3")));
        assert_eq!(specs[1].path.object(), Some("a/2"));
        assert_eq!(specs[1].etag.as_deref(), Some("e"));
    }

    #[test]
    fn each_flaw_is_named_with_its_segment() {
        assert_eq!(flaws("nonsense"), "Manifest must be valid JSON.\n");
        assert_eq!(flaws("{}"), "Manifest must be a list.\n");
        let json = r#"[1, {}, {"path": 1}, {"path": "/s"}, {"path": "/c/big"}, {"path": "/s/1", "x": 1},
            {"path": "/s/1", "etag": 1}, {"path": "/s/1", "size_bytes": -1},
            {"path": "/s/1", "size_bytes": 0}, {"path": "/s/1", "range": "a"},
            {"path": "/s/1", "range": "1-2,4-5"}, {"path": "/s/1", "size_bytes": 1, "range": "1-"},
            {"path": "/s/1"}, {"path": "//\u0000"}]"#;
        let flaws = flaws(json);
        let lines: Vec<&str> = flaws.lines().collect();
        assert_eq!(lines.len(), 13, "{flaws}");
        assert_eq!(lines[0], "Index 0: not a JSON object");
        assert_eq!(lines[4], "Index 4: manifest must not include itself as a segment");
        assert_eq!(lines[5], "Index 5: extraneous keys \"x\"");
        assert_eq!(lines[10], "Index 10: multiple ranges (only one allowed)");
        assert_eq!(lines[11], "Index 11: unsatisfiable range");
        assert!(lines[12].starts_with("Index 13: path does not refer to an object"));
    }

    #[test]
    fn a_manifest_of_too_many_segments_is_told_so() {
        let many = |count| format!("[{}]", vec![r#"{"path":"/s/1"}"#; count].join(","));
        assert!(read(many(1000).as_bytes(), &manifest()).is_ok());
        assert_eq!(read(many(1001).as_bytes(), &manifest()), Err(Flaws::TooMany));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(flaws(&deep), "Manifest must be valid JSON.\n");
    }

    proptest! {
        #[test]
        fn any_text_is_a_manifest_or_none(text in ".{0,200}", json in r#"[\[\]{}",:a-z0-9/-]{0,200}"#) {
            let _either = read(text.as_bytes(), &manifest());
            let _either = read(json.as_bytes(), &manifest());
        }
    }
}
