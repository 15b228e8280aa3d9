//! The timestamps that a proxy gives to changes: the time, and always later than the last one.
//!
//! Proxies take turns with the last digits, so that no two of them ever give the same one: a timestamp names one change.
//! Leaves out clocks that differ by more than that.

use std::cell::Cell;

use stayput_host::Time;

use crate::swift::Timestamp;

/// Which of the cluster's proxies one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyIndex {
    /// Its number, from 0.
    pub index: u32,
    /// How many proxies there are.
    pub count: u32,
}

impl ProxyIndex {
    /// Of the only proxy.
    pub const ONLY: Self = Self { index: 0, count: 1 };
}

/// Gives timestamps that strictly increase.
#[derive(Debug)]
pub(super) struct Timestamps {
    last: Cell<Timestamp>,
    index: ProxyIndex,
}

impl Timestamps {
    pub(super) fn new(index: ProxyIndex) -> Self {
        Self { last: Cell::default(), index }
    }

    /// The timestamp of `now`, or the first after those that were given.
    pub(super) fn next(&self, now: Time) -> Timestamp {
        self.after(now, Timestamp::ZERO)
    }

    /// As [`Timestamps::next`], and later than `seen` on some node.
    pub(super) fn after(&self, now: Time, seen: Timestamp) -> Timestamp {
        let earliest = Timestamp::at(now).max(self.last.get().next()).max(seen.next());
        let timestamp = earliest.in_turn(self.index.index, self.index.count);
        self.last.set(timestamp);
        timestamp
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_timestamp_is_later_than_all_before(
            asked in proptest::collection::vec((0_u64..1_000_000, 0_u64..1_000_000), 1..50),
        ) {
            let index = ProxyIndex { index: 2, count: 3 };
            let (timestamps, other) = (Timestamps::new(index), Timestamps::new(ProxyIndex { index: 1, count: 3 }));
            let mut last = Timestamp::ZERO;
            for (now, seen) in asked {
                let seen = Timestamp::at(Time::from_nanos(seen));
                let given = timestamps.after(Time::from_nanos(now), seen);
                prop_assert_ne!(given, other.after(Time::from_nanos(now), seen));
                prop_assert!(given > last);
                prop_assert!(given > seen);
                prop_assert!(given >= Timestamp::at(Time::from_nanos(now)));
                last = given;
            }
        }
    }
}
