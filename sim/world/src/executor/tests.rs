//! Promises of the executor: order, time, and an end of killed tasks.

use std::future::poll_fn;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::RunEnd;

use super::*;

const OWNER: HostKey = HostKey(0);

fn order_of_three(order: TaskOrder) -> (Vec<u32>, u64) {
    let executor = Executor::<()>::new(order);
    let seen = Rc::new(RefCell::new(Vec::new()));
    for task in 0..3 {
        let seen = Rc::clone(&seen);
        executor.spawn(OWNER, Box::pin(async move { seen.borrow_mut().push(task) }));
    }
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    (seen.take(), executor.schedule_hash())
}

#[test]
fn ready_tasks_run_in_the_order_in_which_they_became_so() {
    assert_eq!(order_of_three(TaskOrder::Fixed).0, [0, 1, 2]);
}

#[test]
fn a_shuffle_explores_every_order_and_the_schedules_hash_tells_them_apart() {
    let shuffled = |seed| order_of_three(TaskOrder::Shuffled(seed));
    assert_eq!(shuffled(1), shuffled(1));
    let orders: std::collections::BTreeMap<_, _> = (0..50).map(shuffled).collect();
    assert_eq!(orders.len(), 6, "every order comes up");
    let hashes: std::collections::BTreeSet<_> = orders.values().collect();
    assert_eq!(hashes.len(), 6, "each with a hash of its own");
}

#[test]
fn time_jumps_to_what_is_waited_for_and_no_further_than_the_limit() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let clock = executor.clone();
    executor.spawn(
        OWNER,
        Box::pin(async move { clock.sleep_until(Time::ZERO + Duration::from_secs(3600)).await }),
    );
    let limit = Time::ZERO + Duration::from_secs(60);
    assert_eq!(executor.run(&mut || false, limit), RunEnd::TimeLimit);
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    assert_eq!(executor.now(), Time::ZERO + Duration::from_secs(3600));
}

#[test]
fn events_of_one_time_come_in_the_order_of_their_making() {
    let executor = Executor::<u32>::new(TaskOrder::Fixed);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&seen);
    executor.set_model(move |event| told.borrow_mut().push(event));
    for event in 0..5 {
        executor.signal_at(Time::from_nanos(u64::from(event % 2)), event);
    }
    executor.run(&mut || false, Time::MAX);
    assert_eq!(seen.take(), [0, 2, 4, 1, 3]);
}

#[test]
fn limits_that_are_cancelled_leave_nothing_behind() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    for _ in 0..100_000 {
        let mut limit = executor.sleep_until(Time::MAX);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(limit.as_mut().poll(&mut cx).is_pending());
    }
    assert!(executor.0.events.borrow().is_empty());
    assert!(executor.0.events.borrow().times_kept() < 10_000, "swept on the way");
}

#[test]
fn a_killed_owner_takes_its_tasks_along() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let witness = Rc::new(());
    for owner in [0, 1, 1] {
        let (clock, held) = (executor.clone(), Rc::clone(&witness));
        executor.spawn(
            HostKey(owner),
            Box::pin(async move {
                clock.sleep_until(Time::MAX).await;
                drop(held);
            }),
        );
    }
    assert_eq!(executor.run(&mut || true, Time::MAX), RunEnd::Done);
    assert_eq!(executor.kill(HostKey(1)), 2);
    assert_eq!(Rc::strong_count(&witness), 2);
    executor.clear();
    assert_eq!(Rc::strong_count(&witness), 1);
}

/// Log of a run: the time, the task, and the number of its step.
type Log = Vec<(u64, usize, usize)>;

/// Tasks that each sleep until the given times, one after the other, and log each.
fn sleepers(order: TaskOrder, sleeps: &[Vec<u64>]) -> (Log, ExecutorStats) {
    let executor = Executor::<()>::new(order);
    let log = Rc::new(RefCell::new(Log::new()));
    for (task, times) in sleeps.iter().cloned().enumerate() {
        let (clock, log) = (executor.clone(), Rc::clone(&log));
        let run = async move {
            for (step, time) in times.into_iter().enumerate() {
                clock.sleep_until(Time::from_nanos(time)).await;
                log.borrow_mut().push((clock.now().as_nanos(), task, step));
            }
        };
        executor.spawn(OWNER, Box::pin(run));
    }
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    (log.take(), executor.effort())
}

