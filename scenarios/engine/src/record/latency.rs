//! Latency of completed jobs, and of the load's requests, from the intended arrival, in microseconds.
//!
//! Percentiles come from a histogram with three significant digits; the maximum is exact.
//! Leaves out closed loops' comparability: there a slow store also gets fewer jobs at a time, so
//! the report says that it claims nothing.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::run::{Foreground, PolicyRun};

/// Percentiles over the completed jobs of one run, or over its requests.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Latency {
    /// The average.
    pub mean: f64,
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// Longer latencies are recorded as this: a day.
pub(super) const MAX_US: u64 = 86_400_000_000;

/// The latencies of `run`, or `None` if no job completed.
#[must_use]
pub fn latency_us(run: &PolicyRun) -> Option<Latency> {
    let completed = run.jobs.iter().filter(|job| job.completed);
    let latencies: Vec<Duration> = completed.map(|job| job.finished.since(job.intended)).collect();
    summary(&latencies)
}

/// The latencies of the load's reads and writes that ended well, or `None` if none did.
#[must_use]
pub fn foreground_us(foreground: &Foreground) -> Option<Latency> {
    summary(&[foreground.reads.as_slice(), &foreground.writes].concat())
}

fn summary(latencies: &[Duration]) -> Option<Latency> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, MAX_US, 3).ok()?;
    let mut max = 0;
    for latency in latencies {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        histogram.saturating_record(us);
        max = max.max(us);
    }
    // A histogram answers with the upper end of a value's bucket, which may lie above the maximum.
    let at = |quantile| histogram.value_at_quantile(quantile).min(max);
    Some(Latency { mean: mean_us(latencies)?, p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
}

/// The average in microseconds, or `None` of nothing. Sums are exact; the one rounding is that of the division, which is the
/// same everywhere by IEEE 754.
pub(super) fn mean_us(lengths: &[Duration]) -> Option<f64> {
    let sum: Duration = lengths.iter().sum();
    let count = lengths.len();
    (count > 0).then(|| sum.as_nanos() as f64 / (1_000 * count as u64) as f64)
}
