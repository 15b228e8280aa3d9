//! Ledger of every byte that leaves a network card, by sender, receiver and label.
//!
//! Invariant: *sent = delivered + dropped + in flight*. Leaves out traffic of a host with itself,
//! which leaves no card.

use std::collections::BTreeMap;

use stayput_host::topology::{HostKey, HostSpec, LinkClass, crosses_zones};
use stayput_host::{Label, MessagePart, Purpose};

/// Bytes from one host to another under one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayBytes {
    /// Bytes that left the sender's card.
    pub sent: u64,
    /// Bytes that reached the receiver's connection.
    pub delivered: u64,
    /// Bytes lost on the way, or arrived at a host or connection that was gone.
    pub dropped: u64,
}

/// Direction between two hosts, with its class of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerWay {
    /// The sender.
    pub from: HostKey,
    /// The receiver.
    pub to: HostKey,
    /// Class of the link.
    pub class: LinkClass,
    /// True if the two are in different zones, or one is outside.
    pub crosses_zones: bool,
    /// True if the receiver consumes what it gets; a proxy passes it on.
    pub to_consumer: bool,
}

/// Key of a direction in a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerWayKey(u32);

impl LedgerWay {
    /// Direction from one of `hosts` to another; `None` if a host is missing, or to itself.
    #[must_use]
    pub fn between(hosts: &[HostSpec], from: HostKey, to: HostKey) -> Option<Self> {
        let (a, b) = (hosts.get(from.0 as usize)?, hosts.get(to.0 as usize)?);
        (from != to).then(|| Self {
            from,
            to,
            class: LinkClass::between(a, b),
            crosses_zones: crosses_zones(a.place, b.place),
            to_consumer: !b.name.starts_with("proxy:"),
        })
    }
}

/// Ledger of all bytes sent in a world, or in a part of its time.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    ways: Vec<Row>,
    keys: BTreeMap<(HostKey, HostKey), LedgerWayKey>,
    wire: BTreeMap<LinkClass, u64>,
}

/// Bytes of a direction, by label: few labels, so a list.
#[derive(Clone, Debug)]
struct Row {
    way: LedgerWay,
    counted: Vec<(Label, WayBytes)>,
}

/// Sums of a ledger, as results show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    /// Body bytes sent.
    pub body: u64,
    /// All bytes sent: heads, framing and bodies.
    pub payload: u64,
    /// With the headers of segments, acknowledgements, handshakes and ends.
    pub wire: u64,
    /// Payload bytes dropped.
    pub dropped: u64,
    /// Payload bytes delivered.
    pub delivered: u64,
    /// Body bytes delivered to hosts that are no proxies: what consumers got, whatever the number
    /// of hops.
    pub end_to_end: u64,
    /// Body bytes sent from one zone to another, or between a zone and the outside.
    pub cross_zone: u64,
    /// Body bytes sent, by class of link.
    pub by_class: BTreeMap<LinkClass, u64>,
    /// Body bytes sent, by purpose.
    pub by_purpose: BTreeMap<Purpose, u64>,
}

impl Ledger {
    /// Key of `way`, made at its first use.
    pub fn way(&mut self, way: LedgerWay) -> LedgerWayKey {
        let ways = &mut self.ways;
        *self.keys.entry((way.from, way.to)).or_insert_with(|| {
            ways.push(Row { way, counted: Vec::new() });
            LedgerWayKey(u32::try_from(ways.len() - 1).unwrap_or(u32::MAX))
        })
    }

    /// Counts `bytes` that leave the sender's card.
    pub fn sent(&mut self, way: LedgerWayKey, label: Label, bytes: u64) {
        self.counted(way, label).sent += bytes;
    }

    /// Counts `bytes` that reached their connection.
    pub fn delivered(&mut self, way: LedgerWayKey, label: Label, bytes: u64) {
        self.counted(way, label).delivered += bytes;
    }

    /// Counts `bytes` that were lost.
    pub fn dropped(&mut self, way: LedgerWayKey, label: Label, bytes: u64) {
        self.counted(way, label).dropped += bytes;
    }

