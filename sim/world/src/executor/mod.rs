//! Executor of tasks, and of events in the order of their times. Time jumps to the next event when
//! every task is idle.
//!
//! Ready tasks run in the order in which they became ready, or, to explore others, in one drawn
//! from a seed of its own ([`TaskOrder`]). Leaves out threads: a world runs on one.

mod events;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use rand::RngExt;
use slotmap::{SlotMap, new_key_type};
use stayput_host::topology::HostKey;
use stayput_host::{Entropy, LocalFuture, RunEnd, Seed, Time};

use self::events::{EventAction, EventKey, Events};
use super::clock::Clock;

/// Polls without time going on after which a run counts as a livelock.
const POLLS_AT_ONE_TIME_MAX: u64 = 20_000_000;

/// Order in which ready tasks run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskOrder {
    /// The task that has been ready for longest runs first.
    #[default]
    Fixed,
    /// Any ready task runs first, drawn from this seed.
    Shuffled(u64),
}

/// Work of an executor so far: the same for the same run, so its speed is measured in these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecutorStats {
    /// Number of events: ends of waits, and events of the network.
    pub events: u64,
    /// Number of polls of tasks.
    pub polls: u64,
}

new_key_type! {
    struct TaskKey;
}

/// Runs tasks and events. Clones are the same executor.
///
/// `E` is an event of the world's model: see [`Executor::signal_at`].
pub struct Executor<E>(Rc<Inner<E>>);

impl<E> Clone for Executor<E> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

struct Inner<E> {
    now: Cell<Time>,
    events: RefCell<Events<E>>,
    model: OnceCell<Box<dyn Fn(E)>>,
    tasks: RefCell<SlotMap<TaskKey, Task>>,
    tasks_made: Cell<u64>,
    ready: Arc<Ready>,
    shuffle: RefCell<Option<Entropy>>,
    schedule: Cell<u64>,
    effort: Cell<ExecutorStats>,
}

struct Task {
    owner: HostKey,
    /// Number in the world: the task's name in the schedule's hash.
    number: u64,
    /// `None` while it is polled: it may spawn, and its end may drop what spawns.
    future: Option<LocalFuture<'static, ()>>,
    state: Arc<TaskWaker>,
    waker: Waker,
}

/// The tasks that want to be polled. A waker must be able to go to another thread, hence the lock;
/// none ever does.
#[derive(Default)]
struct Ready(Mutex<VecDeque<TaskKey>>);

struct TaskWaker {
    task: TaskKey,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.task);
        }
    }
}

