//! Statistics beside naive oracles: ranks by counting, intervals by exact binomials, figures of one
//! run and of two by looking at each job.

mod pairs;
mod runs;
mod samples;

use std::time::Duration;

use proptest::prelude::*;
use stayput_engine::record::{JobEnd, JobPlace, JobPlacement, JobRecord, PolicyRecord};

use super::*;
use crate::fixtures::policy;

/// A job of a made-up run: its latency in microseconds, its end, and how long after the job before
/// it was due, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct MadeJob {
    latency_us: u64,
    end: u8,
    after_ms: u64,
}

pub(super) fn made_jobs() -> impl Strategy<Value = Vec<MadeJob>> {
    let job = (0_u64..2_000, 0_u8..4, 0_u64..400).prop_map(|(latency_us, end, after_ms)| MadeJob {
        latency_us,
        end,
        after_ms,
    });
    prop::collection::vec(job, 0..12)
}

/// The run of these jobs: ends 0 and 1 are right, 2 is wrong, 3 failed.
pub(super) fn made_run(name: &str, jobs: &[MadeJob]) -> PolicyRecord {
    let mut run = policy(name, &vec![Some(0); jobs.len()]);
    let mut due = Duration::ZERO;
    for (record, job) in run.jobs.iter_mut().zip(jobs) {
        due += Duration::from_millis(job.after_ms);
        record.intended = due;
        record.finished = due + Duration::from_micros(job.latency_us);
        record.end = match job.end {
            3 => JobEnd::Failed { error: "503".to_owned() },
            2 => JobEnd::Wrong { expected: "other".into() },
            _ => JobEnd::Ok,
        };
    }
    run
}

pub(super) fn warm_ups() -> impl Strategy<Value = WarmUp> {
    prop_oneof![
        Just(WarmUp::NONE),
        (0_u8..100).prop_map(WarmUp::Percent),
        (0_u64..3_000_000).prop_map(WarmUp::Micros),
    ]
}

/// End of a run's warm-up in microseconds.
pub(super) fn warm_until(run: &PolicyRecord, warm_up: WarmUp) -> u64 {
    match warm_up {
        WarmUp::Micros(end) => end,
        WarmUp::Percent(percent) => {
            let last = run.jobs.iter().map(|job| job.intended.as_micros()).max().unwrap_or(0);
            u64::try_from(last * u128::from(percent) / 100).expect("it is small")
        }
    }
}

/// The least value that at least `percent` of a hundred do not exceed, by counting.
pub(super) fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    let enough = |it: &u64| {
        let below = values.iter().filter(|other| *other <= it).count();
        below * 100 >= values.len() * percent
    };
    values.iter().copied().filter(enough).min()
}

pub(super) fn placed(mut job: JobRecord, reason: &str) -> JobRecord {
    job.placement = Some(JobPlacement { place: JobPlace::Node, reason: reason.to_owned() });
    job
}
