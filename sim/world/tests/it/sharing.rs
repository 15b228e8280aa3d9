//! Sharing under change: flows that come and go over one bottleneck, against processor sharing.
//!
//! Leaves out flows at rest over many bottlenecks, which `tests/all/model` holds against an exact
//! max-min solver.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::Time;
use stayput_host::config::{LinkConfig, NetworkConfig};

use crate::support::{GBIT, LATENCY, Sending, Transfer, network, rate, transfers_at, world};

/// Bytes of a chunk, and of a chunk on the wire: 46 segments with 66 bytes of headers each.
const CHUNK: usize = 65_536;
const CHUNK_WIRE: usize = CHUNK + 46 * 66;

/// Bytes of a transfer on the wire, its end included.
fn wire_bytes(bytes: usize) -> f64 {
    let rest = bytes % CHUNK;
    let wire = bytes / CHUNK * CHUNK_WIRE + rest + rest.div_ceil(1_448) * 66 + 66;
    wire as f64
}

/// Ends of flows that share one server alike while they are there (egalitarian processor sharing),
/// given when each begins and its seconds of work.
fn shared_alike(flows: &[(f64, f64)]) -> Vec<f64> {
    let mut left: Vec<f64> = flows.iter().map(|(_, work)| *work).collect();
    let mut ends = vec![0.0; flows.len()];
    let mut now = 0.0;
    loop {
        let is_present = |flow: &usize| flows[*flow].0 <= now && left[*flow] > 0.0;
        let present: Vec<usize> = (0..flows.len()).filter(is_present).collect();
        let begins = flows.iter().map(|(begin, _)| *begin).filter(|begin| *begin > now);
        let next = begins.fold(f64::INFINITY, f64::min);
        if present.is_empty() {
            if next.is_infinite() {
                return ends;
            }
            now = next;
            continue;
        }
        let least = present.iter().map(|flow| left[*flow]).fold(f64::INFINITY, f64::min);
        let until = next.min(now + least * present.len() as f64);
        for flow in &present {
            left[*flow] -= (until - now) / present.len() as f64;
            if left[*flow] < 1e-9 {
                (left[*flow], ends[*flow]) = (0.0, until);
            }
        }
        now = until;
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Holds transfers that all cross one bottleneck of so many bytes per second against the oracle.
fn assert_shared_alike(
    network: NetworkConfig,
    bottleneck: u64,
    sendings: &[Sending],
) -> Result<(), TestCaseError> {
    let mut world = world(network);
    let begun = transfers_at(&mut world, sendings);
    let measured: Vec<f64> = begun
        .iter()
        .map(|Transfer { received, .. }| {
            let (data, end) = received.wait(&mut world);
            assert!(data.is_ok(), "nothing is in the way");
            seconds(end.since(Time::ZERO))
        })
        .collect();
    // A flow begins to send when its handshake is over, and its last byte is there a latency later.
    let flows: Vec<(f64, f64)> = sendings
        .iter()
        .map(|(begin, _, _, bytes)| {
            (seconds(*begin + 2 * LATENCY), wire_bytes(*bytes) / bottleneck as f64)
        })
        .collect();
    // Turns are by whole chunks, so each flow that comes or goes may shift the others by one.
    let chunk = CHUNK_WIRE as f64 / bottleneck as f64;
    let tolerance = chunk * (2 * sendings.len() + 1) as f64;
    for (flow, (end, shared)) in measured.iter().zip(shared_alike(&flows)).enumerate() {
        let expected = shared + seconds(LATENCY);
        prop_assert!(
            (end - expected).abs() < tolerance,
            "flow {flow} of {sendings:?} ends at {end} s, not {expected} s"
        );
    }
    Ok(())
}

/// When flows begin, one of the other ends, and their bytes.
fn flows() -> impl Strategy<Value = Vec<(u64, u8, usize)>> {
    vec((0_u64..60, 0_u8..3, 1_usize..1_200_000), 1..7)
}

fn sendings(flows: Vec<(u64, u8, usize)>, ends: impl Fn(u8) -> (u8, u8)) -> Vec<Sending> {
    let sending = |(begin_ms, other, bytes)| {
        let (from, to) = ends(other);
        (Duration::from_millis(begin_ms), from, to, bytes)
    };
    flows.into_iter().map(sending).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn flows_out_of_one_card_share_it_alike_while_they_are_there(flows in flows()) {
        let sendings = sendings(flows, |other| (0, other + 1));
        assert_shared_alike(network(), GBIT, &sendings)?;
    }

    #[test]
    fn flows_into_one_card_share_it_alike_while_they_are_there(flows in flows()) {
        let sendings = sendings(flows, |other| (other, 3));
        assert_shared_alike(network(), GBIT, &sendings)?;
    }

    #[test]
    fn flows_over_one_trunk_share_it_alike_while_they_are_there(flows in flows()) {
        let trunk = GBIT / 3;
        let cross_zone = LinkConfig::new(LATENCY, Some(rate(trunk)));
        let sendings = sendings(flows, |other| (other % 2, 2 + other / 2));
        assert_shared_alike(NetworkConfig { cross_zone, ..network() }, trunk, &sendings)?;
    }
}

#[test]
fn the_oracle_agrees_with_a_case_by_hand() {
    // Alone for a second; then two at half speed until the second has its two seconds' work.
    assert_eq!(shared_alike(&[(0.0, 4.0), (1.0, 2.0)]), [6.0, 5.0]);
    assert_eq!(shared_alike(&[(0.0, 1.0), (3.0, 1.0)]), [1.0, 4.0]);
}

#[test]
fn a_flow_that_a_trunk_holds_back_leaves_the_rest_of_its_card_to_the_other() {
    let trunk = GBIT / 4;
    let cross_zone = LinkConfig::new(LATENCY, Some(rate(trunk)));
    let mut world = world(NetworkConfig { cross_zone, ..network() });
    let (across, within) = (6_000_000, 12_000_000);
    let sendings = [(Duration::ZERO, 0, 2, across), (Duration::ZERO, 0, 1, within)];
    let begun = transfers_at(&mut world, &sendings);
    let [across_end, within_end] = [&begun[0], &begun[1]]
        .map(|flow| seconds(flow.received.wait(&mut world).1.since(Time::ZERO)));
    // Both get half of the card until the one across has a window of bytes before its trunk; from
    // then on it gets the trunk's quarter, and the other one three quarters.
    let (card, trunk) = (GBIT as f64, trunk as f64);
    let window = wire_bytes(1 << 20);
    let filled = window / (card / 2.0 - trunk);
    let rest = wire_bytes(within) - filled * card / 2.0;
    let expected = filled + rest / (card - trunk);
    assert!((within_end / expected - 1.0).abs() < 0.08, "{within_end} s, not {expected} s");
    let expected = wire_bytes(across) / trunk;
    assert!((across_end / expected - 1.0).abs() < 0.05, "{across_end} s, not {expected} s");
}
