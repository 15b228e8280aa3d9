//! Figures that are compared: of one run, and of two runs over the jobs that completed in both.
//!
//! Latency and failures leave the warm-up out; bytes and makespan are of the whole run. Leaves out
//! many runs together.

use std::collections::BTreeSet;

use stayput_engine::record::{JobRecord, PolicyRecord};

use super::{Sample, WarmUp, job_bytes, latencies_us};

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComparedFigure {
    /// Median latency of completed jobs, in microseconds.
    LatencyP50,
    /// 90th percentile of the latency of completed jobs, in microseconds.
    LatencyP90,
    /// 99th percentile of the latency of completed jobs, in microseconds.
    LatencyP99,
    /// Hop bytes of bodies that the jobs caused, without the load beside them.
    BodyBytes,
    /// Hop bytes of bodies between zones.
    CrossZoneBytes,
    /// Makespan: from the first intended arrival to the last job's end, in microseconds.
    Makespan,
    /// Jobs that failed.
    Failed,
}

impl ComparedFigure {
    /// All figures, as results order them.
    pub const ALL: [Self; 7] = [
        Self::LatencyP50,
        Self::LatencyP90,
        Self::LatencyP99,
        Self::BodyBytes,
        Self::CrossZoneBytes,
        Self::Makespan,
        Self::Failed,
    ];

    /// The key in results.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::LatencyP50 => "latency_p50_us",
            Self::LatencyP90 => "latency_p90_us",
            Self::LatencyP99 => "latency_p99_us",
            Self::BodyBytes => "body_bytes",
            Self::CrossZoneBytes => "cross_zone_bytes",
            Self::Makespan => "makespan_us",
            Self::Failed => "failed",
        }
    }

    /// True for times, which clients that wait for answers decide as well as the store.
    #[must_use]
    pub const fn needs_open_loop(self) -> bool {
        matches!(self, Self::LatencyP50 | Self::LatencyP90 | Self::LatencyP99 | Self::Makespan)
    }
}

/// A value for each figure that has one, in the order of [`ComparedFigure::ALL`].
pub(super) type Values<T> = [Option<T>; ComparedFigure::ALL.len()];

/// Two policies' runs of the same seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairOfRuns {
    /// Jobs that completed under both, warm-up left out.
    pub(super) jobs: u64,
    /// True if the same jobs of the whole run completed under both, and any did.
    pub(super) same_jobs: bool,
    /// The figures of the one and of the other.
    pub(super) values: Values<(u64, u64)>,
}

/// The figures of one run, in the order of [`ComparedFigure::ALL`].
#[must_use]
pub fn figures_of_run(
    run: &PolicyRecord,
    warm_up: WarmUp,
) -> [Option<u64>; ComparedFigure::ALL.len()] {
    let begin = warm_up.end_us(run);
    let counted = run.jobs.iter().filter(|job| job.intended_us() >= begin);
    let failed = counted.filter(|job| !job.completed()).count() as u64;
    let latencies = latencies_us(run, warm_up);
    ComparedFigure::ALL.map(|figure| match figure {
        ComparedFigure::LatencyP50 => latencies.percentile(50),
        ComparedFigure::LatencyP90 => latencies.percentile(90),
        ComparedFigure::LatencyP99 => latencies.percentile(99),
        ComparedFigure::BodyBytes => Some(job_bytes(run)),
        ComparedFigure::CrossZoneBytes => Some(run.bytes.cross_zone),
        ComparedFigure::Makespan => Some(makespan_us(run)),
        ComparedFigure::Failed => Some(failed),
    })
}

/// True if the same jobs completed in both runs, and any did.
#[must_use]
pub fn same_jobs(one: &PolicyRecord, other: &PolicyRecord) -> bool {
    let done = completed(one);
    !done.is_empty() && done == completed(other)
}

/// Indices of the jobs that completed.
pub(super) fn completed(run: &PolicyRecord) -> BTreeSet<u32> {
    run.jobs.iter().filter(|job| job.completed()).map(|job| job.index).collect()
}

fn makespan_us(run: &PolicyRecord) -> u64 {
    u64::try_from(run.makespan.as_micros()).unwrap_or(u64::MAX)
}

