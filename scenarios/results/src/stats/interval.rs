//! Medians with confidence intervals.
//!
//! The interval lies between two order statistics (the sign test turned round): how many values
//! fall below the true median is binomial with p = 1/2, whatever the values' distribution is. So it
//! needs no assumption of shape, draws nothing at random, and has at least its nominal coverage;
//! ties give it more. Leaves out intervals of other quantiles.

use serde::Serialize;

/// The method's name in results.
pub const METHOD: &str = "median over seeds; 95 % interval between order statistics \
    (sign test: binomial with p = 1/2, coverage at least 95 %)";
/// Minimum of values: with fewer, no two order statistics hold the median with 95 %.
pub const VALUES_MIN: usize = 6;
/// Probability of a miss on each side.
const MISSED_MAX: f64 = 0.025;

/// A median and the interval that holds the true one with at least 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Median of the sample.
    pub median: f64,
    /// The interval's lower end; `None` if there are fewer than [`VALUES_MIN`] values.
    pub low: Option<f64>,
    /// The interval's upper end.
    pub high: Option<f64>,
    /// Number of values.
    #[serde(skip)]
    pub count: usize,
}

impl Estimate {
    /// The estimate of values in any order, of which those that are no numbers are left out; `None`
    /// if none is left.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let upper = *values.get(count / 2)?;
        let median = match values.get((count / 2).wrapping_sub(1)) {
            Some(lower) if count.is_multiple_of(2) => (lower + upper) / 2.0,
            _ => upper,
        };
        let ranks = ranks(count);
        let at = |rank: usize| values.get(rank - 1).copied();
        let (low, high) = ranks.map_or((None, None), |(low, high)| (at(low), at(high)));
        Some(Self { median, low, high, count })
    }

    /// Both ends of the interval.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        Some((self.low?, self.high?))
    }

    /// The estimate of the values of a growing function.
    #[must_use]
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        let Self { median, low, high, count } = self;
        Self { median: of(median), low: low.map(&of), high: high.map(&of), count }
    }

    /// The estimate of the values with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        let Self { median, low, high, count } = self;
        Self { median: -median, low: high.map(|high| -high), high: low.map(|low| -low), count }
    }

    /// Position of its interval to `value`: `Less` if all of it is below, `Greater` if above,
    /// `Equal` if it holds it; `None` if there is no interval. Words may claim a difference only of
    /// `Less` and `Greater`.
    #[must_use]
    pub fn beside(&self, value: f64) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let (low, high) = self.interval()?;
        Some(match () {
            () if high < value => Less,
            () if low > value => Greater,
            () => Equal,
        })
    }
}

/// Ranks, from 1, of the order statistics that hold the median of `count` values with at least 95
/// %; `None` if there are too few values.
#[must_use]
pub fn ranks(count: usize) -> Option<(usize, usize)> {
    // The binomial's terms relative to that in the middle, so that none overflows; those that
    // underflow decide nothing. Multiplying and dividing are exact to the last bit by IEEE 754, so
    // ranks are the same everywhere.
    let middle = count / 2;
    let mut terms = vec![0.0; count + 1];
    terms[middle] = 1.0;
    for k in (0..middle).rev() {
        terms[k] = terms[k + 1] * (k + 1) as f64 / (count - k) as f64;
    }
    for k in middle..count {
        terms[k + 1] = terms[k] * (count - k) as f64 / (k + 1) as f64;
    }
    let allowed = MISSED_MAX * terms.iter().sum::<f64>();
    let mut missed = 0.0;
    let mut low = 0;
    for term in &terms {
        missed += term;
        if missed > allowed {
            break;
        }
        low += 1;
    }
    (low > 0).then(|| (low, count + 1 - low))
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use stayput_host::Seed;

    #[test]
    fn ranks_are_those_of_the_tables_of_the_sign_test() {
        for (count, wanted) in [
            (0, None),
            (5, None),
            (6, Some((1, 6))),
            (8, Some((1, 8))),
            (9, Some((2, 8))),
            (10, Some((2, 9))),
            (20, Some((6, 15))),
            (41, Some((14, 28))),
            (100, Some((40, 61))),
            (1_000, Some((469, 532))),
        ] {
            assert_eq!(ranks(count), wanted, "{count}");
        }
        assert_eq!(VALUES_MIN, (0..).find(|count| ranks(*count).is_some()).unwrap());
        // 50,000 ± 0.98 · √100,000 values.
        let (low, high) = ranks(100_000).unwrap();
        assert_eq!(low + high, 100_001);
        assert!((49_685..49_695).contains(&low), "{low}");
    }

    #[test]
    fn the_median_is_the_middle_or_between_two() {
        let median = |values: &[f64]| Estimate::of(values.iter().copied()).map(|e| e.median);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[f64::NAN, 3.0]), Some(3.0), "no number is no value");
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn ten_values_give_the_second_and_the_ninth() {
        let values = (1..=10).rev().map(f64::from);
        let wanted = Estimate { median: 5.5, low: Some(2.0), high: Some(9.0), count: 10 };
        let estimate = Estimate::of(values).unwrap();
        assert_eq!(estimate, wanted);
        use std::cmp::Ordering::{Equal, Greater, Less};
        assert_eq!(
            [1.9, 2.0, 9.0, 9.1].map(|value| estimate.beside(value)),
            [Some(Greater), Some(Equal), Some(Equal), Some(Less)]
        );
    }

    #[test]
    fn equal_values_are_an_interval_of_no_width() {
        let estimate = Estimate::of(vec![0.0; 8]).unwrap();
        assert_eq!((estimate.low, estimate.high), (Some(0.0), Some(0.0)));
        let few = Estimate::of(vec![1.0; 5]).unwrap();
        assert_eq!((few.low, few.beside(0.0)), (None, None));
    }

    /// Share of 4,000 samples of `count` values of a distribution whose interval holds the
    /// distribution's median.
    fn coverage(count: usize, draw: impl Fn(f64) -> f64, median: f64) -> f64 {
        let mut random = Seed(1).stream("coverage of intervals", &count.to_le_bytes());
        let samples = 4_000;
        let held = (0..samples).filter(|_| {
            let values: Vec<f64> = (0..count).map(|_| draw(random.random())).collect();
            let estimate = Estimate::of(values).unwrap();
            estimate.beside(median) == Some(std::cmp::Ordering::Equal)
        });
        held.count() as f64 / f64::from(samples)
    }

    #[test]
    fn the_interval_covers_what_it_says_whatever_the_shape() {
        // Between 0 and 1, then bent so that the tail is long; the median moves along.
        let even = |drawn: f64| drawn;
        let skewed = |drawn: f64| 1.0 / (1.0 - drawn).max(1e-12);
        for count in [6, 20, 50, 200] {
            for covered in [coverage(count, even, 0.5), coverage(count, skewed, 2.0)] {
                // Four standard errors of 4,000 samples are 0.014; the exact coverage of these
                // counts is 0.951 to 0.969.
                assert!((0.940..0.985).contains(&covered), "{count}: {covered}");
            }
        }
    }

    #[test]
    fn an_interval_of_a_median_elsewhere_seldom_holds_this_one() {
        let covered = coverage(200, |drawn| drawn, 0.7);
        assert!(covered < 0.01, "{covered}");
    }
}
