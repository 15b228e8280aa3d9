//! The naive checker finds a flaw that is planted in any sound ring, and names its place.
//!
//! Leaves out rings whose every figure is written down, which are in `checker`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::check::{self, RingViolation};
use super::super::{Device, DeviceId, Partition, Ring};
use super::{Topology, device, empty, topologies};

/// A device less than one replica off its share after the first rebalance.
const TOLERANCE_PARTS: u64 = 1;

fn sound(topology: &Topology) -> Ring {
    let mut builder = topology.builder(1);
    builder.rebalance(0, topology.seed).unwrap();
    let ring = builder.ring().unwrap();
    assert_eq!(check::check(&ring, TOLERANCE_PARTS), []);
    ring
}

/// The ring with a change of its file.
fn changed(ring: &Ring, change: impl FnOnce(&mut Value)) -> Ring {
    let mut file = serde_json::to_value(ring).unwrap();
    change(&mut file);
    serde_json::from_value(file).unwrap()
}

fn moved(ring: &Ring, partition: Partition, replica: usize, to: DeviceId) -> Ring {
    let column = partition.0 as usize;
    changed(ring, |file| file["replica2part2dev_id"][replica][column] = json!(to.0))
}

/// Distinct regions, zones and hosts, counted pair by pair.
fn distinct(devices: &[&Device]) -> [usize; 3] {
    let same: [fn(&Device, &Device) -> bool; 3] = [
        |a, b| a.region == b.region,
        |a, b| (a.region, a.zone) == (b.region, b.zone),
        |a, b| (a.region, a.zone, a.ip) == (b.region, b.zone, b.ip),
    ];
    same.map(|same| {
        let is_first = |at: &usize| devices[..*at].iter().all(|other| !same(other, devices[*at]));
        (0..devices.len()).filter(is_first).count()
    })
}

/// A move of one replica that brings it closer to the others.
fn closer(ring: &Ring) -> Option<(Partition, usize, DeviceId, [usize; 3])> {
    for partition in ring.partitions() {
        let primaries = ring.primaries(partition);
        let before = distinct(&primaries);
        for replica in 0..primaries.len() {
            for to in ring.devices().filter(|to| primaries.iter().all(|held| held.id != to.id)) {
                let mut then = primaries.clone();
                then[replica] = to;
                let after = distinct(&then);
                if (0..3).any(|level| after[level] < before[level]) {
                    return Some((partition, replica, to.id, after));
                }
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_replica_that_is_moved_closer_to_another_is_found(topology in topologies(4..=6)) {
        prop_assume!(topology.has_data_devices());
        let ring = sound(&topology);
        if let Some((partition, replica, to, found)) = closer(&ring) {
            let violations = check::spread(&moved(&ring, partition, replica, to));
            let named = violations.iter().any(|violation| matches!(
                violation,
                RingViolation::Close { partition: at, found: there, .. }
                    if (*at, *there) == (partition, found)
            ));
            prop_assert!(named, "{violations:?}");
            prop_assert_eq!(violations.len(), 1, "and nothing else is");
        }
    }

    #[test]
    fn a_device_that_holds_data_and_is_to_hold_none_is_found(
        topology in topologies(4..=6), chosen: prop::sample::Index,
    ) {
        prop_assume!(topology.has_data_devices());
        let ring = sound(&topology);
        let holders: Vec<DeviceId> =
            ring.primaries(Partition(3)).iter().map(|device| device.id).collect();
        let id = holders[chosen.index(holders.len())];
        let drained = changed(&ring, |file| file["devs"][usize::from(id.0)]["weight"] = json!(0));
        let violations = check::loads(&drained, TOLERANCE_PARTS);
        prop_assert!(violations.contains(&RingViolation::NotDrained(id)), "{violations:?}");
    }

    #[test]
    fn a_device_with_more_than_its_share_is_found_beyond_the_tolerance_and_not_within_it(
        zones in 4_usize..8, extra in 0_u64..8, tolerance in 1_u64..5, seed: u64,
    ) {
        let mut builder = empty(6, 3, 1);
        for zone in 1..=zones {
            builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
        }
        builder.rebalance(0, seed).unwrap();
        let mut ring = builder.ring().unwrap();
        let (from, to) = (DeviceId(0), DeviceId(1));
        for _ in 0..extra {
            let holds = |partition: Partition, id| {
                ring.primaries(partition).iter().position(|device| device.id == id)
            };
            let fits = |partition: &Partition| holds(*partition, to).is_none();
            let free = ring.partitions().filter(fits);
            let at = free.filter_map(|at| holds(at, from).map(|replica| (at, replica))).next();
            let (partition, replica) = at.expect("few replicas are moved");
            ring = moved(&ring, partition, replica, to);
        }
        let held = ring.partitions().filter(|partition| {
            ring.primaries(*partition).iter().any(|device| device.id == to)
        });
        let (held, share) = (held.count() as f64, 64.0 * 3.0 / zones as f64);
        let violations = check::loads(&ring, tolerance);
        let named = violations.iter().any(|violation| {
            matches!(violation, RingViolation::Share { device, .. } if *device == to)
        });
        prop_assert_eq!(named, held - share > tolerance as f64, "{} held, share {}", held, share);
    }
}
