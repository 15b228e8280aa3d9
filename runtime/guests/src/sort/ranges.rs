//! The ranges of keys that the sorters have, and the samples that they are chosen from.
//!
//! A sample: the number of ranges and of keys in four bytes each, the number of records that they
//! stand for in eight, the keys. The answer: one key less than there are ranges, in order.

use crate::record::{key, prefix, Key, KEY_BYTES, RECORD_BYTES};
use base::device::Input;
use base::memory;
use base::order::sort;
use base::peer::{self, Receiver, Sender};
use base::{exit, fail};

/// Keys that each partitioner shows.
const SAMPLE_KEYS_MAX: u64 = 64;
const HEAD_BYTES: usize = 16;

/// Keys of an input, evenly spread over it.
pub struct Sample {
    keys: &'static [Key],
    records: u64,
}

impl Sample {
    /// Reads the keys.
    pub fn of(input: &Input) -> Self {
        let records = input.size() / RECORD_BYTES as u64;
        let count = records.min(SAMPLE_KEYS_MAX);
        let keys = memory::collect(count as usize, |at| {
            let mut key = [0; KEY_BYTES];
            // In the middle of equal parts.
            let record = (2 * at as u64 + 1) * records / (2 * count);
            input.read_at(&mut key, record * RECORD_BYTES as u64);
            key
        });
        Sample { keys, records }
    }

    /// Sends them.
    pub fn send(&self, sampler: &mut Sender, ranges: usize) {
        sampler.push(&(ranges as u32).to_le_bytes());
        sampler.push(&(self.keys.len() as u32).to_le_bytes());
        sampler.push(&self.records.to_le_bytes());
        for key in self.keys {
            sampler.push(key);
        }
    }
}

/// A key and the number of records that it stands for, times the number of keys of a full sample.
#[derive(Clone, Copy)]
struct Weighed {
    key: Key,
    weight: u64,
}

/// `sample`: chooses the keys that split.
pub fn run() {
    let names = peer::sources();
    let partitioners = memory::collect(names.len(), |at| Receiver::open(names[at]));
    let mut ranges = 0;
    let mut total = 0;
    for partitioner in partitioners.iter_mut() {
        let (wanted, keys, _) = head(partitioner);
        ranges = wanted.max(ranges);
        total += keys;
    }
    let all = memory::array(total, Weighed { key: [0; KEY_BYTES], weight: 0 });
    let mut filled = 0;
    for partitioner in partitioners.iter_mut() {
        let (_, keys, records) = head(partitioner);
        partitioner.take(HEAD_BYTES);
        for weighed in &mut all[filled..filled + keys] {
            let bytes = match partitioner.peek(KEY_BYTES) {
                Some(bytes) => bytes,
                None => exit(1, b"a sample has fewer keys than it says\n"),
            };
            *weighed = Weighed { key: key(bytes), weight: records * SAMPLE_KEYS_MAX / keys as u64 };
            partitioner.take(KEY_BYTES);
        }
        filled += keys;
    }
    sort(all, |a, b| a.key < b.key);
    let splits = split(all, ranges);
    for name in peer::targets() {
        let mut partitioner = Sender::open(name);
        for key in splits.iter() {
            partitioner.push(key);
        }
        partitioner.finish();
    }
}

fn head(partitioner: &mut Receiver) -> (usize, usize, u64) {
    match partitioner.peek(HEAD_BYTES) {
        Some(head) => {
            let number = |at: usize| {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&head[at..at + 4]);
                u32::from_le_bytes(bytes)
            };
            let records = u64::from(number(12)) << 32 | u64::from(number(8));
            (number(0) as usize, number(4) as usize, records)
        }
        None => exit(1, b"a partitioner sent no sample\n"),
    }
}

/// The keys at equal shares of the weight. Where there are fewer keys than ranges, some come twice
/// and the ranges between them stay empty.
fn split(all: &[Weighed], ranges: usize) -> &'static [Key] {
    let total: u64 = all.iter().map(|weighed| weighed.weight).sum();
    let mut next = all.iter();
    let mut current = next.next();
    let mut before = 0;
    memory::collect(ranges.saturating_sub(1), |at| {
        let wanted = (u128::from(total) * (at as u128 + 1) / ranges as u128) as u64;
        while let Some(weighed) = current {
            if before + weighed.weight > wanted {
                return weighed.key;
            }
            before += weighed.weight;
            current = next.next();
        }
        all.last().map_or([0xff; KEY_BYTES], |last| last.key)
    })
}

/// Which keys belong to which sorter: each split is the first key of the next range.
pub struct Ranges {
    splits: &'static [Key],
    prefixes: &'static [u64],
}

impl Ranges {
    /// Receives the splits of so many ranges.
    pub fn receive(sampler: &mut Receiver, ranges: usize) -> Self {
        let splits = memory::collect(ranges - 1, |_| {
            let split = match sampler.peek(KEY_BYTES) {
                Some(bytes) => key(bytes),
                None => fail(&[b"the sampler sent too few keys: do all partitioners have the same sorters?"]),
            };
            sampler.take(KEY_BYTES);
            split
        });
        let prefixes = memory::collect(splits.len(), |at| prefix(&splits[at]));
        Ranges { splits, prefixes }
    }

    /// The range of a record: how many splits are not above its key.
    #[inline(always)]
    pub fn of(&self, record: &[u8]) -> usize {
        let wanted = prefix(record);
        let (mut low, mut high) = (0, self.prefixes.len());
        while low < high {
            let middle = (low + high) / 2;
            let split = self.prefixes[middle];
            let is_below = split < wanted
                || split == wanted && self.splits[middle][8..] <= record[8..KEY_BYTES];
            if is_below {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
