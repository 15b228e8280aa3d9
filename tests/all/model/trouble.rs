//! Effect of each of the network's faults on a transfer: how much later it is, that the fault says
//! so, and that it is over when it ends.
//!
//! Leaves out faults of machines and disks, which the contract's and the troubled cluster's tests
//! hold.

use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::{Latency, Loss, NetworkPartition, Throttle};
use stayput_world::fault::{FaultKind, Repeat, Sides};
use stayput_world::{Effects, Fault, FaultInjection, LedgerTotals, RunMeters, WireMeters};

use super::{CHUNK, CHUNK_WIRE, Flows, Transfer, begin_transfer, machine, world};
use stayput_testkit::world::network;

const GBIT: u64 = 125_000_000;
/// A quarter of a second's.
const BYTES: u64 = 32 << 20;
const SENDER: HostKey = HostKey(0);
const RECEIVER: HostKey = HostKey(1);
/// The first retransmission timer, as Linux has it.
const TIMER: Duration = Duration::from_millis(200);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64, lasts: u64, kind: FaultKind) -> Fault {
    Fault::once(Time::ZERO + ms(millis), ms(lasts), kind)
}

fn partition(from: HostKey, to: HostKey, one_way: bool) -> FaultKind {
    FaultKind::ways(Sides::between(vec![from], vec![to], one_way), NetworkPartition)
}

/// A transfer from the first millisecond on, under a fault or none.
fn transfer(bytes: u64, fault: Option<Fault>) -> (Transfer, LedgerTotals, Effects) {
    let world = &mut *world(network());
    let hosts = [machine(0, 1, GBIT), machine(1, 2, GBIT)];
    let begun = begin_transfer(world, hosts, ms(1), bytes);
    let fault = fault.map(|fault| world.schedule(fault).expect("the hosts exist"));
    let found = begun.end(world);
    let totals = world.ledger().totals();
    let in_flight = world.in_flight();
    assert_eq!(totals.payload, totals.delivered + totals.dropped + in_flight);
    (found, totals, fault.map(|fault| world.effects(fault)).unwrap_or_default())
}

fn effect(effects: &Effects, name: &str) -> u64 {
    effects.counts().get(name).copied().unwrap_or_default()
}

/// That the transfer took as much longer as expected, within what a window takes to fill.
fn assert_later(found: &Transfer, bytes: u64, expected: Duration) {
    let (sound, _, _) = transfer(bytes, None);
    assert_eq!(found.brought, bytes, "nothing is missing");
    let later = found.took.saturating_sub(sound.took);
    assert!(later.abs_diff(expected) < ms(12), "{later:?} later, expected {expected:?}");
}

#[test]
fn a_cut_that_heals_resets_nothing_and_costs_the_time_of_the_timer() {
    for (from, to, one_way) in [(SENDER, RECEIVER, false), (SENDER, RECEIVER, true)] {
        let cut = at(100, 300, partition(from, to, one_way));
        let (found, totals, effects) = transfer(BYTES, Some(cut));
        // Tried again after 200 ms, when the way is still cut, and then after 400 ms.
        assert_later(&found, BYTES, TIMER * 3);
        assert_eq!(totals.body, BYTES + totals.dropped, "each lost byte was sent once more");
        assert!(totals.dropped > 0);
        assert_eq!(effect(&effects, "dropped_bytes"), totals.dropped, "{effects:?}");
    }
}

#[test]
fn a_cut_of_the_way_back_loses_no_data_and_stops_the_sender_when_its_window_is_full() {
    let cut = at(100, 300, partition(RECEIVER, SENDER, true));
    let (found, totals, effects) = transfer(BYTES, Some(cut));
    assert_later(&found, BYTES, TIMER * 3);
    assert_eq!((totals.body, totals.dropped), (BYTES, 0));
    assert!(effect(&effects, "dropped_acknowledgements") > 0, "{effects:?}");
}

#[test]
fn a_cut_that_heals_just_before_a_sender_gives_up_resets_nothing_either() {
    for (from, to) in [(SENDER, RECEIVER), (RECEIVER, SENDER)] {
        let cut = at(100, 4_990, partition(from, to, true));
        let (found, _, effects) = transfer(BYTES, Some(cut));
        // 200, 400, 800, 1600 and 3200 ms.
        assert_later(&found, BYTES, TIMER * 31);
        assert!(effects.bit());
    }
}

#[test]
fn a_cut_that_does_not_heal_in_time_ends_the_transfer() {
    let (found, _, effects) =
        transfer(BYTES, Some(at(100, 20_000, partition(SENDER, RECEIVER, true))));
    assert!(found.brought < BYTES, "{} brought", found.brought);
    assert!(effects.bit());
}

#[test]
fn a_link_that_flaps_costs_a_timer_each_time() {
    let repeat = Some(Repeat { every: ms(400), times: 3 });
    let flapping = Fault { repeat, ..at(100, 50, partition(SENDER, RECEIVER, false)) };
    // More than a second's.
    let bytes = 4 * BYTES;
    let (found, totals, effects) = transfer(bytes, Some(flapping));
    assert_later(&found, bytes, TIMER * 3);
    assert_eq!(effect(&effects, "dropped_bytes"), 3 * CHUNK);
    assert_eq!(totals.dropped, 3 * CHUNK);
}

