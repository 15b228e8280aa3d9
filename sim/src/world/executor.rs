//! The executor: tasks, and events in the order of their times. Time jumps to the next event when every task is idle.
//!
//! Which of several ready tasks runs first is drawn from the seed, so that no code comes to rely on an order. Leaves out
//! threads: a world is one of them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::clock::Clock;
use super::topology::HostKey;
use super::{LocalFuture, RunEnd};
use crate::host::{Entropy, Seed, Time};

/// Polls without time going on after which a run counts as a livelock.
const POLLS_AT_ONE_TIME_MAX: u64 = 20_000_000;

type Action = Box<dyn FnOnce()>;

enum Event {
    Wake(Waker),
    Act(Action),
}

type EventKey = (Time, u64);

/// Runs tasks and events. Clones are the same executor.
#[derive(Clone)]
pub struct Executor(Rc<Inner>);

struct Inner {
    now: Cell<Time>,
    events: RefCell<BTreeMap<EventKey, Event>>,
    events_made: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    tasks_made: Cell<u64>,
    ready: Arc<Ready>,
    order: RefCell<Entropy>,
}

struct Task {
    owner: HostKey,
    future: LocalFuture<'static, ()>,
    waker: Arc<TaskWaker>,
}

/// The tasks that want to be polled. A waker must be able to go to another thread, hence the lock; none ever does.
#[derive(Default)]
struct Ready(Mutex<Vec<u64>>);

struct TaskWaker {
    task: u64,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
        }
    }
}

impl Executor {
    /// One without tasks, at time zero.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self(Rc::new(Inner {
            now: Cell::new(Time::ZERO),
            events: RefCell::default(),
            events_made: Cell::new(0),
            tasks: RefCell::default(),
            tasks_made: Cell::new(0),
            ready: Arc::default(),
            order: RefCell::new(seed.entropy("task order", b"", 0)),
        }))
    }

    /// Adds a task of `owner`.
    pub fn spawn(&self, owner: HostKey, future: LocalFuture<'static, ()>) {
        let key = self.0.tasks_made.get();
        self.0.tasks_made.set(key + 1);
        let waker = Arc::new(TaskWaker {
            task: key,
            queued: AtomicBool::new(false),
            ready: Arc::clone(&self.0.ready),
        });
        self.0.tasks.borrow_mut().insert(key, Task { owner, future, waker: Arc::clone(&waker) });
        waker.wake();
    }

    /// Does `action` at `at`, or as soon as that is past.
    pub fn at(&self, at: Time, action: impl FnOnce() + 'static) {
        self.add_event(at, Event::Act(Box::new(action)));
    }

    /// Drops all tasks of `owner`; says how many there were.
    pub fn kill(&self, owner: HostKey) -> u64 {
        // Dropping a task may reach back here, so the map is not borrowed meanwhile.
        let killed: Vec<Task> = self
            .0
            .tasks
            .borrow_mut()
            .extract_if(.., |_, task| task.owner == owner)
            .map(|(_, t)| t)
            .collect();
        killed.len() as u64
    }

    /// Drops every task and event: what they hold may hold this executor.
    pub fn clear(&self) {
        let tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
        drop(tasks);
        let events = std::mem::take(&mut *self.0.events.borrow_mut());
        drop(events);
    }

    /// See [`super::World::run`].
    pub fn run(&self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        let mut polls: u64 = 0;
        loop {
            while let Some(key) = self.next_ready() {
                self.poll(key);
                polls += 1;
                if polls > POLLS_AT_ONE_TIME_MAX {
                    return RunEnd::Livelock;
                }
            }
            if done() {
                return RunEnd::Done;
            }
            let Some(((at, _), event)) = self.pop_event(limit) else {
                let stuck = self.0.events.borrow().is_empty();
                return if stuck { RunEnd::Stuck } else { RunEnd::TimeLimit };
            };
            if at > self.0.now.get() {
                self.0.now.set(at);
                polls = 0;
            }
            match event {
                Event::Wake(waker) => waker.wake(),
                Event::Act(action) => action(),
            }
        }
    }

    fn pop_event(&self, limit: Time) -> Option<(EventKey, Event)> {
        let mut events = self.0.events.borrow_mut();
        let first = events.first_entry()?;
        if first.key().0 > limit { None } else { Some(first.remove_entry()) }
    }

    fn next_ready(&self) -> Option<u64> {
        let mut ready = self.0.ready.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ready.len() {
            0 => None,
            1 => ready.pop(),
            several => {
                let drawn = self.0.order.borrow_mut().below(several as u64);
                Some(ready.swap_remove(usize::try_from(drawn).unwrap_or(0)))
            }
        }
    }

    fn poll(&self, key: u64) {
        // Out of the map while it runs: it may spawn, and its end may drop what spawns.
        let Some(mut task) = self.0.tasks.borrow_mut().remove(&key) else { return };
        task.waker.queued.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&task.waker));
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.0.tasks.borrow_mut().insert(key, task);
        }
    }

    fn add_event(&self, at: Time, event: Event) -> EventKey {
        let key = (at.max(self.0.now.get()), self.0.events_made.get());
        self.0.events_made.set(key.1 + 1);
        self.0.events.borrow_mut().insert(key, event);
        key
    }
}

impl Clock for Executor {
    fn now(&self) -> Time {
        self.0.now.get()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        Box::pin(Sleep { executor: self.clone(), at, event: None })
    }
}

struct Sleep {
    executor: Executor,
    at: Time,
    event: Option<EventKey>,
}

impl Sleep {
    fn cancel(&mut self) {
        if let Some(key) = self.event.take() {
            self.executor.0.events.borrow_mut().remove(&key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.cancel();
        if self.executor.now() >= self.at {
            return Poll::Ready(());
        }
        self.event = Some(self.executor.add_event(self.at, Event::Wake(cx.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OWNER: HostKey = HostKey(0);

    fn order_of_three(seed: u64) -> Vec<u32> {
        let executor = Executor::new(Seed(seed));
        let seen = Rc::new(RefCell::new(Vec::new()));
        for task in 0..3 {
            let seen = Rc::clone(&seen);
            executor.spawn(OWNER, Box::pin(async move { seen.borrow_mut().push(task) }));
        }
        assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
        seen.take()
    }

    #[test]
    fn the_order_of_ready_tasks_is_the_seeds() {
        assert_eq!(order_of_three(1), order_of_three(1));
        let orders: std::collections::BTreeSet<_> = (0..50).map(order_of_three).collect();
        assert_eq!(orders.len(), 6, "every order comes up");
    }

    #[test]
    fn time_jumps_to_what_is_waited_for_and_no_further_than_the_limit() {
        let executor = Executor::new(Seed(1));
        let clock = executor.clone();
        executor.spawn(
            OWNER,
            Box::pin(
                async move { clock.sleep_until(Time::ZERO + Duration::from_secs(3600)).await },
            ),
        );
        let limit = Time::ZERO + Duration::from_secs(60);
        assert_eq!(executor.run(&mut || false, limit), RunEnd::TimeLimit);
        assert_eq!(executor.run(&mut || false, Time::MAX), RunEnd::Stuck);
        assert_eq!(executor.now(), Time::ZERO + Duration::from_secs(3600));
    }

    #[test]
    fn a_killed_owner_takes_its_tasks_along() {
        let executor = Executor::new(Seed(1));
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
}
