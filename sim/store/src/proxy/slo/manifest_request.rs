//! Manifest as a client writes it: JSON that names segments, and what the client knows of them.
//!
//! Leaves out checking the segments themselves: see `put`.

use serde_json::{Map, Value};

use super::manifest::path_of;
use crate::http::RangeSet;
use crate::proxy::error::ManifestError;
use crate::proxy::limits::MANIFEST_SEGMENTS_MAX;
use crate::swift::{BadName, Path};

/// Segment that a client names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentRequest {
    /// Full path.
    pub(super) path: Path,
    /// Name as the client wrote it.
    pub(super) name: String,
    pub(super) etag: Option<String>,
    pub(super) bytes: Option<u64>,
    /// Value of a `Range` header without `bytes=`.
    pub(super) range: Option<String>,
}

/// Flaw of a segment, as Swift words it.
#[derive(Debug, thiserror::Error)]
enum SegmentFlaw {
    #[error("not a JSON object")]
    NotAnObject,
    #[error("expected keys to include \"path\"")]
    NoPath,
    #[error("extraneous keys {keys}")]
    ExtraneousKeys { keys: String },
    #[error("\"path\" must be a string")]
    PathNotAString,
    #[error("path does not refer to an object, it must be of the form /container/object: {0}")]
    BadPath(#[from] BadName),
    #[error("manifest must not include itself as a segment")]
    Itself,
    #[error("\"etag\" must be a string or null (if provided)")]
    BadEtag,
    #[error("invalid size_bytes")]
    BadSize,
    #[error("too small; each segment must be at least 1 byte.")]
    TooSmall,
    #[error("invalid range")]
    BadRange,
    #[error("multiple ranges (only one allowed)")]
    MultipleRanges,
    #[error("unsatisfiable range")]
    UnsatisfiableRange,
}

/// Parses a manifest that is put to `manifest`, which it must not name itself.
pub(super) fn parse(json: &[u8], manifest: &Path) -> Result<Vec<SegmentRequest>, ManifestError> {
    let whole = |flaw: &str| ManifestError::Flaws { lines: flaw.to_owned() };
    let parsed: Value =
        serde_json::from_slice(json).map_err(|_| whole("Manifest must be valid JSON."))?;
    let Value::Array(items) = parsed else { return Err(whole("Manifest must be a list.")) };
    if items.len() > MANIFEST_SEGMENTS_MAX {
        return Err(ManifestError::TooManySegments);
    }
    let (mut segments, mut flaws) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        match segment(item, index + 1 == items.len(), manifest) {
            Ok(segment) => segments.push(segment),
            Err(flaw) => flaws.push(format!("Index {index}: {flaw}")),
        }
    }
    if flaws.is_empty() { Ok(segments) } else { Err(whole(&flaws.join("\n"))) }
}

fn segment(item: &Value, is_last: bool, manifest: &Path) -> Result<SegmentRequest, SegmentFlaw> {
    let item = item.as_object().ok_or(SegmentFlaw::NotAnObject)?;
    check_keys(item)?;
    let name = item.get("path").and_then(Value::as_str).ok_or(SegmentFlaw::PathNotAString)?;
    let path = path_of(manifest, name)?;
    if path == *manifest {
        return Err(SegmentFlaw::Itself);
    }
    let etag = match item.get("etag") {
        None | Some(Value::Null) => None,
        Some(Value::String(etag)) => Some(etag.clone()),
        Some(_) => return Err(SegmentFlaw::BadEtag),
    };
    let bytes = match item.get("size_bytes") {
        None | Some(Value::Null) => None,
        Some(given) => Some(number(given).ok_or(SegmentFlaw::BadSize)?),
    };
    if bytes == Some(0) && !is_last {
        return Err(SegmentFlaw::TooSmall);
    }
    let range = match item.get("range") {
        None | Some(Value::Null) => None,
        Some(Value::String(range)) if range.is_empty() => None,
        Some(Value::String(range)) => Some(checked(range, bytes)?),
        Some(_) => return Err(SegmentFlaw::BadRange),
    };
    Ok(SegmentRequest { path, name: name.to_owned(), etag, bytes, range })
}

fn check_keys(item: &Map<String, Value>) -> Result<(), SegmentFlaw> {
    if !item.contains_key("path") {
        return Err(SegmentFlaw::NoPath);
    }
    let known = ["path", "etag", "size_bytes", "range"];
    let extraneous: Vec<String> = item
        .keys()
        .filter(|key| !known.contains(&key.as_str()))
        .map(|key| Value::from(key.as_str()).to_string())
        .collect();
    if extraneous.is_empty() {
        return Ok(());
    }
    Err(SegmentFlaw::ExtraneousKeys { keys: extraneous.join(", ") })
}

/// Number of bytes, which clients write as a number or as a string of digits.
fn number(given: &Value) -> Option<u64> {
    match given {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// Checks a range of a segment of `bytes`, if the client knows its length.
fn checked(range: &str, bytes: Option<u64>) -> Result<String, SegmentFlaw> {
    if range.contains(',') {
        return Err(SegmentFlaw::MultipleRanges);
    }
    match RangeSet::parse(&format!("bytes={range}"), bytes.unwrap_or(u64::MAX)) {
        RangeSet::Whole => Err(SegmentFlaw::BadRange),
        RangeSet::Unsatisfiable => Err(SegmentFlaw::UnsatisfiableRange),
        RangeSet::Ranges(_) => Ok(range.to_owned()),
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
        match parse(json.as_bytes(), &manifest()) {
            Err(ManifestError::Flaws { lines }) => lines,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_manifest_is_read_as_clients_write_it() {
        let json = r#"[{"path": "/s/1", "etag": null, "size_bytes": "12", "range": "1-3"},
            {"path": "s/a/2", "etag": "e", "size_bytes": 0}]"#;
        let specs = parse(json.as_bytes(), &manifest()).unwrap();
        assert_eq!(specs[0].path, Path::object_of("AUTH_a", "s", "1").unwrap());
        assert_eq!((specs[0].bytes, specs[0].range.as_deref()), (Some(12), Some("1-3")));
        assert_eq!(specs[1].path.object(), Some("a/2"));
        assert_eq!(specs[1].etag.as_deref(), Some("e"));
    }

    #[test]
    fn each_flaw_is_named_with_its_segment() {
        assert_eq!(flaws("nonsense"), "Manifest must be valid JSON.");
        assert_eq!(flaws("{}"), "Manifest must be a list.");
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
    fn a_manifest_of_too_many_segments_is_refused() {
        let many = |count| format!("[{}]", vec![r#"{"path":"/s/1"}"#; count].join(","));
        assert!(parse(many(1000).as_bytes(), &manifest()).is_ok());
        let refused = parse(many(1001).as_bytes(), &manifest());
        assert!(matches!(refused, Err(ManifestError::TooManySegments)), "{refused:?}");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(flaws(&deep), "Manifest must be valid JSON.");
    }

    proptest! {
        #[test]
        fn any_text_is_a_manifest_or_none(text in ".{0,200}", json in r#"[\[\]{}",:a-z0-9/-]{0,200}"#) {
            let _either = parse(text.as_bytes(), &manifest());
            let _either = parse(json.as_bytes(), &manifest());
        }
    }
}