impl<E: 'static> Executor<E> {
    /// Executor without tasks, at time zero.
    #[must_use]
    pub fn new(order: TaskOrder) -> Self {
        let shuffle = match order {
            TaskOrder::Fixed => None,
            TaskOrder::Shuffled(seed) => Some(Seed(seed).entropy("task order", b"", 0)),
        };
        Self(Rc::new(Inner {
            now: Cell::new(Time::ZERO),
            events: RefCell::default(),
            model: OnceCell::new(),
            tasks: RefCell::default(),
            tasks_made: Cell::new(0),
            ready: Arc::default(),
            shuffle: RefCell::new(shuffle),
            schedule: Cell::new(0),
            effort: Cell::default(),
        }))
    }

    /// Sets the receiver of [`Executor::signal_at`]. Called once, before the first of these.
    pub fn set_model(&self, model: impl Fn(E) + 'static) {
        let set = self.0.model.set(Box::new(model));
        assert!(set.is_ok(), "the executor has a model already");
    }

    /// Adds a task of `owner`.
    pub fn spawn(&self, owner: HostKey, future: LocalFuture<'static, ()>) {
        let number = self.0.tasks_made.get();
        self.0.tasks_made.set(number + 1);
        let ready = &self.0.ready;
        let mut made = None;
        self.0.tasks.borrow_mut().insert_with_key(|task| {
            let queued = AtomicBool::new(false);
            let state = Arc::new(TaskWaker { task, queued, ready: Arc::clone(ready) });
            made = Some(Arc::clone(&state));
            let waker = Waker::from(Arc::clone(&state));
            Task { owner, number, future: Some(future), state, waker }
        });
        made.iter().for_each(Wake::wake_by_ref);
    }

    /// Does `action` at `at`, or at once if that is past.
    pub fn at(&self, at: Time, action: impl FnOnce() + 'static) {
        self.add_event(at, EventAction::Act(Box::new(action)));
    }

    /// Sends the model `event` at `at`, or at once if that is past.
    pub fn signal_at(&self, at: Time, event: E) {
        self.add_event(at, EventAction::Signal(event));
    }

    /// Drops all tasks of `owner`; returns their number.
    pub fn kill(&self, owner: HostKey) -> u64 {
        // Dropping a task may reach back here, so the map is not borrowed meanwhile.
        let killed: Vec<Task> = {
            let tasks = &mut *self.0.tasks.borrow_mut();
            let keys: Vec<TaskKey> =
                tasks.iter().filter(|(_, task)| task.owner == owner).map(|(key, _)| key).collect();
            keys.into_iter().filter_map(|key| tasks.remove(key)).collect()
        };
        killed.len() as u64
    }

    /// Drops every task and event: what they hold may hold this executor.
    pub fn clear(&self) {
        let tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
        drop(tasks);
        let events = std::mem::take(&mut *self.0.events.borrow_mut());
        drop(events);
    }

    /// A digest of which task was polled when. Another order of the same tasks gives another.
    #[must_use]
    pub fn schedule_hash(&self) -> u64 {
        self.0.schedule.get()
    }

    /// Work done so far.
    #[must_use]
    pub fn effort(&self) -> ExecutorStats {
        self.0.effort.get()
    }

    /// Runs tasks and events, as [`stayput_host::Backend::run`] promises.
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
            let popped = self.0.events.borrow_mut().pop(limit);
            let Some((at, due)) = popped else {
                let stuck = self.0.events.borrow().is_empty();
                return if stuck { RunEnd::Stuck } else { RunEnd::TimeLimit };
            };
            let effort = self.0.effort.get();
            self.0.effort.set(ExecutorStats { events: effort.events + 1, ..effort });
            if at > self.0.now.get() {
                self.0.now.set(at);
                polls = 0;
            }
            match due {
                EventAction::Wake(waker) => waker.wake(),
                EventAction::Act(action) => action(),
                EventAction::Signal(event) => {
                    let model = self.0.model.get().expect("set before the first event");
                    model(event);
                }
            }
        }
    }

    fn next_ready(&self) -> Option<TaskKey> {
        let mut ready = self.0.ready.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() > 1
            && let Some(shuffle) = &mut *self.0.shuffle.borrow_mut()
        {
            let drawn = shuffle.random_range(0..ready.len());
            return ready.swap_remove_front(drawn);
        }
        ready.pop_front()
    }

    fn poll(&self, key: TaskKey) {
        let (mut future, waker) = {
            let tasks = &mut *self.0.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(key) else { return };
            task.state.queued.store(false, Ordering::Relaxed);
            self.note_poll(task.number);
            let Some(future) = task.future.take() else { return };
            (future, task.waker.clone())
        };
        let ended = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let rest = {
            let tasks = &mut *self.0.tasks.borrow_mut();
            match tasks.get_mut(key) {
                Some(task) if !ended => {
                    task.future = Some(future);
                    return;
                }
                // It ended, or what it did killed its own host.
                _ => (tasks.remove(key), future),
            }
        };
        drop(rest);
    }

    /// Counts a poll and mixes it into the schedule's hash (the multiplier is that of the MMIX
    /// generator).
    fn note_poll(&self, task: u64) {
        let mixed = self.0.schedule.get() ^ task ^ self.0.now.get().as_nanos().rotate_left(32);
        let mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0.schedule.set(mixed ^ (mixed >> 29));
        let effort = self.0.effort.get();
        self.0.effort.set(ExecutorStats { polls: effort.polls + 1, ..effort });
    }

    fn add_event(&self, at: Time, due: EventAction<E>) -> EventKey {
        self.0.events.borrow_mut().push(at.max(self.0.now.get()), due)
    }
}

impl<E: 'static> Clock for Executor<E> {
    fn now(&self) -> Time {
        self.0.now.get()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        Box::pin(Sleep { executor: self.clone(), at, event: None })
    }
}

struct Sleep<E: 'static> {
    executor: Executor<E>,
    at: Time,
    event: Option<EventKey>,
}

impl<E> Sleep<E> {
    fn cancel(&mut self) {
        if let Some(key) = self.event.take() {
            self.executor.0.events.borrow_mut().cancel(key);
        }
    }
}

impl<E> Future for Sleep<E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.executor.now() >= self.at {
            self.cancel();
            return Poll::Ready(());
        }
        // Polled again by the same task, it has nothing to change: that is the common case of a
        // limit.
        if let Some(key) = self.event
            && self.executor.0.events.borrow().wakes(key, cx.waker())
        {
            return Poll::Pending;
        }
        self.cancel();
        self.event = Some(self.executor.add_event(self.at, EventAction::Wake(cx.waker().clone())));
        Poll::Pending
    }
}

impl<E> Drop for Sleep<E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests;
