//! Events in the order of their times, and of their making at one time.
//!
//! A heap of times beside a map of what is due: an event that is cancelled leaves its time behind,
//! and the times are swept when most of them are such. Limits are made and cancelled with each
//! request, so both must be cheap.

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

/// Action of an event.
pub(super) enum EventAction<E> {
    Wake(Waker),
    Act(Box<dyn FnOnce()>),
    Signal(E),
}

pub(super) struct Events<E> {
    times: BinaryHeap<Reverse<(Time, u64, EventKey)>>,
    due: SlotMap<EventKey, EventAction<E>>,
    made: u64,
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        Self { times: BinaryHeap::new(), due: SlotMap::default(), made: 0 }
    }
}

impl<E> Events<E> {
    pub(super) fn push(&mut self, at: Time, due: EventAction<E>) -> EventKey {
        let key = self.due.insert(due);
        self.times.push(Reverse((at, self.made, key)));
        self.made += 1;
        key
    }

    /// Takes the first event out if it is due by `limit`.
    pub(super) fn pop(&mut self, limit: Time) -> Option<(Time, EventAction<E>)> {
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

    /// Cancels the event if it has not come.
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

    /// True if the event is still to come and will wake the task of `waker`.
    pub(super) fn wakes(&self, key: EventKey, waker: &Waker) -> bool {
        matches!(self.due.get(key), Some(EventAction::Wake(other)) if other.will_wake(waker))
    }

    #[cfg(test)]
    pub(super) fn times_kept(&self) -> usize {
        self.times.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(times: &[u64]) -> (Events<u64>, Vec<EventKey>) {
        let mut events = Events::default();
        let keys = times
            .iter()
            .map(|at| events.push(Time::from_nanos(*at), EventAction::Signal(*at)))
            .collect();
        (events, keys)
    }

    fn pop(events: &mut Events<u64>, limit: u64) -> Option<u64> {
        events.pop(Time::from_nanos(limit)).map(|(at, due)| {
            assert!(matches!(due, EventAction::Signal(event) if event == at.as_nanos()));
            at.as_nanos()
        })
    }

    #[test]
    fn events_come_by_time_and_not_beyond_the_limit() {
        let (mut events, _) = events(&[30, 10, 20]);
        assert_eq!(pop(&mut events, 25), Some(10));
        assert_eq!(pop(&mut events, 25), Some(20));
        assert_eq!(pop(&mut events, 25), None);
        assert!(!events.is_empty(), "the third is still to come");
        assert_eq!(pop(&mut events, 30), Some(30));
        assert!(events.is_empty());
    }

    #[test]
    fn a_cancelled_event_never_comes_and_can_be_cancelled_again() {
        let (mut events, keys) = events(&[1, 2, 3]);
        events.cancel(keys[1]);
        events.cancel(keys[1]);
        assert_eq!(pop(&mut events, 9), Some(1));
        events.cancel(keys[0]);
        assert_eq!(pop(&mut events, 9), Some(3));
        assert_eq!(pop(&mut events, 9), None);
    }

    #[test]
    fn an_event_knows_whom_it_wakes() {
        let (mut events, keys) = events(&[1]);
        let waker = Waker::noop();
        assert!(!events.wakes(keys[0], waker), "it wakes nobody");
        let wakes = events.push(Time::ZERO, EventAction::Wake(waker.clone()));
        assert!(events.wakes(wakes, waker));
        events.cancel(wakes);
        assert!(!events.wakes(wakes, waker));
    }

    proptest! {
        #[test]
        fn events_come_as_from_a_list_that_is_searched_each_time(
            steps in prop::collection::vec((0_u8..4, 0_u64..20), 0..200),
        ) {
            let mut events = Events::<usize>::default();
            // Time, number and key of each event that is still to come.
            let mut naive: Vec<(u64, usize, EventKey)> = Vec::new();
            let mut keys = Vec::new();
            for (kind, number) in steps {
                match kind {
                    0 | 1 => {
                        let made = keys.len();
                        let action = EventAction::Signal(made);
                        let key = events.push(Time::from_nanos(number), action);
                        keys.push(key);
                        naive.push((number, made, key));
                    }
                    2 if !keys.is_empty() => {
                        let key = keys[usize::try_from(number).expect("small") % keys.len()];
                        events.cancel(key);
                        naive.retain(|(.., other)| *other != key);
                    }
                    _ => {
                        let due = naive.iter().filter(|(at, ..)| *at <= number).min_by_key(|e| (e.0, e.1));
                        let due = due.copied();
                        naive.retain(|event| Some(event.1) != due.map(|due| due.1));
                        let came = events.pop(Time::from_nanos(number)).map(|(at, action)| {
                            let EventAction::Signal(made) = action else { panic!("a signal") };
                            (at.as_nanos(), made)
                        });
                        prop_assert_eq!(came, due.map(|(at, made, _)| (at, made)));
                    }
                }
                prop_assert_eq!(events.is_empty(), naive.is_empty());
            }
        }
    }

    #[test]
    fn a_sweep_keeps_the_order_of_what_is_left() {
        let mut events = Events::<u64>::default();
        let keys: Vec<EventKey> = (0..4 * SWEEP_MIN as u64)
            .map(|at| events.push(Time::from_nanos(at / 2), EventAction::Signal(at)))
            .collect();
        let cancelled = keys.iter().enumerate().filter(|(nth, _)| !nth.is_multiple_of(8));
        cancelled.for_each(|(_, key)| events.cancel(*key));
        assert!(events.times_kept() < 2 * SWEEP_MIN, "{} times are kept", events.times_kept());
        let left = std::iter::from_fn(|| events.pop(Time::MAX)).map(|(at, action)| {
            let EventAction::Signal(event) = action else { panic!("a signal") };
            assert_eq!(at.as_nanos(), event / 2);
            event
        });
        let left: Vec<u64> = left.collect();
        let expected: Vec<u64> = (0..4 * SWEEP_MIN as u64).step_by(8).collect();
        assert_eq!(left, expected);
    }
}
