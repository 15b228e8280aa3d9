//! The phases of a job's latency: retry, compute, disk, queue, transfer.
//!
//! A job does several things at a time: it computes on what it has while more is read. Each instant
//! counts once, for the first that applies of retry, compute, disk, queue, transfer. So the phases
//! add up to the latency, and a phase is what would be won at most if those after it in that order
//! were free.
//!
//! An instant is retry if nothing was under way but attempts that failed, and waits before the next
//! ones. Work of such an attempt was in vain, be it computing or reading. Where an attempt that
//! succeeded ran beside it, or a session computed while a request for its next bytes failed, the
//! instant counts for that work. Leaves out second copies that were given up because the first was
//! quicker: that is no failure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stayput_host::Time;
use stayput_world::timeline::{JobTimes, TimeInterval};

use super::job::micros;
use super::nanos;

/// One phase of a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LatencyPhase {
    /// The session waited for a slot or for a core.
    Queue,
    /// An access waited for a disk or was served by one.
    Disk,
    /// All else: requests and bytes were under way.
    Transfer,
    /// A slice of the session ran on a core.
    Compute,
    /// Nothing was under way but attempts that failed, or the waits after them.
    Retry,
}

impl LatencyPhase {
    /// All phases, as results order them.
    pub const ALL: [Self; 5] =
        [Self::Queue, Self::Disk, Self::Transfer, Self::Compute, Self::Retry];

    /// The name that results use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Disk => "disk",
            Self::Transfer => "transfer",
            Self::Compute => "compute",
            Self::Retry => "retry",
        }
    }
}

/// Times of the phases of one job's latency. Together they are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// See [`LatencyPhase::Queue`].
    #[serde(with = "nanos")]
    pub queue: Duration,
    /// See [`LatencyPhase::Disk`].
    #[serde(with = "nanos")]
    pub disk: Duration,
    /// See [`LatencyPhase::Transfer`].
    #[serde(with = "nanos")]
    pub transfer: Duration,
    /// See [`LatencyPhase::Compute`].
    #[serde(with = "nanos")]
    pub compute: Duration,
    /// See [`LatencyPhase::Retry`].
    #[serde(with = "nanos")]
    pub retry: Duration,
}

impl PhaseTimes {
    /// Phases of a job that was to begin at `begin` and ended at `end`.
    #[must_use]
    pub fn of(begin: Time, end: Time, times: &JobTimes) -> Self {
        let up_to = |lists: &[&[TimeInterval]]| length(&united(lists, begin, end));
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

    /// The latency.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.queue + self.disk + self.transfer + self.compute + self.retry
    }

    /// The time of one phase.
    #[must_use]
    pub const fn get(&self, phase: LatencyPhase) -> Duration {
        match phase {
            LatencyPhase::Queue => self.queue,
            LatencyPhase::Disk => self.disk,
            LatencyPhase::Transfer => self.transfer,
            LatencyPhase::Compute => self.compute,
            LatencyPhase::Retry => self.retry,
        }
    }

    /// The time of one phase in whole microseconds. Phases are rounded down but for transfer, which
    /// gets the rest of the latency's microseconds, so that they add up.
    #[must_use]
    pub fn get_us(&self, phase: LatencyPhase) -> u64 {
        if phase != LatencyPhase::Transfer {
            return micros(self.get(phase));
        }
        let others = LatencyPhase::ALL.into_iter().filter(|other| *other != phase);
        let others: u64 = others.map(|other| micros(self.get(other))).sum();
        micros(self.total()).saturating_sub(others)
    }
}

/// Intervals in which nothing was under way that succeeded, although something was, or was to be
/// again.
fn retries(times: &JobTimes, begin: Time, end: Time) -> Vec<TimeInterval> {
    let united = |lists: &[&[TimeInterval]]| united(lists, begin, end);
    // A session that failed computed in vain. One that waits for a request computes on what it has.
    let sessions = without(&united(&[&times.lost_sessions]), &united(&[&times.attempts]));
    let meanwhile = united(&[&times.attempts, &times.compute]);
    let requests = without(&united(&[&times.lost_requests]), &meanwhile);
    united(&[&times.lost, &sessions, &requests])
}

/// Union of the intervals, within `begin` and `end`: in order, and apart.
fn united(lists: &[&[TimeInterval]], begin: Time, end: Time) -> Vec<TimeInterval> {
    let clipped = |(from, to): &TimeInterval| ((*from).max(begin), (*to).min(end));
    let all = lists.iter().copied().flatten().map(clipped);
    let mut all: Vec<TimeInterval> = all.filter(|(from, to)| from < to).collect();
    all.sort_unstable();
    let mut united: Vec<TimeInterval> = Vec::new();
    for (from, to) in all {
        match united.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => united.push((from, to)),
        }
    }
    united
}

/// Difference of two lists of intervals, each in order, and apart.
fn without(whole: &[TimeInterval], taken: &[TimeInterval]) -> Vec<TimeInterval> {
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

fn length(intervals: &[TimeInterval]) -> Duration {
    intervals.iter().map(|(from, to)| to.since(*from)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn intervals(list: &[(u64, u64)]) -> Vec<TimeInterval> {
        list.iter().map(|(a, b)| (Time::from_nanos(*a), Time::from_nanos(*b))).collect()
    }

    fn times(compute: &[(u64, u64)], disk: &[(u64, u64)], queue: &[(u64, u64)]) -> JobTimes {
        let (compute, disk) = (intervals(compute), intervals(disk));
        JobTimes { compute, disk, queue: intervals(queue), ..JobTimes::default() }
    }

    /// Queue, disk, transfer, compute and retry of a job from 100 to 200, in nanoseconds.
    fn parts(times: &JobTimes) -> [u128; 5] {
        let phases = PhaseTimes::of(Time::from_nanos(100), Time::from_nanos(200), times);
        let parts = [phases.queue, phases.disk, phases.transfer, phases.compute, phases.retry];
        parts.map(|part| part.as_nanos())
    }

    #[test]
    fn rounded_phases_add_up_to_the_rounded_latency() {
        let odd = Duration::from_nanos(1_700);
        let phases = PhaseTimes { queue: odd, disk: odd, transfer: odd, compute: odd, retry: odd };
        let rounded = LatencyPhase::ALL.map(|phase| phases.get_us(phase));
        assert_eq!(rounded, [1, 1, 4, 1, 1]);
        assert_eq!(micros(phases.total()), 8);
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
            let within = |list: &[TimeInterval]| {
                list.iter().any(|(from, to)| *from <= instant && instant < *to)
            };
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

    fn any_intervals() -> impl Strategy<Value = Vec<TimeInterval>> {
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
