//! PartitionDigests of partitions, which replicas compare: equal on replicas with equal changes of
//! objects.
//!
//! A digest is the exclusive or of a hash for each object, so that a change costs no more than two
//! hashes. It is kept in memory: after a start, or when a change went wrong half-way, the partition
//! is counted anew from the disk.
//!
//! Leaves out reading the disk, which is `inventory`'s.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::{Mutex, MutexGuard};
use xxhash_rust::xxh3::xxh3_64;

use super::files::ObjectFiles;
use crate::node::storage::{NameHash, PerDevice};

/// PartitionDigests of all devices.
pub(super) type DeviceDigests = Rc<PerDevice<PartitionDigests>>;

/// Digest of one partition, or a count of it.
#[derive(Debug)]
enum PartitionDigest {
    /// PartitionCount under way, by its number: hashes of objects so far. The last one to hold an
    /// object's lock has its right hash.
    Counting(u64, BTreeMap<NameHash, u64>),
    /// Exclusive or of all hashes.
    Digest(u64),
}

/// PartitionDigests of a device's partitions, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct PartitionDigests {
    known: RefCell<BTreeMap<u32, PartitionDigest>>,
    counts: Cell<u64>,
    /// Lock of counting: a count that begins makes another one of the partition worthless.
    counter: Mutex<()>,
}

/// PartitionCount of a partition under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartitionCount {
    partition: u32,
    number: u64,
}

/// Change of an object under way. Dropped without an outcome, it makes the partition's digest
/// unknown.
#[must_use]
pub(super) struct PartitionChange<'a> {
    digests: &'a PartitionDigests,
    partition: u32,
    ended: bool,
}

impl PartitionChange<'_> {
    /// Ends the change: the object with this hash had the files `before`, and has those `after`.
    pub(super) fn commit(mut self, hash: NameHash, before: &ObjectFiles, after: &ObjectFiles) {
        self.ended = true;
        match self.digests.known.borrow_mut().get_mut(&self.partition) {
            Some(PartitionDigest::Digest(digest)) => {
                *digest ^= hash_of(hash, before) ^ hash_of(hash, after)
            }
            Some(PartitionDigest::Counting(_, hashes)) => {
                hashes.insert(hash, hash_of(hash, after));
            }
            None => {}
        }
    }
}

impl Drop for PartitionChange<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.digests.forget(self.partition);
        }
    }
}

impl PartitionDigests {
    /// Begins a change of an object in the partition.
    pub(super) fn begin_change(&self, partition: u32) -> PartitionChange<'_> {
        PartitionChange { digests: self, partition, ended: false }
    }

    /// Makes the partition's digest unknown: it may be wrong.
    pub(super) fn forget(&self, partition: u32) {
        self.known.borrow_mut().remove(&partition);
    }

    /// Waits for the lock of counting.
    pub(super) async fn counter(&self) -> MutexGuard<'_, ()> {
        self.counter.lock().await
    }

    /// Digest of the partition, if it is known.
    pub(super) fn of(&self, partition: u32) -> Option<u64> {
        match self.known.borrow().get(&partition) {
            Some(PartitionDigest::Digest(digest)) => Some(*digest),
            _ => None,
        }
    }

    /// Begins a count of the partition. Its digest is unknown from now on, and another count of it
    /// comes to nothing.
    pub(super) fn begin_count(&self, partition: u32) -> PartitionCount {
        let number = self.counts.get() + 1;
        self.counts.set(number);
        self.known
            .borrow_mut()
            .insert(partition, PartitionDigest::Counting(number, BTreeMap::new()));
        PartitionCount { partition, number }
    }

    /// Counts an object with these files. The caller holds its lock.
    pub(super) fn count(&self, count: PartitionCount, hash: NameHash, files: &ObjectFiles) {
        if let Some(PartitionDigest::Counting(number, hashes)) =
            self.known.borrow_mut().get_mut(&count.partition)
            && *number == count.number
        {
            hashes.insert(hash, hash_of(hash, files));
        }
    }

    /// Ends a count: all objects of the partition were counted.
    pub(super) fn end_count(&self, count: PartitionCount) {
        if let Some(known) = self.known.borrow_mut().get_mut(&count.partition)
            && let PartitionDigest::Counting(number, hashes) = known
            && *number == count.number
        {
            *known = PartitionDigest::Digest(hashes.values().fold(0, |digest, hash| digest ^ hash));
        }
    }
}

