//! Swift's limits on metadata, and the removal of items.
//!
//! Leaves out the limit on all items of a container over several requests, which its nodes keep.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::limits::{
    HEADER_VALUE_BYTES_MAX, META_BYTES_MAX, META_ITEMS_MAX, META_NAME_BYTES_MAX,
    META_VALUE_BYTES_MAX,
};

/// Violation of a limit on headers or metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataError {
    #[error("{header} is longer than {HEADER_VALUE_BYTES_MAX} bytes")]
    HeaderTooLong { header: HeaderName },
    #[error("{header} names no metadata item: put a name after it")]
    NoName { header: HeaderName },
    #[error("a metadata name has at most {META_NAME_BYTES_MAX} bytes: {header}")]
    NameTooLong { header: HeaderName },
    #[error("{header} is longer than {META_VALUE_BYTES_MAX} bytes")]
    ValueTooLong { header: HeaderName },
    #[error("{header} is not UTF-8")]
    NotUtf8 { header: HeaderName },
    #[error("{items} metadata items are too many: send at most {META_ITEMS_MAX}")]
    TooManyItems { items: usize },
    #[error("{bytes} bytes of metadata are too many: send at most {META_BYTES_MAX}")]
    TooManyBytes { bytes: usize },
}

/// Checks the lengths of headers, and metadata (headers that begin with `prefix`) against Swift's
/// limits.
pub(super) fn check(headers: &HeaderMap, prefix: &str) -> Result<(), MetadataError> {
    let (mut items, mut bytes) = (0, 0);
    for (header, value) in headers {
        if value.len() > HEADER_VALUE_BYTES_MAX {
            return Err(MetadataError::HeaderTooLong { header: header.clone() });
        }
        let Some(name) = header.as_str().strip_prefix(prefix) else { continue };
        if name.is_empty() {
            return Err(MetadataError::NoName { header: header.clone() });
        }
        if name.len() > META_NAME_BYTES_MAX {
            return Err(MetadataError::NameTooLong { header: header.clone() });
        }
        if value.len() > META_VALUE_BYTES_MAX {
            return Err(MetadataError::ValueTooLong { header: header.clone() });
        }
        if std::str::from_utf8(value.as_bytes()).is_err() {
            return Err(MetadataError::NotUtf8 { header: header.clone() });
        }
        items += 1;
        bytes += name.len() + value.len();
    }
    if items > META_ITEMS_MAX {
        return Err(MetadataError::TooManyItems { items });
    }
    if bytes > META_BYTES_MAX {
        return Err(MetadataError::TooManyBytes { bytes });
    }
    Ok(())
}

/// Items that `X-Remove-…` names, each with an empty value, which removes it. `prefix` is that of
/// their metadata.
pub(super) fn removed(headers: &HeaderMap, prefix: &str) -> HeaderMap {
    let mut removed = HeaderMap::new();
    for header in headers.keys() {
        let name = header.as_str().strip_prefix("x-remove-").map(|rest| format!("x-{rest}"));
        let name = name.filter(|name| name.len() > prefix.len() && name.starts_with(prefix));
        if let Some(name) = name.and_then(|name| HeaderName::try_from(name).ok()) {
            removed.insert(name, HeaderValue::from_static(""));
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "x-object-meta-";

    fn headers(items: impl IntoIterator<Item = (String, String)>) -> HeaderMap {
        let header = |(name, value): (String, String)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        };
        items.into_iter().map(header).collect()
    }

    fn item(name: &str, value: usize) -> (String, String) {
        (format!("{PREFIX}{name}"), "v".repeat(value))
    }

    #[test]
    fn metadata_is_taken_up_to_each_of_swifts_limits_and_no_further() {
        let taken = |items: Vec<(String, String)>| check(&headers(items), PREFIX).is_ok();
        let longest = "n".repeat(128);
        assert!(taken(vec![item(&longest, 256)]));
        assert!(!taken(vec![item(&format!("{longest}n"), 1)]));
        assert!(!taken(vec![item("n", 257)]));
        assert!(!taken(vec![item("", 1)]), "a name is needed");
        let many =
            |count: usize, value| (0..count).map(|n| item(&format!("{n:02}"), value)).collect();
        assert!(taken(many(90, 1)));
        assert!(!taken(many(91, 1)));
        assert!(taken(many(16, 254)), "4096 bytes");
        let mut more: Vec<_> = many(16, 254);
        more.push(item("a", 0));
        assert!(!taken(more), "4097 bytes");
        assert!(!taken(vec![("x-other".to_owned(), "v".repeat(8193))]));
    }

    #[test]
    fn what_is_to_be_removed_gets_an_empty_value() {
        let prefix = "x-container-meta-";
        let asked = headers([
            ("x-remove-container-meta-color".to_owned(), "x".to_owned()),
            ("x-remove-container-meta-".to_owned(), "x".to_owned()),
            ("x-remove-object-meta-color".to_owned(), "x".to_owned()),
        ]);
        let removed = removed(&asked, prefix);
        assert_eq!(removed.len(), 1);
        assert_eq!(removed["x-container-meta-color"], "");
    }
}
