//! Sorts records of 100 bytes over connected sessions, and checks the result. A record's key is its
//! first ten bytes, as in the sort benchmark; records are put in the order of all their bytes, so that
//! equal keys have one order as well. The role is the argument:
//!
//! - `partition` sends a sample of `/dev/input` to the sampler, which is the session that it reads
//!   from, gets the keys back that split the ranges, and sends each record to the sorter of its range.
//!   The sorters are the other sessions that it writes to, without the one that a second argument
//!   names: that one judges, and is told what went in;
//! - `sample` chooses the splitting keys from all samples, for as many ranges as there are sorters;
//! - `sort` sorts what all partitioners sent and writes it to `/dev/output` if there is one, else to
//!   the standard output, and tells the judge, if it is connected to one, what came out;
//! - `check` reads a sorted range from `/dev/input` and tells the same of it;
//! - `judge` prints how many records there are, the sum of their hashes and how many have the key of
//!   the one before, and fails unless they are in order and all there.
//!
//! Left out: ranges that do not fit into a session's memory, and an even split where a single key has
//! more records than a range should have.

#![no_std]
#![no_main]

mod check;
mod partition;
mod record;
mod ranges;
mod sorter;
mod summary;

#[no_mangle]
extern "C" fn _start() {
    match base::arguments() {
        [_, b"partition"] => partition::run(&[]),
        [_, b"partition", judge] => partition::run(judge),
        [_, b"sample"] => ranges::run(),
        [_, b"sort"] => sorter::run(),
        [_, b"check"] => check::run(),
        [_, b"judge"] => check::judge(),
        _ => base::exit(2, b"usage: sort partition [JUDGE]|sample|sort|check|judge\n"),
    }
}
