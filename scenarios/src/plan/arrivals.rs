//! When the jobs of an open loop arrive: a Poisson process, by exponential gaps.
//!
//! The first job of each group arrives at zero, since all times of a scenario count from there.
//! A gap is −ln(u) / rate with u from (0, 1], in integers (`logarithm`), to the nanosecond.

use std::time::Duration;

use crate::quantity::Decimal;
use stayput_sim::logarithm::{FRACTION_BITS, minus_ln_q48};

/// The gap before the next arrival, for a draw from 0 to `u64::MAX`.
pub(super) fn gap(draw: u64, per_second: Decimal) -> Duration {
    let (digits, scale) = per_second.fraction();
    assert!(digits > 0, "a rate of arrivals is above zero");
    let minus_ln = u128::from(minus_ln_q48(u128::from(draw) + 1));
    // Below 2^54 × 2^30 × 10^6: 104 bits.
    let ns = (minus_ln * 1_000_000_000 * scale / digits) >> FRACTION_BITS;
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::number;

    #[test]
    fn gaps_have_the_mean_and_the_spread_of_their_rate() {
        let rate = Decimal::parse("20").unwrap();
        let draws = 20_000;
        let gaps: Vec<f64> =
            (0..draws).map(|n| gap(number(5, "arrival", 0, n), rate).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / draws as f64;
        assert!((0.049..0.051).contains(&mean), "{mean}");
        // An exponential gap exceeds its mean with probability 1/e.
        let above = gaps.iter().filter(|gap| **gap > 0.05).count() as f64 / draws as f64;
        assert!((0.358..0.378).contains(&above), "{above}");
    }

    #[test]
    fn the_extreme_draws_and_rates_stay_in_range() {
        assert_eq!(gap(u64::MAX, Decimal::parse("20").unwrap()), Duration::ZERO);
        let slowest = gap(0, Decimal::parse("0.000001").unwrap());
        assert!((44_361_419..44_361_420).contains(&slowest.as_secs()), "{slowest:?}");
    }
}
