//! What is known of a container or an account beside its rows, and how requests change it: pure
//! decisions.
//!
//! Leaves out the table: see `broker`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::broker::encode;
use super::entry::Stats;
use crate::node::error::NodeError;
use crate::node::request::Parent;
use crate::swift::{Path, Timestamp};

/// Metadata items that one container or account may have, removed ones included. Swift allows 90.
const ITEMS_MAX: usize = 256;

/// A metadata item: the newer value counts, an empty one means that it was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    timestamp: Timestamp,
    value: String,
}

/// What is known of a container or an account beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct Info {
    pub(in crate::node) path: Path,
    pub(in crate::node) partition: u32,
    /// When it was last put.
    pub(in crate::node) put: Timestamp,
    /// When it was last deleted.
    pub(in crate::node) deleted: Timestamp,
    /// Later with each change, by this node's clock: orders its reports to the account.
    pub(in crate::node) counted: Timestamp,
    pub(in crate::node) stats: Stats,
    /// Who hears of its changes.
    pub(in crate::node) parents: Vec<Parent>,
    items: BTreeMap<String, Item>,
}

/// What a PUT did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) enum Created {
    /// It was not there.
    New,
    /// It was.
    Again,
}

impl Info {
    /// One that was never there.
    pub(super) const fn unborn(path: Path, partition: u32) -> Self {
        Self {
            path,
            partition,
            put: Timestamp::ZERO,
            deleted: Timestamp::ZERO,
            counted: Timestamp::ZERO,
            stats: Stats { rows: 0, objects: 0, bytes: 0 },
            parents: Vec::new(),
            items: BTreeMap::new(),
        }
    }

    /// Whether it is there. One that still has rows after its deletion is: the replica that took the deletion did not know of them.
    pub(in crate::node) fn is_live(&self) -> bool {
        self.put > self.deleted || self.stats.rows > 0
    }

    /// When it was deleted, if it was.
    pub(in crate::node) fn deleted_at(&self) -> Option<Timestamp> {
        (self.deleted > Timestamp::ZERO).then_some(self.deleted)
    }

    /// The metadata items that are there.
    pub(in crate::node) fn metadata(&self) -> impl Iterator<Item = (&String, &String)> {
        let there = self.items.iter().filter(|(_, item)| !item.value.is_empty());
        there.map(|(name, item)| (name, &item.value))
    }

    /// A PUT. One that is older than the last deletion is refused.
    pub(in crate::node) fn create(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
        parents: Vec<Parent>,
    ) -> Result<Created, NodeError> {
        if timestamp <= self.deleted {
            return Err(self.newer(self.deleted, timestamp));
        }
        let created = if self.is_live() { Created::Again } else { Created::New };
        self.put = self.put.max(timestamp);
        if !parents.is_empty() {
            self.parents = parents;
        }
        self.change_items(timestamp, metadata)?;
        Ok(created)
    }

    /// A POST.
    pub(in crate::node) fn post(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), NodeError> {
        self.must_live()?;
        self.change_items(timestamp, metadata)
    }

    /// A DELETE. Metadata does not outlive it.
    pub(in crate::node) fn delete(
        &mut self,
        timestamp: Timestamp,
        parents: Vec<Parent>,
    ) -> Result<(), NodeError> {
        self.must_live()?;
        if self.stats.rows > 0 {
            return Err(NodeError::NotEmpty { path: self.path.to_string() });
        }
        if timestamp <= self.put {
            return Err(self.newer(self.put, timestamp));
        }
        self.deleted = timestamp;
        self.items.clear();
        if !parents.is_empty() {
            self.parents = parents;
        }
        Ok(())
    }

    /// Says that it is not there, unless it is.
    pub(in crate::node) fn must_live(&self) -> Result<(), NodeError> {
        if self.is_live() {
            return Ok(());
        }
        Err(NodeError::NotFound { path: self.path.to_string(), deleted: self.deleted_at() })
    }