    /// Counts `bytes` on the wire of a link, either direction.
    pub fn on_wire(&mut self, way: LedgerWayKey, bytes: u64) {
        let class = self.ways[way.0 as usize].way.class;
        *self.wire.entry(class).or_default() += bytes;
    }

    fn counted(&mut self, way: LedgerWayKey, label: Label) -> &mut WayBytes {
        let counted = &mut self.ways[way.0 as usize].counted;
        let index = counted.iter().position(|(other, _)| *other == label).unwrap_or_else(|| {
            counted.push((label, WayBytes::default()));
            counted.len() - 1
        });
        &mut counted[index].1
    }

    /// Adds the counts of `other`, a ledger of the same hosts.
    pub fn add(&mut self, other: &Self) {
        for (way, label, bytes) in other.rows() {
            let key = self.way(*way);
            let whole = self.counted(key, *label);
            whole.sent += bytes.sent;
            whole.delivered += bytes.delivered;
            whole.dropped += bytes.dropped;
        }
        for (class, bytes) in &other.wire {
            *self.wire.entry(*class).or_default() += bytes;
        }
    }

    /// Difference to `earlier`, a state of the same ledger.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        for (way, label, old) in earlier.rows() {
            let key = later.way(*way);
            let new = later.counted(key, *label);
            new.sent -= old.sent;
            new.delivered -= old.delivered;
            new.dropped -= old.dropped;
        }
        for (class, old) in &earlier.wire {
            *later.wire.entry(*class).or_default() -= old;
        }
        later
    }

    /// Rows, by direction in the order of their first use.
    pub fn rows(&self) -> impl Iterator<Item = (&LedgerWay, &Label, &WayBytes)> {
        self.ways
            .iter()
            .flat_map(|row| row.counted.iter().map(|(label, counted)| (&row.way, label, counted)))
    }

    /// Sums.
    #[must_use]
    pub fn totals(&self) -> LedgerTotals {
        let mut totals = LedgerTotals { wire: self.wire.values().sum(), ..LedgerTotals::default() };
        for class in LinkClass::ALL {
            totals.by_class.insert(class, 0);
        }
        for purpose in Purpose::ALL {
            totals.by_purpose.insert(purpose, 0);
        }
        for (way, label, counted) in self.rows() {
            totals.payload += counted.sent;
            totals.dropped += counted.dropped;
            totals.delivered += counted.delivered;
            if label.part == MessagePart::Head {
                continue;
            }
            totals.body += counted.sent;
            *totals.by_class.entry(way.class).or_default() += counted.sent;
            *totals.by_purpose.entry(label.purpose).or_default() += counted.sent;
            totals.end_to_end += if way.to_consumer { counted.delivered } else { 0 };
            totals.cross_zone += if way.crosses_zones { counted.sent } else { 0 };
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use stayput_host::config::{ByteRate, DiskConfig, FuelRate};
    use stayput_host::topology::HostPlace;

    use super::*;

    const BODY: Label = Label::body(Purpose::ALL[0]);
    const OTHER: Label = Label::body(Purpose::ALL[1]);

    fn way(from: u32, to: u32, class: LinkClass, to_consumer: bool) -> LedgerWay {
        let crosses_zones = class != LinkClass::SameZone;
        LedgerWay { from: HostKey(from), to: HostKey(to), class, crosses_zones, to_consumer }
    }

    #[test]
    fn a_way_has_one_key_whoever_asks_for_it() {
        let mut ledger = Ledger::default();
        let there = ledger.way(way(0, 1, LinkClass::SameZone, true));
        let back = ledger.way(way(1, 0, LinkClass::SameZone, true));
        assert_ne!(there, back);
        assert_eq!(ledger.way(way(0, 1, LinkClass::SameZone, true)), there);
    }

    #[test]
    fn heads_are_payload_and_no_body() {
        let mut ledger = Ledger::default();
        let key = ledger.way(way(0, 1, LinkClass::CrossZone, true));
        ledger.sent(key, Label::HEAD, 100);
        ledger.sent(key, BODY, 1_000);
        ledger.on_wire(key, 1_300);
        let totals = ledger.totals();
        assert_eq!((totals.payload, totals.body, totals.wire), (1_100, 1_000, 1_300));
        assert_eq!(totals.cross_zone, 1_000);
        assert_eq!(totals.by_class[&LinkClass::CrossZone], 1_000);
        assert_eq!(totals.by_class[&LinkClass::Worker], 0, "every class is there");
        assert_eq!(totals.by_purpose.len(), Purpose::ALL.len());
    }

    #[test]
    fn a_proxy_passes_on_and_consumes_nothing() {
        let mut ledger = Ledger::default();
        for (to, is_consumer) in [(1, false), (2, true)] {
            let key = ledger.way(way(0, to, LinkClass::SameZone, is_consumer));
            ledger.sent(key, BODY, 10);
            ledger.delivered(key, BODY, 10);
        }
        let totals = ledger.totals();
        assert_eq!((totals.delivered, totals.end_to_end), (20, 10));
    }

    #[test]
    fn each_label_is_counted_for_itself() {
        let mut ledger = Ledger::default();
        let key = ledger.way(way(0, 1, LinkClass::SameZone, true));
        ledger.sent(key, BODY, 5);
        ledger.dropped(key, BODY, 2);
        ledger.delivered(key, BODY, 3);
        ledger.sent(key, OTHER, 7);
        let rows: Vec<_> = ledger.rows().map(|(_, label, bytes)| (*label, bytes.sent)).collect();
        assert_eq!(rows, [(BODY, 5), (OTHER, 7)]);
        let totals = ledger.totals();
        assert_eq!((totals.dropped, totals.delivered, totals.payload), (2, 3, 12));
    }

    #[test]
    fn a_sum_has_the_counts_of_both_by_direction_and_label() {
        let (mut ledger, mut other) = (Ledger::default(), Ledger::default());
        let key = ledger.way(way(0, 1, LinkClass::SameZone, true));
        ledger.sent(key, BODY, 5);
        ledger.on_wire(key, 9);
        let back = other.way(way(1, 0, LinkClass::SameZone, true));
        other.sent(back, BODY, 7);
        let same = other.way(way(0, 1, LinkClass::SameZone, true));
        other.delivered(same, BODY, 4);
        other.dropped(same, OTHER, 1);
        other.on_wire(same, 2);
        ledger.add(&other);
        let rows: Vec<_> = ledger
            .rows()
            .map(|(way, label, bytes)| (way.from.0, *label, bytes.sent, bytes.delivered))
            .collect();
        assert_eq!(rows, [(0, BODY, 5, 4), (0, OTHER, 0, 0), (1, BODY, 7, 0)]);
        assert_eq!((ledger.totals().wire, ledger.totals().dropped), (11, 1));
    }

    #[test]
    fn a_difference_has_what_came_later_and_keeps_the_earlier_state() {
        let mut ledger = Ledger::default();
        let key = ledger.way(way(0, 1, LinkClass::SameZone, true));
        ledger.sent(key, BODY, 5);
        ledger.on_wire(key, 9);
        let earlier = ledger.clone();
        ledger.sent(key, BODY, 6);
        ledger.on_wire(key, 1);
        let other = ledger.way(way(3, 4, LinkClass::Worker, true));
        ledger.sent(other, BODY, 8);
        let totals = ledger.since(&earlier).totals();
        assert_eq!((totals.payload, totals.wire), (14, 1));
        assert_eq!(earlier.totals().payload, 5);
    }

    /// One count: the way, the label, the kind of count, and the bytes.
    type Count = (usize, usize, u8, u64);

    fn counts() -> impl Strategy<Value = Vec<Count>> {
        vec((0_usize..6, 0_usize..4, 0_u8..4, 0_u64..1_000), 0..60)
    }

    /// Ways of each class, to proxies and to others.
    fn some_way(number: usize) -> LedgerWay {
        let class = LinkClass::ALL[number % LinkClass::ALL.len()];
        let number = u32::try_from(number).expect("small");
        way(number, number + 1, class, number.is_multiple_of(2))
    }

    fn label(number: usize) -> Label {
        [Label::HEAD, BODY, OTHER, Label { part: MessagePart::Head, ..BODY }][number]
    }

    fn count(ledger: &mut Ledger, counts: &[Count]) {
        for (way, of, kind, bytes) in counts {
            let key = ledger.way(some_way(*way));
            match kind {
                0 => ledger.sent(key, label(*of), *bytes),
                1 => ledger.delivered(key, label(*of), *bytes),
                2 => ledger.dropped(key, label(*of), *bytes),
                _ => ledger.on_wire(key, *bytes),
            }
        }
    }

    /// Sum of the counts of a kind that are of a way and a label that `is_meant`.
    fn sum(counts: &[Count], kind: u8, is_meant: impl Fn(LedgerWay, Label) -> bool) -> u64 {
        let meant = counts
            .iter()
            .filter(|(way, of, is, _)| *is == kind && is_meant(some_way(*way), label(*of)));
        meant.map(|(.., bytes)| bytes).sum()
    }

    fn naive_totals(counts: &[Count]) -> LedgerTotals {
        let is_body = |label: Label| label.part == MessagePart::Body;
        let class = |class| sum(counts, 0, |way, label| way.class == class && is_body(label));
        let purpose = |of| sum(counts, 0, |_, label| label.purpose == of && is_body(label));
        LedgerTotals {
            body: sum(counts, 0, |_, label| is_body(label)),
            payload: sum(counts, 0, |_, _| true),
            wire: sum(counts, 3, |_, _| true),
            dropped: sum(counts, 2, |_, _| true),
            delivered: sum(counts, 1, |_, _| true),
            end_to_end: sum(counts, 1, |way, label| way.to_consumer && is_body(label)),
            cross_zone: sum(counts, 0, |way, label| way.crosses_zones && is_body(label)),
            by_class: LinkClass::ALL.into_iter().map(|of| (of, class(of))).collect(),
            by_purpose: Purpose::ALL.into_iter().map(|of| (of, purpose(of))).collect(),
        }
    }

    proptest! {
        #[test]
        fn totals_are_sums_of_the_counts_that_they_name(counts in counts()) {
            let mut ledger = Ledger::default();
            count(&mut ledger, &counts);
            let totals = ledger.totals();
            prop_assert_eq!(&totals, &naive_totals(&counts));
            prop_assert_eq!(totals.by_class.values().sum::<u64>(), totals.body);
            prop_assert_eq!(totals.by_purpose.values().sum::<u64>(), totals.body);
        }

        #[test]
        fn a_difference_is_what_was_counted_in_between(before in counts(), after in counts()) {
            let mut ledger = Ledger::default();
            count(&mut ledger, &before);
            let earlier = ledger.clone();
            count(&mut ledger, &after);
            prop_assert_eq!(ledger.since(&earlier).totals(), naive_totals(&after));
            prop_assert_eq!(ledger.since(&Ledger::default()).totals(), ledger.totals());
        }
    }

    #[test]
    fn a_way_leads_from_one_host_of_the_world_to_another() {
        let spec = |name: &str, zone| HostSpec {
            name: name.to_owned(),
            ip: std::net::Ipv4Addr::LOCALHOST,
            place: HostPlace::Zone { region: 1, zone },
            is_worker: false,
            nic: ByteRate::new(1).expect("not zero"),
            cores: 1,
            fuel_per_second: FuelRate::new(1).expect("not zero"),
            disks: Vec::new(),
            disk: DiskConfig {
                read: ByteRate::new(1).expect("not zero"),
                write: ByteRate::new(1).expect("not zero"),
                seek: std::time::Duration::ZERO,
                capacity: None,
            },
        };
        let hosts = [spec("node:1", 1), spec("proxy:1", 1), spec("node:2", 2)];
        let between = |from, to| LedgerWay::between(&hosts, HostKey(from), HostKey(to));
        assert_eq!(between(0, 1), Some(way(0, 1, LinkClass::SameZone, false)));
        assert_eq!(between(1, 0), Some(way(1, 0, LinkClass::SameZone, true)));
        assert_eq!(between(0, 2), Some(way(0, 2, LinkClass::CrossZone, true)));
        assert_eq!([between(0, 0), between(0, 3), between(3, 0)], [None; 3]);
    }
}
