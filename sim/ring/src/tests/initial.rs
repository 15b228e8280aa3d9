//! The initial assignment is exact in weights and spread.

use proptest::prelude::*;

use super::super::{HashSecret, RingError, check};
use super::{device, empty, topologies};

/// A device is less than one replica off what the topology leaves to its weight.
const TOLERANCE_PARTS: u64 = 1;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn initial_assignment_satisfies_the_naive_checker(topology in topologies(4..=10)) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        let report = builder.rebalance(0, topology.seed).unwrap();
        prop_assert_eq!(report.dispersion, 0.0);
        prop_assert_eq!(report.pending_parts, 0);
        let violations = check::check(&builder.ring().unwrap(), TOLERANCE_PARTS);
        prop_assert!(violations.is_empty(), "{violations:?}");
    }

    #[test]
    fn same_seed_gives_the_same_ring(topology in topologies(4..=7)) {
        prop_assume!(topology.has_data_devices());
        let build = || {
            let mut builder = topology.builder(1);
            builder.rebalance(0, topology.seed).unwrap();
            builder.add_device(device(1, 1, 1, 9, 100)).unwrap();
            builder.rebalance(50, topology.seed).unwrap();
            builder.ring().unwrap().to_json().unwrap()
        };
        prop_assert_eq!(build(), build());
    }

    #[test]
    fn a_ring_at_rest_stays_at_rest(topology in topologies(4..=8), seed: u64) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        builder.rebalance(0, topology.seed).unwrap();
        prop_assert_eq!(builder.rebalance(50, seed).unwrap().moved_parts, 0);
    }
}

#[test]
fn another_seed_gives_another_ring() {
    let build = |seed| {
        let mut builder = empty(6, 3, 1);
        for zone in 1..=4 {
            builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
        }
        builder.rebalance(0, seed).unwrap();
        builder.ring().unwrap()
    };
    assert_ne!(build(1), build(2));
}

#[test]
fn replicas_of_equal_regions_split_as_evenly_as_they_can() {
    let mut builder = empty(8, 5, 1);
    for region in 1..=2 {
        for zone in 1..=5 {
            builder.add_device(device(region, zone, 1, 1, 100)).unwrap();
        }
    }
    builder.rebalance(0, 7).unwrap();
    let ring = builder.ring().unwrap();
    for partition in ring.partitions() {
        let primaries = ring.primaries(partition);
        let first = primaries.iter().filter(|device| device.region.0 == 1).count();
        assert!((2..=3).contains(&first), "{first} of 5 replicas of {partition} in region 1");
    }
}

#[test]
fn heavy_devices_do_not_share_their_partitions_more_than_chance_has_it() {
    let mut builder = empty(10, 2, 1);
    for host in 1..=8 {
        builder.add_device(device(1, 1, host, 1, if host <= 2 { 200 } else { 100 })).unwrap();
    }
    builder.rebalance(0, 7).unwrap();
    let ring = builder.ring().unwrap();
    let both = |partition: &_| ring.primaries(*partition).iter().all(|device| device.id.0 < 2);
    let shared = ring.partitions().filter(both).count();
    // Chance gives 2 * 0.2 * 0.2 / 0.8 = 10 % of 1024 at most.
    assert!((40..=130).contains(&shared), "the two heavy devices share {shared} partitions");
}

#[test]
fn too_few_devices_are_refused_and_the_builder_is_unchanged() {
    let mut builder = empty(4, 3, 1);
    builder.add_device(device(1, 1, 1, 1, 100)).unwrap();
    builder.add_device(device(1, 1, 1, 2, 0)).unwrap();
    let refused = builder.rebalance(0, 1).unwrap_err();
    assert_eq!(refused, RingError::TooFewDevices { replicas: 3, devices: 1 });
    assert_eq!(builder.ring().unwrap_err(), RingError::NotBalanced);
}

#[test]
fn every_partition_of_the_hash_space_has_its_column() {
    let mut builder = empty(5, 1, 1);
    builder.add_device(device(1, 1, 1, 1, 100)).unwrap();
    builder.rebalance(0, 1).unwrap();
    let ring = builder.ring().unwrap();
    let secret = HashSecret::new("", "changeme");
    for number in 0..500 {
        let partition = ring.partition(&secret, "a", Some("c"), Some(&number.to_string()));
        assert_eq!(ring.primaries(partition).len(), 1);
    }
}
