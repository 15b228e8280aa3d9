//! What is told of records: how many, the sum of their hashes, the first and last key, how many keys
//! are the same as the one before, and whether they are in order.

use crate::record::{hash, key, prefix, Key, KEY_BYTES};
use base::peer::{Receiver, Sender};

const WENT_IN: u8 = 0;
const CAME_OUT: u8 = 1;
const BYTES: usize = 26 + 2 * KEY_BYTES;

/// A summary of records that were seen one after the other.
#[derive(Clone, Copy, Default)]
pub struct Summary {
    pub records: u64,
    pub checksum: u64,
    pub duplicates: u64,
    pub first: Key,
    pub last: Key,
    /// A record was seen whose key is below the one before.
    pub is_disordered: bool,
    last_prefix: u64,
}

impl Summary {
    /// Counts a record, whatever its place.
    #[inline(always)]
    pub fn count(&mut self, record: &[u8]) {
        self.records += 1;
        self.checksum = self.checksum.wrapping_add(hash(record));
    }

    /// Counts a record that should not be below the one before.
    #[inline(always)]
    pub fn count_in_order(&mut self, record: &[u8]) {
        let prefix = prefix(record);
        if prefix <= self.last_prefix || self.records == 0 {
            self.compare(record);
        }
        self.last_prefix = prefix;
        self.last = key(record);
        self.count(record);
    }

    #[inline(never)]
    fn compare(&mut self, record: &[u8]) {
        if self.records == 0 {
            self.first = key(record);
        } else {
            self.is_disordered |= record[..KEY_BYTES] < self.last[..];
            self.duplicates += u64::from(record[..KEY_BYTES] == self.last[..]);
        }
    }

    /// Goes on with a range that should lie above this one.
    pub fn append(&mut self, next: &Summary) {
        if next.records > 0 {
            if self.records == 0 {
                self.first = next.first;
            } else {
                self.is_disordered |= next.first < self.last;
                self.duplicates += u64::from(next.first == self.last);
            }
            self.last = next.last;
        }
        self.is_disordered |= next.is_disordered;
        self.duplicates += next.duplicates;
        self.add(next);
    }

    /// Adds records whose order does not matter.
    pub fn add(&mut self, other: &Summary) {
        self.records += other.records;
        self.checksum = self.checksum.wrapping_add(other.checksum);
    }

    /// Tells `judge` that a job got these.
    pub fn send_what_went_in(&self, judge: &[u8]) {
        self.send(judge, WENT_IN);
    }

    /// Tells `judge` that these are a range of the result.
    pub fn send_what_came_out(&self, judge: &[u8]) {
        self.send(judge, CAME_OUT);
    }

    fn send(&self, judge: &[u8], direction: u8) {
        let mut judge = Sender::open(judge);
        judge.push(&[direction, u8::from(self.is_disordered)]);
        for number in &[self.records, self.checksum, self.duplicates] {
            judge.push(&number.to_le_bytes());
        }
        judge.push(&self.first);
        judge.push(&self.last);
        judge.finish();
    }

    /// A summary, and whether it tells of what came out.
    pub fn receive(peer: &[u8]) -> Option<(Summary, bool)> {
        let mut receiver = Receiver::open(peer);
        let bytes = receiver.peek(BYTES)?;
        let number = |index: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[2 + 8 * index..10 + 8 * index]);
            u64::from_le_bytes(number)
        };
        let summary = Summary {
            records: number(0),
            checksum: number(1),
            duplicates: number(2),
            first: key(&bytes[26..]),
            last: key(&bytes[26 + KEY_BYTES..]),
            is_disordered: bytes[1] != 0,
            last_prefix: 0,
        };
        Some((summary, bytes[0] == CAME_OUT))
    }
}