/// The same from a list of timers that is searched for the first each time.
fn naive_sleepers(sleeps: &[Vec<u64>]) -> (Log, ExecutorStats) {
    let (mut log, mut timers, mut made) = (Log::new(), Vec::new(), 0);
    let (mut now, mut polls) = (0, 0);
    let mut next: Vec<usize> = vec![0; sleeps.len()];
    let mut ready: VecDeque<usize> = (0..sleeps.len()).collect();
    loop {
        while let Some(task) = ready.pop_front() {
            polls += 1;
            while let Some(time) = sleeps[task].get(next[task]) {
                if *time > now {
                    timers.push((*time, made, task));
                    made += 1;
                    break;
                }
                log.push((now, task, next[task]));
                next[task] += 1;
            }
        }
        let Some(first) = timers.iter().min().copied() else { break };
        timers.retain(|timer| *timer != first);
        now = first.0;
        ready.push_back(first.2);
    }
    (log, ExecutorStats { events: made, polls })
}

proptest! {
    #[test]
    fn tasks_go_on_in_the_order_of_their_times_and_of_their_timers(
        sleeps in vec(vec(0_u64..20, 0..6), 0..8),
    ) {
        prop_assert_eq!(sleepers(TaskOrder::Fixed, &sleeps), naive_sleepers(&sleeps));
    }

    #[test]
    fn a_shuffle_changes_no_time_and_leaves_no_step_out(
        sleeps in vec(vec(0_u64..20, 0..6), 0..8), seed: u64,
    ) {
        let sorted = |order| {
            let (mut log, effort) = sleepers(order, &sleeps);
            prop_assert!(log.is_sorted_by_key(|(time, ..)| *time));
            log.sort_unstable();
            Ok((log, effort))
        };
        prop_assert_eq!(sorted(TaskOrder::Shuffled(seed))?, sorted(TaskOrder::Fixed)?);
    }

    #[test]
    fn a_run_in_pieces_is_the_run_in_one(
        sleeps in vec(vec(0_u64..40, 0..6), 0..6), limits in vec(0_u64..40, 0..6),
    ) {
        let run = |limits: &[u64]| {
            let executor = Executor::<()>::new(TaskOrder::Fixed);
            for times in sleeps.iter().cloned() {
                let clock = executor.clone();
                let run = async move {
                    for time in times {
                        clock.sleep_until(Time::from_nanos(time)).await;
                    }
                };
                executor.spawn(OWNER, Box::pin(run));
            }
            for limit in limits {
                executor.run(&mut || false, Time::from_nanos(*limit));
                assert!(executor.now() <= Time::from_nanos(40));
            }
            executor.run(&mut || false, Time::MAX);
            (executor.schedule_hash(), executor.effort(), executor.now())
        };
        prop_assert_eq!(run(&limits), run(&[]));
    }
}

#[test]
fn a_task_that_is_woken_many_times_before_its_turn_is_polled_once() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let polls = Rc::new(Cell::new(0));
    let (kept, polled) = (Rc::clone(&waker), Rc::clone(&polls));
    executor.spawn(
        OWNER,
        Box::pin(poll_fn(move |cx| {
            polled.set(polled.get() + 1);
            *kept.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })),
    );
    executor.run(&mut || false, Time::MAX);
    let waker = waker.take().expect("it was polled");
    (0..5).for_each(|_| waker.wake_by_ref());
    executor.run(&mut || false, Time::MAX);
    assert_eq!(polls.get(), 2, "at first, and once for the five");
    assert_eq!(executor.effort().polls, 2);
}

#[test]
fn a_task_that_wakes_itself_is_polled_again_after_the_others() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let seen = Rc::new(RefCell::new(Vec::new()));
    for task in 0..2 {
        let (seen, mut left) = (Rc::clone(&seen), 3);
        executor.spawn(
            OWNER,
            Box::pin(poll_fn(move |cx| {
                seen.borrow_mut().push(task);
                left -= 1;
                if left == 0 {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })),
        );
    }
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    assert_eq!(seen.take(), [0, 1, 0, 1, 0, 1]);
    assert_eq!(executor.now(), Time::ZERO, "it takes no time");
}

#[test]
fn a_waker_of_a_task_that_has_ended_wakes_nobody_else() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let kept = Rc::clone(&waker);
    executor.spawn(
        OWNER,
        Box::pin(poll_fn(move |cx| {
            *kept.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        })),
    );
    executor.run(&mut || false, Time::MAX);
    // The next task takes the place of the one that has ended.
    executor.spawn(OWNER, Box::pin(std::future::pending()));
    executor.run(&mut || false, Time::MAX);
    waker.take().expect("it was polled").wake();
    executor.run(&mut || false, Time::MAX);
    assert_eq!(executor.effort().polls, 2, "one of each");
}

