//! What a row of a listing says, and which of two rows of one name counts.
//!
//! Merging is a maximum, so replicas that hear the same changes in any order, and some of them
//! twice, agree.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::node::date::iso_date;
use crate::swift::Timestamp;

/// What a container or an account counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct Stats {
    /// Rows that are not deleted.
    pub(in crate::node) rows: u64,
    /// Objects under it.
    pub(in crate::node) objects: u64,
    /// Bytes of these.
    pub(in crate::node) bytes: u64,
}

impl Stats {
    /// These with `old` taken out and `new` put in.
    pub(super) const fn with(self, old: Self, new: Self) -> Self {
        Self {
            rows: self.rows.saturating_add(new.rows).saturating_sub(old.rows),
            objects: self.objects.saturating_add(new.objects).saturating_sub(old.objects),
            bytes: self.bytes.saturating_add(new.bytes).saturating_sub(old.bytes),
        }
    }
}

/// A row of a listing.
pub(in crate::node) trait Entry:
    Clone + PartialEq + Serialize + DeserializeOwned
{
    /// The letter of its kind of listing in the table's keys.
    const LETTER: char;
    /// What counts of two rows of one name.
    fn merge(self, other: Self) -> Self;
    /// Whether it is listed.
    fn is_live(&self) -> bool;
    /// What it adds to the counts.
    fn stats(&self) -> Stats;
    /// As a listing in JSON has it.
    fn to_json(&self, name: &str) -> serde_json::Value;
}

/// An object in a container's listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::node) struct ObjectEntry {
    // The order of the fields is the order of precedence: the newer, then the larger ETag. A
    // deletion has none.
    pub(in crate::node) timestamp: Timestamp,
    pub(in crate::node) etag: String,
    pub(in crate::node) size: u64,
    pub(in crate::node) content_type: String,
    pub(in crate::node) deleted: bool,
}

impl ObjectEntry {
    /// A deleted object.
    pub(in crate::node) const fn tombstone(timestamp: Timestamp) -> Self {
        Self { timestamp, etag: String::new(), size: 0, content_type: String::new(), deleted: true }
    }
}

impl Entry for ObjectEntry {
    const LETTER: char = 'c';

    fn merge(self, other: Self) -> Self {
        self.max(other)
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

    fn to_json(&self, name: &str) -> serde_json::Value {
        serde_json::json!({
            "name": name,
            "hash": self.etag,
            "bytes": self.size,
            "content_type": self.content_type,
            "last_modified": iso_date(self.timestamp),
        })
    }
}

/// A container in an account's listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct ContainerEntry {
    /// When it was made.
    pub(in crate::node) put: Timestamp,
    /// When it was deleted.
    pub(in crate::node) deleted: Timestamp,
    /// When the container server counted.
    pub(in crate::node) counted: Timestamp,
    /// Its objects then.
    pub(in crate::node) objects: u64,
    /// Its bytes then.
    pub(in crate::node) bytes: u64,
}

impl Entry for ContainerEntry {
    const LETTER: char = 'a';

    fn merge(self, other: Self) -> Self {
        let counts = |entry: &Self| (entry.counted, entry.objects, entry.bytes);
        let (counted, objects, bytes) = counts(&self).max(counts(&other));
        let put = self.put.max(other.put);
        Self { put, deleted: self.deleted.max(other.deleted), counted, objects, bytes }
    }

    fn is_live(&self) -> bool {
        self.put > self.deleted
    }

    fn stats(&self) -> Stats {
        if !self.is_live() {
            return Stats::default();
        }
        Stats { rows: 1, objects: self.objects, bytes: self.bytes }
    }

    fn to_json(&self, name: &str) -> serde_json::Value {
        serde_json::json!({
            "name": name,
            "count": self.objects,
            "bytes": self.bytes,
            "last_modified": iso_date(self.put),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tick(ticks: u64) -> Timestamp {
        (0..ticks).fold(Timestamp::ZERO, |timestamp, _| timestamp.next())
    }

    fn any_object() -> impl Strategy<Value = ObjectEntry> {
        (0_u64..3, "[ab]{0,2}", 0_u64..3).prop_map(|(ticks, etag, size)| {
            if etag.is_empty() {
                return ObjectEntry::tombstone(tick(ticks));
            }
            let (timestamp, content_type) = (tick(ticks), "text/plain".to_owned());
            ObjectEntry { timestamp, etag, size, content_type, deleted: false }
        })
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
}
