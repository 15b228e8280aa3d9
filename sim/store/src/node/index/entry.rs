//! Rows of listings: their fields, their order of precedence, and their part in the counts.
//!
//! Merging is a maximum, so replicas that get the same changes in any order, and some of them
//! twice, agree.
//!
//! Leaves out keys of rows, and their form in answers.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::swift::Timestamp;
use crate::swift::date::iso_date;

/// Counts of a container or an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Number of rows that are not deleted.
    pub(crate) rows: u64,
    /// Number of objects under it.
    pub(crate) objects: u64,
    /// Bytes of these objects.
    pub(crate) bytes: u64,
}

impl Stats {
    /// Counts with a row's `old` part replaced by its `new` one.
    pub(super) const fn with(self, old: Self, new: Self) -> Self {
        Self {
            rows: self.rows.saturating_add(new.rows).saturating_sub(old.rows),
            objects: self.objects.saturating_add(new.objects).saturating_sub(old.objects),
            bytes: self.bytes.saturating_add(new.bytes).saturating_sub(old.bytes),
        }
    }
}

/// Row of a listing.
pub(crate) trait Entry: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Letter of its kind of listing in the table's keys.
    const LETTER: char;
    /// Merges two rows of one name: the newer parts of both.
    fn merge(self, other: Self) -> Self;
    /// True if it is listed, and not deleted.
    fn is_live(&self) -> bool;
    /// Its part in the counts.
    fn stats(&self) -> Stats;
    /// Its fields beside its name, in the order of Swift's listings.
    fn fields(&self) -> Vec<(&'static str, Field)>;
}

/// Value of a row's field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Field {
    Number(u64),
    Text(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Row of an object in a container's listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectEntry {
    pub(crate) timestamp: Timestamp,
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) content_type: String,
    pub(crate) deleted: bool,
    /// Time of the POST that gave it its content type, if one did after it was put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type_at: Option<Timestamp>,
}

impl ObjectEntry {
    /// Row of a deleted object.
    pub(crate) const fn tombstone(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            etag: String::new(),
            size: 0,
            content_type: String::new(),
            deleted: true,
            content_type_at: None,
        }
    }

    /// Order of precedence: by time, then by ETag, of which a deletion has none.
    fn precedence(&self) -> (Timestamp, &str, u64, bool) {
        (self.timestamp, &self.etag, self.size, self.deleted)
    }

    /// Time of its content type.
    fn content_type_since(&self) -> Timestamp {
        self.content_type_at.unwrap_or(self.timestamp)
    }
}

impl Entry for ObjectEntry {
    const LETTER: char = 'c';

    /// The newest object has the newest content type: as on the object's own node, where metadata
    /// that was posted for an older one waits.
    fn merge(self, other: Self) -> Self {
        let typed = |entry: &Self| (entry.content_type_since(), entry.content_type.clone());
        let (since, content_type) = typed(&self).max(typed(&other));
        let newest = if self.precedence() >= other.precedence() { self } else { other };
        let content_type_at = Some(since).filter(|since| *since != newest.timestamp);
        Self { content_type, content_type_at, ..newest }
    }

    fn is_live(&self) -> bool {
        !self.deleted
    }

    fn stats(&self) -> Stats {
        if self.deleted {
            return Stats::default();
        }
        Stats { rows: 1, objects: 1, bytes: self.size }
    }

    /// A large object has the bytes of all its segments here, although only those of its manifest
    /// count.
    fn fields(&self) -> Vec<(&'static str, Field)> {
        let (content_type, bytes) = match split_parameter(&self.content_type, "swift_bytes") {
            Some((content_type, bytes)) => (content_type, bytes.parse().ok()),
            None => (self.content_type.as_str(), None),
        };
        let (etag, large) = match split_parameter(&self.etag, "slo_etag") {
            Some((etag, large)) => (etag, Some(large)),
            None => (self.etag.as_str(), None),
        };
        let mut fields = vec![
            ("hash", Field::Text(etag.to_owned())),
            ("bytes", Field::Number(bytes.unwrap_or(self.size))),
            ("content_type", Field::Text(content_type.to_owned())),
            ("last_modified", Field::Text(iso_date(self.content_type_since()))),
        ];
        fields.extend(large.map(|large| ("slo_etag", Field::Text(format!("\"{large}\"")))));
        fields
    }
}

