//! Property tests of the ring against the naive checker, and fixed cases from Swift's rule.

mod changes;
mod checker;
mod files;
mod flaws;
mod handoffs;
mod hostile;
mod initial;
mod lookup;
mod reports;
mod weights;

use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{DeviceName, NewDevice, PartPower, Region, Replicas, RingBuilder, Weight, Zone};

/// Longer than any min-part-hours of these tests.
const REST_HOURS: u64 = 100;
/// Rebalances after which a ring must be at rest.
const ROUNDS_MAX: u64 = 40;

/// A random cluster: weights by region, zone, host and device.
#[derive(Clone, Debug)]
struct Topology {
    weights: Vec<Vec<Vec<Vec<u16>>>>,
    part_power: u32,
    replicas: u32,
    seed: u64,
}

fn topologies(power: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Topology> {
    let even = vec(vec(vec(vec(Just(100_u16), 1..=3), 1..=4), 1..=5), 1..=3);
    let uneven = vec(vec(vec(vec(1_u16..=400, 1..=3), 1..=4), 1..=5), 1..=3);
    let drained = prop_oneof![1 => Just(0_u16), 4 => 1_u16..=400];
    let drained = vec(vec(vec(vec(drained, 1..=3), 1..=4), 1..=5), 1..=3);
    (prop_oneof![even, uneven, drained], power, 1_u32..=5, any::<u64>()).prop_map(
        |(weights, part_power, replicas, seed)| {
            let all = weights.iter().flatten().flatten().flatten();
            let active = all.filter(|weight| **weight > 0).count() as u32;
            let replicas = replicas.min(active.max(1));
            Topology { weights, part_power, replicas, seed }
        },
    )
}

fn device(region: usize, zone: usize, host: usize, name: usize, weight: u16) -> NewDevice {
    let octet = |number: usize| u8::try_from(number).unwrap();
    NewDevice {
        region: Region(u32::try_from(region).unwrap()),
        zone: Zone(u32::try_from(zone).unwrap()),
        ip: IpAddr::V4(Ipv4Addr::new(10, octet(region), octet(zone), octet(host))),
        port: 6200,
        device: DeviceName::new(format!("sd{name}")).unwrap(),
        weight: Weight::new(f64::from(weight)).unwrap(),
        meta: String::new(),
    }
}

fn empty(part_power: u32, replicas: u32, min_part_hours: u64) -> RingBuilder {
    let (power, replicas) = (PartPower::new(part_power).unwrap(), Replicas::new(replicas).unwrap());
    RingBuilder::new(power, replicas, min_part_hours).unwrap()
}

impl Topology {
    fn has_data_devices(&self) -> bool {
        self.weights.iter().flatten().flatten().flatten().any(|weight| *weight > 0)
    }

    fn builder(&self, min_part_hours: u64) -> RingBuilder {
        let mut builder = empty(self.part_power, self.replicas, min_part_hours);
        for (region, zones) in self.weights.iter().enumerate() {
            for (zone, hosts) in zones.iter().enumerate() {
                for (host, devices) in hosts.iter().enumerate() {
                    for (name, &weight) in devices.iter().enumerate() {
                        let new = device(region + 1, zone + 1, host + 1, name + 1, weight);
                        builder.add_device(new).unwrap();
                    }
                }
            }
        }
        builder
    }
}

/// Rebalances until nothing moves; how many replicas moved on the way.
fn settle(builder: &mut RingBuilder, start_hours: u64, seed: u64) -> u64 {
    let mut moved = 0;
    for round in 0..ROUNDS_MAX {
        let report = builder.rebalance(start_hours + round * REST_HOURS, seed).unwrap();
        if report.moved_parts == 0 {
            return moved;
        }
        moved += report.moved_parts;
    }
    panic!("still moving after {ROUNDS_MAX} rebalances, {moved} moved");
}
