//! Promises of the executor: order, time, and an end of killed tasks.

use stayput_host::RunEnd;
use std::time::Duration;

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
