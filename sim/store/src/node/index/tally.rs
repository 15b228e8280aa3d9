//! What replicas of a listing compare: one number for all rows of it, and one for each stretch of rows.
//!
//! A number is the exclusive or of one mark for each row, so that a change costs nothing but its own two marks. The numbers of whole
//! listings are kept in memory, from when a replicator first wanted them.
//!
//! Leaves out reading the rows: see `replica`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::broker::encode;
use super::entry::Entry;
use crate::node::device::NameHash;
use crate::swift::Timestamp;

/// What is known of a listing, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// Where it belongs.
    pub(super) partition: u32,
    /// The `counted` that this is true for.
    pub(super) counted: Timestamp,
    /// The exclusive or of the marks of its rows.
    pub(super) rows: u64,
    /// The digest of what is known of it beside its rows.
    pub(super) info: u64,
}

impl Tally {
    /// The number that replicas have in common if they say the same.
    pub(super) const fn digest(self) -> u64 {
        self.rows ^ self.info
    }
}

/// The numbers of a device's listings, by kind and hash.
#[derive(Debug, Default)]
pub(in crate::node) struct Tallies {
    known: RefCell<BTreeMap<(char, NameHash), Tally>>,
    /// The kinds that somebody has asked for: of these, new listings are counted from their beginning.
    kept: RefCell<BTreeSet<char>>,
    /// The kinds of which all listings are known.
    complete: RefCell<BTreeSet<char>>,
    /// How often something was known no more.
    doubts: Cell<u64>,
    /// The listing whose rows are being counted.
    counting: RefCell<Option<Counting>>,
    /// Who counts: one at a time.
    counter: Mutex<()>,
}

/// A listing whose rows are being counted, a page at a time, each under the listing's lock.
#[derive(Debug)]
struct Counting {
    letter: char,
    hash: NameHash,
    /// The last name that was counted.
    to: Option<String>,
    rows: u64,
}

/// A look at all listings of a kind.
#[derive(Debug)]
pub(super) struct Look {
    letter: char,
    doubts: u64,
}

/// A change of a listing under way, whose lock the caller holds.
#[must_use]
pub(super) struct Changing<'a> {
    tallies: &'a Tallies,
    letter: char,
    hash: NameHash,
    ended: bool,
}

impl Changing<'_> {
    /// From now on the listing is `tally` with these changes of marks, if anybody wants to know.
    pub(super) fn to(mut self, tally: Option<Tally>, changes: impl FnOnce() -> Vec<(String, u64)>) {
        let Self { tallies, letter, hash, .. } = self;
        self.ended = true;
        match tally {
            Some(tally) => {
                let rows = changes().iter().fold(tally.rows, |rows, (_, change)| rows ^ change);
                tallies.set(letter, hash, Tally { rows, ..tally });
            }
            None if tallies.is_counting(letter, hash) => tallies.follow(&changes()),
            None => tallies.doubt(letter, hash),
        }
    }

    /// The listing is gone.
    pub(super) fn gone(mut self) {
        self.ended = true;
        self.tallies.known.borrow_mut().remove(&(self.letter, self.hash));
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tallies.doubt(self.letter, self.hash);
        }
    }
}

impl Tallies {
    /// The number of all rows of the listing as it was at `counted`, if it is known.
    pub(super) fn rows(&self, letter: char, hash: NameHash, counted: Timestamp) -> Option<u64> {
        if counted == Timestamp::ZERO {
            return self.kept.borrow().contains(&letter).then_some(0);
        }
        let known = self.known.borrow();
        known.get(&(letter, hash)).filter(|tally| tally.counted == counted).map(|tally| tally.rows)
    }

    /// From now on it is this. The caller holds the listing's lock, as do all who change it.
    pub(super) fn set(&self, letter: char, hash: NameHash, tally: Tally) {
        self.known.borrow_mut().insert((letter, hash), tally);
    }

