//! Medians and their intervals.
//!
//! The interval is that of `results::statistics`, which says how it is made; here are also signs that words may follow.

use crate::statistics::ranks;

/// A median over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::page) struct Estimate {
    /// How many runs.
    pub(in crate::page) n: usize,
    /// Their median.
    pub(in crate::page) median: f64,
    /// Its 95 % interval, where there are enough.
    pub(in crate::page) interval: Option<(f64, f64)>,
}

/// What an interval says of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum Sign {
    /// Less than nothing, all of it.
    Less,
    /// More than nothing, all of it.
    More,
    /// Nothing lies within it, or there is none.
    Open,
}

impl Estimate {
    /// Of figures, of which those that are no numbers are left out; nothing if none is left.
    pub(in crate::page) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> =
            figures.into_iter().filter(|figure| figure.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let middle = sorted.get(n / 2)?;
        let median = if n % 2 == 1 { *middle } else { (sorted[n / 2 - 1] + middle) / 2.0 };
        let interval = ranks(n).map(|(low, high)| (sorted[low - 1], sorted[high - 1]));
        Some(Self { n, median, interval })
    }

    /// The same with something added to each figure.
    pub(in crate::page) fn shifted(self, by: f64) -> Self {
        let interval = self.interval.map(|(low, high)| (low + by, high + by));
        Self { n: self.n, median: self.median + by, interval }
    }

    /// What may be said in words.
    pub(in crate::page) fn sign(&self) -> Sign {
        match self.interval {
            Some((_, high)) if high < 0.0 => Sign::Less,
            Some((low, _)) if low > 0.0 => Sign::More,
            _ => Sign::Open,
        }
    }
}

/// The figure that a share of the sorted ones does not exceed; nothing if there are none.
pub(in crate::page) fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_carry_no_claim() {
        let few = Estimate::of([1.0, 2.0, 3.0]).expect("there are figures");
        assert_eq!((few.median, few.interval, few.sign()), (2.0, None, Sign::Open));
        let many = Estimate::of((1..=20).map(f64::from)).expect("there are figures");
        assert_eq!(
            (many.median, many.interval, many.sign()),
            (10.5, Some((6.0, 15.0)), Sign::More)
        );
        assert_eq!(Estimate::of([f64::NAN]), None);
    }

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!(
            [0.0, 0.5, 0.99, 1.0].map(|share| percentile(&sorted, share)),
            [Some(1), Some(50), Some(99), Some(100)]
        );
        assert_eq!(percentile(&[], 0.5), None);
    }
}
