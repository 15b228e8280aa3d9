//! Digests of listings, which replicas compare: one number for all rows, and one for each range of
//! rows.
//!
//! A digest is the exclusive or of the hashes of its rows, so that a change costs no more than the
//! hashes of its own row. Digests of whole listings are kept in memory, from when a replicator
//! first needs them.
//!
//! Leaves out reading rows, which is `replica`'s.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::entry::Entry;
use super::info::ListingInfo;
use super::table::encode;
use crate::node::storage::NameHash;
use crate::swift::Timestamp;

/// Digest of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListingDigest {
    /// Partition of the listing.
    pub(super) partition: u32,
    /// Time of the counts for which the digest holds.
    pub(super) counted: Timestamp,
    /// Exclusive or of the hashes of its rows.
    pub(super) rows: u64,
    /// Digest of its record.
    pub(super) info: u64,
}

impl ListingDigest {
    /// Digest of a listing with that record, and those rows.
    pub(super) fn of(info: &ListingInfo, rows: u64) -> Self {
        Self { partition: info.partition, counted: info.counted, rows, info: info.digest() }
    }

    /// Number that is equal on replicas with equal rows and records.
    pub(super) const fn value(self) -> u64 {
        self.rows ^ self.info
    }
}

/// Digests of a device's listings, by the letter of their kind and their hash.
#[derive(Debug, Default)]
pub(crate) struct ListingDigests {
    known: RefCell<BTreeMap<(char, NameHash), ListingDigest>>,
    /// Kinds that a replicator has scanned: new listings of these are counted from the beginning.
    tracked: RefCell<BTreeSet<char>>,
    /// Kinds of which all listings are known.
    complete: RefCell<BTreeSet<char>>,
    /// Number of times that a known digest became unknown.
    invalidations: Cell<u64>,
    /// Listing whose rows are being counted.
    counting: RefCell<Option<RowCount>>,
    /// Lock of counting: one listing at a time.
    counter: Mutex<()>,
}

/// Count of a listing's rows under way, a page at a time, each under the listing's lock.
#[derive(Debug)]
struct RowCount {
    letter: char,
    hash: NameHash,
    /// Last name that was counted.
    to: Option<String>,
    rows: u64,
}

/// Scan of all listings of a kind.
#[derive(Debug)]
pub(super) struct DigestScan {
    letter: char,
    /// Invalidations at its beginning.
    invalidations: u64,
}

/// Change of a listing under way, whose lock the caller holds. Dropped without an outcome, it makes
/// the listing's digest unknown.
#[must_use]
pub(super) struct DigestChange<'a> {
    digests: &'a ListingDigests,
    letter: char,
    hash: NameHash,
    ended: bool,
}

impl DigestChange<'_> {
    /// Ends the change: `digest` before the rows' `changes`, if it is known.
    pub(super) fn commit(
        mut self,
        digest: Option<ListingDigest>,
        changes: impl FnOnce() -> Vec<(String, u64)>,
    ) {
        let Self { digests, letter, hash, .. } = self;
        self.ended = true;
        match digest {
            Some(digest) => {
                let rows = changes().iter().fold(digest.rows, |rows, (_, change)| rows ^ change);
                digests.set(letter, hash, ListingDigest { rows, ..digest });
            }
            None if digests.is_counting(letter, hash) => digests.adjust_count(&changes()),
            None => digests.invalidate(letter, hash),
        }
    }

    /// Ends the change: the listing was removed.
    pub(super) fn removed(mut self) {
        self.ended = true;
        self.digests.known.borrow_mut().remove(&(self.letter, self.hash));
    }
}

impl Drop for DigestChange<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.digests.invalidate(self.letter, self.hash);
        }
    }
}

impl ListingDigests {
    /// Digest of all rows of the listing with counts of that time, if it is known.
    pub(super) fn rows(&self, letter: char, hash: NameHash, counted: Timestamp) -> Option<u64> {
        if counted == Timestamp::ZERO {
            return self.tracked.borrow().contains(&letter).then_some(0);
        }
        let known = self.known.borrow();
        let digest = known.get(&(letter, hash)).filter(|digest| digest.counted == counted);
        digest.map(|digest| digest.rows)
    }

