//! Prints how many lines of `/dev/input` contain the word that is its first argument.
//!
//! The word is searched with SIMD over large chunks: candidates are places where both its first
//! and its last byte fit. Newlines are only looked for after a hit. Left out: patterns, encodings.

#![no_std]
#![no_main]

mod wasi;

use core::arch::wasm32::{
    i64x2_sub, u64x2_splat, v128, v128_and, v128_andnot, v128_any_true, v128_load, v128_or, v128_xor,
};

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

/// Words of eight bytes that show whether one of their bytes is zero.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the zero bytes of `word`, the first exactly; a mark above it may be wrong.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The same for a vector, without its last step. Interpreters run operations on 64-bit lanes and
/// on bits several times faster than comparisons of 8-bit lanes.
#[inline(always)]
fn zero_lanes(lanes: v128) -> v128 {
    v128_andnot(i64x2_sub(lanes, u64x2_splat(ONES)), lanes)
}

#[inline(always)]
unsafe fn vector(at: *const u8) -> v128 {
    v128_load(at as *const v128)
}

#[inline(always)]
unsafe fn word_at(at: *const u8) -> u64 {
    (at as *const u64).read_unaligned()
}

struct Search<'a> {
    word: &'a [u8],
    first: u64,
    last: u64,
}

impl<'a> Search<'a> {
    fn new(word: &'a [u8]) -> Self {
        let spread = |byte: u8| byte as u64 * ONES;
        Search { word, first: spread(word[0]), last: spread(word[word.len() - 1]) }
    }

    /// Zero bytes where the word's first and last byte fit, marked as by `zero_lanes`.
    #[inline(always)]
    unsafe fn candidates(&self, at: *const u8) -> v128 {
        let first = v128_xor(vector(at), u64x2_splat(self.first));
        let last = v128_xor(vector(at.add(self.word.len() - 1)), u64x2_splat(self.last));
        zero_lanes(v128_or(first, last))
    }

    /// Where the word begins next, from `at` on.
    fn find(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let extra = self.word.len() - 1;
        let end = text.len();
        while at + BLOCK + extra <= end {
            unsafe {
                let block = text.as_ptr().add(at);
                let low = v128_or(self.candidates(block), self.candidates(block.add(LANES)));
                let block = block.add(2 * LANES);
                let high = v128_or(self.candidates(block), self.candidates(block.add(LANES)));
                if v128_any_true(v128_and(v128_or(low, high), u64x2_splat(HIGHS))) {
                    if let Some(hit) = self.find_in_block(text, at) {
                        return Some(hit);
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

    #[inline(never)]
    unsafe fn find_in_block(&self, text: &[u8], block: usize) -> Option<usize> {
        let mut at = block;
        while at < block + BLOCK {
            let place = text.as_ptr().add(at);
            let first = word_at(place) ^ self.first;
            let last = word_at(place.add(self.word.len() - 1)) ^ self.last;
            let mut marks = zero_bytes(first | last);
            while marks != 0 {
                let place = at + marks.trailing_zeros() as usize / 8;
                if self.is_at(text, place) {
                    return Some(place);
                }
                marks &= marks - 1;
            }
            at += 8;
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
    const NEWLINES: u64 = b'\n' as u64 * ONES;
    let newlines = u64x2_splat(NEWLINES);
    while at + 2 * LANES <= text.len() {
        unsafe {
            let place = text.as_ptr().add(at);
            let low = zero_lanes(v128_xor(vector(place), newlines));
            let high = zero_lanes(v128_xor(vector(place.add(LANES)), newlines));
            if v128_any_true(v128_and(v128_or(low, high), u64x2_splat(HIGHS))) {
                break;
            }
        }
        at += 2 * LANES;
    }
    while at + 8 <= text.len() {
        let marks = zero_bytes(unsafe { word_at(text.as_ptr().add(at)) } ^ NEWLINES);
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    while at < text.len() {
        if text[at] == b'\n' {
            return Some(at);
        }
        at += 1;
    }
    None
}
