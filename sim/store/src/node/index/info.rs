//! Record of a container or an account beside its rows, and its changes by requests: pure
//! decisions.
//!
//! Leaves out the table, which is `broker`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::entry::Stats;
use super::table::encode;
use crate::node::protocol::ParentServer;
use crate::node::storage::{NodeError, RequestFlaw};
use crate::swift::{Path, Timestamp};

/// Most metadata items of a container or account, removed ones included. Swift allows 90.
const ITEMS_MAX: usize = 256;

/// Metadata item: the newer value counts, and an empty one stands for a removed item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MetadataItem {
    timestamp: Timestamp,
    value: String,
}

/// Record of a container or an account beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListingInfo {
    pub(crate) path: Path,
    pub(crate) partition: u32,
    /// Time of its last PUT.
    pub(crate) put: Timestamp,
    /// Time of its last deletion.
    pub(crate) deleted: Timestamp,
    /// Time of its newest counts, by this node's clock: orders them for the account.
    pub(crate) counted: Timestamp,
    pub(crate) stats: Stats,
    /// Account servers that get its counts.
    pub(crate) parents: Vec<ParentServer>,
    items: BTreeMap<String, MetadataItem>,
}

/// Outcome of a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// A new container or account.
    New,
    /// One that was there already.
    Again,
}

impl ListingInfo {
    /// Record of one that was never put.
    pub(super) const fn never_put(path: Path, partition: u32) -> Self {
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

    /// True if it is there. One that still has rows after its deletion is: the replica that took
    /// the deletion did not have them.
    pub(crate) fn is_live(&self) -> bool {
        self.put > self.deleted || self.stats.rows > 0
    }

    /// Time of its deletion, if it was ever deleted.
    pub(crate) fn deleted_at(&self) -> Option<Timestamp> {
        (self.deleted > Timestamp::ZERO).then_some(self.deleted)
    }

    /// Metadata items that are not removed.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (&String, &String)> {
        let there = self.items.iter().filter(|(_, item)| !item.value.is_empty());
        there.map(|(name, item)| (name, &item.value))
    }