    /// Sets the listing's digest. The caller holds its lock, as all do who change it.
    pub(super) fn set(&self, letter: char, hash: NameHash, digest: ListingDigest) {
        self.known.borrow_mut().insert((letter, hash), digest);
    }

    /// Waits for the lock of counting.
    pub(super) async fn counter(&self) -> MutexGuard<'_, ()> {
        self.counter.lock().await
    }

    /// Begins to count the listing's rows.
    pub(super) fn begin_count(&self, letter: char, hash: NameHash) {
        *self.counting.borrow_mut() = Some(RowCount { letter, hash, to: None, rows: 0 });
    }

    /// Counts the next rows, up to the name `to`. The caller holds the listing's lock.
    pub(super) fn count(&self, to: &str, rows: u64) {
        if let Some(counting) = &mut *self.counting.borrow_mut() {
            counting.to = Some(to.to_owned());
            counting.rows ^= rows;
        }
    }

    /// Ends the count; returns its result unless something went wrong meanwhile. The caller holds
    /// the listing's lock.
    pub(super) fn end_count(&self) -> Option<u64> {
        self.counting.take().map(|counting| counting.rows)
    }

    fn is_counting(&self, letter: char, hash: NameHash) -> bool {
        let counting = self.counting.borrow();
        counting.as_ref().is_some_and(|it| (it.letter, it.hash) == (letter, hash))
    }

    /// Applies changes to rows that were counted already.
    fn adjust_count(&self, changes: &[(String, u64)]) {
        if let Some(counting) = &mut *self.counting.borrow_mut() {
            let counted = changes.iter().filter(|(name, _)| Some(name) <= counting.to.as_ref());
            counting.rows = counted.fold(counting.rows, |rows, (_, change)| rows ^ change);
        }
    }

    /// Begins a change of the listing.
    pub(super) const fn begin_change(&self, letter: char, hash: NameHash) -> DigestChange<'_> {
        DigestChange { digests: self, letter, hash, ended: false }
    }

    /// Makes the listing's digest unknown: it may be wrong.
    pub(super) fn invalidate(&self, letter: char, hash: NameHash) {
        self.invalidations.set(self.invalidations.get() + 1);
        self.complete.borrow_mut().remove(&letter);
        self.known.borrow_mut().remove(&(letter, hash));
        if self.is_counting(letter, hash) {
            self.counting.take();
        }
    }

    /// Begins a scan of all listings of a kind.
    pub(super) fn begin_scan(&self, letter: char) -> DigestScan {
        self.tracked.borrow_mut().insert(letter);
        DigestScan { letter, invalidations: self.invalidations.get() }
    }

    /// Ends a scan: all listings of the kind are known, unless one was invalidated meanwhile.
    pub(super) fn end_scan(&self, scan: &DigestScan) {
        if scan.invalidations == self.invalidations.get() {
            self.complete.borrow_mut().insert(scan.letter);
        }
    }

    /// True if all listings of a kind are known.
    pub(super) fn is_complete(&self, letter: char) -> bool {
        self.complete.borrow().contains(&letter)
    }

    /// Digest of each partition with listings of a kind, as far as they are known.
    pub(super) fn inventory(&self, letter: char) -> BTreeMap<u32, u64> {
        let mut inventory = BTreeMap::new();
        for (hash, digest) in self.of(letter) {
            // Seeded: equal listings are not to cancel each other.
            *inventory.entry(digest.partition).or_default() ^=
                xxh3_64_with_seed(&hash.0, digest.value());
        }
        inventory
    }

    /// Hashes of the listings of a kind in a partition, as far as they are known.
    pub(super) fn hashes(&self, letter: char, partition: u32) -> Vec<NameHash> {
        let of = self.of(letter).into_iter();
        of.filter(|(_, digest)| digest.partition == partition).map(|(hash, _)| hash).collect()
    }

    fn of(&self, letter: char) -> Vec<(NameHash, ListingDigest)> {
        let (from, to) = (NameHash([0; 16]), NameHash([u8::MAX; 16]));
        let known = self.known.borrow();
        let of = known.range((letter, from)..=(letter, to));
        of.map(|((_, hash), digest)| (*hash, *digest)).collect()
    }
}

