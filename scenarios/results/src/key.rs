//! Which runs a sweep is made of, and the names of their records.
//!
//! Leaves out how a run is done (`sweep`).

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{RunKey, SweepHead};

/// So many runs a sweep may have in all.
pub const MAX_CELLS: u64 = 1_000_000;

/// The seeds of a sweep: `0..200`, whose end is left out as in Rust, or a single one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds {
    text: String,
    range: Range<u64>,
}

impl Seeds {
    /// Parses `0..200` or `7`.
    ///
    /// # Errors
    /// When it is neither, or no seed is in it; in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fix = "write 0..200, whose end is left out, or one seed";
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| format!("`{text}` is no whole number ({fix})"))
        };
        let range = match text.split_once("..") {
            Some((from, to)) => number(from)?..number(to)?,
            None => {
                let seed = number(text)?;
                let end = seed.checked_add(1);
                seed..end.ok_or_else(|| format!("`{text}` is too large ({fix})"))?
            }
        };
        if range.is_empty() {
            return Err(format!("`{text}` holds no seed ({fix})"));
        }
        Ok(Self { text: text.to_owned(), range })
    }

    /// Each of them, in order.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl RunKey {
    /// The name of its record: a digest of all of it, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.scenario);
        for (key, value) in &self.settings {
            part(key);
            part(value);
        }
        part(&self.seed.to_string());
        hex(&hash.finalize()[..16])
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scenario)?;
        for (key, value) in &self.settings {
            write!(f, " {key}={value}")?;
        }
        write!(f, " seed {}", self.seed)
    }
}

impl SweepHead {
    /// How many runs it has; `None` if they are too many to count.
    #[must_use]
    pub fn cells(&self, seeds: &Seeds) -> Option<u64> {
        let mut axes = self.axes.iter().map(|(_, values)| values.len() as u64);
        let points = axes.try_fold(self.scenarios.len() as u64, u64::checked_mul)?;
        points.checked_mul(seeds.count())
    }

    /// The combinations of the axes' values, the last axis first to change.
    #[must_use]
    pub fn settings(&self) -> Vec<BTreeMap<String, String>> {
        let mut combined = vec![BTreeMap::new()];
        for (key, values) in &self.axes {
            let with = |settings: &BTreeMap<String, String>| {
                let settings = settings.clone();
                values.iter().map(move |value| {
                    let mut settings = settings.clone();
                    settings.insert(key.clone(), value.clone());
                    settings
                })
            };
            combined = combined.iter().flat_map(with).collect();
        }
        combined
    }

    /// Every run of it, in its order: scenario by scenario, setting by setting, seed by seed.
    ///
    /// # Errors
    /// When its seeds are none, or there are more than [`MAX_CELLS`] runs; in words.
    pub fn keys(&self) -> Result<Vec<RunKey>, String> {
        let seeds = Seeds::parse(&self.seeds)?;
        let cells = self.cells(&seeds).filter(|cells| *cells <= MAX_CELLS);
        if cells.is_none() {
            return Err(format!(
                "there are more than {MAX_CELLS} runs in all (take fewer seeds or values)"
            ));
        }
        let mut keys = Vec::new();
        let combined = self.settings();
        for (scenario, _) in &self.scenarios {
            for settings in &combined {
                for seed in seeds.range() {
                    let (scenario, settings) = (scenario.clone(), settings.clone());
                    keys.push(RunKey { scenario, settings, seed });
                }
            }
        }
        Ok(keys)
    }
}

/// Bytes as they are written in digests.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::head;

    #[test]
    fn the_end_of_a_range_is_left_out_and_one_seed_is_a_range() {
        assert_eq!(Seeds::parse("0..3").unwrap().range(), 0..3);
        assert_eq!(Seeds::parse("7").unwrap().range(), 7..8);
        assert_eq!(Seeds::parse("10..200").unwrap().count(), 190);
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_right_form() {
        for text in ["", "3..3", "5..2", "a..4", "1..", "-1", "0...3", "18446744073709551615"] {
            assert!(Seeds::parse(text).unwrap_err().contains("0..200"), "{text}");
        }
    }

    #[test]
    fn the_grid_is_the_product_of_all_in_order() {
        let mut head = head();
        head.axes = vec![
            ("a".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]),
        ];
        head.seeds = "5..7".to_owned();
        let keys = head.keys().unwrap();
        assert_eq!(keys.len(), 12);
        assert_eq!(head.cells(&Seeds::parse("5..7").unwrap()), Some(12));
        let shown: Vec<String> = keys.iter().map(RunKey::to_string).collect();
        assert_eq!(shown[0], "banana a=1 b=x seed 5");
        assert_eq!(shown[1], "banana a=1 b=x seed 6");
        assert_eq!(shown[2], "banana a=1 b=y seed 5");
        assert_eq!(shown[11], "banana a=2 b=z seed 6");
    }

    #[test]
    fn a_grid_that_is_too_large_is_refused() {
        let mut head = head();
        head.seeds = format!("0..{}", MAX_CELLS + 1);
        assert!(head.keys().unwrap_err().contains("1000000 runs"));
        head.seeds = format!("0..{}", u64::MAX);
        head.axes = vec![("a".to_owned(), vec!["1".to_owned(), "2".to_owned()])];
        assert!(head.keys().is_err());
    }

    #[test]
    fn every_part_of_a_key_is_in_its_digest() {
        let key = RunKey {
            scenario: "banana".to_owned(),
            settings: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            seed: 1,
        };
        let digests = [
            key.digest(),
            RunKey { scenario: "bananas".to_owned(), ..key.clone() }.digest(),
            RunKey { seed: 2, ..key.clone() }.digest(),
            RunKey { settings: BTreeMap::new(), ..key.clone() }.digest(),
            RunKey { settings: BTreeMap::from([("a1".to_owned(), String::new())]), ..key.clone() }
                .digest(),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert_eq!(digest.len(), 32);
            assert!(!digests[..at].contains(digest), "{at}");
        }
    }
}
