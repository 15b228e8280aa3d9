//! A table of fruit sales as CSV, with a column to choose any share of its rows by.
//!
//! `score` is even between 0 and 1, so that a row in five is below 0.2. Some remarks stand in
//! quotes and have commas, quotes and line ends in them, so that a filter that only splits lines is
//! found out. Leaves out that columns depend on each other.

use bytes::Bytes;
use rand::{Rng, RngExt};

use super::stream;

const HEADER: &[u8] = b"id,score,city,fruit,amount,remark\n";
/// No row is longer.
const MAX_ROW_BYTES: usize = 160;
const SCORES: u64 = 1_000_000;
const CITIES: [&str; 8] =
    ["Lisbon", "Palermo", "Valencia", "Marseille", "Split", "Piraeus", "Antalya", "Rijeka"];
const FRUIT: [&str; 8] = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "mango"];
const REMARKS: [&str; 16] = [
    "",
    "",
    "ripe",
    "sold at the door in the morning",
    "for the bakery next to the old harbour",
    "paid later",
    "second delivery of the week",
    "with leaves",
    "returned once and then sold again at half the price",
    "by telephone",
    "to the school for the summer party",
    "crates go back",
    "weighed twice",
    "\"ripe, sweet\"",
    "\"they said \"\"never again\"\", and came back\"",
    "\"two crates,\nof which one is for the neighbour\"",
];

/// Exactly `size_bytes` bytes of rows for the object at `path`; the last row may be cut short.
#[must_use]
pub fn csv(seed: u64, path: &str, size_bytes: usize) -> Bytes {
    let mut rng = stream(seed, path);
    let mut text = Vec::with_capacity(size_bytes.saturating_add(HEADER.len() + MAX_ROW_BYTES));
    text.extend_from_slice(HEADER);
    let mut id = 0;
    while text.len() < size_bytes {
        id += 1;
        let (score, more) = (rng.random_range(0..SCORES), rng.next_u64());
        let part =
            |bits: u32, shift: u32| usize::try_from(more >> shift & ((1 << bits) - 1)).unwrap_or(0);
        let (euros, cents) = (part(7, 0), part(6, 7));
        let (city, fruit, remark) = (CITIES[part(3, 16)], FRUIT[part(3, 19)], REMARKS[part(4, 22)]);
        let row = format!("{id},0.{score:06},{city},{fruit},{euros}.{cents:02},{remark}\n");
        debug_assert!(row.len() <= MAX_ROW_BYTES, "{row}");
        text.extend_from_slice(row.as_bytes());
    }
    text.truncate(size_bytes);
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_exact_and_bytes_depend_on_seed_and_path_only() {
        for size in [0, 1, 20, 100, 100_003] {
            assert_eq!(csv(1, "demo/a", size).len(), size);
        }
        assert_eq!(csv(1, "demo/a", 50_000), csv(1, "demo/a", 50_000));
        assert_ne!(csv(1, "demo/a", 50_000), csv(2, "demo/a", 50_000));
        assert_ne!(csv(1, "demo/a", 50_000), csv(1, "demo/b", 50_000));
    }

    #[test]
    fn a_threshold_on_the_score_chooses_that_share_of_the_rows() {
        let text = csv(5, "demo/a", 2_000_000);
        let text = std::str::from_utf8(&text).unwrap();
        let scores = text.lines().filter_map(|line| line.split(',').nth(1)?.parse::<f64>().ok());
        let scores: Vec<f64> = scores.collect();
        for share in [0.01, 0.2, 0.5, 0.9] {
            let below = scores.iter().filter(|score| **score < share).count() as f64;
            let found = below / scores.len() as f64;
            assert!((found - share).abs() < 0.01, "{found} for {share}");
        }
        assert!(text.contains("\"\"never again\"\"") && text.contains("crates,\nof"));
    }
}
