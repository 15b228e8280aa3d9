//! Distributions that need a logarithm or a power, over the uniform draws of `rand`.
//!
//! The same bits on any machine: `rand_distr` computes by `num-traits`, which takes the platform's
//! C library as soon as any crate of a build turns its feature `std` on (here those that write
//! Parquet and histograms do), and C libraries, even one of them on two processors, differ in the
//! last bit. So each is the inverse of its distribution, or Box and Muller's, with the functions of
//! `libm`; names and parameters are those of `rand_distr`, with which a test compares.

use std::f64::consts::TAU;

use rand::distr::{Distribution, OpenClosed01};
use rand::{Rng, RngExt};

/// Exponential distribution, that of the gaps of a Poisson process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// Its mean.
    pub mean: f64,
}

/// Standard normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardNormal;

/// Log-normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// Its median.
    pub median: f64,
    /// The standard deviation of its natural logarithm.
    pub sigma: f64,
}

/// Pareto distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pareto {
    /// The least that is drawn.
    pub scale: f64,
    /// Its index: the lower, the longer its tail.
    pub shape: f64,
}

impl Distribution<f64> for Exponential {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        self.mean * -libm::log(rng.sample(OpenClosed01))
    }
}

impl Distribution<f64> for StandardNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(rng.sample(OpenClosed01)));
        radius * libm::cos(TAU * rng.random::<f64>())
    }
}

impl Distribution<f64> for LogNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        self.median * libm::exp(self.sigma * rng.sample(StandardNormal))
    }
}

impl Distribution<f64> for Pareto {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        self.scale * libm::pow(rng.sample(OpenClosed01), -1.0 / self.shape)
    }
}

/// Weights of Zipf's distribution over `count` ranks: the one of rank k is k to the power of minus
/// `exponent`.
pub fn zipf_weights(count: usize, exponent: f64) -> impl Iterator<Item = f64> {
    (1..=count).map(move |rank| libm::pow(rank as f64, -exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use rand::distr::weighted::WeightedIndex;

    const DRAWS: usize = 40_000;

    fn drawn(distribution: impl Distribution<f64>, number: u64) -> Vec<f64> {
        let stream = Seed(5).entropy("distribution", b"", number);
        let mut all: Vec<f64> = stream.sample_iter(distribution).take(DRAWS).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    /// Shares of what is drawn below quantiles of `theirs` are those of the quantiles, by six
    /// standard errors.
    fn compare(ours: impl Distribution<f64>, theirs: impl Distribution<f64>) {
        let (ours, theirs) = (drawn(ours, 0), drawn(theirs, 1));
        for percent in [1, 10, 25, 50, 75, 90, 99] {
            let share = f64::from(percent) / 100.0;
            let below =
                ours.partition_point(|value| *value < theirs[DRAWS * percent as usize / 100]);
            let error = (2.0 * share * (1.0 - share) / DRAWS as f64).sqrt();
            let found = below as f64 / DRAWS as f64;
            assert!((found - share).abs() < 6.0 * error, "{percent} %: {found}");
        }
    }

    #[test]
    fn they_are_those_of_rand_distr() {
        compare(Exponential { mean: 0.25 }, rand_distr::Exp::new(4.0).unwrap());
        compare(StandardNormal, rand_distr::StandardNormal);
        let (median, sigma) = (1_000.0, 1.5);
        let theirs = rand_distr::LogNormal::new(f64::ln(median), sigma).unwrap();
        compare(LogNormal { median, sigma }, theirs);
        let (scale, shape) = (64.0, 1.2);
        compare(Pareto { scale, shape }, rand_distr::Pareto::new(scale, shape).unwrap());
    }

    #[test]
    fn means_and_extremes_are_as_they_are_defined() {
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let gaps = drawn(Exponential { mean: 2.0 }, 2);
        assert!((1.96..2.04).contains(&mean(&gaps)) && gaps[0] >= 0.0);
        let normal = drawn(StandardNormal, 3);
        let squares: Vec<f64> = normal.iter().map(|z| z * z).collect();
        assert!(mean(&normal).abs() < 0.02 && (0.97..1.03).contains(&mean(&squares)));
        let sizes = drawn(Pareto { scale: 3.0, shape: 0.5 }, 4);
        assert!(sizes[0] >= 3.0 && sizes[DRAWS - 1].is_finite());
    }

    #[test]
    fn zipf_draws_rank_k_with_a_kth_of_the_chance_of_the_first() {
        let ranks = WeightedIndex::new(zipf_weights(16, 1.0)).unwrap();
        let mut counts = [0_u32; 16];
        let stream = Seed(5).entropy("distribution", b"zipf", 0);
        stream.sample_iter(ranks).take(DRAWS).for_each(|rank| counts[rank] += 1);
        let total: f64 = zipf_weights(16, 1.0).sum();
        for (weight, count) in zipf_weights(16, 1.0).zip(counts) {
            let expected = DRAWS as f64 * weight / total;
            let error = (f64::from(count) - expected).abs() / expected.sqrt();
            assert!(error < 5.0, "{count} of {expected}, by {error} standard errors: {counts:?}");
        }
    }

    #[test]
    fn draws_stay_what_they_are() {
        // Another version or machine that drew otherwise would change every result.
        fn bits(distribution: impl Distribution<f64>) -> [u64; 3] {
            let mut stream = Seed(7).entropy("p", b"id", 3);
            std::array::from_fn(|_| stream.sample(&distribution).to_bits())
        }
        assert_eq!(
            bits(Exponential { mean: 1.0 }),
            [0x3fd5_390b_4d3a_e04e, 0x3fe5_e1d0_6c82_0ea0, 0x3ff1_60d6_ce0b_3c41]
        );
        assert_eq!(
            bits(StandardNormal),
            [0xbfea_0c80_1068_bf97, 0x3ff0_5823_8503_66d6, 0x3ff9_2720_f472_7598]
        );
        assert_eq!(
            bits(LogNormal { median: 1.0, sigma: 1.5 }),
            [0x3fd2_e007_53f6_d6ab, 0x4012_83cb_899c_bf78, 0x4025_2429_923a_5890]
        );
        assert_eq!(
            bits(Pareto { scale: 1.0, shape: 1.2 }),
            [0x3ff5_17bc_0e5a_06e3, 0x3ffc_49b4_e136_5ed6, 0x4003_c71d_fef2_639e]
        );
        let weights: Vec<u64> = zipf_weights(4, 1.1).map(f64::to_bits).collect();
        assert_eq!(
            weights,
            [
                0x3ff0_0000_0000_0000,
                0x3fdd_db68_0117_ab12,
                0x3fd3_1d20_b7a1_eed0,
                0x3fcb_db8c_dadb_e11f
            ]
        );
        let ranks = WeightedIndex::new(zipf_weights(1_000, 1.1)).unwrap();
        let ranks: Vec<usize> = Seed(7).entropy("p", b"id", 3).sample_iter(ranks).take(5).collect();
        assert_eq!(ranks, [64, 11, 3, 263, 1]);
    }
}
