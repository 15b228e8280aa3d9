//! Limits, guarded tasks, jobs of tasks, and gauges.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use rand::Rng;
use stayput_host::{HostMetric, JobNumber, Seed, Time, TimedOut};

use crate::machine::Bench;

const NS: Duration = Duration::from_nanos(1);

#[test]
fn a_limit_passes_on_what_is_ready_in_time_up_to_its_last_instant() {
    for (takes, is_in_time) in [(0, true), (9, true), (10, true), (11, false)] {
        let bench = Bench::new();
        let host = &bench.host;
        let work = async {
            host.sleep(NS * takes).await;
            takes
        };
        let limit = NS * 10;
        let found = bench.wait(host.timeout(limit, work));
        assert_eq!(found, if is_in_time { Ok(takes) } else { Err(TimedOut { limit }) });
        assert_eq!(host.now(), Time::from_nanos(u64::from(takes.min(10))));
    }
}

#[test]
fn work_that_is_not_ready_in_time_is_dropped() {
    let bench = Bench::new();
    let held = Rc::new(());
    let holds = Rc::clone(&held);
    let work = async move {
        let _held = holds;
        pending::<()>().await;
    };
    let limit = Duration::from_millis(20);
    let late = bench.wait(bench.host.timeout(limit, work)).expect_err("it never ends");
    assert_eq!(Rc::strong_count(&held), 1);
    assert_eq!(late.to_string(), "no answer within 20 ms");
}

#[test]
fn a_sleep_beyond_all_time_lasts_to_its_end() {
    let bench = Bench::new();
    bench.set_now(5);
    bench.wait(bench.host.sleep(Duration::MAX));
    assert_eq!(bench.host.now(), Time::MAX);
    bench.wait(bench.host.sleep_until(Time::ZERO));
    assert_eq!(bench.host.now(), Time::MAX, "the past is over");
}

#[test]
fn a_guarded_task_ends_with_its_guard_and_lets_go_of_what_it_held() {
    let bench = Bench::new();
    let (polls, held) = (Rc::new(Cell::new(0)), Rc::new(()));
    let (polled, holds) = (Rc::clone(&polls), Rc::clone(&held));
    let guard = bench.host.spawn_guarded(async move {
        let _held = holds;
        poll_fn(|_| {
            polled.set(polled.get() + 1);
            Poll::<()>::Pending
        })
        .await;
    });
    bench.poll_tasks();
    bench.poll_tasks();
    assert_eq!((polls.get(), bench.tasks()), (2, 1));
    drop(guard);
    bench.poll_tasks();
    assert_eq!((polls.get(), bench.tasks()), (2, 0));
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_guarded_task_runs_to_its_end_while_its_guard_is_held() {
    let bench = Bench::new();
    let ended = Rc::new(Cell::new(false));
    let ends = Rc::clone(&ended);
    let guard = bench.host.spawn_guarded(async move { ends.set(true) });
    bench.poll_tasks();
    assert!(ended.get());
    assert_eq!(bench.tasks(), 0);
    drop(guard);
}

#[test]
fn a_task_works_for_the_job_of_its_spawner_and_so_do_those_that_it_spawns() {
    let bench = Bench::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (host, noted) = (bench.host.clone(), Rc::clone(&seen));
    let outer = async move {
        noted.borrow_mut().push(("outer", host.job()));
        let (inner, deep) = (host.clone(), Rc::clone(&noted));
        host.spawn(async move {
            deep.borrow_mut().push(("spawned", inner.job()));
            let (innermost, deepest) = (inner.clone(), Rc::clone(&deep));
            inner.spawn(async move { deepest.borrow_mut().push(("deep", innermost.job())) });
        });
        let (other, note) = (host.clone(), Rc::clone(&noted));
        let in_other = async move { note.borrow_mut().push(("other", other.job())) };
        host.in_job(Some(JobNumber(2)), in_other).await;
        noted.borrow_mut().push(("after", host.job()));
    };
    bench.wait(bench.host.in_job(Some(JobNumber(1)), outer));
    (0..3).for_each(|_| bench.poll_tasks());
    let (one, two) = (Some(JobNumber(1)), Some(JobNumber(2)));
    let expected =
        [("outer", one), ("other", two), ("after", one), ("spawned", one), ("deep", one)];
    assert_eq!(*seen.borrow(), expected);
    assert_eq!(bench.host.job(), None, "the code outside works for nobody");
}

#[test]
fn a_future_of_a_job_is_of_no_other_while_it_waits() {
    let bench = Bench::new();
    let host = bench.host.clone();
    let in_job = bench.host.in_job(Some(JobNumber(1)), async move {
        host.sleep(NS).await;
        host.job()
    });
    let host = bench.host.clone();
    // Polled in turn with the first.
    let outside = async move {
        let before = host.job();
        host.sleep(NS).await;
        (before, host.job())
    };
    let both = futures_util::future::join(in_job, outside);
    assert_eq!(bench.wait(both), (Some(JobNumber(1)), (None, None)));
}

#[test]
fn without_a_recorder_there_are_no_jobs_and_everything_runs_all_the_same() {
    let bench = Bench::unrecorded();
    let host = bench.host.clone();
    let in_job = bench.host.in_job(Some(JobNumber(1)), async move { host.job() });
    assert_eq!(bench.wait(in_job), None);
    bench.host.spawn(ready(()));
    bench.poll_tasks();
    assert_eq!(bench.tasks(), 0);
}

#[test]
fn a_gauge_goes_down_when_its_guard_is_dropped_and_a_counter_stays() {
    let bench = Bench::new();
    let running = HostMetric::SessionsRunning;
    let guards: Vec<_> = (0..3).map(|_| bench.host.counted(running)).collect();
    bench.host.count(HostMetric::SessionsBegun, 3);
    assert_eq!(bench.counts.borrow()[&running], 3);
    drop(guards);
    let counts = bench.counts.borrow();
    assert_eq!((counts[&running], counts[&HostMetric::SessionsBegun]), (0, 3));
}

#[test]
fn draws_are_those_of_the_seed_and_the_checksum_is_that_of_the_bytes() {
    let bench = Bench::new();
    let mut drawn = bench.host.entropy("tests", b"id", 3);
    assert_eq!(drawn.next_u64(), Seed(7).entropy("tests", b"id", 3).next_u64());
    let mut checksum = bench.host.checksum();
    checksum.update(b"a");
    checksum.update(b"bc");
    let hex: String = checksum.sum().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "900150983cd24fb0d6963f7d28e17f72", "RFC 1321");
}
