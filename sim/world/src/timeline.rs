//! Timeline of a run: spans of hosts and jobs.
//!
//! Off, it keeps nothing. For the latency of jobs it keeps when each job computed, was at a disk or
//! queued, and which of its attempts came to something or to nothing; for people who want to look
//! at a run it keeps every span. It only listens: a run is the same whatever is kept. Hosts on
//! several threads may share one. Leaves out formats.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stayput_host::topology::HostKey;
use stayput_host::{AttemptKind, JobNumber, Recorder, Span, SpanKind, Time};

use super::clock::Clock;

/// Spans that are kept; further ones are counted.
pub const SPANS_MAX: usize = 4_000_000;

/// Level of detail that a timeline keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimelineDetail {
    /// Nothing.
    #[default]
    Nothing,
    /// Times at which jobs computed, were at disks or queued, and of their attempts.
    JobTimes,
    /// Job times, and each span.
    Spans,
}

/// Times of a job by activity. Each list is in the order in which its intervals ended, which may
/// overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTimes {
    /// It was on a core.
    pub compute: Vec<TimeInterval>,
    /// It waited for a disk or was served by one.
    pub disk: Vec<TimeInterval>,
    /// It waited for a slot or for a core.
    pub queue: Vec<TimeInterval>,
    /// An attempt at a part of it was under way that came to something: a session on a node, a
    /// node's answer to a proxy.
    pub attempts: Vec<TimeInterval>,
    /// An attempt at the whole of it was under way that came to nothing, or was to be made again.
    pub lost: Vec<TimeInterval>,
    /// An attempt at a session of it, likewise.
    pub lost_sessions: Vec<TimeInterval>,
    /// A request for it to a proxy or a node, likewise.
    pub lost_requests: Vec<TimeInterval>,
}

/// From a time (included) to a later one (not included).
pub type TimeInterval = (Time, Time);

impl JobTimes {
    fn add(&mut self, kind: SpanKind, begin: Time, end: Time) {
        let list = match kind {
            SpanKind::Compute => &mut self.compute,
            SpanKind::Disk | SpanKind::DiskQueue => &mut self.disk,
            SpanKind::Queue => &mut self.queue,
            SpanKind::Attempt => &mut self.attempts,
            SpanKind::Retry(AttemptKind::Job) => &mut self.lost,
            SpanKind::Retry(AttemptKind::Session) => &mut self.lost_sessions,
            SpanKind::Retry(AttemptKind::Request | AttemptKind::Replica) => &mut self.lost_requests,
            SpanKind::Job | SpanKind::Request | SpanKind::Transfer | SpanKind::Fault => return,
        };
        // What goes on where the last one ended, as reads of a whole object do, takes no more room.
        match list.last_mut() {
            Some(last) if last.0 <= begin && begin <= last.1 => last.1 = last.1.max(end),
            _ => list.push((begin, end)),
        }
    }
}

/// The timeline of a world. Clones are the same timeline.
#[derive(Clone, Default)]
pub struct Timeline(Arc<SharedTimeline>);

#[derive(Default)]
struct SharedTimeline {
    /// A [`TimelineDetail`].
    kept: AtomicU8,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    jobs: BTreeMap<JobNumber, JobTimes>,
    spans: Vec<(Option<HostKey>, Span)>,
    left_out: u64,
}

impl Timeline {
    /// Sets the level of detail from now on.
    pub fn keep(&self, kept: TimelineDetail) {
        self.0.kept.store(kept as u8, Ordering::Relaxed);
    }

    /// True if each span is kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.keeps(TimelineDetail::Spans)
    }

    /// Adds a span of a host, or of the whole world. What is not kept is forgotten.
    pub fn add(&self, host: impl Into<Option<HostKey>>, span: Span) {
        assert!(span.begin <= span.end, "a span ends before it begins: {span:?}");
        if !self.wants(span.kind, span.job) || is_nothing(&span) {
            return;
        }
        let mut records = self.records();
        if let Some(job) = span.job {
            records.jobs.entry(job).or_default().add(span.kind, span.begin, span.end);
        }
        if !self.is_on() {
            return;
        }
        if records.spans.len() < SPANS_MAX {
            records.spans.push((host.into(), span));
        } else {
            records.left_out += 1;
        }
    }

    /// Times of a job so far.
    #[must_use]
    pub fn times_of(&self, job: JobNumber) -> JobTimes {
        self.records().jobs.get(&job).cloned().unwrap_or_default()
    }

    /// The spans so far, in the order in which they were added, with the hosts that they were on.
    /// They are taken out.
    #[must_use]
    pub fn take_spans(&self) -> Vec<(Option<HostKey>, Span)> {
        std::mem::take(&mut self.records().spans)
    }

    /// Spans that [`SPANS_MAX`] left no room for.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.records().left_out
    }

    /// Recorder of a host's spans. A host has one, since it knows which job the host's running code
    /// works for.
    #[must_use]
    pub fn of_host(&self, host: HostKey, clock: Rc<dyn Clock>) -> Rc<dyn Recorder> {
        Rc::new(HostRecorder { timeline: self.clone(), host, clock, job: Cell::new(None) })
    }

    fn wants(&self, kind: SpanKind, job: Option<JobNumber>) -> bool {
        let is_of_job = job.is_some() && counts_for_jobs(kind);
        self.is_on() || (is_of_job && self.keeps(TimelineDetail::JobTimes))
    }

    fn keeps(&self, detail: TimelineDetail) -> bool {
        self.0.kept.load(Ordering::Relaxed) >= detail as u8
    }

    /// No code that holds the lock can panic, so what a poisoned lock guards is whole.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counts_for_jobs(kind: SpanKind) -> bool {
    use SpanKind::{Attempt, Compute, Disk, DiskQueue, Queue, Retry};
    matches!(kind, Compute | Disk | DiskQueue | Queue | Attempt | Retry(_))
}

