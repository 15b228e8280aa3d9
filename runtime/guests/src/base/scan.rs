//! Searches that look at eight or more bytes at once, as suits an interpreter.
//!
//! Interpreters run operations on 64-bit lanes and on bits several times faster than comparisons
//! of 8-bit lanes.

use core::arch::wasm32::{
    i64x2_sub, u64x2_splat, v128, v128_and, v128_andnot, v128_any_true, v128_load, v128_or, v128_xor,
};

/// A one in each byte.
pub const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
pub const HIGHS: u64 = 0x8080_8080_8080_8080;
const LANES: usize = 16;

/// Marks the zero bytes of `word`, the first exactly; a mark above it may be wrong.
#[inline(always)]
pub fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Marks the zero bytes of `word`, all exactly.
#[inline(always)]
pub fn all_zero_bytes(word: u64) -> u64 {
    !(((word & !HIGHS) + !HIGHS) | word | !HIGHS)
}

/// Marks the bytes of `word` that are below `bound`, which is at most 128: the first exactly, a
/// mark above it may be wrong.
#[inline(always)]
pub fn bytes_below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(bound as u64 * ONES) & !word & HIGHS
}

/// The eight bytes at a place, the first lowest.
///
/// # Safety
/// They lie in memory that may be read.
#[inline(always)]
pub unsafe fn word_at(at: *const u8) -> u64 {
    (at as *const u64).read_unaligned()
}

/// [`zero_bytes`] for a vector, without its last step.
#[inline(always)]
fn zero_lanes(lanes: v128) -> v128 {
    v128_andnot(i64x2_sub(lanes, u64x2_splat(ONES)), lanes)
}

/// Finds bytes of two kinds.
pub struct Either {
    words: [u64; 2],
    bytes: [u8; 2],
}

impl Either {
    /// Finds `a` and `b`, which may be the same.
    pub fn new(a: u8, b: u8) -> Self {
        Either { words: [a as u64 * ONES, b as u64 * ONES], bytes: [a, b] }
    }

    /// Where the first one is, from `at` on.
    #[inline(never)]
    pub fn find(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let (a, b) = (u64x2_splat(self.words[0]), u64x2_splat(self.words[1]));
        while at + 2 * LANES <= text.len() {
            let found = unsafe {
                let place = text.as_ptr().add(at);
                let low = v128_load(place as *const v128);
                let high = v128_load(place.add(LANES) as *const v128);
                let low = v128_or(zero_lanes(v128_xor(low, a)), zero_lanes(v128_xor(low, b)));
                let high = v128_or(zero_lanes(v128_xor(high, a)), zero_lanes(v128_xor(high, b)));
                v128_any_true(v128_and(v128_or(low, high), u64x2_splat(HIGHS)))
            };
            if found {
                break;
            }
            at += 2 * LANES;
        }
        while at + 8 <= text.len() {
            let word = unsafe { word_at(text.as_ptr().add(at)) };
            // Each is exact in its first mark, so that the lower of both is.
            let marks = zero_bytes(word ^ self.words[0]) | zero_bytes(word ^ self.words[1]);
            if marks != 0 {
                return Some(at + marks.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        while at < text.len() {
            if text[at] == self.bytes[0] || text[at] == self.bytes[1] {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}
