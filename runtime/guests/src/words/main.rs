//! Counts how often each word comes, as map-reduce over connected sessions. The role is the argument:
//!
//! - `map` counts the words of `/dev/input` and sends each to the reducer that its hash names, out of
//!   all that it is connected to;
//! - `reduce` adds up what all mappers sent, and sends it on in the order of bytes;
//! - `merge` merges what all reducers sent and writes a line `word count` for each word, in the order
//!   of bytes, to `/dev/output` if there is one, else to the standard output.
//!
//! A word is what stands between white space, which is that of C's `isspace`: space, tab, newline,
//! vertical tab, form feed, carriage return. It may have any other bytes and any length. Left out:
//! encodings, upper and lower case, and more different words than fit into the memory of all reducers,
//! each of which has room for a million and a half in 256 MiB.

#![no_std]
#![no_main]

mod counts;
mod table;
mod tokens;

use base::device::{Input, Output};
use base::memory;
use base::number::Digits;
use base::peer::{self, Sender};
use counts::Counts;
use table::{Table, MAPPER, REDUCER};
use tokens::Tokens;

/// A mapper sends what it has when it knows so many different words, or so many bytes of long ones:
/// its memory stays bounded, and the reducers add up anyway.
const MAPPER_WORDS_MAX: usize = 1 << 17;
const MAPPER_BYTES_MAX: usize = 16 << 20;

#[no_mangle]
extern "C" fn _start() {
    match base::arguments() {
        [_, b"map"] => map(),
        [_, b"reduce"] => reduce(),
        [_, b"merge"] => merge(),
        _ => base::exit(2, b"usage: words map|reduce|merge\n"),
    }
}

#[inline(never)]
fn map() {
    let mut tokens = Tokens::new(Input::open(b"input"));
    let reducers = targets(b"map sends words to reducers: connect it to some\n");
    let mut table = Table::new(MAPPER);
    while tokens.count_chunk(&mut table) {
        if table.len() >= MAPPER_WORDS_MAX || table.text_bytes() >= MAPPER_BYTES_MAX {
            partition(&table, reducers);
            table.clear();
        }
    }
    partition(&table, reducers);
    finish(reducers);
}

fn partition(table: &Table, reducers: &mut [Sender]) {
    for slot in table.slots() {
        let share = u64::from(slot.hash) * reducers.len() as u64;
        counts::send(&mut reducers[(share >> 32) as usize], table, slot);
    }
}

#[inline(never)]
fn reduce() {
    let mut table = Table::new(REDUCER);
    for mapper in peer::sources() {
        let mut counts = Counts::open(mapper);
        while let Some(word) = counts.word() {
            table.add(word, counts.count());
            counts.advance();
        }
    }
    let targets = targets(b"reduce sends counts on: connect it to a session that merges\n");
    table.sort();
    for slot in table.slots() {
        for target in targets.iter_mut() {
            counts::send(target, &table, slot);
        }
    }
    finish(targets);
}

/// The reducers share the words out among them, so that the next one is the least of their next
/// ones. If two have the same one nevertheless, it is counted together.
#[inline(never)]
fn merge() {
    let names = peer::sources();
    let reducers = memory::collect(names.len(), |at| Counts::open(names[at]));
    let mut output = Output::open();
    while let Some(least) = least(reducers) {
        let mut count = 0;
        for at in 0..reducers.len() {
            if at != least && reducers[at].word() == reducers[least].word() {
                count += reducers[at].count();
                reducers[at].advance();
            }
        }
        let reducer = &mut reducers[least];
        output.push(reducer.word().unwrap_or(&[]));
        output.push(b" ");
        output.push(Digits::of(count + reducer.count()).as_slice());
        output.push(b"\n");
        reducer.advance();
    }
    output.flush();
}

fn least(reducers: &[Counts]) -> Option<usize> {
    let mut least: Option<(usize, &[u8])> = None;
    for (at, reducer) in reducers.iter().enumerate() {
        if let Some(word) = reducer.word() {
            if least.map_or(true, |(_, least)| word < least) {
                least = Some((at, word));
            }
        }
    }
    least.map(|(at, _)| at)
}

fn targets(without: &[u8]) -> &'static mut [Sender] {
    let names = peer::targets();
    if names.is_empty() {
        base::exit(2, without);
    }
    memory::collect(names.len(), |at| Sender::open(names[at]))
}

fn finish(senders: &mut [Sender]) {
    for sender in senders {
        sender.finish();
    }
}
