//! Spans and attempts: what is recorded of them, when they end and when they are given up.

use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::{Attempt, AttemptKind, JobNumber, SpanKind};

use crate::machine::Bench;

const JOB: JobNumber = JobNumber(4);
const KINDS: [AttemptKind; 4] =
    [AttemptKind::Job, AttemptKind::Session, AttemptKind::Request, AttemptKind::Replica];

/// An attempt of [`JOB`] that began at 10 ns.
fn attempt(bench: &Bench, kind: AttemptKind) -> Attempt {
    bench.set_now(10);
    let host = bench.host.clone();
    bench.wait(bench.host.in_job(Some(JOB), async move { host.attempt(kind, "try") }))
}

/// True if progress within it is a span of its own: nothing nests in it.
fn is_leaf(kind: AttemptKind) -> bool {
    matches!(kind, AttemptKind::Session | AttemptKind::Replica)
}

#[test]
fn a_span_lasts_from_its_begin_to_its_drop_with_its_name_and_figures() {
    let bench = Bench::new();
    bench.set_now(5);
    let mut span = bench.host.span_of(Some(JOB), SpanKind::Compute, "slice");
    span.figure("fuel", 7);
    span.figure("bytes", 9);
    span.rename(|| "renamed".to_owned());
    assert!(bench.notebook.noted().is_empty(), "it is not over");
    bench.set_now(8);
    drop(span);
    assert_eq!(bench.notebook.noted(), [(SpanKind::Compute, Some(4), 5, 8)]);
    let span = bench.notebook.spans.borrow()[0].clone();
    assert_eq!((&*span.name, span.figures), ("renamed", vec![("fuel", 7), ("bytes", 9)]));
}

#[test]
fn a_span_of_the_running_code_has_its_job() {
    let bench = Bench::new();
    let host = bench.host.clone();
    let work = async move { drop(host.span(SpanKind::Queue, "core")) };
    bench.wait(bench.host.in_job(Some(JOB), work));
    drop(bench.host.span(SpanKind::Queue, "core"));
    let jobs: Vec<_> = bench.notebook.noted().into_iter().map(|(_, job, ..)| job).collect();
    assert_eq!(jobs, [Some(4), None]);
}

#[test]
fn a_span_that_nobody_wants_is_not_named_or_recorded() {
    for bench in [Bench::new(), Bench::unrecorded()] {
        bench.notebook.unwanted.borrow_mut().push(SpanKind::Disk);
        let mut span = bench.host.span(SpanKind::Disk, "read");
        span.rename(|| unreachable!("a name is made for spans that are recorded"));
        span.figure("bytes", 1);
        drop(span);
        assert!(bench.notebook.noted().is_empty());
    }
}

#[test]
fn a_clock_that_goes_back_makes_no_span_of_negative_length() {
    let bench = Bench::new();
    bench.set_now(9);
    let span = bench.host.span(SpanKind::Request, "GET");
    bench.set_now(3);
    drop(span);
    assert_eq!(bench.notebook.noted(), [(SpanKind::Request, None, 9, 9)]);
}

#[test]
fn an_attempt_that_fails_has_lost_the_time_since_its_last_progress() {
    for kind in KINDS {
        let bench = Bench::new();
        let mut attempt = attempt(&bench, kind);
        bench.set_now(14);
        attempt.progressed();
        bench.set_now(20);
        attempt.failed();
        let lost = (SpanKind::Retry(kind), Some(4), 14, 20);
        let made = (SpanKind::Attempt, Some(4), 10, 14);
        let expected = if is_leaf(kind) { vec![made, lost] } else { vec![lost] };
        assert_eq!(bench.notebook.noted(), expected, "{kind:?}");
        // It has ended: nothing comes of it any more.
        attempt.progressed();
        attempt.failed();
        drop(attempt);
        assert_eq!(bench.notebook.noted(), expected, "{kind:?}");
    }
}

#[test]
fn an_attempt_without_progress_has_lost_all_its_time_when_it_fails_and_none_when_it_is_dropped() {
    for kind in KINDS {
        let bench = Bench::new();
        let mut failing = attempt(&bench, kind);
        drop(attempt(&bench, kind));
        bench.set_now(20);
        failing.failed();
        assert_eq!(bench.notebook.noted(), [(SpanKind::Retry(kind), Some(4), 10, 20)]);
    }
}

#[test]
fn progress_that_turned_out_to_be_useless_is_lost_as_well() {
    let bench = Bench::new();
    let mut attempt = attempt(&bench, AttemptKind::Session);
    bench.set_now(15);
    attempt.progressed();
    attempt.discard_progress();
    bench.set_now(20);
    attempt.failed();
    let lost = (SpanKind::Retry(AttemptKind::Session), Some(4), 10, 20);
    assert_eq!(bench.notebook.noted(), [lost]);
}

#[test]
fn an_attempt_for_nobody_or_that_nobody_wants_records_nothing() {
    let unwanted = Bench::new();
    let kind = SpanKind::Retry(AttemptKind::Replica);
    unwanted.notebook.unwanted.borrow_mut().push(kind);
    attempt(&unwanted, AttemptKind::Replica).failed();
    assert!(unwanted.notebook.noted().is_empty());
    for bench in [Bench::new(), Bench::unrecorded()] {
        let mut of_no_job = bench.host.attempt(AttemptKind::Replica, "try");
        of_no_job.progressed();
        of_no_job.failed();
        assert!(bench.notebook.noted().is_empty());
    }
}

proptest! {
    #[test]
    fn an_attempts_time_is_progress_up_to_its_last_and_lost_after_it(
        kind in 0_usize..4,
        steps in vec((1_u64..10, any::<bool>()), 0..12),
        fails: bool,
    ) {
        let (bench, kind) = (Bench::new(), KINDS[kind]);
        let mut under_way = attempt(&bench, kind);
        let (mut now, mut last) = (10, None);
        for (takes, is_progress) in steps {
            now += takes;
            bench.set_now(now);
            if is_progress {
                under_way.progressed();
                last = Some(now);
            } else {
                under_way.discard_progress();
                last = None;
            }
        }
        now += 3;
        bench.set_now(now);
        if fails {
            under_way.failed();
        }
        drop(under_way);
        let made = last.filter(|_| is_leaf(kind)).map(|last| (SpanKind::Attempt, Some(4), 10, last));
        let lost = fails.then_some((SpanKind::Retry(kind), Some(4), last.unwrap_or(10), now));
        let expected: Vec<_> = made.into_iter().chain(lost).collect();
        prop_assert_eq!(bench.notebook.noted(), expected);
        prop_assert_eq!(Rc::strong_count(&bench.notebook), 2, "the machine's and the test's");
    }
}
