//! The ledger's sums as results show them.

use std::collections::BTreeMap;

use stayput_host::MessagePart;
use stayput_world::{Ledger, LedgerTotals};

use crate::record::ByteCounts;
use crate::record::LedgerRow;

/// The ledger by class of link and purpose.
pub(super) fn rows(ledger: &Ledger) -> Vec<LedgerRow> {
    let mut rows: BTreeMap<(&str, &str), LedgerRow> = BTreeMap::new();
    for (way, label, counted) in ledger.rows() {
        let (class, purpose) = (way.class.name(), label.purpose.name());
        let row = rows.entry((class, purpose)).or_insert_with(|| LedgerRow {
            class: class.to_owned(),
            purpose: purpose.to_owned(),
            body: 0,
            sent: 0,
            delivered: 0,
            dropped: 0,
        });
        row.body += if label.part == MessagePart::Head { 0 } else { counted.sent };
        row.sent += counted.sent;
        row.delivered += counted.delivered;
        row.dropped += counted.dropped;
    }
    rows.into_values().filter(|row| row.sent + row.delivered + row.dropped > 0).collect()
}

/// `in_flight` is `None` on a network that shows neither wire nor drops.
pub(super) fn of(totals: &LedgerTotals, in_flight: Option<u64>) -> ByteCounts {
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
