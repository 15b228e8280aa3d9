//! Choice of the object that a job works on, or of the job.

use rand::distr::weighted::WeightedIndex;
use rand::{Rng, RngExt};
use stayput_host::distribution::zipf_weights;

use crate::scenario::Pick;

/// Choice among some number of things.
pub(super) enum Picker {
    /// One after the other.
    Each {
        count: usize,
    },
    /// All alike.
    Uniform {
        count: usize,
    },
    Weighted(WeightedIndex<f64>),
}

impl Picker {
    /// `count` must be at least 1.
    pub(super) fn new(pick: Pick, count: usize) -> Self {
        assert!(count > 0, "there must be an object to pick");
        match pick {
            Pick::Each => Self::Each { count },
            Pick::Uniform => Self::Uniform { count },
            Pick::Zipf(exponent) => Self::weighing(zipf_weights(count, exponent.magnitude())),
        }
    }

    /// Chooses by weights, of which one at least must be above zero.
    pub(super) fn weighing(weights: impl Iterator<Item = f64>) -> Self {
        Self::Weighted(WeightedIndex::new(weights).expect("there must be a weight above zero"))
    }

    /// The object of the `run`-th job.
    pub(super) fn pick(&self, run: u32, rng: &mut impl Rng) -> usize {
        match self {
            Self::Each { count } => run as usize % count,
            Self::Uniform { count } => rng.random_range(0..*count),
            Self::Weighted(weights) => rng.sample(weights),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Decimal;
    use stayput_host::{Entropy, Seed};

    fn stream(run: u32) -> Entropy {
        Seed(1).entropy("pick", b"", run.into())
    }

    fn counts(pick: Pick, objects: usize, draws: u32) -> Vec<u32> {
        let picker = Picker::new(pick, objects);
        let mut counts = vec![0; objects];
        for run in 0..draws {
            counts[picker.pick(run, &mut stream(run))] += 1;
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
    fn each_goes_round_and_uniform_is_even() {
        assert_eq!(counts(Pick::Each, 3, 7), [3, 2, 2]);
        let even = counts(Pick::Uniform, 4, 8_000);
        assert!(even.iter().all(|n| (1_800..2_200).contains(n)), "{even:?}");
    }

    #[test]
    fn weights_are_shares() {
        let picker = Picker::weighing([3.0, 0.0, 1.0].into_iter());
        let mut counts = [0; 3];
        for run in 0..8_000 {
            counts[picker.pick(run, &mut stream(run))] += 1;
        }
        assert!((5_850..6_150).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
    }

    #[test]
    fn the_steepest_weights_draw_the_first_and_no_weight_is_lost() {
        assert!(counts(zipf("8"), 100_000, 1_000)[0] > 980);
    }
}
