//! Handoffs: every other device once, the farthest first, in an order of the partition's own.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{DeviceId, Partition, Ring, check};
use super::{device, empty, topologies};

fn ids(ring: &Ring, partition: Partition) -> Vec<DeviceId> {
    ring.handoffs(partition).map(|device| device.id).collect()
}

fn two_zones_of_two_hosts_with_two_devices() -> Ring {
    let mut builder = empty(6, 1, 1);
    for zone in 1..=2 {
        for host in 1..=2 {
            for name in 1..=2 {
                builder.add_device(device(1, zone, host, name, 100)).unwrap();
            }
        }
    }
    builder.rebalance(0, 1).unwrap();
    builder.ring().unwrap()
}

#[test]
fn the_first_handoff_lies_in_another_zone_and_the_next_two_on_other_hosts() {
    let ring = two_zones_of_two_hosts_with_two_devices();
    for partition in ring.partitions() {
        let primary = ring.primaries(partition)[0];
        let handoffs: Vec<_> = ring.handoffs(partition).collect();
        assert_eq!(handoffs.len(), 7);
        assert_ne!(handoffs[0].zone, primary.zone, "{partition}");
        let mut hosts = BTreeSet::from([primary.ip]);
        hosts.extend(handoffs[..3].iter().map(|device| device.ip));
        assert_eq!(hosts.len(), 4, "{partition}: each of the first three is a new host");
    }
}

#[test]
fn first_handoffs_are_spread_over_the_devices() {
    let ring = two_zones_of_two_hosts_with_two_devices();
    let first: BTreeSet<DeviceId> =
        ring.partitions().map(|partition| ids(&ring, partition)[0]).collect();
    assert_eq!(first.len(), 8, "each of 8 devices is the first handoff of one of 64 partitions");
}

#[test]
fn the_walk_is_lazy_and_repeatable() {
    let ring = two_zones_of_two_hosts_with_two_devices();
    for partition in ring.partitions() {
        let whole = ids(&ring, partition);
        let first: Vec<DeviceId> =
            ring.handoffs(partition).take(2).map(|device| device.id).collect();
        assert_eq!(first, whole[..2]);
        assert_eq!(ids(&ring, partition), whole);
    }
}

#[test]
fn a_ring_of_as_many_devices_as_replicas_has_no_handoffs() {
    let mut builder = empty(4, 2, 1);
    for zone in 1..=2 {
        builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    let ring = builder.ring().unwrap();
    assert!(ring.partitions().all(|partition| ring.handoffs(partition).next().is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn handoffs_of_any_ring_satisfy_the_naive_checker(topology in topologies(4..=6)) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        builder.rebalance(0, topology.seed).unwrap();
        let ring = builder.ring().unwrap();
        for partition in ring.partitions() {
            prop_assert_eq!(check::handoffs(&ring, partition), None);
        }
    }

    #[test]
    fn drained_devices_come_after_all_others(topology in topologies(4..=6)) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        builder.rebalance(0, topology.seed).unwrap();
        let ring = builder.ring().unwrap();
        for partition in ring.partitions() {
            let drained: Vec<bool> =
                ring.handoffs(partition).map(|device| device.weight.is_zero()).collect();
            prop_assert!(drained.is_sorted(), "{drained:?}");
        }
    }
}
