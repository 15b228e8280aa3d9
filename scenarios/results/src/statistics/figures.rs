//! The figures of one run under one policy, and of two policies over the jobs that completed under both.
//!
//! Latency and failures leave the warm-up out; bytes and makespan are of the whole run. Leaves out what many runs say
//! together.

use std::collections::BTreeSet;

use super::WarmUp;
use crate::{JobRow, PolicyRecord};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// The median latency of completed jobs, in microseconds.
    LatencyP50,
    /// Ninety-nine of a hundred completed jobs took no longer, in microseconds.
    LatencyP99,
    /// Hop bytes of bodies that the jobs caused, without the load beside them.
    BodyBytes,
    /// From the first intended arrival to the last job's end, in microseconds.
    Makespan,
    /// Jobs that failed.
    Failed,
}

impl Figure {
    /// All of them, as results order them.
    pub const ALL: [Self; 5] =
        [Self::LatencyP50, Self::LatencyP99, Self::BodyBytes, Self::Makespan, Self::Failed];

    /// Its key in results.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::LatencyP50 => "latency_p50_us",
            Self::LatencyP99 => "latency_p99_us",
            Self::BodyBytes => "body_bytes",
            Self::Makespan => "makespan_us",
            Self::Failed => "failed",
        }
    }

    /// Whether it is a time that clients which wait for answers decide as well as the store.
    #[must_use]
    pub const fn needs_open_loop(self) -> bool {
        matches!(self, Self::LatencyP50 | Self::LatencyP99 | Self::Makespan)
    }
}

/// A value for each figure that has one.
pub(super) type Values<T> = [Option<T>; Figure::ALL.len()];

/// Two policies' runs of the same seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairOfRuns {
    /// Jobs that completed under both, warm-up left out.
    pub(super) jobs: u64,
    /// Whether the same jobs of the whole run completed under both.
    pub(super) same_jobs: bool,
    /// The figures of the one and of the other.
    pub(super) values: Values<(u64, u64)>,
}

/// The value of rank ⌈percent · n / 100⌉ of `sorted`.
#[must_use]
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

pub(super) fn of_run(run: &PolicyRecord, warm_up: WarmUp) -> Values<u64> {
    let begin = warm_up.end_us(run);
    let counted = run.jobs.iter().filter(|job| job.intended_us >= begin);
    let failed = counted.clone().filter(|job| !completed(job)).count() as u64;
    let latencies = latencies(counted.filter(|job| completed(job)));
    [
        percentile(&latencies, 50),
        percentile(&latencies, 99),
        Some(run.job_bytes()),
        Some(run.makespan_us),
        Some(failed),
    ]
}

/// `open_loop` says whether times can be compared.
pub(super) fn of_pair(
    one: &PolicyRecord,
    other: &PolicyRecord,
    warm_up: WarmUp,
    open_loop: bool,
) -> PairOfRuns {
    // In an open loop both begin to count at the same job; else at the later one.
    let begin = warm_up.end_us(one).max(warm_up.end_us(other));
    let done = |run: &PolicyRecord| -> BTreeSet<u32> {
        run.jobs.iter().filter(|job| completed(job)).map(|job| job.index).collect()
    };
    let (one_done, other_done) = (done(one), done(other));
    let counted = |run: &PolicyRecord| -> BTreeSet<u32> {
        run.jobs.iter().filter(|job| job.intended_us >= begin).map(|job| job.index).collect()
    };
    let counted: BTreeSet<u32> = &counted(one) & &counted(other);
    let both: BTreeSet<u32> = &(&one_done & &other_done) & &counted;
    let times =
        |run: &PolicyRecord| latencies(run.jobs.iter().filter(|job| both.contains(&job.index)));
    let (one_times, other_times) = (times(one), times(other));
    let failures = |done: &BTreeSet<u32>| (&counted - done).len() as u64;
    let same_jobs = one_done == other_done && !one_done.is_empty();
    let at = |percent| Some((percentile(&one_times, percent)?, percentile(&other_times, percent)?));
    let values = Figure::ALL.map(|figure| {
        if figure.needs_open_loop() && !open_loop {
            return None;
        }
        match figure {
            Figure::LatencyP50 => at(50),
            Figure::LatencyP99 => at(99),
            // What failed moved fewer bytes and ended sooner: that is no gain.
            Figure::BodyBytes => same_jobs.then_some((one.job_bytes(), other.job_bytes())),
            Figure::Makespan => same_jobs.then_some((one.makespan_us, other.makespan_us)),
            Figure::Failed => Some((failures(&one_done), failures(&other_done))),
        }
    });
    PairOfRuns { jobs: both.len() as u64, same_jobs, values }
}

