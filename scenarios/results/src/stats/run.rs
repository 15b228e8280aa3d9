//! Figures of one run under one policy: counts of jobs, latencies by phase, bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use stayput_engine::record::{JobRecord, LatencyPhase, LoadRecord, PolicyRecord};
use stayput_host::Purpose;

use super::{Sample, WarmUp};

/// Numbers of jobs by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobCounts {
    /// Jobs with the reference answer.
    pub ok: u64,
    /// Jobs with a reported error.
    pub failed: u64,
    /// Jobs with a wrong answer.
    pub wrong: u64,
}

impl JobCounts {
    /// Adds the jobs of another run.
    pub fn add(&mut self, other: Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.wrong += other.wrong;
    }
}

/// Counts the jobs of a run by outcome, the warm-up included.
#[must_use]
pub fn job_counts(run: &PolicyRecord) -> JobCounts {
    let count = |end: &str| run.jobs.iter().filter(|job| job.end.name() == end).count() as u64;
    JobCounts { ok: count("ok"), failed: count("failed"), wrong: count("wrong") }
}

/// Counts the jobs of a run by the policy's reason for their place; jobs without a reason are left
/// out.
#[must_use]
pub fn place_reasons(run: &PolicyRecord) -> BTreeMap<&str, u64> {
    let mut reasons = BTreeMap::new();
    for placement in run.jobs.iter().filter_map(|job| job.placement.as_ref()) {
        if !placement.reason.is_empty() {
            *reasons.entry(placement.reason.as_str()).or_default() += 1;
        }
    }
    reasons
}

/// Hop bytes of bodies that the load beside the jobs caused.
#[must_use]
pub fn load_bytes(run: &PolicyRecord) -> u64 {
    run.bytes.by_purpose.get(Purpose::Foreground.name()).copied().unwrap_or(0)
}

/// Hop bytes of bodies that the jobs caused. The load beside them lasts as long as they do, so that
/// a slow policy would be charged for more of it.
#[must_use]
pub fn job_bytes(run: &PolicyRecord) -> u64 {
    run.bytes.body.saturating_sub(load_bytes(run))
}

/// The completed jobs that were due after the warm-up.
pub fn completed_after(run: &PolicyRecord, warm_up: WarmUp) -> impl Iterator<Item = &JobRecord> {
    let begin = warm_up.end_us(run);
    run.jobs.iter().filter(move |job| job.completed() && job.intended_us() >= begin)
}

/// Latencies in microseconds of the completed jobs that were due after the warm-up.
#[must_use]
pub fn latencies_us(run: &PolicyRecord, warm_up: WarmUp) -> Sample {
    completed_after(run, warm_up).map(JobRecord::latency_us).collect()
}

/// Latency in microseconds over the completed jobs of a run, or over requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencySummary {
    /// The average.
    pub mean: f64,
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The maximum.
    pub max: u64,
}

/// Latency over the completed jobs of a run that were due after the warm-up; `None` without such
/// jobs.
#[must_use]
pub fn latency_us(run: &PolicyRecord, warm_up: WarmUp) -> Option<LatencySummary> {
    summary(completed_after(run, warm_up).map(JobRecord::latency).collect())
}

/// Latency over the load's requests that succeeded; `None` if none did.
#[must_use]
pub fn load_latency_us(load: &LoadRecord) -> Option<LatencySummary> {
    summary([load.reads.as_slice(), &load.writes].concat())
}

fn summary(latencies: Vec<Duration>) -> Option<LatencySummary> {
    let mean = mean_us(&latencies)?;
    let sample: Sample = latencies.into_iter().map(micros).collect();
    let at = |percent| sample.percentile(percent);
    Some(LatencySummary { mean, p50: at(50)?, p90: at(90)?, p99: at(99)?, max: sample.max()? })
}

/// One phase of the latency over the completed jobs of a run, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PhaseSummary {
    /// The average. Those of all phases add up to the mean latency.
    pub mean: f64,
    /// The median.
    pub p50: u64,
    /// The 99th percentile.
    pub p99: u64,
}

/// Figures of all phases, in the order of [`LatencyPhase::ALL`].
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSummaries(Vec<(LatencyPhase, PhaseSummary)>);

impl PhaseSummaries {
    /// The mean of one phase, in microseconds.
    #[must_use]
    pub fn mean(&self, phase: LatencyPhase) -> f64 {
        self.0.iter().find(|(it, _)| *it == phase).map_or(0.0, |(_, summary)| summary.mean)
    }
}

impl Serialize for PhaseSummaries {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(phase, summary)| (phase.name(), summary)))
    }
}

/// Phases of the latency over the same jobs as [`latency_us`]; `None` without such jobs.
#[must_use]
pub fn phases_us(run: &PolicyRecord, warm_up: WarmUp) -> Option<PhaseSummaries> {
    let phase = |phase: LatencyPhase| {
        let of = |job: &JobRecord| job.phases.get(phase);
        let times: Vec<Duration> = completed_after(run, warm_up).map(of).collect();
        let mean = mean_us(&times)?;
        let sample: Sample = times.into_iter().map(micros).collect();
        let (p50, p99) = (sample.percentile(50)?, sample.percentile(99)?);
        Some((phase, PhaseSummary { mean, p50, p99 }))
    };
    LatencyPhase::ALL.into_iter().map(phase).collect::<Option<_>>().map(PhaseSummaries)
}

/// The average in microseconds, or `None` without values. Sums are exact; the one rounding is that
/// of the division, which is the same everywhere by IEEE 754.
fn mean_us(lengths: &[Duration]) -> Option<f64> {
    let sum: Duration = lengths.iter().sum();
    let count = lengths.len();
    (count > 0).then(|| sum.as_nanos() as f64 / (1_000 * count as u64) as f64)
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
