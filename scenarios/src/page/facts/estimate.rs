//! Medians and their intervals.
//!
//! The interval is that of the sign test: two of the ordered figures themselves, between which the median of what they are drawn
//! from lies with a chance of at least 95 %, whatever its distribution. Fewer than six figures have none.

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
        let interval = outer(n).map(|at| (sorted[at], sorted[n - 1 - at]));
        Some(Self { n, median, interval })
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

/// How many of `n` ordered figures lie outside of the interval on each side.
fn outer(n: usize) -> Option<usize> {
    // Chances of the binomial distribution with an even coin, added until 2.5 % are exceeded. In logarithms: 2^-n is no number soon.
    let mut log_chance = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    let mut below = None;
    for k in 0..n / 2 {
        sum += log_chance.exp();
        if sum > 0.025 {
            break;
        }
        below = Some(k);
        log_chance += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    below
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
    fn the_interval_is_that_of_the_tables_of_the_sign_test() {
        // Ranks, from 1, as textbooks print them: 6: 1, 10: 2, 20: 6, 25: 8, 50: 18, 100: 40.
        for (n, rank) in [
            (5, None),
            (6, Some(1)),
            (10, Some(2)),
            (20, Some(6)),
            (25, Some(8)),
            (50, Some(18)),
            (100, Some(40)),
        ] {
            assert_eq!(outer(n).map(|at| at + 1), rank, "{n}");
        }
        assert!(outer(10_000).is_some());
    }

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