/// A wait of no time is no wait; requests, jobs and faults of no time have happened all the same.
fn is_nothing(span: &Span) -> bool {
    span.begin == span.end && counts_for_jobs(span.kind)
}

struct HostRecorder {
    timeline: Timeline,
    host: HostKey,
    clock: Rc<dyn Clock>,
    /// Job of the running code.
    job: Cell<Option<JobNumber>>,
}

impl Recorder for HostRecorder {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn wants(&self, kind: SpanKind, job: Option<JobNumber>) -> bool {
        self.timeline.wants(kind, job)
    }

    fn add(&self, span: Span) {
        self.timeline.add(self.host, span);
    }

    fn job(&self) -> Option<JobNumber> {
        self.job.get()
    }

    fn set_job(&self, job: Option<JobNumber>) -> Option<JobNumber> {
        self.job.replace(job)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ns: u64) -> Time {
        Time::from_nanos(ns)
    }

    fn span(kind: SpanKind, begin: u64, end: u64, job: Option<u32>) -> Span {
        Span::new(kind, "x", at(begin), at(end)).of_job(job.map(JobNumber))
    }

    #[test]
    fn off_it_keeps_nothing() {
        let timeline = Timeline::default();
        timeline.add(HostKey(0), span(SpanKind::Compute, 1, 2, Some(0)));
        timeline.keep(TimelineDetail::Spans);
        assert_eq!(timeline.take_spans(), []);
        assert_eq!(timeline.times_of(JobNumber(0)), JobTimes::default());
    }

    #[test]
    fn job_times_are_kept_without_spans_and_join_where_they_touch() {
        let timeline = Timeline::default();
        timeline.keep(TimelineDetail::JobTimes);
        assert!(!timeline.is_on());
        for (begin, end) in [(1, 2), (2, 5), (4, 4), (7, 9)] {
            timeline.add(HostKey(0), span(SpanKind::Disk, begin, end, Some(3)));
        }
        timeline.add(HostKey(0), span(SpanKind::DiskQueue, 9, 10, Some(3)));
        timeline.add(HostKey(0), span(SpanKind::Disk, 9, 99, None));
        timeline.add(HostKey(0), span(SpanKind::Transfer, 9, 99, Some(3)));
        let times = timeline.times_of(JobNumber(3));
        assert_eq!(times.disk, [(at(1), at(5)), (at(7), at(10))]);
        assert!(times.compute.is_empty() && times.queue.is_empty());
        assert_eq!(timeline.take_spans(), []);
    }

    #[test]
    fn on_it_keeps_spans_with_their_hosts_and_those_of_no_host() {
        let timeline = Timeline::default();
        timeline.keep(TimelineDetail::Spans);
        assert!(timeline.is_on());
        timeline.add(HostKey(4), span(SpanKind::Transfer, 1, 2, None));
        timeline.add(None, span(SpanKind::Fault, 3, 3, None));
        let hosts: Vec<_> = timeline.take_spans().into_iter().map(|(host, _)| host).collect();
        assert_eq!(hosts, [Some(HostKey(4)), None]);
        assert_eq!(timeline.left_out(), 0);
    }

    const ALL_KINDS: [SpanKind; 13] = [
        SpanKind::Job,
        SpanKind::Request,
        SpanKind::Queue,
        SpanKind::Compute,
        SpanKind::DiskQueue,
        SpanKind::Disk,
        SpanKind::Transfer,
        SpanKind::Attempt,
        SpanKind::Retry(AttemptKind::Job),
        SpanKind::Retry(AttemptKind::Session),
        SpanKind::Retry(AttemptKind::Request),
        SpanKind::Retry(AttemptKind::Replica),
        SpanKind::Fault,
    ];

