//! The ledger's sums as results show them.

use stayput_sim::world::Totals;

use crate::report::ByteCounts;

/// `in_flight` is `None` on a network that shows neither wire nor drops.
pub(super) fn of(totals: &Totals, in_flight: Option<u64>) -> ByteCounts {
    let seen = in_flight.is_some();
    ByteCounts {
        body: totals.body,
        payload: totals.payload,
        wire: seen.then_some(totals.wire),
        lost: seen.then_some(totals.dropped),
        in_flight,
        end_to_end: seen.then_some(totals.end_to_end),
        cross_zone: totals.cross_zone,
        by_class: totals.by_class.iter().map(|(k, v)| (k.name().to_owned(), *v)).collect(),
        by_purpose: totals.by_purpose.iter().map(|(k, v)| (k.name().to_owned(), *v)).collect(),
    }
}
