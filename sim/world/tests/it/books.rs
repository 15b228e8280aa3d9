//! Byte accounting after every single event: sent = delivered + dropped + in flight, by way and
//! label, and the same bytes in the trace.
//!
//! Leaves out bytes of headers on the wire, which `tests/all/model` computes.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::config::{Chance, Jitter, LinkConfig, NetworkConfig};
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, Label};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::Crash;
use stayput_world::fault::{Fault, FaultKind};
use stayput_world::{FaultInjection, Ledger, RunMeters, WayBytes, WireMeters};

use crate::schedules::fault;
use crate::support::{
    LABEL, LATENCY, LIMIT, Probe, add, address, at, close, ms, network, read_to_end, spec, step,
    transfers, world, write_labelled,
};

type Rows = BTreeMap<(HostKey, HostKey, Label), WayBytes>;

fn rows(ledger: &Ledger) -> Rows {
    ledger.rows().map(|(way, label, bytes)| ((way.from, way.to, *label), *bytes)).collect()
}

/// Checks one state of the books, and that it follows from the one before.
fn check(before: &Rows, world: &Fabric) -> Result<Rows, TestCaseError> {
    let now = rows(&world.ledger());
    let mut under_way = 0;
    for (row, WayBytes { sent, delivered, dropped }) in &now {
        prop_assert!(*sent >= delivered + dropped, "{row:?} at {}: {now:?}", world.now());
        under_way += sent - delivered - dropped;
    }
    prop_assert_eq!(under_way, world.in_flight(), "in flight at {}", world.now());
    for (row, was) in before {
        let is = now.get(row).copied().unwrap_or_default();
        let grows = is.sent >= was.sent && is.delivered >= was.delivered;
        prop_assert!(grows && is.dropped >= was.dropped, "{row:?}: {was:?}, then {is:?}");
    }
    Ok(now)
}

/// Runs to the end, checking the books after each event; returns their last state.
fn run_and_check(world: &mut Fabric) -> Result<Rows, TestCaseError> {
    let mut books = Rows::new();
    while step(world) {
        books = check(&books, world)?;
    }
    Ok(books)
}

/// Sums of the bytes that the trace calls delivered and dropped between hosts.
fn traced(world: &Fabric) -> [u64; 2] {
    let lines = String::from_utf8(world.trace().take_lines()).expect("texts");
    let mut sums = [0; 2];
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let kind = ["delivered", "dropped"].iter().position(|kind| words[1] == *kind);
        let leaves_its_card = words.get(2) != words.get(4);
        if let Some(kind) = kind.filter(|_| leaves_its_card) {
            sums[kind] += words[6].parse::<u64>().expect("a number of bytes");
        }
    }
    sums
}

fn sums(books: &Rows) -> [u64; 2] {
    let sum = |part: fn(&WayBytes) -> u64| books.values().map(part).sum();
    [sum(|bytes| bytes.delivered), sum(|bytes| bytes.dropped)]
}

/// Link that loses, and delays by chance.
fn rough(percent: u32) -> NetworkConfig {
    let loss = Chance::per_billion(percent * (Chance::BILLION / 100)).expect("below all");
    let jitter = Jitter::Uniform { max: ms(2) };
    let cross_zone = LinkConfig { loss, jitter, ..LinkConfig::new(LATENCY, None) };
    NetworkConfig { cross_zone, ..network() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_after_every_event_whatever_fails(
        faults in vec(fault(), 0..6),
        pairs in vec((0..4_u8, 0..4_u8, 0..400_000_usize), 1..5),
        percent in 0_u32..10,
    ) {
        let mut world = world(rough(percent));
        let _begun = transfers(&mut world, ms(200), &pairs);
        for fault in faults {
            world.schedule(fault).expect("it can happen");
        }
        let books = run_and_check(&mut world)?;
        prop_assert_eq!(world.in_flight(), 0);
        prop_assert_eq!(traced(&world), sums(&books));
    }

    #[test]
    fn each_label_is_delivered_as_it_was_written_and_sent_once_more_where_it_was_lost(
        writes in vec((any::<bool>(), 1_usize..9_000), 1..30),
        percent in 0_u32..20,
    ) {
        let mut world = world(rough(percent));
        let received = Probe::new();
        let receiving = received.clone();
        add(&mut world, spec(0), move |host: Host| {
            let receiving = receiving.clone();
            async move {
                let mut listener = host.listen(80).expect("free");
                let (mut stream, _) = listener.accept().await.expect("it listens");
                receiving.set(read_to_end(&mut stream).await.expect("no fault").len());
            }
        });
        let label = |is_head| if is_head { Label::HEAD } else { LABEL };
        let labelled: Vec<(Label, usize)> =
            writes.iter().map(|(is_head, bytes)| (label(*is_head), *bytes)).collect();
        let sending = labelled.clone();
        add(&mut world, spec(2), move |host: Host| {
            let sending = sending.clone();
            async move {
                let mut stream = host.connect(address(HostKey(0), 80)).await.expect("it listens");
                for (label, bytes) in sending {
                    write_labelled(&mut stream, &vec![7; bytes], label).await.expect("no fault");
                }
                close(&mut stream).await.expect("no fault");
            }
        });
        let books = run_and_check(&mut world)?;
        for label in [Label::HEAD, LABEL] {
            let written = labelled.iter().filter(|(of, _)| *of == label);
            let written: usize = written.map(|(_, bytes)| bytes).sum();
            let row = books.get(&(HostKey(1), HostKey(0), label)).copied().unwrap_or_default();
            prop_assert_eq!(row.delivered, written as u64);
            prop_assert_eq!(row.sent, row.delivered + row.dropped);
        }
        let all: usize = writes.iter().map(|(_, bytes)| bytes).sum();
        prop_assert_eq!(received.wait(&mut world), all);
    }
}

#[test]
fn nothing_is_sent_where_nobody_takes_it_and_what_is_under_way_to_a_dead_host_is_dropped() {
    let mut world = world(network());
    let _begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 900_000)]);
    // In the middle of the transfer.
    let crash = FaultKind::process(HostKey(2), Crash);
    let id = world.schedule(Fault::once(at(5), ms(10_000), crash)).expect("the host exists");
    world.run(&mut || false, at(5));
    let under_way = world.in_flight();
    assert!(under_way > 0);
    world.run(&mut || false, LIMIT);
    let totals = world.ledger().totals();
    assert!(totals.dropped >= under_way, "{} of {under_way} dropped", totals.dropped);
    assert_eq!(totals.payload, totals.delivered + totals.dropped);
    let charged = world.effects(id).counts().get("dropped_bytes").copied();
    assert_eq!(charged, Some(totals.dropped), "the crash is charged with each of them");
}
