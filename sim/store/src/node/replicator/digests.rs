//! What a device has of objects, as one number for each partition: two replicas of a partition that have the same changes have the same
//! number.
//!
//! The number is the exclusive or of one mark for each object, so that a change costs nothing but its own two marks. It is kept in memory:
//! after a start, or when a change went wrong half-way, the partition is counted anew from the disk.
//!
//! Leaves out the counting, which reads the disk: see `objects`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use tokio::sync::{Mutex, MutexGuard};
use xxhash_rust::xxh3::xxh3_64;

use crate::node::device::NameHash;
use crate::node::object::files::Winners;

/// What is known of one partition.
#[derive(Debug)]
enum Known {
    /// It is being counted by one who has this number: the marks so far. Whoever holds an object's lock last tells the truth of it.
    Counting(u64, BTreeMap<NameHash, u64>),
    /// The exclusive or of all marks.
    Digest(u64),
}

/// The digests of a device's partitions; one that is not there is not known.
#[derive(Debug, Default)]
pub(in crate::node) struct Digests {
    known: RefCell<BTreeMap<u32, Known>>,
    counts: Cell<u64>,
    /// Who counts: one at a time, since each that begins would spoil what another has counted.
    counter: Mutex<()>,
}

/// A counting of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    partition: u32,
    number: u64,
}

/// A change of an object under way. If nobody says what came of it, its partition is no longer known.
#[must_use]
pub(in crate::node) struct Changing<'a> {
    digests: &'a Digests,
    partition: u32,
    ended: bool,
}

impl Changing<'_> {
    /// The object with this hash was `before` and is `after`.
    pub(in crate::node) fn to(mut self, hash: NameHash, before: &Winners, after: &Winners) {
        self.ended = true;
        match self.digests.known.borrow_mut().get_mut(&self.partition) {
            Some(Known::Digest(digest)) => *digest ^= mark(hash, before) ^ mark(hash, after),
            Some(Known::Counting(_, marks)) => {
                marks.insert(hash, mark(hash, after));
            }
            None => {}
        }
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.digests.forget(self.partition);
        }
    }
}

impl Digests {
    /// Something of the partition begins to change.
    pub(in crate::node) fn change(&self, partition: u32) -> Changing<'_> {
        Changing { digests: self, partition, ended: false }
    }

    /// What is known of the partition may be wrong.
    pub(in crate::node) fn forget(&self, partition: u32) {
        self.known.borrow_mut().remove(&partition);
    }

    /// Waits until nobody counts.
    pub(super) async fn counter(&self) -> MutexGuard<'_, ()> {
        self.counter.lock().await
    }

    /// The partition's number, if it is known.
    pub(super) fn of(&self, partition: u32) -> Option<u64> {
        match self.known.borrow().get(&partition) {
            Some(Known::Digest(digest)) => Some(*digest),
            _ => None,
        }
    }

    /// Counting of the partition begins. What was known of it is forgotten, and another's counting comes to nothing.
    pub(super) fn begin(&self, partition: u32) -> Count {
        let number = self.counts.get() + 1;
        self.counts.set(number);
        self.known.borrow_mut().insert(partition, Known::Counting(number, BTreeMap::new()));
        Count { partition, number }
    }

    /// Counts an object, whose lock the caller holds.
    pub(super) fn count(&self, count: Count, hash: NameHash, is: &Winners) {
        if let Some(Known::Counting(number, marks)) =
            self.known.borrow_mut().get_mut(&count.partition)
            && *number == count.number
        {
            marks.insert(hash, mark(hash, is));
        }
    }

    /// All objects of the partition were counted.
    pub(super) fn end(&self, count: Count) {
        if let Some(known) = self.known.borrow_mut().get_mut(&count.partition)
            && let Known::Counting(number, marks) = known
            && *number == count.number
        {
            *known = Known::Digest(marks.values().fold(0, |digest, mark| digest ^ mark));
        }
    }
}

/// The mark of an object: zero if nothing is there.
fn mark(hash: NameHash, is: &Winners) -> u64 {
    let Winners { data, meta, tombstone, .. } = is;
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
    use crate::node::object::files::{FileName, Kind};
    use crate::swift::Timestamp;

    fn winners(ticks: &[(u64, u8)]) -> Winners {
        let file = |(tick, kind): &(u64, u8)| FileName {
            timestamp: (0..*tick).fold(Timestamp::ZERO, |at, _| at.next()),
            kind: [Kind::Data, Kind::Meta, Kind::Tombstone][usize::from(*kind)],
        };
        Winners::among(&ticks.iter().map(file).collect::<Vec<_>>())
    }

    fn counted(digests: &Digests, is: &BTreeMap<u8, Winners>) {
        let count = digests.begin(1);
        for (name, is) in is {
            digests.count(count, NameHash([*name; 16]), is);
        }
        digests.end(count);
    }

    proptest! {
        #[test]
        fn a_digest_that_followed_changes_is_that_of_counting_anew(
            changes in prop::collection::vec((0_u8..4, prop::collection::vec((1_u64..5, 0_u8..3), 0..4)), 0..20),
            counting_from in 0_usize..20, counting_to in 0_usize..20,
        ) {
            let (followed, mut is) = (Digests::default(), BTreeMap::<u8, Winners>::new());
            let mut count = None;
            for (step, (name, files)) in changes.iter().enumerate() {
                if step == counting_from {
                    // Half is counted before the changes that follow, and half after them.
                    let begun = followed.begin(1);
                    for (name, is) in is.iter().filter(|(name, _)| *name % 2 == 0) {
                        followed.count(begun, NameHash([*name; 16]), is);
                    }
                    count = Some(begun);
                }
                let after = winners(files);
                let before = is.insert(*name, after.clone()).unwrap_or_default();
                followed.change(1).to(NameHash([*name; 16]), &before, &after);
                if let Some(count) = count.take_if(|_| step >= counting_to) {
                    for (name, is) in is.iter().filter(|(name, _)| *name % 2 == 1) {
                        followed.count(count, NameHash([*name; 16]), is);
                    }
                    followed.end(count);
                }
            }
            let anew = Digests::default();
            counted(&anew, &is);
            prop_assert!(followed.of(1).is_none_or(|digest| Some(digest) == anew.of(1)));
        }
    }

    #[test]
    fn of_two_who_count_at_a_time_only_the_later_one_counts() {
        let (digests, hash) = (Digests::default(), NameHash([1; 16]));
        let (first, second) = (digests.begin(1), digests.begin(1));
        digests.count(first, hash, &winners(&[(1, 0)]));
        digests.end(first);
        assert_eq!(digests.of(1), None);
        digests.end(second);
        assert_eq!(digests.of(1), Some(0));
    }

    #[test]
    fn a_change_that_nobody_ends_makes_its_partition_unknown() {
        let digests = Digests::default();
        counted(&digests, &BTreeMap::new());
        assert_eq!(digests.of(1), Some(0));
        drop(digests.change(1));
        assert_eq!(digests.of(1), None);
    }
}
