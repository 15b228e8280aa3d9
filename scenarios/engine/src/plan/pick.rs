//! Choice of the object that a job works on.
//!
//! The weights of a zipf pick are whole numbers: 2^40 / k^s rounded down, exact for a whole
//! exponent s, and by the fixed-point power of `logarithm` for others. What is below 2^-40 of
//! the first object's weight is never drawn.

use stayput_host::logarithm::{FRACTION_BITS, exp2_minus_q62, log2_q48};

use crate::quantity::Decimal;
use crate::scenario::Pick;

const WEIGHT_BITS: u32 = 40;

/// Chooses among `count` objects; draws decide nothing else.
pub(super) enum Picker {
    Each {
        count: usize,
    },
    /// The sums of the weights so far, of which the last is their total.
    Weighted {
        sums: Vec<u64>,
    },
}

impl Picker {
    /// `count` must be at least 1.
    pub(super) fn new(pick: Pick, count: usize) -> Self {
        assert!(count > 0, "there must be an object to pick");
        let weight = |rank: u64| match pick {
            Pick::Zipf(exponent) => zipf_weight(rank, exponent),
            Pick::Uniform | Pick::Each => 1,
        };
        if pick == Pick::Each {
            return Self::Each { count };
        }
        let mut sum = 0;
        let sums = (1..=count as u64)
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        Self::Weighted { sums }
    }

    /// Chooses by whole weights, of which one at least must be above zero.
    pub(super) fn weighing(weights: impl Iterator<Item = u32>) -> Self {
        let mut sum = 0;
        let sums = weights.map(|weight| {
            sum += u64::from(weight);
            sum
        });
        let sums: Vec<u64> = sums.collect();
        assert!(sum > 0, "there must be a weight above zero");
        Self::Weighted { sums }
    }

    /// The object of the `run`-th job, for a draw from 0 to `u64::MAX`.
    pub(super) fn pick(&self, run: u32, draw: u64) -> usize {
        match self {
            Self::Each { count } => run as usize % count,
            Self::Weighted { sums } => {
                let total = sums.last().copied().unwrap_or(1);
                let point = (u128::from(draw) * u128::from(total)) >> 64;
                let at = sums.partition_point(|sum| u128::from(*sum) <= point);
                assert!(at < sums.len(), "a point below the total lies in some weight");
                at
            }
        }
    }
}

fn zipf_weight(rank: u64, exponent: Decimal) -> u64 {
    if let Some(whole) = exponent.as_whole(u32::MAX) {
        let power = u128::from(rank).checked_pow(whole);
        let weight = power.map_or(0, |power| (1_u128 << WEIGHT_BITS) / power);
        return u64::try_from(weight).unwrap_or(0);
    }
    let (digits, scale) = exponent.fraction();
    // log2 of a rank is below 17 << 48 and an exponent's digits are below 10^18: 114 bits.
    let power = u128::from(log2_q48(u128::from(rank))) * digits / scale;
    let power = u64::try_from(power).unwrap_or(u64::MAX);
    debug_assert!(power >> FRACTION_BITS <= 17 * 8 + 8, "ranks and exponents are bounded");
    exp2_minus_q62(power) >> (62 - WEIGHT_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::number;

    fn counts(pick: Pick, objects: usize, draws: u32) -> Vec<u32> {
        let picker = Picker::new(pick, objects);
        let mut counts = vec![0; objects];
        for run in 0..draws {
            counts[picker.pick(run, number(1, "pick", 0, u64::from(run)))] += 1;
        }
        counts
    }

    fn zipf(exponent: &str) -> Pick {
        Pick::Zipf(Decimal::parse(exponent).unwrap())
    }

    #[test]
    fn zipf_one_draws_the_second_half_as_often_as_the_first() {
        let counts = counts(zipf("1.0"), 16, 20_000);
        let ratio = f64::from(counts[0]) / f64::from(counts[1]);
        assert!((1.85..2.15).contains(&ratio), "{counts:?}");
        assert!(counts[15] > 200, "{counts:?}");
    }

    #[test]
    fn a_fractional_exponent_lies_between_its_whole_neighbours() {
        for rank in 2..200 {
            let weight = |s: &str| zipf_weight(rank, Decimal::parse(s).unwrap());
            assert!(weight("1") > weight("1.1") && weight("1.1") > weight("1.9"));
            assert!(weight("1.9") > weight("2"), "rank {rank}");
            let float = 2_f64.powi(40) / (rank as f64).powf(1.1);
            assert!((weight("1.1") as f64 / float - 1.0).abs() < 1e-6, "rank {rank}");
        }
        assert_eq!(zipf_weight(1, Decimal::parse("1.1").unwrap()), 1 << 40);
    }

    #[test]
    fn each_goes_round_and_uniform_is_even() {
        assert_eq!(counts(Pick::Each, 3, 7), [3, 2, 2]);
        let even = counts(Pick::Uniform, 4, 8_000);
        assert!(even.iter().all(|n| (1_800..2_200).contains(n)), "{even:?}");
    }

    #[test]
    fn weights_are_shares() {
        let picker = Picker::weighing([3, 0, 1].into_iter());
        let mut counts = [0; 3];
        for run in 0..8_000 {
            counts[picker.pick(run, number(1, "job", 0, u64::from(run)))] += 1;
        }
        assert!((5_850..6_150).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
    }

    #[test]
    fn the_extreme_draws_stay_in_range() {
        let picker = Picker::new(zipf("8"), 100_000);
        assert_eq!(picker.pick(0, 0), 0);
        assert!(picker.pick(0, u64::MAX) < 100_000);
    }
}
