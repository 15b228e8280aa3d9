//! Arrivals of an open loop: a Poisson process of jobs or of bursts of them, by exponential gaps.
//!
//! The first job of each group arrives at zero, since all times of a scenario count from there, and
//! so does the first of each burst at the burst's time. A gap is −ln(u) / rate with u from (0, 1],
//! in integers (`logarithm`), to the nanosecond.

use std::time::Duration;

use stayput_host::logarithm::{FRACTION_BITS, minus_ln_q48};

use crate::quantity::Decimal;
use crate::scenario::Arrivals;

/// The times of one group, one after the other.
pub(super) struct Times {
    arrivals: Arrivals,
    next: u64,
    /// Of the last job, or of the burst that it came with.
    at: Duration,
}

impl Times {
    pub(super) const fn new(arrivals: Arrivals) -> Self {
        Self { arrivals, next: 0, at: Duration::ZERO }
    }

    /// The next one's time, from its draws by their purpose; `None` in a closed loop.
    pub(super) fn next(&mut self, draw: &dyn Fn(&'static str) -> u64) -> Option<Duration> {
        let run = self.next;
        self.next += 1;
        match self.arrivals {
            Arrivals::Closed => None,
            Arrivals::Poisson { per_second } => {
                if run > 0 {
                    self.at = self.at.saturating_add(gap(draw("arrival"), per_second));
                }
                Some(self.at)
            }
            Arrivals::Bursts { per_second, of, within } => {
                if run.is_multiple_of(u64::from(of)) {
                    if run > 0 {
                        self.at = self.at.saturating_add(gap(draw("arrival"), per_second));
                    }
                    return Some(self.at);
                }
                Some(self.at.saturating_add(part(draw("spread"), within)))
            }
        }
    }
}

/// From nothing to `length`, each with the same chance.
fn part(draw: u64, length: Duration) -> Duration {
    let ns = (u128::from(draw) * length.as_nanos()) >> 64;
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

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

    fn times(arrivals: Arrivals, runs: u64) -> Vec<Duration> {
        let mut times = Times::new(arrivals);
        let draw = |run| move |purpose: &'static str| number(3, purpose, 0, run);
        (0..runs).map(|run| times.next(&draw(run)).unwrap()).collect()
    }

    #[test]
    fn bursts_come_as_a_poisson_process_and_their_jobs_at_once() {
        let per_second = Decimal::parse("5").unwrap();
        let within = Duration::ZERO;
        let times = times(Arrivals::Bursts { per_second, of: 8, within }, 8 * 4_000);
        assert_eq!(times[0], Duration::ZERO);
        for burst in times.chunks(8) {
            assert!(burst.iter().all(|at| *at == burst[0]), "{burst:?}");
        }
        let gaps: Vec<f64> = times
            .chunks(8)
            .zip(times[8..].chunks(8))
            .map(|(one, next)| (next[0] - one[0]).as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((0.19..0.21).contains(&mean), "{mean}");
        let above = gaps.iter().filter(|gap| **gap > 0.2).count() as f64 / gaps.len() as f64;
        assert!((0.345..0.391).contains(&above), "{above}");
    }

    #[test]
    fn a_spread_puts_the_jobs_of_a_burst_evenly_behind_its_first() {
        let per_second = Decimal::parse("1").unwrap();
        let within = Duration::from_millis(20);
        let times = times(Arrivals::Bursts { per_second, of: 1_000, within }, 3_000);
        for burst in times.chunks(1_000) {
            let after: Vec<Duration> = burst[1..].iter().map(|at| *at - burst[0]).collect();
            assert!(after.iter().all(|after| *after < within));
            let early = after.iter().filter(|after| **after < within / 4).count();
            assert!((200..300).contains(&early), "{early}");
        }
    }

    #[test]
    fn the_extreme_draws_and_rates_stay_in_range() {
        assert_eq!(gap(u64::MAX, Decimal::parse("20").unwrap()), Duration::ZERO);
        let slowest = gap(0, Decimal::parse("0.000001").unwrap());
        assert!((44_361_419..44_361_420).contains(&slowest.as_secs()), "{slowest:?}");
    }
}
