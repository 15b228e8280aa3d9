//! Where a job's latency went: to attempts that came to nothing, to computing, to disks, to queues, or to the network and the rest of
//! its way.
//!
//! A job does several things at a time: it computes on what it has while more is read. Each instant counts once, for the
//! first that applies of retry, compute, disk, queue, transfer. So the parts add up to the latency, and a part is what would be won
//! at most if what comes after it in that order were free.
//!
//! An instant counts as retry if nothing was under way but attempts that came to nothing and waits before they were made again.
//! What was done in such an attempt was in vain, be it computing or reading. Where another attempt that came to something ran
//! beside it, or a session computed while what it reads next was asked for in vain, the instant counts for what was done.
//! Leaves out second copies that were given up because the first was quicker: that is no failure.

use std::time::Duration;

use hdrhistogram::Histogram;
use stayput_host::Time;
use stayput_world::timeline::{Interval, JobTimes};

use super::latency::{MAX_US, mean_us};
use super::run::PolicyRun;

/// The parts of one job's latency. Together they are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySplit {
    /// Its session waited for a turn: for a slot or for a core.
    pub queue: Duration,
    /// An access for it waited for a disk or was served by one.
    pub disk: Duration,
    /// All else: requests and bytes were under way.
    pub transfer: Duration,
    /// A slice of its session ran on a core.
    pub compute: Duration,
    /// Nothing was under way but attempts that came to nothing, or the waits after them.
    pub retry: Duration,
}

impl LatencySplit {
    /// Of a job that was to begin at `begin` and ended at `end`, and did in between what `times` says.
    #[must_use]
    pub fn of(begin: Time, end: Time, times: &JobTimes) -> Self {
        let up_to = |lists: &[&[Interval]]| length(&united(lists, begin, end));
        let retries = retries(times, begin, end);
        let retry = length(&retries);
        let with_compute = up_to(&[&retries, &times.compute]);
        let with_disk = up_to(&[&retries, &times.compute, &times.disk]);
        let with_queue = up_to(&[&retries, &times.compute, &times.disk, &times.queue]);
        Self {
            retry,
            compute: with_compute - retry,
            disk: with_disk - with_compute,
            queue: with_queue - with_disk,
            transfer: end.since(begin) - with_queue,
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.queue + self.disk + self.transfer + self.compute + self.retry
    }
}

/// When nothing was under way that came to something, although something was, or was to be again.
fn retries(times: &JobTimes, begin: Time, end: Time) -> Vec<Interval> {
    let united = |lists: &[&[Interval]]| united(lists, begin, end);
    // A session that failed computed in vain. One that waits for a request computes on what it has.
    let sessions = without(&united(&[&times.lost_sessions]), &united(&[&times.attempts]));
    let meanwhile = united(&[&times.attempts, &times.compute]);
    let requests = without(&united(&[&times.lost_requests]), &meanwhile);
    united(&[&times.lost, &sessions, &requests])
}

/// The time from `begin` to `end` that lies in at least one of the intervals: in order, and apart.
fn united(lists: &[&[Interval]], begin: Time, end: Time) -> Vec<Interval> {
    let clipped = |(from, to): &Interval| ((*from).max(begin), (*to).min(end));
    let all = lists.iter().copied().flatten().map(clipped);
    let mut all: Vec<Interval> = all.filter(|(from, to)| from < to).collect();
    all.sort_unstable();
    let mut united: Vec<Interval> = Vec::new();
    for (from, to) in all {
        match united.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => united.push((from, to)),
        }
    }
    united
}

/// What of `whole` is not in `taken`. Each is in order, and apart.
fn without(whole: &[Interval], taken: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    for (begin, end) in whole {
        let mut from = *begin;
        for (away, back) in taken.iter().filter(|(away, back)| away < end && begin < back) {
            if from < *away {
                left.push((from, *away));
            }
            from = from.max(*back);
        }
        if from < *end {
            left.push((from, *end));
        }
    }
    left
}

fn length(intervals: &[Interval]) -> Duration {
    intervals.iter().map(|(from, to)| to.since(*from)).sum()
}

/// One part of the latency over the completed jobs of a run, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Part {
    /// On average. The five parts' means add up to the mean latency.
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
    /// See [`LatencySplit::retry`].
    pub retry: Part,
}