    /// Waits until nobody counts.
    pub(super) async fn counter(&self) -> MutexGuard<'_, ()> {
        self.counter.lock().await
    }

    /// Counting of the listing begins.
    pub(super) fn begin_count(&self, letter: char, hash: NameHash) {
        *self.counting.borrow_mut() = Some(Counting { letter, hash, to: None, rows: 0 });
    }

    /// The next rows up to the name `to` are counted. The caller holds the listing's lock.
    pub(super) fn count(&self, to: &str, rows: u64) {
        if let Some(counting) = &mut *self.counting.borrow_mut() {
            counting.to = Some(to.to_owned());
            counting.rows ^= rows;
        }
    }

    /// All rows are counted, if nothing went wrong meanwhile. The caller holds the listing's lock.
    pub(super) fn end_count(&self) -> Option<u64> {
        self.counting.take().map(|counting| counting.rows)
    }

    /// Whether rows of the listing are being counted.
    fn is_counting(&self, letter: char, hash: NameHash) -> bool {
        let counting = self.counting.borrow();
        counting.as_ref().is_some_and(|it| (it.letter, it.hash) == (letter, hash))
    }

    /// Counts changes of rows that were counted already.
    fn follow(&self, changes: &[(String, u64)]) {
        if let Some(counting) = &mut *self.counting.borrow_mut() {
            let counted = changes.iter().filter(|(name, _)| Some(name) <= counting.to.as_ref());
            counting.rows = counted.fold(counting.rows, |rows, (_, change)| rows ^ change);
        }
    }

    /// The listing begins to change. If nobody says what came of it, it is not known any more.
    pub(super) const fn change(&self, letter: char, hash: NameHash) -> Changing<'_> {
        Changing { tallies: self, letter, hash, ended: false }
    }

    /// What is known of the listing may be wrong.
    pub(super) fn doubt(&self, letter: char, hash: NameHash) {
        self.doubts.set(self.doubts.get() + 1);
        self.complete.borrow_mut().remove(&letter);
        self.known.borrow_mut().remove(&(letter, hash));
        if self.is_counting(letter, hash) {
            self.counting.take();
        }
    }

    /// Somebody begins to look at all listings of a kind.
    pub(super) fn begin(&self, letter: char) -> Look {
        self.kept.borrow_mut().insert(letter);
        Look { letter, doubts: self.doubts.get() }
    }

    /// All listings of the kind were looked at.
    pub(super) fn end(&self, look: &Look) {
        if look.doubts == self.doubts.get() {
            self.complete.borrow_mut().insert(look.letter);
        }
    }

    /// Whether all listings of a kind are known.
    pub(super) fn is_complete(&self, letter: char) -> bool {
        self.complete.borrow().contains(&letter)
    }

    /// The digest of each partition in which there are listings of a kind, as far as they are known.
    pub(super) fn inventory(&self, letter: char) -> BTreeMap<u32, u64> {
        let mut inventory = BTreeMap::new();
        for (hash, tally) in self.of(letter) {
            // Listings that say the same are not to cancel each other.
            *inventory.entry(tally.partition).or_default() ^=
                xxh3_64_with_seed(&hash.0, tally.digest());
        }
        inventory
    }

    /// The listings of a kind in a partition, as far as they are known.
    pub(super) fn hashes(&self, letter: char, partition: u32) -> Vec<NameHash> {
        let of = self.of(letter).into_iter();
        of.filter(|(_, tally)| tally.partition == partition).map(|(hash, _)| hash).collect()
    }

    fn of(&self, letter: char) -> Vec<(NameHash, Tally)> {
        let (from, to) = (NameHash([0; 16]), NameHash([u8::MAX; 16]));
        let known = self.known.borrow();
        let of = known.range((letter, from)..=(letter, to));
        of.map(|((_, hash), tally)| (*hash, *tally)).collect()
    }
}

/// What a row adds to the numbers.
pub(super) fn mark<E: Entry>(name: &str, entry: &E) -> u64 {
    // No name has this byte.
    xxh3_64(&[name.as_bytes(), &[0xff], &encode(entry)].concat())
}

/// A stretch of rows of a listing: those after the stretch before it, up to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct Stretch {
    /// The last name in it; the last stretch has none and goes to the end.
    pub(in crate::node) to: Option<String>,
    /// The exclusive or of the marks of its rows.
    pub(in crate::node) tally: u64,
}
