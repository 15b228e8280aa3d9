//! The timestamps that a proxy gives to changes: the time, and always later than the last one.
//!
//! Leaves out other proxies: two of them may give the same one, and nodes decide such ties.

use std::cell::Cell;

use crate::host::Time;
use crate::swift::Timestamp;

/// Gives timestamps that strictly increase.
#[derive(Debug, Default)]
pub(super) struct Timestamps(Cell<Timestamp>);

impl Timestamps {
    /// The timestamp of `now`, or the first after those that were given.
    pub(super) fn next(&self, now: Time) -> Timestamp {
        self.after(now, Timestamp::ZERO)
    }

    /// As [`Timestamps::next`], and later than `seen` on some node.
    pub(super) fn after(&self, now: Time, seen: Timestamp) -> Timestamp {
        let timestamp = Timestamp::at(now).max(self.0.get().next()).max(seen.next());
        self.0.set(timestamp);
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
            let timestamps = Timestamps::default();
            let mut last = Timestamp::ZERO;
            for (now, seen) in asked {
                let seen = Timestamp::at(Time::from_nanos(seen));
                let given = timestamps.after(Time::from_nanos(now), seen);
                prop_assert!(given > last);
                prop_assert!(given > seen);
                prop_assert!(given >= Timestamp::at(Time::from_nanos(now)));
                last = given;
            }
        }
    }
}
