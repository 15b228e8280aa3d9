//! Two policies beside each other: one difference for each seed, over the jobs that both completed.
//!
//! Latencies leave the warm-up out, as all statistics of sweeps do. Bytes are a whole run's, so a run counts for them only if both
//! completed the same jobs. Leaves out closed loops' latencies,
//! which say nothing beside another policy's.

use super::{Estimate, Point, percentile, record_of};
use crate::statistics::WarmUp;
use crate::{JobRow, PolicyRecord, RunRecord};

/// Which figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum MetricKind {
    /// Bytes.
    Bytes,
    /// A time.
    Micros,
    /// A count: its difference is a number of things, and no fraction.
    Count,
}

/// A figure of both policies.
#[derive(Clone, Debug)]
pub(in crate::page) struct Metric {
    /// Its name.
    pub(in crate::page) name: &'static str,
    /// What it is.
    pub(in crate::page) kind: MetricKind,
    /// Medians over the runs that count.
    pub(in crate::page) near: Option<Estimate>,
    /// Of the other policy.
    pub(in crate::page) far: Option<Estimate>,
    /// Paired differences: near less far, as a fraction of far; of counts as a count.
    pub(in crate::page) change: Option<Estimate>,
}

/// All that is compared at a point.
#[derive(Clone, Debug)]
pub(in crate::page) struct Pairs {
    /// How many runs have both policies.
    pub(in crate::page) runs: usize,
    /// In how many of them both completed the same jobs.
    pub(in crate::page) comparable: usize,
    /// The figures.
    pub(in crate::page) metrics: Vec<Metric>,
}

impl Pairs {
    /// Compares two policies at a point; nothing if no run has both.
    pub(in crate::page) fn of(
        point: &Point<'_>,
        near: &str,
        far: &str,
        warm_up: WarmUp,
    ) -> Option<Self> {
        let both = point
            .runs
            .iter()
            .filter_map(|run| Some((*run, record_of(run, near)?, record_of(run, far)?)));
        let runs: Vec<Pair<'_>> = both.map(|(run, near, far)| Pair { run, near, far }).collect();
        if runs.is_empty() {
            return None;
        }
        let same: Vec<&Pair<'_>> = runs.iter().filter(|pair| pair.comparable()).collect();
        let bytes = |name, of: fn(&PolicyRecord) -> u64| {
            metric(
                name,
                MetricKind::Bytes,
                same.iter().map(|pair| (of(pair.near) as f64, of(pair.far) as f64)),
            )
        };
        let mut metrics = vec![
            bytes("bytes moved (bodies, all hops)", PolicyRecord::job_bytes),
            bytes("bytes between zones", |record| record.bytes.cross_zone),
        ];
        if !point.closed_loop() {
            for (name, share) in
                [("median latency", 0.5), ("p90 latency", 0.9), ("p99 latency", 0.99)]
            {
                metrics.push(metric(
                    name,
                    MetricKind::Micros,
                    runs.iter().filter_map(|pair| pair.latencies(share, warm_up)),
                ));
            }
        }
        let ends =
            same.iter().map(|pair| (pair.near.makespan_us as f64, pair.far.makespan_us as f64));
        metrics.push(metric("makespan", MetricKind::Micros, ends));
        let failed =
            runs.iter().map(|pair| (failures(pair.near) as f64, failures(pair.far) as f64));
        metrics.push(metric("jobs failed or wrong", MetricKind::Count, failed));
        Some(Self { runs: runs.len(), comparable: same.len(), metrics })
    }

    /// The metric of a name.
    pub(in crate::page) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name.starts_with(name))
    }
}

struct Pair<'a> {
    run: &'a RunRecord,
    near: &'a PolicyRecord,
    far: &'a PolicyRecord,
}

impl Pair<'_> {
    /// The jobs that completed under both.
    fn common(&self) -> impl Iterator<Item = (&JobRow, &JobRow)> {
        let far = &self.far.jobs;
        let other = |job: &JobRow| {
            far.binary_search_by_key(&job.index, |far| far.index).ok().map(|at| &far[at])
        };
        let both = self.near.jobs.iter().filter_map(move |job| Some((job, other(job)?)));
        both.filter(|(near, far)| completed(near) && completed(far))
    }

    fn comparable(&self) -> bool {
        let count = |record: &PolicyRecord| record.jobs.iter().filter(|job| completed(job)).count();
        let common = self.common().count();
        common > 0 && common == count(self.near) && common == count(self.far)
    }

    fn latencies(&self, share: f64, warm_up: WarmUp) -> Option<(f64, f64)> {
        if self.run.closed_loop {
            return None;
        }
        let begin = warm_up.end_us(self.near).max(warm_up.end_us(self.far));
        let (mut near, mut far): (Vec<u64>, Vec<u64>) = self
            .common()
            .filter(|(near, _)| near.intended_us >= begin)
            .map(|(near, far)| (latency_us(near), latency_us(far)))
            .unzip();
        near.sort_unstable();
        far.sort_unstable();
        Some((percentile(&near, share)? as f64, percentile(&far, share)? as f64))
    }
}

fn metric(
    name: &'static str,
    kind: MetricKind,
    pairs: impl Iterator<Item = (f64, f64)> + Clone,
) -> Metric {
    let change = pairs.clone().filter_map(|(near, far)| match kind {
        MetricKind::Count => Some(near - far),
        _ if near == far => Some(0.0),
        _ if far > 0.0 => Some((near - far) / far),
        _ => None,
    });
    Metric {
        name,
        kind,
        near: Estimate::of(pairs.clone().map(|pair| pair.0)),
        far: Estimate::of(pairs.clone().map(|pair| pair.1)),
        change: Estimate::of(change),
    }
}

fn failures(record: &PolicyRecord) -> usize {
    record.jobs.iter().filter(|job| !completed(job)).count()
}

/// Whether a job came to the right answer.
pub(in crate::page) fn completed(job: &JobRow) -> bool {
    job.end == "ok"
}

/// From the intended arrival to the end.
pub(in crate::page) fn latency_us(job: &JobRow) -> u64 {
    job.finished_us.saturating_sub(job.intended_us)
}
