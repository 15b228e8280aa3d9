//! Decimal numbers, exactly: as so many thousand-millionths.

use base::scan::{word_at, HIGHS, ONES};

const PLACES: usize = 9;
const POWERS: [i64; PLACES + 1] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// The number that `text` begins with, and how long it is; none if it begins with no such number.
#[inline(never)]
pub fn parse(text: &[u8]) -> Option<(i64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let (whole_digits, mut number) = digits(text, sign);
    let mut end = sign + whole_digits;
    let mut places = 0;
    if text.get(end) == Some(&b'.') {
        let (part_digits, part) = digits(text, end + 1);
        places = part_digits;
        end += 1 + places;
        number = number.wrapping_mul(POWERS[places.min(PLACES)]).wrapping_add(part);
    }
    if whole_digits + places == 0 || whole_digits > PLACES || places > PLACES {
        return None;
    }
    number *= POWERS[PLACES - places];
    Some((if text[0] == b'-' { -number } else { number }, end))
}

/// How many digits there are from `at` on, and the number that they make: good for nothing, as the
/// count tells, if there are more than nine.
#[inline(never)]
fn digits(text: &[u8], at: usize) -> (usize, i64) {
    let most = text.len().saturating_sub(at);
    let mut number = 0;
    let mut count = 0;
    loop {
        // Memory may be read beyond the text; what is found there does not count.
        let word = unsafe { word_at(text.as_ptr().add(at + count)) } ^ (u64::from(b'0') * ONES);
        // What was a digit is below 10 now. The first mark is exact.
        let others = (word.wrapping_add(0x76 * ONES) | word) & HIGHS;
        let found = (others.trailing_zeros() as usize / 8).min(most - count);
        if found == 0 {
            return (count, number);
        }
        // The first digit lowest, zeros before it: then pairs, fours and all eight become numbers.
        let word = word << (64 - 8 * found);
        let pairs = (word.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
        let eight = fours.wrapping_mul(10_000 << 32 | 1) >> 32;
        number = POWERS[found].wrapping_mul(number).wrapping_add(eight as i64);
        count += found;
        if found < 8 || count > PLACES {
            return (count, number);
        }
    }
}
