//! What replicas of a listing compare: one number for all rows of it, and one for each stretch of rows.
//!
//! A number is the exclusive or of one mark for each row, so that a change costs nothing but its own two marks. The numbers of whole
//! listings are kept in memory, from when a replicator first wanted them.
//!
//! Leaves out reading the rows: see `replica`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::broker::encode;
use super::entry::Entry;
use crate::node::device::NameHash;
use crate::swift::Timestamp;

/// A number and the `counted` of the listing that it is true for.
type Tally = (Timestamp, u64);

/// The numbers of a device's listings, by kind and hash.
#[derive(Debug, Default)]
pub(in crate::node) struct Tallies(RefCell<BTreeMap<(char, NameHash), Tally>>);

impl Tallies {
    /// The number of all rows of the listing as it was at `counted`, if it is known.
    pub(super) fn of(&self, letter: char, hash: NameHash, counted: Timestamp) -> Option<u64> {
        let tallies = self.0.borrow();
        tallies.get(&(letter, hash)).filter(|(at, _)| *at == counted).map(|(_, tally)| *tally)
    }

    /// The number is now known.
    pub(super) fn set(&self, letter: char, hash: NameHash, counted: Timestamp, tally: u64) {
        self.0.borrow_mut().insert((letter, hash), (counted, tally));
    }

    /// The listing is gone.
    pub(super) fn forget(&self, letter: char, hash: NameHash) {
        self.0.borrow_mut().remove(&(letter, hash));
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
