//! Loss: what is lost is sent again, costs the bytes that it costs, and nothing is missing in the
//! end.

use std::time::Duration;

use stayput_host::config::{Chance, LinkConfig, NetworkConfig};
use stayput_world::LedgerTotals;
use stayput_world::RunMeters;
use stayput_world::WireMeters;

use super::{Transfer, machine, transfer, world};
use stayput_testkit::world::network;

const GBIT: u64 = 125_000_000;
const BYTES: u64 = 32 << 20;
const SEGMENT_BYTES: f64 = 1_460.0;

fn lossy(percent: u32) -> (Transfer, LedgerTotals, u64) {
    let mut cross_zone = LinkConfig::new(Duration::from_micros(500), None);
    cross_zone.loss = Chance::per_billion(percent * 10_000_000).expect("below all");
    let world = &mut *world(NetworkConfig { cross_zone, ..network() });
    let hosts = [machine(0, 1, GBIT), machine(1, 2, GBIT)];
    let found = transfer(world, hosts, Duration::from_millis(1), BYTES);
    let in_flight = world.in_flight();
    (found, world.ledger().totals(), in_flight)
}

#[test]
fn a_link_that_loses_nothing_sends_nothing_twice() {
    let (found, totals, _) = lossy(0);
    assert_eq!((found.brought, totals.body, totals.dropped), (BYTES, BYTES, 0));
}

#[test]
fn loss_costs_the_bytes_that_are_sent_again() {
    for percent in [1, 5, 20] {
        let (found, totals, in_flight) = lossy(percent);
        assert_eq!(found.brought, BYTES, "nothing is missing");
        assert_eq!(totals.payload, totals.delivered + totals.dropped + in_flight);
        assert_eq!(totals.body, BYTES + totals.dropped, "each lost byte was sent once more");
        // A segment of chance p is sent 1 / (1 - p) times.
        let chance = f64::from(percent) / 100.0;
        let expected = BYTES as f64 * chance / (1.0 - chance);
        let off = (totals.dropped as f64 / expected - 1.0).abs();
        let error = (SEGMENT_BYTES / expected).sqrt();
        assert!(off < 4.0 * error, "{percent} %: {} lost, expected {expected:.0}", totals.dropped);
    }
}

#[test]
fn loss_costs_time() {
    let took: Vec<Duration> = [0, 1, 5].map(|percent| lossy(percent).0.took).to_vec();
    assert!(took[0] < took[1] && took[1] < took[2], "{took:?}");
}
