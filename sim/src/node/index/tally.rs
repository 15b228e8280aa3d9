//! What replicas of a listing compare: one number for all rows of it, and one for each stretch of rows.
//!
//! A number is the exclusive or of one mark for each row, so that a change costs nothing but its own two marks. The numbers of whole
//! listings are kept in memory, from when a replicator first wanted them.
//!
//! Leaves out reading the rows: see `replica`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
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
    /// From now on the listing is this.
    pub(super) fn to(mut self, tally: Tally) {
        self.ended = true;
        self.tallies.set(self.letter, self.hash, tally);
    }

    /// The listing is gone.
    pub(super) fn to_nothing(mut self) {
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

    /// The listing begins to change. If nobody says what came of it, it is not known any more.
    pub(super) const fn change(&self, letter: char, hash: NameHash) -> Changing<'_> {
        Changing { tallies: self, letter, hash, ended: false }
    }

    /// What is known of the listing may be wrong.
    pub(super) fn doubt(&self, letter: char, hash: NameHash) {
        self.doubts.set(self.doubts.get() + 1);
        self.complete.borrow_mut().remove(&letter);
        self.known.borrow_mut().remove(&(letter, hash));
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
