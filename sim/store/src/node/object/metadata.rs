//! Metadata of an object, of a POST to it, and of its tombstone: the JSON at the end of each file.
//!
//! Leaves out the files themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::node::updater::ListingUpdate;
use crate::swift::{Timestamp, header};

/// Metadata that is stored with an object's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMetadata {
    /// `/account/container/object`, decoded.
    pub name: String,
    /// Time of the PUT.
    pub timestamp: Timestamp,
    /// Number of bytes.
    pub length: u64,
    /// MD5 of the bytes, in hexadecimal.
    pub etag: String,
    /// Content type.
    pub content_type: String,
    /// `x-object-meta-*` and the stored system headers, in lower case.
    pub headers: BTreeMap<String, String>,
}

impl ObjectMetadata {
    /// Update of the object's container for its PUT.
    pub(super) fn put_update(&self) -> ListingUpdate {
        let (etag, content_type) = (self.listed_etag(), self.content_type.clone());
        ListingUpdate::ObjectPut {
            timestamp: self.timestamp,
            size: self.length,
            etag,
            content_type,
        }
    }

    /// Update of the object's container for a POST at `typed` that names a content type.
    pub(super) fn content_type_update(
        &self,
        content_type: &str,
        typed: Timestamp,
    ) -> ListingUpdate {
        let content_type = match self.headers.get(header::X_SLO_SIZE.as_str()) {
            Some(bytes) => format!("{content_type};swift_bytes={bytes}"),
            None => content_type.to_owned(),
        };
        let (timestamp, size, etag) = (self.timestamp, self.length, self.listed_etag());
        ListingUpdate::ObjectType { timestamp, size, etag, content_type, typed }
    }

    /// ETag in listings: of a large object both ETags, as in Swift.
    fn listed_etag(&self) -> String {
        match self.slo_etag() {
            Some(large) => format!("{}; slo_etag={large}", self.etag),
            None => self.etag.clone(),
        }
    }

    /// ETag of the static large object of which this is the manifest, if it is one.
    pub(super) fn slo_etag(&self) -> Option<&str> {
        self.headers.get(header::X_SLO_ETAG.as_str()).map(String::as_str)
    }

    /// True if its `X-Delete-At` is not after `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        let at = self.headers.get(header::X_DELETE_AT.as_str());
        let at = at.and_then(|at| at.parse::<u64>().ok());
        at.is_some_and(|at| at <= now.unix_seconds())
    }

    /// Replaces the headers that a POST can set. Those that make it a large object stay.
    pub(super) fn apply(&mut self, posted: PostedMetadata) {
        let stays = |name: &String, _: &mut String| {
            name.starts_with(header::OBJECT_SYSMETA_PREFIX)
                || *name == header::X_STATIC_LARGE_OBJECT.as_str()
        };
        self.headers = self.headers.extract_if(.., stays).collect();
        self.headers.extend(posted.headers);
        if let Some(content_type) = posted.content_type {
            self.content_type = content_type;
        }
    }
}

/// Metadata of a POST: it replaces [`ObjectMetadata::headers`], and the content type if it names
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PostedMetadata {
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
}

/// Content of a tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tombstoned {
    /// `/account/container/object`, decoded.
    pub(super) name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(headers: &[(&str, &str)]) -> ObjectMetadata {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ObjectMetadata {
            name: "/a/c/o".to_owned(),
            timestamp: "5.0".parse().unwrap(),
            length: 3,
            etag: "e".to_owned(),
            content_type: "text/plain".to_owned(),
            headers: headers.iter().map(owned).collect(),
        }
    }

    #[test]
    fn an_object_expires_at_the_very_second_it_names() {
        let object = metadata(&[("x-delete-at", "100")]);
        assert!(!object.has_expired("99.99999".parse().unwrap()));
        assert!(object.has_expired("100.0".parse().unwrap()));
        assert!(!metadata(&[]).has_expired("100.0".parse().unwrap()));
        assert!(!metadata(&[("x-delete-at", "soon")]).has_expired("100.0".parse().unwrap()));
    }

    #[test]
    fn a_post_replaces_metadata_and_leaves_a_large_object_one() {
        let large = ("x-object-sysmeta-slo-etag", "s");
        let mut object =
            metadata(&[("x-object-meta-a", "1"), ("x-static-large-object", "True"), large]);
        let headers = BTreeMap::from([("x-object-meta-b".to_owned(), "2".to_owned())]);
        object.apply(PostedMetadata { headers, content_type: None });
        let names: Vec<&str> = object.headers.keys().map(String::as_str).collect();
        assert_eq!(names, ["x-object-meta-b", large.0, "x-static-large-object"]);
        assert_eq!(object.content_type, "text/plain", "none was named");
    }

    #[test]
    fn a_container_gets_both_etags_and_all_bytes_of_a_large_object() {
        let object =
            metadata(&[("x-object-sysmeta-slo-etag", "s"), ("x-object-sysmeta-slo-size", "700")]);
        let typed = "6.0".parse().unwrap();
        let update = object.content_type_update("text/x", typed);
        let expected = ListingUpdate::ObjectType {
            timestamp: object.timestamp,
            size: 3,
            etag: "e; slo_etag=s".to_owned(),
            content_type: "text/x;swift_bytes=700".to_owned(),
            typed,
        };
        assert_eq!(update, expected);
    }

    #[test]
    fn a_container_gets_the_object_as_it_was_put() {
        let plain = metadata(&[]).put_update();
        let expected = |etag: &str| ListingUpdate::ObjectPut {
            timestamp: "5.0".parse().unwrap(),
            size: 3,
            etag: etag.to_owned(),
            content_type: "text/plain".to_owned(),
        };
        assert_eq!(plain, expected("e"));
        let large = metadata(&[("x-object-sysmeta-slo-etag", "s")]).put_update();
        assert_eq!(large, expected("e; slo_etag=s"));
        let typed = "6.0".parse().unwrap();
        let update = metadata(&[]).content_type_update("text/x", typed);
        assert!(
            matches!(update, ListingUpdate::ObjectType { content_type, .. } if content_type == "text/x")
        );
    }

    #[test]
    fn a_post_that_names_a_content_type_sets_it_and_ends_an_expiry_that_it_does_not_repeat() {
        let mut object = metadata(&[("x-delete-at", "100"), ("x-object-meta-a", "1")]);
        let content_type = Some("text/x".to_owned());
        object.apply(PostedMetadata { headers: BTreeMap::new(), content_type });
        assert_eq!((object.content_type.as_str(), object.headers.len()), ("text/x", 0));
        assert!(!object.has_expired("101.0".parse().unwrap()));
    }

    #[test]
    fn metadata_of_files_written_before_content_types_were_posted_is_read() {
        let posted: PostedMetadata = serde_json::from_str("{\"headers\":{\"a\":\"b\"}}").unwrap();
        assert_eq!(posted.content_type, None);
        assert_eq!(serde_json::to_string(&posted).unwrap(), "{\"headers\":{\"a\":\"b\"}}");
        let object = metadata(&[("x-object-meta-a", "1")]);
        let text = serde_json::to_string(&object).unwrap();
        assert_eq!(serde_json::from_str::<ObjectMetadata>(&text).unwrap(), object);
    }
}
