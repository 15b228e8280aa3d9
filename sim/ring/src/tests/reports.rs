//! A rebalance reports moves, balance, dispersion and pending replicas as they are.

use proptest::prelude::*;

use super::super::{DeviceId, PartPower, Replicas, Ring, RingBuilder, RingError, Weight};
use super::{device, empty, topologies};

fn held(ring: &Ring, id: u16) -> usize {
    let holds = |partition: &_| ring.primaries(*partition).iter().any(|device| device.id.0 == id);
    ring.partitions().filter(holds).count()
}

#[test]
fn the_first_rebalance_moves_every_replica_and_is_balanced() {
    let mut builder = empty(6, 3, 1);
    for zone in 1..=4 {
        builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
    }
    let report = builder.rebalance(0, 1).unwrap();
    assert_eq!((report.moved_parts, report.pending_parts), (64 * 3, 0));
    assert_eq!((report.balance, report.dispersion), (0.0, 0.0));
}

#[test]
fn a_drained_device_counts_as_swifts_999_99_percent_until_it_is_empty() {
    let mut builder = empty(6, 2, 10);
    for host in 1..=4 {
        builder.add_device(device(1, 1, host, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    builder.set_weight(DeviceId(0), Weight::ZERO).unwrap();
    let early = builder.rebalance(1, 1).unwrap();
    assert_eq!(early.balance, 999.99, "no partition has rested");
    assert_eq!(early.moved_parts, 0);
    assert_eq!(early.pending_parts, 32, "all that it holds");
    let late = builder.rebalance(11, 1).unwrap();
    // A chain may move one replica more than the drained device held.
    assert!((32..=34).contains(&late.moved_parts), "{late:?}");
    assert_eq!(late.pending_parts, 0);
    assert!(late.balance < 5.0, "{late:?}");
    assert_eq!(held(&builder.ring().unwrap(), 0), 0);
}

#[test]
fn spread_comes_before_weights_and_the_balance_shows_it() {
    let mut builder = empty(6, 2, 1);
    builder.add_device(device(1, 1, 1, 1, 100)).unwrap();
    builder.add_device(device(1, 2, 1, 1, 300)).unwrap();
    let report = builder.rebalance(0, 1).unwrap();
    // Each zone holds a replica of each partition: 64 where the weights ask for 32.
    assert_eq!((report.balance, report.dispersion), (100.0, 0.0));
}

#[test]
fn loads_follow_weights_where_the_spread_leaves_them_free() {
    let mut builder = empty(8, 1, 1);
    for (host, weight) in [(1, 100), (2, 200), (3, 100)] {
        builder.add_device(device(1, 1, host, 1, weight)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    let ring = builder.ring().unwrap();
    assert_eq!([0, 1, 2].map(|id| held(&ring, id)), [64, 128, 64]);
}

#[test]
fn partitions_that_lie_too_close_count_as_dispersion_until_they_may_move() {
    let mut builder = empty(6, 2, 10);
    for host in 1..=2 {
        builder.add_device(device(1, 1, host, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    builder.add_device(device(1, 2, 1, 1, 100)).unwrap();
    assert_eq!(builder.rebalance(1, 1).unwrap().dispersion, 100.0);
    let report = builder.rebalance(11, 1).unwrap();
    assert_eq!((report.dispersion, report.moved_parts), (0.0, 64));
}

#[test]
fn a_table_beyond_the_builders_bound_is_refused_by_its_size() {
    let power = PartPower::new(25).unwrap();
    let refused = RingBuilder::new(power, Replicas::new(3).unwrap(), 1).unwrap_err();
    assert_eq!(refused, RingError::TooLarge { entries: 3 << 25, entries_max: 1 << 26 });
    assert!(refused.to_string().contains("lower part power"), "{refused}");
}

#[test]
fn a_device_of_the_same_address_and_name_is_refused() {
    let mut builder = empty(4, 1, 1);
    let id = builder.add_device(device(1, 1, 1, 1, 100)).unwrap();
    let refused = builder.add_device(device(1, 1, 1, 1, 50)).unwrap_err();
    assert!(matches!(refused, RingError::DuplicateDevice { known, .. } if known == id));
    let message = refused.to_string();
    assert!(message.contains("10.1.1.1 port 6200 device sd1 is device 0"), "{message}");
    builder.add_device(device(1, 1, 1, 2, 100)).unwrap();
}

#[test]
fn a_ring_made_before_a_rebalance_has_the_old_assignment_and_the_new_weights() {
    let mut builder = empty(4, 1, 0);
    for host in 1..=2 {
        builder.add_device(device(1, 1, host, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    let before = builder.ring().unwrap();
    builder.set_weight(DeviceId(0), Weight::new(5.0).unwrap()).unwrap();
    let ring = builder.ring().unwrap();
    assert_eq!(ring.device(DeviceId(0)).unwrap().weight.get(), 5.0);
    for partition in ring.partitions() {
        let id = |ring: &Ring| ring.primaries(partition)[0].id;
        assert_eq!(id(&ring), id(&before));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reported_moves_are_the_difference_of_two_rings(topology in topologies(4..=7), seed: u64) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        builder.rebalance(0, topology.seed).unwrap();
        let before = builder.ring().unwrap();
        builder.add_device(device(2, 1, 9, 9, 200)).unwrap();
        let report = builder.rebalance(50, seed).unwrap();
        let after = builder.ring().unwrap();
        let mut moved = 0;
        for partition in after.partitions() {
            let before = before.primaries(partition);
            let after = after.primaries(partition);
            moved += after.iter().filter(|to| before.iter().all(|was| was.id != to.id)).count();
        }
        prop_assert_eq!(report.moved_parts, moved as u64);
    }
}