/// Hash of a row and its name.
pub(super) fn row_hash<E: Entry>(name: &str, entry: &E) -> u64 {
    // The separator is in no name: it is no UTF-8.
    xxh3_64(&[name.as_bytes(), &[0xff], &encode(entry)].concat())
}

/// Range of a listing's rows with its digest: from the end of the range before it, up to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowRange {
    /// Last name in it; the last range has none and goes to the end.
    pub(crate) to: Option<String>,
    /// Exclusive or of the hashes of its rows.
    #[serde(rename = "tally")]
    pub(crate) digest: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::swift::decode_path;

    const KIND: char = 'c';
    const HASH: NameHash = NameHash([1; 16]);

    fn info(counted: u64) -> ListingInfo {
        let mut info = ListingInfo::never_put(decode_path("/a/c").unwrap(), 7);
        (0..counted).for_each(|_| info.touch(Timestamp::ZERO));
        info
    }

    #[test]
    fn a_change_without_an_outcome_makes_its_digest_unknown() {
        let digests = ListingDigests::default();
        digests.set(KIND, HASH, ListingDigest::of(&info(1), 5));
        assert_eq!(digests.rows(KIND, HASH, info(1).counted), Some(5));
        drop(digests.begin_change(KIND, HASH));
        assert_eq!(digests.rows(KIND, HASH, info(1).counted), None);
    }

    #[test]
    fn a_digest_holds_for_the_counts_it_was_made_of_and_no_others() {
        let digests = ListingDigests::default();
        digests.set(KIND, HASH, ListingDigest::of(&info(1), 5));
        assert_eq!(digests.rows(KIND, HASH, info(2).counted), None);
        assert_eq!(digests.rows('a', HASH, info(1).counted), None);
    }

    #[test]
    fn a_new_listing_is_counted_from_its_beginning_once_a_scan_began() {
        let digests = ListingDigests::default();
        assert_eq!(digests.rows(KIND, HASH, Timestamp::ZERO), None);
        let scan = digests.begin_scan(KIND);
        assert_eq!(digests.rows(KIND, HASH, Timestamp::ZERO), Some(0));
        digests.end_scan(&scan);
        assert!(digests.is_complete(KIND) && !digests.is_complete('a'));
    }

    #[test]
    fn a_scan_in_which_a_listing_became_unknown_is_not_complete() {
        let digests = ListingDigests::default();
        let scan = digests.begin_scan(KIND);
        digests.invalidate(KIND, HASH);
        digests.end_scan(&scan);
        assert!(!digests.is_complete(KIND));
    }

    #[test]
    fn a_removed_listing_is_in_no_inventory() {
        let digests = ListingDigests::default();
        digests.set(KIND, HASH, ListingDigest::of(&info(1), 5));
        assert_eq!(digests.hashes(KIND, 7), [HASH]);
        assert_eq!(digests.inventory(KIND).into_keys().collect::<Vec<_>>(), [7]);
        digests.begin_change(KIND, HASH).removed();
        assert!(digests.hashes(KIND, 7).is_empty() && digests.inventory(KIND).is_empty());
    }

    #[test]
    fn equal_listings_of_a_partition_do_not_cancel_each_other() {
        let digests = ListingDigests::default();
        for byte in [1, 2] {
            digests.set(KIND, NameHash([byte; 16]), ListingDigest::of(&info(1), 5));
        }
        assert_ne!(digests.inventory(KIND)[&7], 0);
    }

    proptest! {
        #[test]
        fn rows_that_change_while_they_are_counted_are_counted_once(
            pages in prop::collection::vec(any::<u64>(), 1..5),
            changes in prop::collection::vec((0_usize..5, 0_usize..5, any::<u64>()), 0..10),
        ) {
            let digests = ListingDigests::default();
            let mut rows = pages;
            digests.begin_count(KIND, HASH);
            for page in 0..rows.len() {
                for (_, row, change) in changes.iter().filter(|(when, ..)| *when == page) {
                    let row = row % rows.len();
                    rows[row] ^= change;
                    let changed = || vec![(row.to_string(), *change)];
                    digests.begin_change(KIND, HASH).commit(None, changed);
                }
                digests.count(&page.to_string(), rows[page]);
            }
            prop_assert_eq!(digests.end_count(), Some(rows.iter().fold(0, |all, row| all ^ row)));
        }
    }
}
