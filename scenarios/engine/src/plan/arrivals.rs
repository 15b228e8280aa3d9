//! Arrivals of an open loop: a Poisson process of jobs or of bursts of them, by exponential gaps.
//!
//! The first job of each group arrives at zero, since all times of a scenario count from there, and
//! so does the first of each burst at the burst's time. Gaps are rounded down to the nanosecond.

use std::time::Duration;

use rand::distr::Distribution;
use rand::{Rng, RngExt};
use stayput_host::Entropy;
use stayput_host::distribution::Exponential;

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

    /// The next one's time, from its streams by their purpose; `None` in a closed loop.
    pub(super) fn next(&mut self, stream: &dyn Fn(&'static str) -> Entropy) -> Option<Duration> {
        let run = self.next;
        self.next += 1;
        match self.arrivals {
            Arrivals::Closed => None,
            Arrivals::Poisson { per_second } => {
                if run > 0 {
                    self.at = self.at.saturating_add(gap(&mut stream("arrival"), per_second));
                }
                Some(self.at)
            }
            Arrivals::Bursts { per_second, of, within } => {
                if run.is_multiple_of(u64::from(of)) {
                    if run > 0 {
                        self.at = self.at.saturating_add(gap(&mut stream("arrival"), per_second));
                    }
                    return Some(self.at);
                }
                Some(self.at.saturating_add(stream("spread").random_range(Duration::ZERO..=within)))
            }
        }
    }
}

/// The gap before the next arrival.
pub(super) fn gap(rng: &mut impl Rng, per_second: Decimal) -> Duration {
    assert!(!per_second.is_zero(), "a rate of arrivals is above zero");
    let mean = 1e9 / per_second.magnitude();
    Duration::from_nanos(Exponential { mean }.sample(rng) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stayput_host::Seed;

    fn stream(seed: u64, purpose: &str, run: u64) -> Entropy {
        Seed(seed).entropy(purpose, b"", run)
    }

    #[test]
    fn gaps_have_the_mean_and_the_spread_of_their_rate() {
        let rate = Decimal::parse("20").unwrap();
        let draws = 20_000;
        let gaps: Vec<f64> =
            (0..draws).map(|n| gap(&mut stream(5, "arrival", n), rate).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / draws as f64;
        assert!((0.049..0.051).contains(&mean), "{mean}");
        // An exponential gap exceeds its mean with probability 1/e.
        let above = gaps.iter().filter(|gap| **gap > 0.05).count() as f64 / draws as f64;
        assert!((0.358..0.378).contains(&above), "{above}");
    }

    fn times(arrivals: Arrivals, runs: u64) -> Vec<Duration> {
        let mut times = Times::new(arrivals);
        let streams = |run| move |purpose: &'static str| stream(3, purpose, run);
        (0..runs).map(|run| times.next(&streams(run)).unwrap()).collect()
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
            assert!(after.iter().all(|after| *after <= within));
            let early = after.iter().filter(|after| **after < within / 4).count();
            assert!((200..300).contains(&early), "{early}");
        }
    }

    #[test]
    fn the_slowest_rate_has_gaps_of_days() {
        let slowest = gap(&mut stream(1, "arrival", 0), Decimal::parse("0.000001").unwrap());
        assert!((1_000..40_000_000).contains(&slowest.as_secs()), "{slowest:?}");
    }
}
