//! `sort`: sorts a range.
//!
//! One pass puts the records into buckets by their keys' place between the least and the greatest
//! one, about as many buckets as there are records, and each bucket is sorted by comparing. Where keys
//! are spread evenly that is linear; where they are not it is a merge sort.

use crate::record::{prefix, RECORD_BYTES};
use crate::summary::Summary;
use base::device::Output;
use base::fail;
use base::memory::{self, Buffer};
use base::order::sort;
use base::peer::{self, Receiver};

/// A record by the start of its key.
#[derive(Clone, Copy)]
struct Entry {
    prefix: u64,
    index: u32,
}

pub fn run() {
    let mut output = Output::open();
    // Opened before the records come, so that those lie last in memory and grow in place.
    let names = peer::sources();
    let partitioners = memory::collect(names.len(), |at| Receiver::open(names[at]));
    let mut records = Buffer::with_room(0);
    for partitioner in partitioners {
        while let Some(part) = partitioner.next_part() {
            records.push(part);
        }
        if records.len() % RECORD_BYTES != 0 {
            fail(&[b"a partitioner sent a part of a record"]);
        }
    }
    let records = records.as_slice();
    let record = |entry: &Entry| {
        let start = entry.index as usize * RECORD_BYTES;
        &records[start..start + RECORD_BYTES]
    };
    let mut summary = Summary::default();
    for entry in sorted(records).iter() {
        let record = record(entry);
        summary.count_in_order(record);
        output.push(record);
    }
    output.flush();
    for judge in peer::targets() {
        summary.send_what_came_out(judge);
    }
}

fn sorted(records: &[u8]) -> &'static [Entry] {
    let count = records.len() / RECORD_BYTES;
    let prefixes = records.chunks_exact(RECORD_BYTES).map(prefix);
    let (mut least, mut greatest) = (u64::MAX, 0);
    for prefix in prefixes.clone() {
        least = least.min(prefix);
        greatest = greatest.max(prefix);
    }
    let entries = memory::array(count, Entry { prefix: 0, index: 0 });
    if count == 0 {
        return entries;
    }
    // The smallest shift that leaves no more than twice as many buckets as records.
    let spread = greatest - least;
    let bucket_bits = usize::BITS - count.leading_zeros();
    let shift = (u64::BITS - spread.leading_zeros()).saturating_sub(bucket_bits);
    let bucket = |prefix: u64| ((prefix - least) >> shift) as usize;
    let ends = memory::array(bucket(greatest) + 1, 0_u32);
    for prefix in prefixes.clone() {
        ends[bucket(prefix)] += 1;
    }
    let mut end = 0;
    for place in ends.iter_mut() {
        end += *place;
        *place = end - *place;
    }
    for (index, prefix) in prefixes.enumerate() {
        let place = &mut ends[bucket(prefix)];
        entries[*place as usize] = Entry { prefix, index: index as u32 };
        *place += 1;
    }
    let is_less = |a: &Entry, b: &Entry| {
        a.prefix < b.prefix || a.prefix == b.prefix && tail(records, a) < tail(records, b)
    };
    let mut start = 0;
    for end in ends.iter() {
        let end = *end as usize;
        if end - start > 1 {
            sort(&mut entries[start..end], is_less);
        }
        start = end;
    }
    entries
}

/// A record behind the start of its key.
fn tail<'a>(records: &'a [u8], entry: &Entry) -> &'a [u8] {
    let start = entry.index as usize * RECORD_BYTES;
    &records[start + 8..start + RECORD_BYTES]
}
