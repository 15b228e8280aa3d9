//! Timestamps of changes: the time, and always later than the last one.
//!
//! The last digits depend on the proxy, so that no two proxies give the same timestamp: it names
//! one change. Leaves out the skew of clocks.

use std::cell::Cell;

use stayput_host::Time;

use crate::swift::Timestamp;

/// Index of a proxy among those of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyIndex {
    /// Index, from 0.
    pub index: u32,
    /// Number of proxies.
    pub count: u32,
}

impl ProxyIndex {
    /// Index of the only proxy.
    pub const ONLY: Self = Self { index: 0, count: 1 };
}

/// Source of strictly increasing timestamps.
#[derive(Debug)]
pub(super) struct Timestamps {
    last: Cell<Timestamp>,
    index: ProxyIndex,
}

impl Timestamps {
    pub(super) fn new(index: ProxyIndex) -> Self {
        Self { last: Cell::default(), index }
    }

    /// Timestamp of `now`, or the first after the last one given.
    pub(super) fn next(&self, now: Time) -> Timestamp {
        self.after(now, Timestamp::ZERO)
    }

    /// Timestamp as [`Timestamps::next`], and later than `seen`.
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
