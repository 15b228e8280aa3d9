//! The grid of a sweep: its scenarios, settings and seeds in all combinations.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use stayput_engine::record::RunKey;

use super::SweepHead;

/// Bound of the runs of a sweep.
pub const MAX_CELLS: u64 = 1_000_000;

/// Seeds or a grid that no sweep can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// An end of the range that is no number.
    #[error("`{text}` is no whole number ({SEEDS_FIX})")]
    NoNumber {
        /// The text.
        text: String,
    },
    /// A seed without a successor.
    #[error("`{text}` is too large ({SEEDS_FIX})")]
    TooLarge {
        /// The text.
        text: String,
    },
    /// An empty range.
    #[error("`{text}` holds no seed ({SEEDS_FIX})")]
    NoSeed {
        /// The text.
        text: String,
    },
    /// More runs than [`MAX_CELLS`].
    #[error("there are more than {MAX_CELLS} runs in all (take fewer seeds or values)")]
    TooManyRuns,
}

const SEEDS_FIX: &str = "write 0..200, whose end is left out, or one seed";

/// The seeds of a sweep: `0..200`, whose end is left out as in Rust, or a single one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRange {
    text: String,
    range: Range<u64>,
}

impl SeedRange {
    /// Parses `0..200` or `7`.
    ///
    /// # Errors
    /// The text is neither, or no seed is in it.
    pub fn parse(text: &str) -> Result<Self, GridError> {
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| GridError::NoNumber { text: text.to_owned() })
        };
        let range = match text.split_once("..") {
            Some((from, to)) => number(from)?..number(to)?,
            None => {
                let seed = number(text)?;
                let end = seed.checked_add(1);
                seed..end.ok_or_else(|| GridError::TooLarge { text: text.to_owned() })?
            }
        };
        if range.is_empty() {
            return Err(GridError::NoSeed { text: text.to_owned() });
        }
        Ok(Self { text: text.to_owned(), range })
    }

    /// The seeds, in order.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Number of seeds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl fmt::Display for SeedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl SweepHead {
    /// Number of runs; `None` if they are too many to count.
    #[must_use]
    pub fn cells(&self, seeds: &SeedRange) -> Option<u64> {
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
    /// Its seeds are none, or there are more than [`MAX_CELLS`] runs.
    pub fn keys(&self) -> Result<Vec<RunKey>, GridError> {
        let seeds = SeedRange::parse(&self.seeds)?;
        let cells = self.cells(&seeds).filter(|cells| *cells <= MAX_CELLS);
        cells.ok_or(GridError::TooManyRuns)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::head;

    #[test]
    fn the_end_of_a_range_is_left_out_and_one_seed_is_a_range() {
        assert_eq!(SeedRange::parse("0..3").unwrap().range(), 0..3);
        assert_eq!(SeedRange::parse("7").unwrap().range(), 7..8);
        assert_eq!(SeedRange::parse("10..200").unwrap().count(), 190);
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_right_form() {
        for text in ["", "3..3", "5..2", "a..4", "1..", "-1", "0...3", "18446744073709551615"] {
            assert!(SeedRange::parse(text).unwrap_err().to_string().contains("0..200"), "{text}");
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
        assert_eq!(head.cells(&SeedRange::parse("5..7").unwrap()), Some(12));
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
        assert!(head.keys().unwrap_err().to_string().contains("1000000 runs"));
        head.seeds = format!("0..{}", u64::MAX);
        head.axes = vec![("a".to_owned(), vec!["1".to_owned(), "2".to_owned()])];
        assert!(head.keys().is_err());
    }
}
