//! `check` and `judge`: whether records are in order, and how many there are.

use crate::record::{Records, RECORD_BYTES};
use crate::summary::Summary;
use base::device::Input;
use base::memory;
use base::number::{hexadecimal, Digits};
use base::order::sort;
use base::peer;
use base::{fail, print};

/// Checks a range, and tells a judge of it or judges itself.
pub fn run() {
    let mut records = Records::new(Input::open(b"input"));
    let mut summary = Summary::default();
    while let Some(chunk) = records.next() {
        for record in chunk.chunks_exact(RECORD_BYTES) {
            summary.count_in_order(record);
        }
    }
    match peer::targets() {
        [] => conclude(&summary, None),
        judges => judges.iter().for_each(|judge| summary.send_what_came_out(judge)),
    }
}

/// Puts the ranges into the order of their first keys: they must not overlap then, and must have
/// what went in, if that was told.
pub fn judge() {
    let sources = peer::sources();
    let ranges = memory::array(sources.len(), Summary::default());
    let mut count = 0;
    let mut went_in: Option<Summary> = None;
    for source in sources {
        match Summary::receive(source) {
            Some((summary, true)) => {
                ranges[count] = summary;
                count += 1;
            }
            Some((summary, false)) => went_in.get_or_insert_with(Summary::default).add(&summary),
            None => fail(&[source, b" told nothing"]),
        }
    }
    let ranges = &mut ranges[..count];
    sort(ranges, |a, b| (a.first, a.last) < (b.first, b.last));
    let mut whole = Summary::default();
    for range in ranges.iter() {
        whole.append(range);
    }
    conclude(&whole, went_in);
}

fn conclude(whole: &Summary, went_in: Option<Summary>) {
    print(b"records ");
    print(Digits::of(whole.records).as_slice());
    print(b"\nchecksum ");
    print(&hexadecimal(whole.checksum));
    print(b"\nduplicates ");
    print(Digits::of(whole.duplicates).as_slice());
    print(b"\n");
    if let Some(went_in) = went_in {
        if (went_in.records, went_in.checksum) != (whole.records, whole.checksum) {
            let count = Digits::of(went_in.records);
            let checksum = hexadecimal(went_in.checksum);
            fail(&[b"what went in is not there: ", count.as_slice(), b" records, checksum ", &checksum]);
        }
    }
    if whole.is_disordered {
        fail(&[b"not in order"]);
    }
    print(b"in order\n");
}