    /// Counts a row anew, at `now`.
    pub(super) fn count(&mut self, old: Stats, new: Stats) {
        self.stats = self.stats.with(old, new);
    }

    /// Takes in what another replica knows. `parents` hear of changes if nobody does yet.
    pub(super) fn take_in(&mut self, theirs: Self, parents: Vec<Parent>) {
        self.put = self.put.max(theirs.put);
        self.deleted = self.deleted.max(theirs.deleted);
        // What is reported after this counts more than what the other one, with fewer rows perhaps, reported.
        self.counted = self.counted.max(theirs.counted);
        for (name, item) in theirs.items {
            let newer = |old: &Item| (old.timestamp, &old.value) < (item.timestamp, &item.value);
            if self.items.get(&name).is_none_or(newer) {
                self.items.insert(name, item);
            }
        }
        // Metadata does not outlive a deletion.
        let deleted = self.deleted;
        self.items.retain(|_, item| item.timestamp > deleted);
        if self.parents.is_empty() {
            self.parents = parents;
        }
    }

    /// The number that replicas have in common if they know the same, but for rows.
    pub(super) fn digest(&self) -> u64 {
        xxh3_64(&encode(&(self.put, self.deleted, &self.items)))
    }

    /// Takes note that something changed at `now`.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.counted = self.counted.next().max(now);
    }

    fn change_items(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), NodeError> {
        for (name, value) in metadata {
            let item = Item { timestamp, value };
            let newer = self
                .items
                .get(&name)
                .is_none_or(|old| (old.timestamp, &old.value) < (item.timestamp, &item.value));
            if newer {
                self.items.insert(name, item);
            }
        }
        if self.items.len() > ITEMS_MAX {
            let (path, items) = (self.path.to_string(), self.items.len());
            let why = format!("it would have {items} metadata items, at most {ITEMS_MAX} are kept");
            return Err(NodeError::BadRequest { path, why });
        }
        Ok(())
    }

    fn newer(&self, has: Timestamp, wants: Timestamp) -> NodeError {
        NodeError::Newer { path: self.path.to_string(), has, wants }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

    fn at(seconds: u64) -> Timestamp {
        format!("{seconds}.00000").parse().unwrap()
    }

    fn items(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn unborn() -> Info {
        Info::unborn(decode_path("/a/c").unwrap(), 1)
    }

    #[test]
    fn a_put_after_a_deletion_makes_it_anew_and_one_before_is_refused() {
        let mut info = unborn();
        assert_eq!(info.create(at(1), items(&[("x", "1")]), vec![]).unwrap(), Created::New);
        assert_eq!(info.create(at(2), items(&[]), vec![]).unwrap(), Created::Again);
        info.delete(at(3), vec![]).unwrap();
        assert!(info.must_live().is_err());
        assert!(info.create(at(3), items(&[]), vec![]).is_err());
        assert_eq!(info.create(at(4), items(&[]), vec![]).unwrap(), Created::New);
        assert_eq!(info.metadata().count(), 0, "metadata does not outlive a deletion");
    }

    #[test]
    fn what_holds_rows_or_was_put_later_is_not_deleted() {
        let mut info = unborn();
        info.create(at(5), items(&[]), vec![]).unwrap();
        assert!(matches!(info.delete(at(5), vec![]), Err(NodeError::Newer { .. })));
        info.count(Stats::default(), Stats { rows: 1, objects: 1, bytes: 9 });
        assert!(matches!(info.delete(at(6), vec![]), Err(NodeError::NotEmpty { .. })));
    }

    #[test]
    fn metadata_that_comes_late_does_not_replace_newer() {
        let mut info = unborn();
        info.create(at(1), items(&[("x", "1"), ("y", "1")]), vec![]).unwrap();
        info.post(at(3), items(&[("x", "3"), ("y", "")])).unwrap();
        info.post(at(2), items(&[("x", "2"), ("y", "2")])).unwrap();
        let there: Vec<_> = info.metadata().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(there, [("x", "3")]);
    }
}