    /// Applies a PUT. One that is older than the last deletion is refused.
    pub(crate) fn create(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
        parents: Vec<ParentServer>,
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

    /// Applies a POST.
    pub(crate) fn post(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), NodeError> {
        self.require_live()?;
        self.change_items(timestamp, metadata)
    }

    /// Applies a DELETE. Metadata does not outlive it.
    pub(crate) fn delete(
        &mut self,
        timestamp: Timestamp,
        parents: Vec<ParentServer>,
    ) -> Result<(), NodeError> {
        self.require_live()?;
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

    /// Fails with [`NodeError::NotFound`] unless it is there.
    pub(crate) fn require_live(&self) -> Result<(), NodeError> {
        if self.is_live() {
            return Ok(());
        }
        Err(NodeError::NotFound { path: self.path.to_string(), deleted: self.deleted_at() })
    }

    /// Replaces a row's part in the counts.
    pub(super) fn count(&mut self, old: Stats, new: Stats) {
        self.stats = self.stats.with(old, new);
    }

    /// Merges another replica's record. `parents` get its counts if no server does yet.
    pub(super) fn merge(&mut self, theirs: Self, parents: Vec<ParentServer>) {
        self.put = self.put.max(theirs.put);
        self.deleted = self.deleted.max(theirs.deleted);
        // Counts sent after this outdate those of the other replica, which has fewer rows perhaps.
        self.counted = self.counted.max(theirs.counted);
        for (name, item) in theirs.items {
            self.merge_item(name, item);
        }
        // Metadata does not outlive a deletion.
        let deleted = self.deleted;
        self.items.retain(|_, item| item.timestamp > deleted);
        if self.parents.is_empty() {
            self.parents = parents;
        }
    }

    /// Digest of timestamps and metadata: equal on replicas with equal ones.
    pub(super) fn digest(&self) -> u64 {
        xxh3_64(&encode(&(self.put, self.deleted, &self.items)))
    }

    /// Moves the time of its counts on, to `now` or later.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.counted = self.counted.next().max(now);
    }

    fn change_items(
        &mut self,
        timestamp: Timestamp,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), NodeError> {
        for (name, value) in metadata {
            self.merge_item(name, MetadataItem { timestamp, value });
        }
        if self.items.len() > ITEMS_MAX {
            let flaw = RequestFlaw::MetadataItems { items: self.items.len(), max: ITEMS_MAX };
            return Err(flaw.of(&self.path));
        }
        Ok(())
    }

    fn merge_item(&mut self, name: String, item: MetadataItem) {
        let newer =
            |old: &MetadataItem| (old.timestamp, &old.value) < (item.timestamp, &item.value);
        if self.items.get(&name).is_none_or(newer) {
            self.items.insert(name, item);
        }
    }

    fn newer(&self, has: Timestamp, wants: Timestamp) -> NodeError {
        NodeError::Newer { path: self.path.to_string(), has, wants }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::swift::decode_path;

    fn at(seconds: u64) -> Timestamp {
        format!("{seconds}.00000").parse().unwrap()
    }

    fn items(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn never_put() -> ListingInfo {
        ListingInfo::never_put(decode_path("/a/c").unwrap(), 1)
    }

    #[test]
    fn a_put_after_a_deletion_makes_it_anew_and_one_before_is_refused() {
        let mut info = never_put();
        assert_eq!(info.create(at(1), items(&[("x", "1")]), vec![]).unwrap(), Created::New);
        assert_eq!(info.create(at(2), items(&[]), vec![]).unwrap(), Created::Again);
        info.delete(at(3), vec![]).unwrap();
        assert!(info.require_live().is_err());
        assert!(info.create(at(3), items(&[]), vec![]).is_err());
        assert_eq!(info.create(at(4), items(&[]), vec![]).unwrap(), Created::New);
        assert_eq!(info.metadata().count(), 0, "metadata does not outlive a deletion");
    }

    #[test]
    fn what_holds_rows_or_was_put_later_is_not_deleted() {
        let mut info = never_put();
        info.create(at(5), items(&[]), vec![]).unwrap();
        assert!(matches!(info.delete(at(5), vec![]), Err(NodeError::Newer { .. })));
        info.count(Stats::default(), Stats { rows: 1, objects: 1, bytes: 9 });
        assert!(matches!(info.delete(at(6), vec![]), Err(NodeError::NotEmpty { .. })));
    }

    #[test]
    fn metadata_that_comes_late_does_not_replace_newer() {
        let mut info = never_put();
        info.create(at(1), items(&[("x", "1"), ("y", "1")]), vec![]).unwrap();
        info.post(at(3), items(&[("x", "3"), ("y", "")])).unwrap();
        info.post(at(2), items(&[("x", "2"), ("y", "2")])).unwrap();
        let there: Vec<_> = info.metadata().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(there, [("x", "3")]);
    }

    /// Request to a container: its time in seconds and what it wants.
    #[derive(Clone, Debug)]
    enum Asked {
        Create(u64, BTreeMap<String, String>),
        Post(u64, BTreeMap<String, String>),
        Delete(u64),
    }

    fn any_request() -> impl Strategy<Value = Asked> {
        let items = || btree_map("[xyz]", "[a-c]{0,1}", 0..3);
        let seconds = || 1_u64..9;
        prop_oneof![
            (seconds(), items()).prop_map(|(at, items)| Asked::Create(at, items)),
            (seconds(), items()).prop_map(|(at, items)| Asked::Post(at, items)),
            seconds().prop_map(Asked::Delete),
        ]
    }

    /// A replica that got these requests; those that it refuses leave it as it is.
    fn replica(requests: &[Asked]) -> ListingInfo {
        let mut info = never_put();
        for request in requests {
            let before = info.clone();
            let done = match request.clone() {
                Asked::Create(seconds, items) => info.create(at(seconds), items, vec![]).map(drop),
                Asked::Post(seconds, items) => info.post(at(seconds), items),
                Asked::Delete(seconds) => info.delete(at(seconds), vec![]),
            };
            assert!(
                done.is_ok() || info == before,
                "{request:?} is refused and changes {before:?}"
            );
        }
        info
    }

    fn merged(mut ours: ListingInfo, theirs: &ListingInfo) -> ListingInfo {
        ours.merge(theirs.clone(), vec![]);
        ours
    }

    proptest! {
        #[test]
        fn replicas_that_merge_agree_whatever_requests_each_of_them_got(
            ours in vec(any_request(), 0..8),
            theirs in vec(any_request(), 0..8),
            third in vec(any_request(), 0..8),
        ) {
            let (a, b, c) = (replica(&ours), replica(&theirs), replica(&third));
            let ab = merged(a.clone(), &b);
            prop_assert_eq!(ab.digest(), merged(b.clone(), &a).digest());
            prop_assert_eq!(ab.is_live(), merged(b.clone(), &a).is_live());
            let bc = merged(b.clone(), &c);
            prop_assert_eq!(merged(ab.clone(), &c).digest(), merged(a.clone(), &bc).digest());
            prop_assert_eq!(merged(ab.clone(), &a).digest(), ab.digest(), "once more changes nothing");
        }

        #[test]
        fn no_metadata_is_older_than_the_last_deletion(
            ours in vec(any_request(), 0..12), theirs in vec(any_request(), 0..12),
        ) {
            let info = merged(replica(&ours), &replica(&theirs));
            let deleted = info.deleted;
            prop_assert!(info.items.values().all(|item| item.timestamp > deleted), "{info:?}");
            prop_assert!(info.metadata().all(|(_, value)| !value.is_empty()));
        }
    }

    #[test]
    fn a_container_has_no_more_items_than_the_bound() {
        let many = |count: usize| {
            (0..count).map(|number| (format!("x{number}"), "v".to_owned())).collect()
        };
        assert!(never_put().create(at(1), many(ITEMS_MAX), vec![]).is_ok());
        let refused = never_put().create(at(1), many(ITEMS_MAX + 1), vec![]).unwrap_err();
        assert!(refused.to_string().contains("257"), "{refused}");
    }

    #[test]
    fn the_servers_above_are_those_of_the_last_request_that_names_any() {
        let server = |device: &str| ParentServer {
            host: "10.0.0.1:6202".parse().unwrap(),
            device: device.to_owned(),
            partition: 3,
        };
        let mut info = never_put();
        info.create(at(1), items(&[]), vec![server("d1")]).unwrap();
        info.create(at(2), items(&[]), vec![]).unwrap();
        assert_eq!(info.parents, [server("d1")]);
        info.create(at(3), items(&[]), vec![server("d2")]).unwrap();
        info.merge(never_put(), vec![server("d3")]);
        assert_eq!(info.parents, [server("d2")], "it knows its own");
        let mut unknowing = never_put();
        unknowing.merge(info, vec![server("d3")]);
        assert_eq!(unknowing.parents, [server("d3")]);
    }

    #[test]
    fn the_time_of_counts_never_stands_still_and_never_goes_back() {
        let mut info = never_put();
        let mut before = info.counted;
        for now in [5, 5, 3, 9, 9] {
            info.touch(at(now));
            assert!(info.counted > before && info.counted >= at(now));
            before = info.counted;
        }
        let mut newer = never_put();
        newer.touch(at(20));
        info.merge(newer, vec![]);
        assert_eq!(info.counted, at(20));
    }
}
