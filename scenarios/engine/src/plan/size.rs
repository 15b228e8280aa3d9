//! Size of an object, drawn from its distribution.
//!
//! Sizes are rounded down, to a whole byte or to a whole number of what the generator makes; none
//! is below one of these.

use rand::distr::Distribution;
use rand::{Rng, RngExt};
use stayput_host::distribution::{LogNormal, Pareto};

use crate::scenario::Size;

/// The size of an object, a multiple of `unit` bytes.
pub(super) fn draw(size: Size, rng: &mut impl Rng, unit: u64) -> u64 {
    let drawn = match size {
        // What is written is what comes: that it is a multiple was checked when it was read.
        Size::Fixed(size) => return size,
        Size::Uniform { least, most } => rng.random_range(least..=most),
        Size::Lognormal { median, sigma, most } => {
            let distribution = LogNormal { median: median as f64, sigma: sigma.magnitude() };
            (distribution.sample(rng) as u64).min(most)
        }
        Size::Pareto { least, alpha, most } => {
            let distribution = Pareto { scale: least as f64, shape: alpha.magnitude() };
            (distribution.sample(rng) as u64).min(most)
        }
    };
    (drawn / unit).max(1) * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Decimal;
    use stayput_host::Seed;

    const DRAWS: u32 = 20_000;
    const MIB: u64 = 1 << 20;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn drawn(size: Size) -> Vec<u64> {
        let mut all: Vec<u64> = (0..DRAWS)
            .map(|n| draw(size, &mut Seed(5).stream("size", &n.to_le_bytes()), 1))
            .collect();
        all.sort_unstable();
        all
    }

    fn share(sizes: &[u64], of: impl Fn(u64) -> bool) -> f64 {
        sizes.iter().filter(|size| of(**size)).count() as f64 / sizes.len() as f64
    }

    fn close(found: f64, wanted: f64, by: f64) {
        assert!((found - wanted).abs() < by, "{found} instead of {wanted}");
    }

    #[test]
    fn uniform_sizes_lie_evenly_between_their_ends() {
        let sizes = drawn(Size::Uniform { least: MIB, most: 8 * MIB });
        assert!(sizes[0] >= MIB && sizes[sizes.len() - 1] <= 8 * MIB);
        close(share(&sizes, |size| size < 3 * MIB), 2.0 / 7.0, 0.01);
        close(sizes.iter().sum::<u64>() as f64 / f64::from(DRAWS) / MIB as f64, 4.5, 0.05);
        let ends = drawn(Size::Uniform { least: 3, most: 4 });
        close(share(&ends, |size| size == 3), 0.5, 0.015);
    }

    #[test]
    fn the_logarithms_of_lognormal_sizes_are_normal() {
        let most = 4 << 30;
        let sizes = drawn(Size::Lognormal { median: MIB, sigma: number("1.5"), most });
        let logs: Vec<f64> =
            sizes.iter().map(|size| (*size as f64 / MIB as f64).ln() / 1.5).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / logs.len() as f64;
        close(mean, 0.0, 0.03);
        close(variance, 1.0, 0.04);
        // The normal distribution at -2, -1, 0, 1 and 2.
        for (z, below) in
            [(-2.0, 0.02275), (-1.0, 0.15866), (0.0, 0.5), (1.0, 0.84134), (2.0, 0.97725)]
        {
            let found = logs.iter().filter(|log| **log < z).count() as f64 / logs.len() as f64;
            close(found, below, 0.01);
        }
    }

    #[test]
    fn pareto_sizes_become_rare_by_their_power() {
        let size = Size::Pareto { least: MIB, alpha: number("1.5"), most: 4 << 30 };
        let sizes = drawn(size);
        assert!(sizes[0] >= MIB, "{}", sizes[0]);
        for times in [2_u64, 4, 16] {
            let wanted = (times as f64).powf(-1.5);
            close(share(&sizes, |size| size > times * MIB), wanted, 0.01);
        }
    }

    #[test]
    fn what_exceeds_the_bound_is_as_large_as_it() {
        for size in [
            Size::Pareto { least: MIB, alpha: number("0.5"), most: 2 * MIB },
            Size::Lognormal { median: MIB, sigma: number("8"), most: 2 * MIB },
        ] {
            let sizes = drawn(size);
            assert_eq!(sizes[sizes.len() - 1], 2 * MIB);
            assert!(share(&sizes, |size| size == 2 * MIB) > 0.2);
            assert!(sizes[0] >= 1);
        }
    }

    #[test]
    fn sizes_are_whole_numbers_of_what_is_generated() {
        let size = Size::Lognormal { median: 150, sigma: number("1"), most: 10_000 };
        let mut stream = Seed(1).stream("size", b"");
        let sizes: Vec<u64> = (0..100).map(|_| draw(size, &mut stream, 100)).collect();
        assert!(sizes.iter().all(|size| size % 100 == 0 && *size >= 100), "{sizes:?}");
    }
}
