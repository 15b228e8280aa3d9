//! Random device topologies, and the rules that every ring keeps to.
//!
//! Leaves out how far a rebalance may move: that depends on the ring before it.

use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stayput_ring::{DeviceName, NewDevice, PartPower, Region, Replicas, Ring, Weight, Zone, check};

/// Replicas by which a device may be off its share.
const TOLERANCE_PARTS: u64 = 2;

/// Devices of a cluster, and the ring that is wanted over them.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Devices, at least one of them with a weight above zero.
    pub devices: Vec<NewDevice>,
    /// Partitions: two to this power.
    pub part_power: PartPower,
    /// Replicas, at most as many as there are devices with a weight above zero.
    pub replicas: Replicas,
    /// Seed of the ring's balancing.
    pub seed: u64,
}

/// Strategy for topologies: up to three regions of up to five zones of up to four hosts of up to
/// three devices; weights all alike, uneven, or with drained devices among them.
pub fn topologies() -> impl Strategy<Value = Topology> {
    let even = vec(vec(vec(vec(Just(100_u16), 1..=3), 1..=4), 1..=5), 1..=3);
    let uneven = vec(vec(vec(vec(1_u16..=400, 1..=3), 1..=4), 1..=5), 1..=3);
    let drained = prop_oneof![1 => Just(0_u16), 4 => 1_u16..=400];
    let drained = vec(vec(vec(vec(drained, 1..=3), 1..=4), 1..=5), 1..=3);
    let weights = prop_oneof![even, uneven, drained];
    (weights, 4_u32..=7, 1_u32..=5, any::<u64>()).prop_filter_map(
        "every device is drained",
        |(weights, power, replicas, seed)| {
            let devices = devices(&weights);
            let active = devices.iter().filter(|device| device.weight.get() > 0.0).count();
            let replicas = replicas.min(u32::try_from(active).ok()?);
            Some(Topology {
                devices,
                part_power: PartPower::new(power).ok()?,
                replicas: Replicas::new(replicas).ok()?,
                seed,
            })
        },
    )
}

/// Devices by region, zone, host and number.
fn devices(weights: &[Vec<Vec<Vec<u16>>>]) -> Vec<NewDevice> {
    let mut devices = Vec::new();
    for (region, zones) in (1_u8..).zip(weights) {
        for (zone, hosts) in (1_u8..).zip(zones) {
            for (host, weights) in (1_u8..).zip(hosts) {
                for (number, weight) in (1_u8..).zip(weights) {
                    devices.push(NewDevice {
                        region: Region(u32::from(region)),
                        zone: Zone(u32::from(zone)),
                        ip: IpAddr::V4(Ipv4Addr::new(10, region, zone, host)),
                        port: 6200,
                        device: DeviceName::new(format!("sd{number}")).expect("a good name"),
                        weight: Weight::new(f64::from(*weight)).expect("not negative"),
                        meta: String::new(),
                    });
                }
            }
        }
    }
    devices
}

/// Builds a ring by `build` over random topologies, and checks each: replicas on distinct devices
/// as far apart as the topology allows, drained devices empty, loads by weight, handoffs in order.
///
/// # Panics
/// A ring breaks a rule; the smallest topology that shows it is printed.
pub fn assert_keeps_to_the_rules(build: impl Fn(&Topology) -> Ring) {
    let outcome = TestRunner::deterministic().run(&topologies(), |topology| {
        let violations = check::check(&build(&topology), TOLERANCE_PARTS);
        prop_assert!(violations.is_empty(), "{violations:?}");
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[cfg(test)]
mod tests {
    use stayput_ring::RingBuilder;

    use super::*;

    /// Rebalances after which a ring must be at rest.
    const ROUNDS_MAX: u64 = 40;

    #[test]
    fn the_builder_of_the_house_keeps_to_the_rules() {
        assert_keeps_to_the_rules(|topology| {
            let Topology { devices, part_power, replicas, seed } = topology.clone();
            let mut builder = RingBuilder::new(part_power, replicas, 0).expect("it fits");
            for device in devices {
                builder.add_device(device).expect("each is new");
            }
            let rested = |round| round * 100;
            let at_rest = |round| {
                builder.rebalance(rested(round), seed).expect("it has devices").moved_parts == 0
            };
            assert!((0..ROUNDS_MAX).any(at_rest), "it never comes to rest");
            builder.ring().expect("it is balanced")
        });
    }
}
