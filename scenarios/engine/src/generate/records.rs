//! Records to sort: 100 bytes each, as lines of text in the manner of the sort benchmark's own.
//!
//! A key of ten printable characters, each with the same chance; two spaces; 32 hexadecimal digits
//! that name the object and the record in it; two spaces; 52 bytes to fill; carriage return and
//! line feed. So whatever sorts lines by their bytes sorts them. Leaves out skewed keys.

use bytes::Bytes;
use rand::Rng;

use super::stream;

/// The bytes of a record.
pub const RECORD_BYTES: usize = 100;
/// Characters of a key: from the space to the tilde.
const CHARACTERS: u64 = 95;
/// As many of them as a draw has room for.
const KEY_HEAD: usize = 9;
const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";
/// The filling is so many digits, each of them so many times.
const FILLING_DIGITS: u32 = 13;
const FILLING_TIMES: usize = 4;

/// `size_bytes` bytes of records for the object at `path`.
///
/// # Panics
/// The size is not a whole number of records.
#[must_use]
pub fn records(seed: u64, path: &str, size_bytes: usize) -> Bytes {
    assert_eq!(size_bytes % RECORD_BYTES, 0, "{size_bytes} bytes of records of {RECORD_BYTES}");
    let mut rng = stream(seed, path);
    let object = rng.next_u64();
    let mut all = Vec::with_capacity(size_bytes);
    for number in 0..(size_bytes / RECORD_BYTES) as u64 {
        let mut head = rng.next_u64();
        let tail = rng.next_u64();
        for _ in 0..KEY_HEAD {
            all.push(character(head % CHARACTERS));
            head /= CHARACTERS;
        }
        all.push(character(tail % CHARACTERS));
        all.extend_from_slice(b"  ");
        push_digits(&mut all, object, 16, 1);
        push_digits(&mut all, number, 16, 1);
        all.extend_from_slice(b"  ");
        push_digits(&mut all, tail / CHARACTERS, FILLING_DIGITS, FILLING_TIMES);
        all.extend_from_slice(b"\r\n");
    }
    assert_eq!(all.len(), size_bytes, "each record has its length");
    Bytes::from(all)
}

fn character(index: u64) -> u8 {
    b' ' + u8::try_from(index).unwrap_or(0)
}

/// The last hexadecimal digits of a number, each of them so many times.
fn push_digits(text: &mut Vec<u8>, number: u64, digits: u32, times: usize) {
    for place in (0..digits).rev() {
        let digit = HEXADECIMAL[usize::try_from(number >> (4 * place) & 15).unwrap_or(0)];
        text.resize(text.len() + times, digit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_depend_on_seed_path_and_size_only() {
        assert_eq!(records(1, "demo/a", 0).len(), 0);
        assert_eq!(records(1, "demo/a", 50_000), records(1, "demo/a", 50_000));
        assert_ne!(records(1, "demo/a", 50_000), records(2, "demo/a", 50_000));
        assert_ne!(records(1, "demo/a", 50_000), records(1, "demo/b", 50_000));
    }

    #[test]
    fn records_are_distinct_lines_with_evenly_spread_keys() {
        let all = records(4, "demo/a", 2_000_000);
        let mut records: Vec<&[u8]> = all.chunks(RECORD_BYTES).collect();
        let below = records.iter().filter(|record| record[0] < b' ' + 19).count();
        assert!((3_600..4_400).contains(&below), "{below} of 20,000 have a first fifth");
        for record in &records {
            let (end, text) = record.split_last().unwrap();
            assert_eq!(*end, b'\n');
            assert!(text.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\r'));
        }
        records.sort_unstable();
        records.dedup();
        assert_eq!(records.len(), 20_000);
        let tails: Vec<u8> = records.iter().map(|record| record[9]).collect();
        assert!((b' '..=b'~').all(|byte| tails.contains(&byte)), "the tenth character varies too");
    }
}