/// Value before a last parameter, and the parameter's value: of `text/plain;swift_bytes=7` with
/// `swift_bytes`, `text/plain` and `7`.
fn split_parameter<'a>(value: &'a str, parameter: &str) -> Option<(&'a str, &'a str)> {
    let (before, last) = value.rsplit_once(';')?;
    let (name, argument) = last.trim().split_once('=')?;
    (name == parameter).then_some((before.trim_end(), argument))
}

/// Row of a container in an account's listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContainerEntry {
    /// Time of its last PUT.
    pub(crate) put: Timestamp,
    /// Time of its last deletion.
    pub(crate) deleted: Timestamp,
    /// Time of the container server's counts.
    pub(crate) counted: Timestamp,
    /// Number of its objects then.
    pub(crate) objects: u64,
    /// Its bytes then.
    pub(crate) bytes: u64,
}

impl Entry for ContainerEntry {
    const LETTER: char = 'a';

    fn merge(self, other: Self) -> Self {
        let counts = |entry: &Self| (entry.counted, entry.objects, entry.bytes);
        let (counted, objects, bytes) = counts(&self).max(counts(&other));
        let put = self.put.max(other.put);
        Self { put, deleted: self.deleted.max(other.deleted), counted, objects, bytes }
    }

    /// A container with objects is live after its deletion too, as on its own server.
    fn is_live(&self) -> bool {
        self.put > self.deleted || self.objects > 0
    }

    fn stats(&self) -> Stats {
        if !self.is_live() {
            return Stats::default();
        }
        Stats { rows: 1, objects: self.objects, bytes: self.bytes }
    }