/// The parts of the latencies of `run`, or `None` if no job completed.
#[must_use]
pub fn latency_split_us(run: &PolicyRun) -> Option<SplitSummary> {
    Some(SplitSummary {
        queue: part(run, |split| split.queue)?,
        disk: part(run, |split| split.disk)?,
        transfer: part(run, |split| split.transfer)?,
        compute: part(run, |split| split.compute)?,
        retry: part(run, |split| split.retry)?,
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
        JobTimes { compute, disk, queue: intervals(queue), ..JobTimes::default() }
    }

    /// Queue, disk, transfer, compute and retry of a job from 100 to 200, in nanoseconds.
    fn parts(times: &JobTimes) -> [u128; 5] {
        let split = LatencySplit::of(Time::from_nanos(100), Time::from_nanos(200), times);
        let parts = [split.queue, split.disk, split.transfer, split.compute, split.retry];
        parts.map(|part| part.as_nanos())
    }

    #[test]
    fn what_is_nothing_else_is_transfer() {
        assert_eq!(parts(&JobTimes::default()), [0, 0, 100, 0, 0]);
        assert_eq!(parts(&times(&[(0, 100)], &[(200, 300)], &[])), [0, 0, 100, 0, 0]);
    }

    #[test]
    fn parts_that_do_not_overlap_are_as_long_as_they_are() {
        let times = times(&[(160, 170), (180, 195)], &[(140, 160)], &[(120, 125), (130, 140)]);
        assert_eq!(parts(&times), [15, 20, 40, 25, 0]);
    }

    #[test]
    fn compute_hides_disk_and_disk_hides_queue() {
        let times = times(&[(130, 150)], &[(120, 140)], &[(110, 200)]);
        assert_eq!(parts(&times), [60, 10, 10, 20, 0]);
    }

    #[test]
    fn what_overlaps_itself_counts_once() {
        let times = times(&[], &[(110, 150), (120, 130), (140, 160), (140, 160)], &[]);
        assert_eq!(parts(&times), [0, 50, 50, 0, 0]);
    }

    #[test]
    fn what_reaches_beyond_the_job_counts_while_the_job_lasts() {
        let mut times = times(&[(0, 110), (190, 500)], &[], &[(0, 500)]);
        assert_eq!(parts(&times), [80, 0, 0, 20, 0]);
        times.lost_requests = intervals(&[(0, 130), (170, 500)]);
        assert_eq!(parts(&times), [40, 0, 0, 20, 40]);
    }

    #[test]
    fn whatever_was_done_in_a_lost_session_was_in_vain_but_not_what_another_did_beside_it() {
        let mut times = times(&[(110, 120), (140, 150)], &[(120, 130)], &[]);
        times.lost_sessions = intervals(&[(100, 160)]);
        assert_eq!(parts(&times), [0, 0, 40, 0, 60]);
        times.attempts = intervals(&[(135, 155)]);
        assert_eq!(parts(&times), [0, 0, 50, 10, 40]);
    }

    #[test]
    fn a_session_that_computes_while_a_request_fails_has_not_lost_the_time() {
        let mut times = times(&[(120, 140)], &[(110, 130)], &[]);
        times.lost_requests = intervals(&[(100, 150)]);
        assert_eq!(parts(&times), [0, 0, 50, 20, 30]);
        times.attempts = intervals(&[(100, 105)]);
        assert_eq!(parts(&times), [0, 0, 55, 20, 25]);
    }

    #[test]
    fn what_came_to_something_in_a_job_that_began_anew_was_in_vain_too() {
        let mut times = times(&[(120, 140), (170, 180)], &[], &[]);
        times.attempts = intervals(&[(110, 150), (160, 200)]);
        times.lost = intervals(&[(100, 160)]);
        assert_eq!(parts(&times), [0, 0, 30, 10, 60]);
    }

    /// The definition, instant by instant.
    fn naive(times: &JobTimes) -> [u128; 5] {
        let mut parts = [0; 5];
        for instant in 100..200 {
            let instant = Time::from_nanos(instant);
            let within =
                |list: &[Interval]| list.iter().any(|(from, to)| *from <= instant && instant < *to);
            let counts = within(&times.attempts);
            let part = match () {
                () if within(&times.lost) => 4,
                () if within(&times.lost_sessions) && !counts => 4,
                () if within(&times.compute) => 3,
                () if within(&times.lost_requests) && !counts => 4,
                () if within(&times.disk) => 1,
                () if within(&times.queue) => 0,
                () => 2,
            };
            parts[part] += 1;
        }
        parts
    }

    fn any_intervals() -> impl Strategy<Value = Vec<Interval>> {
        let one = (80_u64..220, 0_u64..40).prop_map(|(from, len)| (from, from + len));
        prop::collection::vec(one, 0..8).prop_map(|list| intervals(&list))
    }

    fn any_times() -> impl Strategy<Value = JobTimes> {
        let done = (any_intervals(), any_intervals(), any_intervals(), any_intervals());
        let lost = (any_intervals(), any_intervals(), any_intervals());
        (done, lost).prop_map(|((compute, disk, queue, attempts), lost)| {
            let (lost, lost_sessions, lost_requests) = lost;
            JobTimes { compute, disk, queue, attempts, lost, lost_sessions, lost_requests }
        })
    }

    proptest! {
        #[test]
        fn the_sweep_says_what_looking_at_each_instant_says(times in any_times()) {
            prop_assert_eq!(parts(&times), naive(&times));
            prop_assert_eq!(parts(&times).iter().sum::<u128>(), 100);
        }
    }
}