/// The figures of two runs of the same seed. `open_loop` is true if times can be compared.
pub(super) fn of_pair(
    one: &PolicyRecord,
    other: &PolicyRecord,
    warm_up: WarmUp,
    open_loop: bool,
) -> PairOfRuns {
    // In an open loop both begin to count at the same job; else at the later one.
    let begin = warm_up.end_us(one).max(warm_up.end_us(other));
    let (one_done, other_done) = (completed(one), completed(other));
    let counted = |run: &PolicyRecord| -> BTreeSet<u32> {
        run.jobs.iter().filter(|job| job.intended_us() >= begin).map(|job| job.index).collect()
    };
    let counted: BTreeSet<u32> = &counted(one) & &counted(other);
    let both: BTreeSet<u32> = &(&one_done & &other_done) & &counted;
    let times = |run: &PolicyRecord| -> Sample {
        let jobs = run.jobs.iter().filter(|job| both.contains(&job.index));
        jobs.map(JobRecord::latency_us).collect()
    };
    let (one_times, other_times) = (times(one), times(other));
    let failures = |done: &BTreeSet<u32>| (&counted - done).len() as u64;
    let same_jobs = one_done == other_done && !one_done.is_empty();
    let at = |percent| Some((one_times.percentile(percent)?, other_times.percentile(percent)?));
    let values = ComparedFigure::ALL.map(|figure| {
        if figure.needs_open_loop() && !open_loop {
            return None;
        }
        match figure {
            ComparedFigure::LatencyP50 => at(50),
            ComparedFigure::LatencyP90 => at(90),
            ComparedFigure::LatencyP99 => at(99),
            // A run whose jobs failed moved fewer bytes and ended sooner: that is no gain.
            ComparedFigure::BodyBytes => same_jobs.then(|| (job_bytes(one), job_bytes(other))),
            ComparedFigure::CrossZoneBytes => {
                same_jobs.then_some((one.bytes.cross_zone, other.bytes.cross_zone))
            }
            ComparedFigure::Makespan => same_jobs.then(|| (makespan_us(one), makespan_us(other))),
            ComparedFigure::Failed => Some((failures(&one_done), failures(&other_done))),
        }
    });
    PairOfRuns { jobs: both.len() as u64, same_jobs, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::policy;

    const ALL_COUNTS: WarmUp = WarmUp::NONE;

    #[test]
    fn only_jobs_that_completed_under_both_are_compared() {
        let one = policy("on-storage", &[Some(10), Some(20), Some(30), None]);
        let other = policy("download", &[None, Some(60), Some(40), None]);
        let pair = of_pair(&one, &other, ALL_COUNTS, true);
        assert_eq!((pair.jobs, pair.same_jobs), (2, false));
        // 20 and 30 beside 60 and 40; bytes and makespan of different jobs are not compared.
        let tail = Some((30, 60));
        let wanted = [Some((20, 40)), tail, tail, None, None, None, Some((1, 2))];
        assert_eq!(pair.values, wanted);
    }

    #[test]
    fn the_same_failures_leave_bytes_comparable() {
        let one = policy("on-storage", &[Some(10), None]);
        let other = policy("download", &[Some(20), None]);
        let pair = of_pair(&one, &other, ALL_COUNTS, true);
        assert_eq!(pair.values[3], Some((100, 100)));
        let none = policy("x", &[None, None]);
        assert!(!of_pair(&none, &none, ALL_COUNTS, true).same_jobs, "nothing completed");
    }

    #[test]
    fn bytes_of_the_load_beside_the_jobs_are_no_policys() {
        let one = policy("on-storage", &[Some(10)]);
        let mut other = policy("download", &[Some(20)]);
        other.bytes.by_purpose.insert("foreground".to_owned(), 30);
        assert_eq!(of_pair(&one, &other, ALL_COUNTS, true).values[3], Some((100, 70)));
        assert_eq!(figures_of_run(&other, ALL_COUNTS)[3], Some(70));
    }

    #[test]
    fn a_closed_loop_makes_no_claim_about_time() {
        let run = policy("on-storage", &[Some(10), Some(20)]);
        let pair = of_pair(&run, &run, ALL_COUNTS, false);
        let wanted = [None, None, None, Some((100, 100)), Some((0, 0)), None, Some((0, 0))];
        assert_eq!(pair.values, wanted);
    }

    #[test]
    fn the_warm_up_is_left_out_of_latencies_and_failures() {
        let run = policy("on-storage", &[None, Some(500), Some(20), Some(30)]);
        let all = figures_of_run(&run, ALL_COUNTS);
        assert_eq!(all, [30, 500, 500, 100, 0, 5_000_000, 1].map(Some));
        // Jobs are a second apart: the last arrives after three, of which half are one and a half.
        let late = figures_of_run(&run, WarmUp::Percent(50));
        assert_eq!(late, [20, 30, 30, 100, 0, 5_000_000, 0].map(Some));
        let pair = of_pair(&run, &run, WarmUp::Micros(1_000_000), true);
        assert_eq!((pair.jobs, pair.values[6]), (3, Some((0, 0))));
    }
}
