//! Bandwidth: a flow gets its bottleneck's, and the flows of a trunk share it.

use std::time::Duration;

use stayput_host::config::{ByteRate, LinkConfig, NetworkConfig};

use super::{CHUNK, CHUNK_WIRE, Flows, machine, world};
use stayput_testkit::world::network;

const GBIT: u64 = 125_000_000;

fn goodput(wire_rate: u64) -> f64 {
    wire_rate as f64 * CHUNK as f64 / CHUNK_WIRE as f64
}

fn assert_near(measured: f64, expected: f64, what: &str) {
    let off = (measured / expected - 1.0).abs();
    assert!(off < 0.01, "{what}: {measured:.0} B/s, expected {expected:.0}");
}

fn with_cross_zone(latency: Duration, trunk: Option<u64>) -> NetworkConfig {
    let trunk = trunk.and_then(ByteRate::new);
    NetworkConfig { cross_zone: LinkConfig::new(latency, trunk), ..network() }
}

#[test]
fn one_flow_gets_its_bottlenecks_bandwidth() {
    let ms = Duration::from_millis;
    let cases = [
        ("the sender's card", GBIT / 2, GBIT, None, ms(1)),
        ("the receiver's card", GBIT, GBIT / 4, None, ms(1)),
        ("the trunk", GBIT, GBIT, Some(GBIT / 3), ms(1)),
        ("a long link's card", GBIT, GBIT, None, ms(40)),
    ];
    for (what, sender, receiver, trunk, latency) in cases {
        let world = &mut *world(with_cross_zone(latency, trunk));
        let hosts = [machine(0, 1, sender), machine(1, 2, receiver)];
        let flows = Flows::begin(world, &hosts, &[(0, 1)]);
        let rates = flows.rates(world, ms(500), ms(2_500));
        let bottleneck = sender.min(receiver).min(trunk.unwrap_or(u64::MAX));
        assert_near(rates[0], goodput(bottleneck), what);
    }
}

#[test]
fn a_pair_of_zones_shares_its_trunk_each_way_for_itself() {
    let world = &mut *world(with_cross_zone(Duration::from_micros(500), Some(GBIT / 2)));
    let zones = [1, 1, 2, 2, 3];
    let hosts: Vec<_> =
        zones.iter().zip(0..).map(|(zone, index)| machine(index, *zone, GBIT)).collect();
    // Four flows from zone 1 to zone 2, one back, one to zone 3, and one within zone 1 that has its
    // card for itself but for these.
    let flows = [(0, 2), (0, 3), (1, 2), (1, 3), (2, 0), (0, 4), (0, 1)];
    let begun = Flows::begin(world, &hosts, &flows);
    let rates = begun.rates(world, Duration::from_secs(1), Duration::from_secs(5));
    for rate in &rates[..4] {
        assert_near(*rate, goodput(GBIT / 8), "a fourth of the trunk");
    }
    assert_near(rates[4], goodput(GBIT / 2), "the other direction alone");
    assert_near(rates[5], goodput(GBIT * 3 / 8), "another pair's trunk, beside the card's others");
    assert_near(rates[6], goodput(GBIT * 3 / 8), "no trunk at all");
}

#[test]
fn slow_start_costs_a_new_connection_round_trips() {
    let took = |slow_start| {
        let network =
            NetworkConfig { slow_start, ..with_cross_zone(Duration::from_millis(20), None) };
        let hosts = [machine(0, 1, GBIT), machine(1, 2, GBIT)];
        super::transfer(&mut *world(network), hosts, Duration::from_millis(1), 1 << 20).took
    };
    let (at_once, slowly) = (took(false), took(true));
    // 1 MiB is 725 segments: windows of 10, 20, … 320 carry 630, so six round trips go by before
    // the last window.
    let trips = (slowly - at_once).as_secs_f64() / 0.040;
    assert!((5.0..=7.0).contains(&trips), "{trips} round trips more: {at_once:?}, {slowly:?}");
}
