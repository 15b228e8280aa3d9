//! Latency of completed jobs, from the intended arrival, in microseconds.
//!
//! Percentiles come from a histogram with three significant digits; the maximum is exact.
//! Leaves out closed loops' comparability: there a slow store also gets fewer jobs at a time, so
//! the report says that it claims nothing.

use hdrhistogram::Histogram;

use super::run::PolicyRun;

/// Percentiles over the completed jobs of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Latency {
    /// Half of the jobs took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// Longer latencies are recorded as this: a day.
const MAX_US: u64 = 86_400_000_000;

/// The latencies of `run`, or `None` if no job completed.
#[must_use]
pub fn latency_us(run: &PolicyRun) -> Option<Latency> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, MAX_US, 3).ok()?;
    let mut max = 0;
    for job in run.jobs.iter().filter(|job| job.completed) {
        let us = u64::try_from(job.finished.since(job.intended).as_micros()).unwrap_or(u64::MAX);
        histogram.saturating_record(us);
        max = max.max(us);
    }
    if histogram.is_empty() {
        return None;
    }
    // A histogram answers with the upper end of a value's bucket, which may lie above the maximum.
    let at = |quantile| histogram.value_at_quantile(quantile).min(max);
    Some(Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
}