    fn fields(&self) -> Vec<(&'static str, Field)> {
        vec![
            ("count", Field::Number(self.objects)),
            ("bytes", Field::Number(self.bytes)),
            ("last_modified", Field::Text(iso_date(self.put))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_large_object_is_listed_with_all_its_bytes_and_both_etags() {
        let entry = ObjectEntry {
            timestamp: tick(1),
            etag: "m; slo_etag=l".to_owned(),
            size: 9,
            content_type: "text/plain;charset=utf-8;swift_bytes=700".to_owned(),
            deleted: false,
            content_type_at: None,
        };
        let fields: Vec<_> =
            entry.fields().iter().map(|(name, field)| format!("{name}={field}")).collect();
        let expected = ["hash=m", "bytes=700", "content_type=text/plain;charset=utf-8"];
        assert_eq!(fields[..3], expected);
        assert_eq!(fields[4], "slo_etag=\"l\"");
        assert_eq!(entry.stats().bytes, 9);
    }

    #[test]
    fn a_content_type_that_was_posted_stays_until_a_newer_object_comes() {
        let put = |ticks, content_type: &str| ObjectEntry {
            timestamp: tick(ticks),
            etag: "e".to_owned(),
            size: 9,
            content_type: content_type.to_owned(),
            deleted: false,
            content_type_at: None,
        };
        let posted = ObjectEntry { content_type_at: Some(tick(2)), ..put(1, "posted") };
        let merged = put(1, "put").merge(posted.clone());
        assert_eq!(
            (merged.content_type.as_str(), merged.content_type_since()),
            ("posted", tick(2))
        );
        let newer = merged.clone().merge(put(3, "newer"));
        assert_eq!(newer, put(3, "newer"));
        assert!(!merged.merge(ObjectEntry::tombstone(tick(2))).is_live());
        let json = serde_json::to_string(&put(1, "put")).unwrap();
        assert!(!json.contains("content_type_at"), "rows are as they were: {json}");
    }

    fn tick(ticks: u64) -> Timestamp {
        (0..ticks).fold(Timestamp::ZERO, |timestamp, _| timestamp.next())
    }

    fn any_object() -> impl Strategy<Value = ObjectEntry> {
        (0_u64..3, "[ab]{0,2}", 0_u64..3, 0_u64..3, "[xy]").prop_map(
            |(ticks, etag, size, later, content_type)| {
                if etag.is_empty() {
                    return ObjectEntry::tombstone(tick(ticks));
                }
                let (timestamp, deleted) = (tick(ticks), false);
                let content_type_at = (later > 0).then(|| tick(ticks + later));
                ObjectEntry { timestamp, etag, size, content_type, deleted, content_type_at }
            },
        )
    }

    fn any_container() -> impl Strategy<Value = ContainerEntry> {
        [0_u64..3, 0..3, 0..3, 0..3, 0..3].prop_map(|[put, deleted, counted, objects, bytes]| {
            let (put, deleted, counted) = (tick(put), tick(deleted), tick(counted));
            ContainerEntry { put, deleted, counted, objects, bytes }
        })
    }

    fn order_and_repetition_do_not_matter<E: Entry + std::fmt::Debug>(a: E, b: E, c: E) {
        let (ab, ba) = (a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        assert_eq!(ab, ba);
        assert_eq!(ab.clone().merge(c.clone()), a.clone().merge(b.merge(c)));
        assert_eq!(ab.clone().merge(a), ab);
    }

    proptest! {
        #[test]
        fn rows_of_objects_merge_in_any_order(
            a in any_object(), b in any_object(), c in any_object(),
        ) {
            order_and_repetition_do_not_matter(a, b, c);
        }

        #[test]
        fn rows_of_containers_merge_in_any_order(
            a in any_container(), b in any_container(), c in any_container(),
        ) {
            order_and_repetition_do_not_matter(a, b, c);
        }
    }

    proptest! {
        #[test]
        fn counts_that_follow_each_change_are_those_of_counting_anew(
            changes in prop::collection::vec(("[a-d]", any_object()), 0..40),
        ) {
            let mut rows = std::collections::BTreeMap::<String, ObjectEntry>::new();
            let mut stats = Stats::default();
            for (name, change) in changes {
                let old = rows.get(&name).cloned();
                let new = old.clone().map_or(change.clone(), |old| old.merge(change));
                stats = stats.with(old.map(|old| old.stats()).unwrap_or_default(), new.stats());
                rows.insert(name, new);
                let live = rows.values().filter(|row| row.is_live());
                let bytes = live.clone().map(|row| row.size).sum();
                let objects = live.count() as u64;
                prop_assert_eq!(stats, Stats { rows: objects, objects, bytes });
            }
        }
    }

    #[test]
    fn a_parameter_is_split_off_only_from_the_end_and_by_its_whole_name() {
        let split = |value| split_parameter(value, "swift_bytes");
        assert_eq!(split("text/plain;swift_bytes=7"), Some(("text/plain", "7")));
        assert_eq!(split("a;b=c ; swift_bytes=7"), Some(("a;b=c", "7")));
        for value in
            ["", "swift_bytes=7", "a;swift_bytes", "a;swift_bytes=7;b=c", "a;xswift_bytes=7"]
        {
            assert_eq!(split(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_container_is_listed_while_it_is_put_or_has_objects() {
        let row = |put, deleted, objects| ContainerEntry {
            put: tick(put),
            deleted: tick(deleted),
            counted: tick(9),
            objects,
            bytes: 7 * objects,
        };
        let live = [row(2, 1, 0), row(1, 2, 1), row(2, 0, 3)];
        let gone = [row(1, 2, 0), row(2, 2, 0), row(0, 0, 0)];
        for row in live {
            let (objects, bytes) = (row.objects, row.bytes);
            assert_eq!((row.is_live(), row.stats()), (true, Stats { rows: 1, objects, bytes }));
        }
        for row in gone {
            assert_eq!((row.is_live(), row.stats()), (false, Stats::default()), "{row:?}");
        }
    }
}
