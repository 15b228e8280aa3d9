//! `partition`: sends each record to the sorter of its range.

use crate::ranges::{Ranges, Sample};
use crate::record::{Records, RECORD_BYTES};
use crate::summary::Summary;
use base::device::Input;
use base::fail;
use base::memory;
use base::peer::{self, Receiver, Sender};

pub fn run(judge: &[u8]) {
    let sampler = match peer::sources() {
        [sampler] => *sampler,
        _ => fail(&[b"partition wants one session to read from, the sampler"]),
    };
    let names = sorters(sampler, judge);
    let input = Input::open(b"input");
    let mut to_sampler = Sender::open(sampler);
    Sample::of(&input).send(&mut to_sampler, names.len());
    to_sampler.finish();
    let ranges = Ranges::receive(&mut Receiver::open(sampler), names.len());

    let sorters = memory::collect(names.len(), |at| Sender::open(names[at]));
    let mut summary = Summary::default();
    let mut records = Records::new(input);
    while let Some(chunk) = records.next() {
        for record in chunk.chunks_exact(RECORD_BYTES) {
            summary.count(record);
            sorters[ranges.of(record)].push(record);
        }
    }
    for sorter in sorters {
        sorter.finish();
    }
    if !judge.is_empty() {
        summary.send_what_went_in(judge);
    }
}

/// The sorters, in the order of their ranges.
fn sorters(sampler: &[u8], judge: &[u8]) -> &'static [&'static [u8]] {
    let names = peer::targets();
    let is_sorter = |name: &&&[u8]| **name != sampler && **name != judge;
    let count = names.iter().filter(is_sorter).count();
    if count == 0 {
        fail(&[b"partition sends records to sorters: connect it to some"]);
    }
    let sorters = memory::array(count, &[] as &[u8]);
    for (sorter, name) in sorters.iter_mut().zip(names.iter().filter(is_sorter)) {
        *sorter = name;
    }
    sorters
}