/// Whether its client got a whole answer.
pub(crate) fn completed(job: &JobRow) -> bool {
    job.end != "failed"
}

fn latencies<'a>(jobs: impl Iterator<Item = &'a JobRow>) -> Vec<u64> {
    let mut all: Vec<u64> =
        jobs.map(|job| job.finished_us.saturating_sub(job.intended_us)).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::policy;
    use stayput_engine::record::LedgerRow;

    const ALL_COUNTS: WarmUp = WarmUp::Percent(0);

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&values, 50), Some(50));
        assert_eq!(percentile(&values, 99), Some(99));
        assert_eq!(percentile(&values[..3], 50), Some(2));
        assert_eq!(percentile(&values[..3], 99), Some(3));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn only_jobs_that_completed_under_both_are_compared() {
        let one = policy("on-storage", &[Some(10), Some(20), Some(30), None]);
        let other = policy("download", &[None, Some(60), Some(40), None]);
        let pair = of_pair(&one, &other, ALL_COUNTS, true);
        assert_eq!((pair.jobs, pair.same_jobs), (2, false));
        // 20 and 30 beside 60 and 40; bytes and makespan of different jobs are not compared.
        assert_eq!(pair.values, [Some((20, 40)), Some((30, 60)), None, None, Some((1, 2))]);
    }

    #[test]
    fn the_same_failures_leave_bytes_comparable() {
        let one = policy("on-storage", &[Some(10), None]);
        let other = policy("download", &[Some(20), None]);
        let pair = of_pair(&one, &other, ALL_COUNTS, true);
        assert_eq!(pair.values[2], Some((100, 100)));
        let none = policy("x", &[None, None]);
        assert!(!of_pair(&none, &none, ALL_COUNTS, true).same_jobs, "nothing completed");
    }

    #[test]
    fn bytes_of_the_load_beside_the_jobs_are_no_policys() {
        let one = policy("on-storage", &[Some(10)]);
        let mut other = policy("download", &[Some(20)]);
        other.ledger.push(LedgerRow {
            purpose: "foreground".to_owned(),
            body: 30,
            ..other.ledger[0].clone()
        });
        assert_eq!(of_pair(&one, &other, ALL_COUNTS, true).values[2], Some((100, 70)));
        assert_eq!(of_run(&other, ALL_COUNTS)[2], Some(70));
    }

    #[test]
    fn a_closed_loop_makes_no_claim_about_time() {
        let run = policy("on-storage", &[Some(10), Some(20)]);
        let pair = of_pair(&run, &run, ALL_COUNTS, false);
        assert_eq!(pair.values, [None, None, Some((100, 100)), None, Some((0, 0))]);
    }

    #[test]
    fn the_warm_up_is_left_out_of_latencies_and_failures() {
        let run = policy("on-storage", &[None, Some(500), Some(20), Some(30)]);
        let all = of_run(&run, ALL_COUNTS);
        assert_eq!(all, [Some(30), Some(500), Some(100), Some(5_000_000), Some(1)]);
        // Jobs are a second apart: the last arrives after three, of which half are one and a half.
        let late = of_run(&run, WarmUp::Percent(50));
        assert_eq!(late, [Some(20), Some(30), Some(100), Some(5_000_000), Some(0)]);
        let pair = of_pair(&run, &run, WarmUp::Micros(1_000_000), true);
        assert_eq!((pair.jobs, pair.values[4]), (3, Some((0, 0))));
    }
}
