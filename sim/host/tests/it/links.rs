//! Links between places: the configuration that holds, and the class under which bytes are counted.

use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_host::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec, LinkClass, crosses_zones, link};

/// Network whose links have latencies of 1 to 5 ms, in the order of the fields.
fn network() -> NetworkConfig {
    let link = |millis| LinkConfig::new(Duration::from_millis(millis), None);
    NetworkConfig {
        same_zone: link(1),
        cross_zone: link(2),
        cross_region: link(3),
        client: link(4),
        worker: link(5),
        slow_start: false,
    }
}

const fn zone(region: u32, zone: u32) -> HostPlace {
    HostPlace::Zone { region, zone }
}

fn spec(place: HostPlace, is_worker: bool) -> HostSpec {
    let rate = ByteRate::new(1).expect("not zero");
    HostSpec {
        name: "host".to_owned(),
        ip: Ipv4Addr::LOCALHOST,
        place,
        is_worker,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1).expect("not zero"),
        disks: Vec::new(),
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    }
}

/// Two places, the latency between them in milliseconds, and the class of their hosts' link, who
/// are no workers.
fn cases() -> Vec<(HostPlace, HostPlace, u64, LinkClass)> {
    let (clients, workers) = (HostPlace::Clients, HostPlace::Workers);
    vec![
        (zone(1, 1), zone(1, 1), 1, LinkClass::SameZone),
        (zone(1, 1), zone(1, 2), 2, LinkClass::CrossZone),
        (zone(1, 2), zone(2, 3), 3, LinkClass::CrossRegion),
        (zone(1, 1), clients, 4, LinkClass::ClientProxy),
        (workers, clients, 4, LinkClass::ClientProxy),
        (clients, clients, 4, LinkClass::ClientProxy),
        (zone(1, 1), workers, 5, LinkClass::ClientProxy),
    ]
}

#[test]
fn a_link_is_the_same_both_ways() {
    let network = network();
    for (a, b, millis, class) in cases() {
        for (from, to) in [(a, b), (b, a)] {
            let latency = link(&network, from, to).latency;
            assert_eq!(latency, Duration::from_millis(millis), "{from:?} to {to:?}");
            assert_eq!(LinkClass::between(&spec(from, false), &spec(to, false)), class);
            assert_eq!(crosses_zones(from, to), a != b, "{from:?} to {to:?}");
        }
    }
}

#[test]
fn traffic_of_a_worker_is_counted_apart_wherever_it_stands() {
    for (a, b, ..) in cases() {
        for (one, other) in [(true, false), (false, true), (true, true)] {
            let class = LinkClass::between(&spec(a, one), &spec(b, other));
            assert_eq!(class, LinkClass::Worker, "{a:?} to {b:?}");
        }
    }
}

#[test]
fn a_uniform_network_has_one_link_for_all() {
    let network = NetworkConfig::uniform(Duration::from_millis(9));
    for (a, b, ..) in cases() {
        let expected = LinkConfig::new(Duration::from_millis(9), None);
        assert_eq!(*link(&network, a, b), expected, "{a:?} to {b:?}");
    }
    assert!(!network.slow_start);
}

#[test]
fn each_class_of_links_has_a_name_of_its_own() {
    let mut names = LinkClass::ALL.map(LinkClass::name).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LinkClass::ALL.len());
}
