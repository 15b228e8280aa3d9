//! Room on a disk that contents and rows take.
//!
//! Leaves out blocks: a byte takes a byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use stayput_host::Batch;

/// Number of bytes taken.
#[derive(Default)]
pub(super) struct Room(u64);

impl Room {
    pub(super) fn used(&self) -> u64 {
        self.0
    }

    pub(super) fn take(&mut self, bytes: u64) {
        self.0 += bytes;
    }

    pub(super) fn free(&mut self, bytes: u64) {
        assert!(bytes <= self.0, "{bytes} bytes are freed of {}", self.0);
        self.0 -= bytes;
    }
}

/// Bytes that a row of the table takes.
pub(super) fn of_row(key: &[u8], value: &Bytes) -> u64 {
    (key.len() + value.len()) as u64
}

/// Bytes that `table` takes more after `batch`; zero if it takes less.
pub(super) fn growth(table: &BTreeMap<Vec<u8>, Bytes>, batch: &Batch) -> u64 {
    // Only the last change of a key counts.
    let last: BTreeMap<&Vec<u8>, &Option<Bytes>> =
        batch.changes().iter().map(|(key, value)| (key, value)).collect();
    let (mut taken, mut freed) = (0, 0);
    for (key, value) in last {
        taken += value.as_ref().map_or(0, |value| of_row(key, value));
        freed += table.get(key).map_or(0, |before| of_row(key, before));
    }
    u64::saturating_sub(taken, freed)
}
