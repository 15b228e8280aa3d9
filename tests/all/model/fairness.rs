//! Sharing: long flows over random topologies against the exact max-min solver.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use stayput_host::Seed;
use stayput_host::config::{ByteRate, LinkConfig, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};

use super::{CHUNK, CHUNK_WIRE, Flows, machine, world};
use stayput_testkit::max_min::{Resource, max_min};
use stayput_testkit::world::network;

/// The worst flow may be off by so much, once a chain of bottlenecks has come to rest.
const TOLERANCE: f64 = 0.02;

struct Case {
    hosts: Vec<HostSpec>,
    flows: Vec<(usize, usize)>,
    network: NetworkConfig,
}

/// Hosts in zones, cards of different speed, a slow trunk between zones; flows between any of them.
fn case(number: u64) -> Case {
    let mut draw = Seed(number).entropy("fairness", b"", 0);
    let mut below = |bound: usize| draw.random_range(0..bound);
    let mbit = |rate: usize| rate as u64 * 125_000;
    let hosts: Vec<HostSpec> = (0..6 + below(5))
        .map(|index| {
            let zone = 1 + u32::try_from(below(3)).expect("small");
            machine(u8::try_from(index).expect("few"), zone, mbit(100 + 100 * below(4)))
        })
        .collect();
    let flows = (0..8 + below(17))
        .map(|_| {
            let from = below(hosts.len());
            (from, (from + 1 + below(hosts.len() - 1)) % hosts.len())
        })
        .collect();
    let trunk = ByteRate::new(mbit(150 + 50 * below(10)));
    let cross_zone = LinkConfig::new(Duration::from_micros(500), trunk);
    Case { hosts, flows, network: NetworkConfig { cross_zone, ..network() } }
}

fn fair_rates(case: &Case) -> Vec<f64> {
    let mut shared: BTreeMap<String, Resource> = BTreeMap::new();
    let mut use_of = |name: String, capacity: u64, flow: usize| {
        let capacity = capacity as f64 * CHUNK as f64 / CHUNK_WIRE as f64;
        let resource = shared.entry(name);
        resource.or_insert(Resource { capacity, flows: Vec::new() }).flows.push(flow);
    };
    for (flow, (from, to)) in case.flows.iter().enumerate() {
        let (a, b) = (&case.hosts[*from], &case.hosts[*to]);
        use_of(format!("out of {from}"), a.nic.get(), flow);
        use_of(format!("into {to}"), b.nic.get(), flow);
        let zone = |spec: &HostSpec| match spec.place {
            HostPlace::Zone { zone, .. } => zone,
            HostPlace::Workers | HostPlace::Clients => unreachable!("all are in zones"),
        };
        if zone(a) != zone(b) {
            let trunk = case.network.cross_zone.trunk.expect("there is one");
            use_of(format!("trunk {} > {}", zone(a), zone(b)), trunk.get(), flow);
        }
    }
    let resources: Vec<Resource> = shared.into_values().collect();
    max_min(case.flows.len(), &resources)
}

#[test]
fn long_flows_share_as_an_exact_max_min_solver_says() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    for number in 0..cases {
        let case = case(number);
        let fair = fair_rates(&case);
        let world = &mut *world(case.network.clone());
        let flows = Flows::begin(world, &case.hosts, &case.flows);
        let measured = flows.rates(world, Duration::from_secs(10), Duration::from_secs(30));
        for (flow, (measured, fair)) in measured.iter().zip(&fair).enumerate() {
            let off = (measured / fair - 1.0).abs();
            assert!(
                off < TOLERANCE,
                "case {number}, flow {flow} {:?}: {measured:.0} B/s, fair is {fair:.0}: {:.2} % off",
                case.flows[flow],
                off * 100.0
            );
        }
    }
}