/// Hash of an object's changes; zero for no files.
fn hash_of(hash: NameHash, files: &ObjectFiles) -> u64 {
    let ObjectFiles { data, meta, tombstone, .. } = files;
    if data.is_none() && tombstone.is_none() {
        return 0;
    }
    let text = |timestamp: &Option<_>| timestamp.map_or_else(String::new, |at| format!("{at}"));
    let (data, meta, tombstone): (String, String, String) =
        (text(data), text(meta), text(tombstone));
    xxh3_64(format!("{} {data} {meta} {tombstone}", hash.hex()).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::node::object::files::{FileKind, FileName};
    use crate::swift::Timestamp;

    fn files_of(ticks: &[(u64, u8)]) -> ObjectFiles {
        let file = |(tick, kind): &(u64, u8)| FileName {
            timestamp: (0..*tick).fold(Timestamp::ZERO, |at, _| at.next()),
            kind: [FileKind::Data, FileKind::Meta, FileKind::Tombstone][usize::from(*kind)],
        };
        ObjectFiles::among(&ticks.iter().map(file).collect::<Vec<_>>())
    }

    fn counted(digests: &PartitionDigests, is: &BTreeMap<u8, ObjectFiles>) {
        let count = digests.begin_count(1);
        for (name, is) in is {
            digests.count(count, NameHash([*name; 16]), is);
        }
        digests.end_count(count);
    }

    proptest! {
        #[test]
        fn a_digest_that_followed_changes_is_that_of_counting_anew(
            changes in prop::collection::vec((0_u8..4, prop::collection::vec((1_u64..5, 0_u8..3), 0..4)), 0..20),
            counting_from in 0_usize..20, counting_to in 0_usize..20,
        ) {
            let (followed, mut is) = (PartitionDigests::default(), BTreeMap::<u8, ObjectFiles>::new());
            let mut count = None;
            for (step, (name, files)) in changes.iter().enumerate() {
                if step == counting_from {
                    // Half is counted before the changes that follow, and half after them.
                    let begun = followed.begin_count(1);
                    for (name, is) in is.iter().filter(|(name, _)| *name % 2 == 0) {
                        followed.count(begun, NameHash([*name; 16]), is);
                    }
                    count = Some(begun);
                }
                let after = files_of(files);
                let before = is.insert(*name, after.clone()).unwrap_or_default();
                followed.begin_change(1).commit(NameHash([*name; 16]), &before, &after);
                if let Some(count) = count.take_if(|_| step >= counting_to) {
                    for (name, is) in is.iter().filter(|(name, _)| *name % 2 == 1) {
                        followed.count(count, NameHash([*name; 16]), is);
                    }
                    followed.end_count(count);
                }
            }
            let anew = PartitionDigests::default();
            counted(&anew, &is);
            prop_assert!(followed.of(1).is_none_or(|digest| Some(digest) == anew.of(1)));
        }
    }

    #[test]
    fn of_two_counts_at_a_time_only_the_later_one_ends_in_a_digest() {
        let (digests, hash) = (PartitionDigests::default(), NameHash([1; 16]));
        let (first, second) = (digests.begin_count(1), digests.begin_count(1));
        digests.count(first, hash, &files_of(&[(1, 0)]));
        digests.end_count(first);
        assert_eq!(digests.of(1), None);
        digests.end_count(second);
        assert_eq!(digests.of(1), Some(0));
    }

    #[test]
    fn a_change_without_an_outcome_makes_its_partition_unknown() {
        let digests = PartitionDigests::default();
        counted(&digests, &BTreeMap::new());
        assert_eq!(digests.of(1), Some(0));
        drop(digests.begin_change(1));
        assert_eq!(digests.of(1), None);
    }
}
