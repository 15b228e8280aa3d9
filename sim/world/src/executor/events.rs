//! Events in the order of their times, and of their making at one time.
//!
//! A heap of times beside a map of what is due: an event that is cancelled leaves its time behind, and the times are swept
//! when most of them are such. Limits are made and cancelled with each request, so both must be cheap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::Waker;

use slotmap::{SlotMap, new_key_type};
use stayput_host::Time;

/// Fewer times than this are not worth sweeping.
const SWEEP_MIN: usize = 1_024;

new_key_type! {
    /// An event that has not come yet, or one that has.
    pub(super) struct EventKey;
}

/// What is to happen.
pub(super) enum Due<E> {
    Wake(Waker),
    Act(Box<dyn FnOnce()>),
    Tell(E),
}

pub(super) struct Events<E> {
    times: BinaryHeap<Reverse<(Time, u64, EventKey)>>,
    due: SlotMap<EventKey, Due<E>>,
    made: u64,
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        Self { times: BinaryHeap::new(), due: SlotMap::default(), made: 0 }
    }
}

impl<E> Events<E> {
    pub(super) fn push(&mut self, at: Time, due: Due<E>) -> EventKey {
        let key = self.due.insert(due);
        self.times.push(Reverse((at, self.made, key)));
        self.made += 1;
        key
    }

    /// Takes the first event out if it is due by `limit`.
    pub(super) fn pop(&mut self, limit: Time) -> Option<(Time, Due<E>)> {
        loop {
            let Reverse((at, _, key)) = *self.times.peek()?;
            if !self.due.contains_key(key) {
                self.times.pop();
                continue;
            }
            if at > limit {
                return None;
            }
            self.times.pop();
            return self.due.remove(key).map(|due| (at, due));
        }
    }

    /// Sees to it that the event never comes, if it has not.
    pub(super) fn cancel(&mut self, key: EventKey) {
        let cancelled = self.due.remove(key);
        if cancelled.is_some()
            && self.times.len() > SWEEP_MIN
            && self.times.len() > 2 * self.due.len()
        {
            let due = &self.due;
            self.times.retain(|Reverse((_, _, key))| due.contains_key(*key));
        }
    }

    /// Whether the event is still to come and will wake the task of `waker`.
    pub(super) fn wakes(&self, key: EventKey, waker: &Waker) -> bool {
        matches!(self.due.get(key), Some(Due::Wake(other)) if other.will_wake(waker))
    }

    #[cfg(test)]
    pub(super) fn times_kept(&self) -> usize {
        self.times.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}
