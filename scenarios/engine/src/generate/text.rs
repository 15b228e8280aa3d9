//! Prose of made-up words, for counting them: the word of rank k comes about as often as 1 / k.
//!
//! The vocabulary is the same for every seed and object, so that the counts of many objects add up.
//! Words are what stands between spaces and line ends; commas and full stops stick to them, as in
//! any text. Leaves out sense.

use bytes::Bytes;
use rand::Rng;

use super::stream;

/// Ranks below 2^12.
const LEVELS: u64 = 12;
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";
const SUFFIXES: [&str; 8] = ["", "", "", "", "n", "st", "ring", "lation"];
/// No word with what follows it is longer.
const MAX_WORD_BYTES: usize = 16;

/// Exactly `size_bytes` bytes of text for the object at `path`; the last word may be cut short.
#[must_use]
pub fn text(seed: u64, path: &str, size_bytes: usize) -> Bytes {
    let mut rng = stream(seed, path);
    let mut text = Vec::with_capacity(size_bytes.saturating_add(MAX_WORD_BYTES));
    let mut begins = true;
    while text.len() < size_bytes {
        let draw = rng.next_u64();
        // As likely to lie between 2^n and 2^(n+1) for each n, and anywhere in there.
        let level = draw % LEVELS;
        let rank = (1 << level) | ((draw >> 8) & ((1 << level) - 1));
        let start = text.len();
        push_word(&mut text, rank);
        if begins {
            text[start].make_ascii_uppercase();
        }
        let punctuation = (draw >> 32) & 63;
        begins = punctuation < 5;
        text.extend_from_slice(match punctuation {
            0 => b".\n",
            1..5 => b". ",
            5..9 => b", ",
            9..12 => b"\n",
            _ => b" ",
        });
    }
    text.truncate(size_bytes);
    Bytes::from(text)
}

/// The word of a rank from 1 to 4095: the more frequent, the shorter.
fn push_word(text: &mut Vec<u8>, rank: u64) {
    let mut left = usize::try_from(rank).unwrap_or(0);
    loop {
        text.push(CONSONANTS[left & 15]);
        text.push(VOWELS[(left >> 4) & 3]);
        left >>= 6;
        if left == 0 {
            break;
        }
    }
    if rank >= 64 {
        let suffix = usize::try_from(rank.wrapping_mul(0x9e37_79b9) >> 7 & 7).unwrap_or(0);
        text.extend_from_slice(SUFFIXES[suffix].as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn size_is_exact_and_bytes_depend_on_seed_and_path_only() {
        for size in [0, 1, 100, 100_003] {
            assert_eq!(text(1, "demo/a", size).len(), size);
        }
        assert_eq!(text(1, "demo/a", 50_000), text(1, "demo/a", 50_000));
        assert_ne!(text(1, "demo/a", 50_000), text(2, "demo/a", 50_000));
        assert_ne!(text(1, "demo/a", 50_000), text(1, "demo/b", 50_000));
    }

    #[test]
    fn few_words_are_frequent_and_many_are_rare() {
        let text = text(3, "demo/a", 1_000_000);
        let text = std::str::from_utf8(&text).unwrap();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for word in text.split_ascii_whitespace() {
            assert!(word.len() < MAX_WORD_BYTES, "{word}");
            *counts.entry(word).or_default() += 1;
        }
        let mut counts: Vec<u32> = counts.into_values().collect();
        counts.sort_unstable();
        let total: u32 = counts.iter().sum();
        let most = counts[counts.len() - 1];
        assert!((total / 20..total / 8).contains(&most), "{most} of {total}");
        assert!(counts.len() > 4_000, "{} words", counts.len());
        assert!(counts[counts.len() / 2] < total / 10_000, "{}", counts[counts.len() / 2]);
    }
}
