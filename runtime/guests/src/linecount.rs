//! Prints how many lines of `/dev/input` contain the word that is its first argument.
//!
//! The word is searched with SIMD over large chunks: candidates are places where both its first
//! and its last byte fit. Newlines are only looked for after a hit. Left out: patterns, encodings.

#![no_std]
#![no_main]

mod wasi;

use core::arch::wasm32::{i8x16_bitmask, i8x16_eq, u8x16_splat, v128, v128_any_true, v128_load, v128_or, v128_and};

/// How much is read at once, and how much of the chunk before may stay in front of it.
const CHUNK_BYTES: usize = 256 * 1024;
const WORD_BYTES_MAX: usize = 64 * 1024;
const LANES: usize = 16;
const BLOCK: usize = 4 * LANES;

static mut BUFFER: [u8; WORD_BYTES_MAX + CHUNK_BYTES] = [0; WORD_BYTES_MAX + CHUNK_BYTES];

#[no_mangle]
extern "C" fn _start() {
    let word = match wasi::first_argument() {
        Some(word) => word,
        None => wasi::exit(2, b"usage: linecount WORD\n"),
    };
    let input = wasi::open_device(b"input");
    let buffer = unsafe { &mut BUFFER };
    wasi::print_number(if word.is_empty() {
        all_lines(input, buffer)
    } else {
        lines_with(word, input, buffer)
    });
}

/// Every line contains the empty word, also a last one without a newline.
fn all_lines(input: u32, buffer: &mut [u8]) -> u64 {
    let (mut lines, mut open) = (0, false);
    loop {
        let len = wasi::read(input, &mut buffer[..CHUNK_BYTES]);
        if len == 0 {
            return lines + open as u64;
        }
        let chunk = &buffer[..len];
        let mut at = 0;
        while let Some(newline) = find_newline(chunk, at) {
            lines += 1;
            at = newline + 1;
        }
        open = at < len;
    }
}

fn lines_with(word: &[u8], input: u32, buffer: &mut [u8]) -> u64 {
    let search = Search::new(word);
    let mut lines = 0;
    // Bytes at the buffer's start that could begin a word which the next chunk completes.
    let mut kept = 0;
    // The current line is already counted, and goes on in the next chunk.
    let mut counted = false;
    loop {
        let len = wasi::read(input, &mut buffer[kept..kept + CHUNK_BYTES]);
        if len == 0 {
            return lines;
        }
        let text = &buffer[..kept + len];
        let mut at = 0;
        if counted {
            match find_newline(text, 0) {
                Some(newline) => {
                    at = newline + 1;
                    counted = false;
                }
                None => at = text.len(),
            }
        }
        while let Some(hit) = search.find(text, at) {
            lines += 1;
            match find_newline(text, hit + word.len()) {
                Some(newline) => at = newline + 1,
                None => {
                    at = text.len();
                    counted = true;
                    break;
                }
            }
        }
        let end = text.len();
        let start = at.max((end + 1).saturating_sub(word.len())).min(end);
        buffer.copy_within(start..end, 0);
        kept = end - start;
    }
}

struct Search<'a> {
    word: &'a [u8],
    first: v128,
    last: v128,
}

impl<'a> Search<'a> {
    fn new(word: &'a [u8]) -> Self {
        Search { word, first: u8x16_splat(word[0]), last: u8x16_splat(word[word.len() - 1]) }
    }

    /// The lanes at `at` where the word's first and last byte fit.
    #[inline(always)]
    unsafe fn candidates(&self, at: *const u8) -> v128 {
        let first = v128_load(at as *const v128);
        let last = v128_load(at.add(self.word.len() - 1) as *const v128);
        v128_and(i8x16_eq(first, self.first), i8x16_eq(last, self.last))
    }

    /// Where the word begins next, from `at` on.
    fn find(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let extra = self.word.len() - 1;
        let end = text.len();
        let start = text.as_ptr();
        while at + BLOCK + extra <= end {
            unsafe {
                let block = start.add(at);
                let lanes = [
                    self.candidates(block),
                    self.candidates(block.add(LANES)),
                    self.candidates(block.add(2 * LANES)),
                    self.candidates(block.add(3 * LANES)),
                ];
                let any = v128_or(v128_or(lanes[0], lanes[1]), v128_or(lanes[2], lanes[3]));
                if v128_any_true(any) {
                    for (i, lane) in lanes.iter().enumerate() {
                        if let Some(hit) = self.confirm(text, at + i * LANES, i8x16_bitmask(*lane) as u32) {
                            return Some(hit);
                        }
                    }
                }
            }
            at += BLOCK;
        }
        while at + extra < end {
            if text[at] == self.word[0] && self.is_at(text, at) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    fn confirm(&self, text: &[u8], at: usize, mut mask: u32) -> Option<usize> {
        while mask != 0 {
            let place = at + mask.trailing_zeros() as usize;
            if self.is_at(text, place) {
                return Some(place);
            }
            mask &= mask - 1;
        }
        None
    }

    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let mut i = 0;
        while i < self.word.len() {
            if text[at + i] != self.word[i] {
                return false;
            }
            i += 1;
        }
        true
    }
}

fn find_newline(text: &[u8], mut at: usize) -> Option<usize> {
    let newline = u8x16_splat(b'\n');
    while at + LANES <= text.len() {
        let lanes = unsafe { v128_load(text.as_ptr().add(at) as *const v128) };
        let mask = i8x16_bitmask(i8x16_eq(lanes, newline)) as u32;
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        at += LANES;
    }
    while at < text.len() {
        if text[at] == b'\n' {
            return Some(at);
        }
        at += 1;
    }
    None
}
