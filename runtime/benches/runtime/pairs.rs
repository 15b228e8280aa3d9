//! Two ways to do the same work, timed in turn within one run, so that what else the machine does
//! meets both.
//!
//! Wall clock of one core. Leaves out what the work is.

use std::time::Instant;

pub(crate) const ROUNDS: usize = 41;
/// Ranks that hold the median of 41 rounds with 95 % certainty (binomial, p = 1/2).
const INTERVAL_RANKS: (usize, usize) = (13, 27);

/// Of what is to cost next to nothing.
pub(crate) const AIM: &str = "; aim: at most 1.05";

/// Seconds of each round.
pub(crate) struct Pair {
    ours: Vec<f64>,
    bare: Vec<f64>,
}

impl Pair {
    /// Does both in turn; who goes first alternates. They give what they found, which must be the
    /// same.
    pub(crate) fn time(mut ours: impl FnMut() -> String, mut bare: impl FnMut() -> String) -> Self {
        let mut pair = Self { ours: Vec::new(), bare: Vec::new() };
        let mut answers = [String::new(), String::new()];
        for round in 0..=ROUNDS {
            let mut times = [0.0; 2];
            for which in [round % 2, 1 - round % 2] {
                times[which] = timed(|| answers[which] = if which == 0 { ours() } else { bare() });
            }
            assert_eq!(answers[0], answers[1], "both find the same");
            // The first round warms up.
            if round > 0 {
                pair.ours.push(times[0]);
                pair.bare.push(times[1]);
            }
        }
        pair
    }

    /// Prints the median of each and of their ratio. `figure` says what seconds mean here, `aim`
    /// what the ratio should be.
    pub(crate) fn show(&self, what: &str, aim: &str, figure: impl Fn(f64) -> String) {
        let median = |seconds: &[f64]| figure(sorted(seconds.to_vec())[ROUNDS / 2]);
        let ratios = self.ours.iter().zip(&self.bare).map(|(ours, bare)| ours / bare);
        let ratios = sorted(ratios.collect());
        println!("{what}, {ROUNDS} rounds interleaved");
        println!("  ours                 {}", median(&self.ours));
        println!("  bare wasmi           {}", median(&self.bare));
        println!(
            "  time, ours to bare   {:8.4}  (95 % of the median: {:.4} to {:.4}{aim})",
            ratios[ROUNDS / 2],
            ratios[INTERVAL_RANKS.0],
            ratios[INTERVAL_RANKS.1]
        );
    }
}

pub(crate) fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
