//! Exact ranks of a sample.

/// Values in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample(Vec<u64>);

impl FromIterator<u64> for Sample {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut values: Vec<u64> = values.into_iter().collect();
        values.sort_unstable();
        Self(values)
    }
}

impl Sample {
    /// The value of rank ⌈n · percent / 100⌉; `None` of an empty sample.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<u64> {
        self.quantile(percent, 100)
    }

    /// The value of rank ⌈n · part / whole⌉, or the first one for rank 0; `None` of an empty
    /// sample.
    #[must_use]
    pub fn quantile(&self, part: usize, whole: usize) -> Option<u64> {
        let rank = (self.0.len() * part).div_ceil(whole);
        self.0.get(rank.max(1) - 1).copied()
    }

    /// The least value.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        self.0.first().copied()
    }

    /// The greatest value.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        self.0.last().copied()
    }

    /// The average.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let sum: u128 = self.0.iter().copied().map(u128::from).sum();
        (!self.0.is_empty()).then(|| sum as f64 / self.0.len() as f64)
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let values: Sample = (1..=100).rev().collect();
        assert_eq!([0, 50, 99, 100].map(|p| values.percentile(p)), [1, 50, 99, 100].map(Some));
        let few: Sample = [3, 1, 2].into_iter().collect();
        assert_eq!((few.percentile(50), few.percentile(99)), (Some(2), Some(3)));
        assert_eq!((few.quantile(1, 160), few.mean()), (Some(1), Some(2.0)));
        assert_eq!((Sample::default().percentile(50), Sample::default().mean()), (None, None));
    }
}