#[test]
fn the_timer_of_a_killed_task_is_cancelled_with_it() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let clock = executor.clone();
    executor.spawn(OWNER, Box::pin(async move { clock.sleep_until(Time::from_nanos(500)).await }));
    executor.run(&mut || false, Time::from_nanos(10));
    assert_eq!(executor.kill(OWNER), 1);
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    assert_eq!((executor.now(), executor.effort().events), (Time::ZERO, 0));
}

#[test]
fn a_task_that_kills_its_own_host_is_not_polled_again() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let (killer, went_on) = (executor.clone(), Rc::new(Cell::new(false)));
    let goes_on = Rc::clone(&went_on);
    executor.spawn(
        OWNER,
        Box::pin(async move {
            killer.kill(OWNER);
            killer.sleep_until(Time::from_nanos(1)).await;
            goes_on.set(true);
        }),
    );
    executor.run(&mut || false, Time::MAX);
    assert!(!went_on.get());
    assert_eq!(Rc::strong_count(&went_on), 1, "all that it held is dropped");
}

#[test]
fn a_task_may_spawn_and_so_may_the_end_of_what_a_killed_one_held() {
    struct SpawnsAtItsEnd(Executor<()>, Rc<Cell<u32>>);
    impl Drop for SpawnsAtItsEnd {
        fn drop(&mut self) {
            let count = Rc::clone(&self.1);
            self.0.spawn(HostKey(1), Box::pin(async move { count.set(count.get() + 1) }));
        }
    }
    let (executor, count) = (Executor::<()>::new(TaskOrder::Fixed), Rc::new(Cell::new(0)));
    let held = SpawnsAtItsEnd(executor.clone(), Rc::clone(&count));
    let (spawner, counted) = (executor.clone(), Rc::clone(&count));
    executor.spawn(
        OWNER,
        Box::pin(async move {
            let _held = held;
            spawner.spawn(OWNER, Box::pin(async move { counted.set(counted.get() + 10) }));
            std::future::pending::<()>().await;
        }),
    );
    executor.run(&mut || false, Time::MAX);
    assert_eq!(count.get(), 10);
    assert_eq!(executor.kill(OWNER), 1);
    executor.run(&mut || false, Time::MAX);
    assert_eq!(count.get(), 11);
}

#[test]
fn an_event_of_the_past_comes_now_and_one_at_the_limit_is_within_it() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let note = |at: u64| {
        let (seen, clock) = (Rc::clone(&seen), executor.clone());
        executor
            .at(Time::from_nanos(at), move || seen.borrow_mut().push((at, clock.now().as_nanos())));
    };
    note(10);
    assert_eq!(executor.run(&mut || false, Time::from_nanos(10)), RunEnd::Stuck);
    note(3);
    note(11);
    assert_eq!(executor.run(&mut || false, Time::from_nanos(10)), RunEnd::TimeLimit);
    assert_eq!(seen.take(), [(10, 10), (3, 10)]);
}

#[test]
fn a_run_ends_when_it_is_done_and_goes_on_from_there() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let count = Rc::new(Cell::new(0));
    for at in 1..=5 {
        let count = Rc::clone(&count);
        executor.at(Time::from_nanos(at), move || count.set(count.get() + 1));
    }
    assert_eq!(executor.run(&mut || count.get() == 3, Time::MAX), RunEnd::Done);
    assert_eq!((count.get(), executor.now()), (3, Time::from_nanos(3)));
    assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
    assert_eq!((count.get(), executor.effort().events), (5, 5));
}

#[test]
fn a_sleep_wakes_whoever_polled_it_last() {
    let executor = Executor::<()>::new(TaskOrder::Fixed);
    let sleep = Rc::new(RefCell::new(executor.sleep_until(Time::from_nanos(9))));
    let ended = Rc::new(RefCell::new(Vec::new()));
    for task in 0..2 {
        let (sleep, ended, clock) = (Rc::clone(&sleep), Rc::clone(&ended), executor.clone());
        executor.spawn(
            OWNER,
            Box::pin(async move {
                // The first gives the sleep up to the second, and waits for good.
                let polled = poll_fn(|cx| Poll::Ready(sleep.borrow_mut().as_mut().poll(cx))).await;
                assert!(polled.is_pending());
                poll_fn(|_| match clock.now() {
                    Time::ZERO => Poll::Pending,
                    _ => Poll::Ready(()),
                })
                .await;
                ended.borrow_mut().push(task);
            }),
        );
    }
    executor.run(&mut || false, Time::MAX);
    assert_eq!(ended.take(), [1]);
    assert_eq!(executor.effort().events, 1, "the timer of the first is gone");
}