    /// Lists of a job's times, with a name each.
    fn lists(times: &JobTimes) -> [(&'static str, &Vec<TimeInterval>); 7] {
        [
            ("compute", &times.compute),
            ("disk", &times.disk),
            ("queue", &times.queue),
            ("attempts", &times.attempts),
            ("lost", &times.lost),
            ("lost_sessions", &times.lost_sessions),
            ("lost_requests", &times.lost_requests),
        ]
    }

    #[test]
    fn each_kind_of_span_is_in_its_list_of_the_jobs_times_and_in_no_other() {
        let expected = [
            &[][..],
            &[],
            &["queue"],
            &["compute"],
            &["disk"],
            &["disk"],
            &[],
            &["attempts"],
            &["lost"],
            &["lost_sessions"],
            &["lost_requests"],
            &["lost_requests"],
            &[],
        ];
        for (kind, expected) in ALL_KINDS.into_iter().zip(expected) {
            let timeline = Timeline::default();
            timeline.keep(TimelineDetail::JobTimes);
            timeline.add(HostKey(0), span(kind, 3, 8, Some(1)));
            let times = timeline.times_of(JobNumber(1));
            let filled = lists(&times).into_iter().filter(|(_, list)| !list.is_empty());
            let filled: Vec<&str> = filled.map(|(name, _)| name).collect();
            assert_eq!(filled, expected, "{kind:?}");
            for (_, list) in lists(&times) {
                assert!(list.iter().all(|interval| *interval == (at(3), at(8))), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_wait_of_no_time_is_left_out_and_a_request_of_no_time_is_not() {
        let timeline = Timeline::default();
        timeline.keep(TimelineDetail::Spans);
        ALL_KINDS.into_iter().for_each(|kind| timeline.add(None, span(kind, 5, 5, Some(0))));
        let kept: Vec<SpanKind> =
            timeline.take_spans().into_iter().map(|(_, span)| span.kind).collect();
        let happens = [SpanKind::Job, SpanKind::Request, SpanKind::Transfer, SpanKind::Fault];
        assert_eq!(kept, happens);
        assert_eq!(timeline.times_of(JobNumber(0)), JobTimes::default());
    }

    #[test]
    fn spans_are_taken_out_and_job_times_stay() {
        let timeline = Timeline::default();
        timeline.keep(TimelineDetail::Spans);
        timeline.add(HostKey(0), span(SpanKind::Disk, 1, 2, Some(0)));
        assert_eq!(timeline.take_spans().len(), 1);
        assert_eq!(timeline.take_spans().len(), 0);
        assert_eq!(timeline.times_of(JobNumber(0)).disk, [(at(1), at(2))]);
    }

    #[test]
    fn a_recorder_names_its_host_and_has_a_job_of_its_own() {
        struct Still;
        impl Clock for Still {
            fn now(&self) -> Time {
                at(9)
            }

            fn sleep_until(&self, _at: Time) -> stayput_host::LocalFuture<'static, ()> {
                Box::pin(std::future::ready(()))
            }
        }
        let timeline = Timeline::default();
        let (one, other) = (
            timeline.of_host(HostKey(1), Rc::new(Still)),
            timeline.of_host(HostKey(2), Rc::new(Still)),
        );
        assert!(!one.wants(SpanKind::Compute, Some(JobNumber(4))), "it is off");
        timeline.keep(TimelineDetail::JobTimes);
        assert!(one.wants(SpanKind::Compute, Some(JobNumber(4))));
        assert!(
            !one.wants(SpanKind::Compute, None) && !one.wants(SpanKind::Fault, Some(JobNumber(4)))
        );
        timeline.keep(TimelineDetail::Spans);
        assert!(one.wants(SpanKind::Compute, None) && one.wants(SpanKind::Fault, None));
        assert_eq!(one.set_job(Some(JobNumber(4))), None);
        assert_eq!((one.job(), other.job()), (Some(JobNumber(4)), None));
        assert_eq!(one.set_job(None), Some(JobNumber(4)));
        assert_eq!(one.now(), at(9));
        other.add(span(SpanKind::Compute, 1, 2, None));
        assert_eq!(timeline.take_spans()[0].0, Some(HostKey(2)));
    }

    proptest! {
        #[test]
        fn joined_times_cover_what_their_spans_cover_and_nothing_else(
            spans in prop::collection::vec((0_u64..100, 0_u64..12), 0..40),
        ) {
            let timeline = Timeline::default();
            timeline.keep(TimelineDetail::JobTimes);
            let mut spans: Vec<(u64, u64)> =
                spans.into_iter().map(|(begin, length)| (begin, begin + length)).collect();
            // Spans are added when they end.
            spans.sort_by_key(|(_, end)| *end);
            for (begin, end) in &spans {
                timeline.add(HostKey(0), span(SpanKind::Queue, *begin, *end, Some(0)));
            }
            let queue = timeline.times_of(JobNumber(0)).queue;
            for ns in 0..120 {
                let spanned = spans.iter().any(|(begin, end)| (*begin..*end).contains(&ns));
                let kept = queue.iter().any(|(begin, end)| (*begin..*end).contains(&at(ns)));
                prop_assert_eq!(kept, spanned, "at {} of {:?}", ns, queue);
            }
            prop_assert!(queue.iter().all(|(begin, end)| begin < end), "{queue:?}");
        }
    }
}
