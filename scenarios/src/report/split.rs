//! Where a job's latency went: to computing, to disks, to queues, or to the network and the rest of its way.
//!
//! A job does several things at a time: it computes on what it has while more is read. Each instant counts once, for the
//! first that applies of compute, disk, queue, transfer. So the parts add up to the latency, and a part is what would be won
//! at most if what comes after it in that order were free.

use std::time::Duration;

use hdrhistogram::Histogram;
use stayput_sim::host::Time;
use stayput_sim::world::timeline::{Interval, JobTimes};

use super::latency::{MAX_US, mean_us};
use super::run::PolicyRun;

/// The parts of one job's latency. Together they are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySplit {
    /// Its session or its client waited for a turn: for a slot, for a core, or to ask again.
    pub queue: Duration,
    /// An access for it waited for a disk or was served by one.
    pub disk: Duration,
    /// All else: requests and bytes were under way.
    pub transfer: Duration,
    /// A slice of its session ran on a core.
    pub compute: Duration,
}

impl LatencySplit {
    /// Of a job that was to begin at `begin` and ended at `end`, and did in between what `times` says.
    #[must_use]
    pub fn of(begin: Time, end: Time, times: &JobTimes) -> Self {
        let total = end.since(begin);
        let covered = |lists: &[&[Interval]]| covered(lists, begin, end);
        let compute = covered(&[&times.compute]);
        let with_disk = covered(&[&times.compute, &times.disk]);
        let with_queue = covered(&[&times.compute, &times.disk, &times.queue]);
        Self {
            compute,
            disk: with_disk - compute,
            queue: with_queue - with_disk,
            transfer: total - with_queue,
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.queue + self.disk + self.transfer + self.compute
    }
}

/// How much of the time from `begin` to `end` lies in at least one of the intervals.
fn covered(lists: &[&[Interval]], begin: Time, end: Time) -> Duration {
    let clipped = |(from, to): &Interval| ((*from).max(begin), (*to).min(end));
    let mut intervals: Vec<Interval> = lists.iter().copied().flatten().map(clipped).collect();
    intervals.sort_unstable();
    let (mut sum, mut up_to) = (Duration::ZERO, begin);
    for (from, to) in intervals {
        sum += to.since(from.max(up_to));
        up_to = up_to.max(to);
    }
    sum
}

/// One part of the latency over the completed jobs of a run, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Part {
    /// On average. The four parts' means add up to the mean latency.
    pub mean: f64,
    /// In half of the jobs it was no longer.
    pub p50: u64,
    /// In ninety-nine of a hundred it was no longer.
    pub p99: u64,
}

/// The parts of the latency over the completed jobs of a run, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SplitSummary {
    /// See [`LatencySplit::queue`].
    pub queue: Part,
    /// See [`LatencySplit::disk`].
    pub disk: Part,
    /// See [`LatencySplit::transfer`].
    pub transfer: Part,
    /// See [`LatencySplit::compute`].
    pub compute: Part,
}

/// The parts of the latencies of `run`, or `None` if no job completed.
#[must_use]
pub fn latency_split_us(run: &PolicyRun) -> Option<SplitSummary> {
    Some(SplitSummary {
        queue: part(run, |split| split.queue)?,
        disk: part(run, |split| split.disk)?,
        transfer: part(run, |split| split.transfer)?,
        compute: part(run, |split| split.compute)?,
    })
}

fn part(run: &PolicyRun, of: impl Fn(&LatencySplit) -> Duration) -> Option<Part> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, MAX_US, 3).ok()?;
    let completed = run.jobs.iter().filter(|job| job.completed);
    let parts: Vec<Duration> = completed.map(|job| of(&job.split)).collect();
    let mut max = 0;
    for part in &parts {
        let us = u64::try_from(part.as_micros()).unwrap_or(u64::MAX);
        histogram.saturating_record(us);
        max = max.max(us);
    }
    let at = |quantile| histogram.value_at_quantile(quantile).min(max);
    Some(Part { mean: mean_us(&parts)?, p50: at(0.5), p99: at(0.99) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn intervals(list: &[(u64, u64)]) -> Vec<Interval> {
        list.iter().map(|(a, b)| (Time::from_nanos(*a), Time::from_nanos(*b))).collect()
    }

    fn times(compute: &[(u64, u64)], disk: &[(u64, u64)], queue: &[(u64, u64)]) -> JobTimes {
        let (compute, disk) = (intervals(compute), intervals(disk));
        JobTimes { compute, disk, queue: intervals(queue) }
    }

    /// Queue, disk, transfer and compute of a job from 100 to 200, in nanoseconds.
    fn parts(times: &JobTimes) -> [u128; 4] {
        let split = LatencySplit::of(Time::from_nanos(100), Time::from_nanos(200), times);
        [split.queue, split.disk, split.transfer, split.compute].map(|part| part.as_nanos())
    }

    #[test]
    fn what_is_nothing_else_is_transfer() {
        assert_eq!(parts(&JobTimes::default()), [0, 0, 100, 0]);
        assert_eq!(parts(&times(&[(0, 100)], &[(200, 300)], &[])), [0, 0, 100, 0]);
    }

    #[test]
    fn parts_that_do_not_overlap_are_as_long_as_they_are() {
        let times = times(&[(160, 170), (180, 195)], &[(140, 160)], &[(120, 125), (130, 140)]);
        assert_eq!(parts(&times), [15, 20, 40, 25]);
    }

    #[test]
    fn compute_hides_disk_and_disk_hides_queue() {
        let times = times(&[(130, 150)], &[(120, 140)], &[(110, 200)]);
        assert_eq!(parts(&times), [60, 10, 10, 20]);
    }

    #[test]
    fn what_overlaps_itself_counts_once() {
        let times = times(&[], &[(110, 150), (120, 130), (140, 160), (140, 160)], &[]);
        assert_eq!(parts(&times), [0, 50, 50, 0]);
    }

    #[test]
    fn what_reaches_beyond_the_job_counts_while_the_job_lasts() {
        assert_eq!(parts(&times(&[(0, 110), (190, 500)], &[], &[(0, 500)])), [80, 0, 0, 20]);
    }

    /// The definition, instant by instant.
    fn naive(times: &JobTimes) -> [u128; 4] {
        let mut parts = [0; 4];
        for instant in 100..200 {
            let instant = Time::from_nanos(instant);
            let within =
                |list: &[Interval]| list.iter().any(|(from, to)| *from <= instant && instant < *to);
            let part = match () {
                () if within(&times.compute) => 3,
                () if within(&times.disk) => 1,
                () if within(&times.queue) => 0,
                () => 2,
            };
            parts[part] += 1;
        }
        parts
    }

    fn any_intervals() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let one = (80_u64..220, 0_u64..40).prop_map(|(from, len)| (from, from + len));
        prop::collection::vec(one, 0..8)
    }

    proptest! {
        #[test]
        fn the_sweep_says_what_looking_at_each_instant_says(
            compute in any_intervals(), disk in any_intervals(), queue in any_intervals(),
        ) {
            let times = times(&compute, &disk, &queue);
            prop_assert_eq!(parts(&times), naive(&times));
            prop_assert_eq!(parts(&times).iter().sum::<u128>(), 100);
        }
    }
}