#[test]
fn a_cut_between_others_does_not_bite() {
    let (sound, _, _) = transfer(BYTES, None);
    // Nothing that the receiver would send to itself is cut.
    let (found, _, effects) =
        transfer(BYTES, Some(at(0, 900, partition(RECEIVER, RECEIVER, true))));
    assert_eq!(found.took, sound.took);
    assert!(!effects.bit(), "{effects:?}");
}

/// Bytes per second before, during and after a fault of a second from the first second on, and what
/// it did.
fn rates(flows: &[(usize, usize)], kind: FaultKind) -> ([Vec<f64>; 3], Effects, Box<Fabric>) {
    let mut world = world(network());
    let hosts =
        [machine(0, 1, GBIT), machine(1, 2, GBIT), machine(2, 1, GBIT), machine(3, 3, GBIT)];
    let begun = Flows::begin(&mut *world, &hosts, flows);
    let fault = world.schedule(at(1_000, 1_000, kind)).expect("the hosts exist");
    let mut between = |from, to| begun.rates(&mut *world, ms(from), ms(to));
    let rates = [between(300, 1_000), between(1_200, 2_000), between(4_500, 5_500)];
    let effects = world.effects(fault);
    (rates, effects, world)
}

fn goodput(wire_rate: u64) -> f64 {
    wire_rate as f64 * CHUNK as f64 / CHUNK_WIRE as f64
}

fn assert_near(measured: f64, expected: f64, what: &str) {
    let off = (measured / expected - 1.0).abs();
    assert!(off < 0.02, "{what}: {measured:.0} B/s, expected {expected:.0}");
}

#[test]
fn a_latency_spike_slows_a_flow_to_a_window_each_round_trip() {
    let added = ms(50);
    let kind =
        FaultKind::ways(Sides::between(vec![SENDER], vec![RECEIVER], false), Latency { added });
    let ([before, during, after], effects, _) = rates(&[(0, 1)], kind);
    assert_near(before[0], goodput(GBIT), "before");
    // The window is 1 MiB where twice what is on the way is less.
    let round_trip = 2.0 * (added.as_secs_f64() + 0.000_5);
    let window = f64::from(1 << 20);
    let off = during[0] / (window / round_trip);
    assert!((0.85..1.05).contains(&off), "{during:?} is {off} of a window each round trip");
    assert_near(after[0], goodput(GBIT), "after");
    assert!(effect(&effects, "delayed_sendings") > 0, "{effects:?}");
}

#[test]
fn loss_slows_a_flow_while_it_lasts() {
    let chance = Chance::per_billion(Chance::BILLION / 10).expect("below all");
    let kind = FaultKind::ways(Sides::between(vec![SENDER], vec![RECEIVER], true), Loss { chance });
    let ([before, during, after], effects, mut world) = rates(&[(0, 1)], kind);
    assert_near(before[0], goodput(GBIT), "before");
    assert!(during[0] < before[0] / 2.0, "{during:?} of {before:?}");
    assert_near(after[0], goodput(GBIT), "after");
    assert!(effect(&effects, "lost_segments") > 10, "{effects:?}");
    let dropped = world.ledger().totals().dropped;
    assert!(dropped > 0, "what is lost is counted");
    world.run(&mut || false, Time::ZERO + ms(7_000));
    assert_eq!(world.ledger().totals().dropped, dropped, "nothing is lost any more");
}

#[test]
fn a_throttled_card_slows_what_it_sends_and_what_it_gets() {
    let rate = ByteRate::new(GBIT / 10).expect("not zero");
    for host in [SENDER, RECEIVER] {
        let kind = FaultKind::card(host, Throttle { rate });
        let ([before, during, after], effects, _) = rates(&[(0, 1), (2, 3)], kind);
        assert_near(before[0], goodput(GBIT), "before");
        assert_near(during[0], goodput(GBIT / 10), "during");
        assert_near(during[1], goodput(GBIT), "other cards");
        assert_near(after[0], goodput(GBIT), "after");
        assert!(effect(&effects, "throttled_bytes") > GBIT / 20, "{effects:?}");
    }
}

#[test]
fn a_throttled_trunk_slows_what_crosses_it_and_nothing_else() {
    let rate = ByteRate::new(GBIT / 10).expect("not zero");
    for between in [[SENDER, RECEIVER], [RECEIVER, SENDER]] {
        let kind = FaultKind::trunk(between, Throttle { rate });
        let ([before, during, after], effects, _) = rates(&[(0, 1), (2, 3)], kind);
        assert_near(before[0], goodput(GBIT), "before");
        assert_near(during[0], goodput(GBIT / 10), "during");
        assert_near(during[1], goodput(GBIT), "another trunk");
        assert_near(after[0], goodput(GBIT), "after");
        assert!(effect(&effects, "throttled_bytes") > GBIT / 20, "{effects:?}");
    }
}
