//! The naive checker finds each kind of violation in a ring that was damaged on purpose.

use serde_json::{Value, json};

use super::super::check::{self, RingViolation};
use super::super::{DeviceId, Partition, Ring};

/// Ring file of part power 1 with devices of `(zone, host, weight)` and these rows of the table.
fn ring(devices: &[(u32, u8, f64)], rows: &Value) -> Ring {
    let devs = devices.iter().enumerate().map(|(id, (zone, host, weight))| {
        json!({
            "id": id, "region": 1, "zone": zone, "ip": format!("10.0.{zone}.{host}"), "port": 6200,
            "device": format!("sd{id}"), "weight": weight, "meta": ""
        })
    });
    let file = json!({
        "devs": devs.collect::<Vec<_>>(), "replica2part2dev_id": rows, "part_shift": 31
    });
    Ring::from_json(file.to_string().as_bytes()).unwrap()
}

#[test]
fn a_sound_ring_has_no_violation() {
    let ring = ring(&[(1, 1, 100.0), (2, 1, 100.0)], &json!([[0, 1], [1, 0]]));
    assert_eq!(check::check(&ring, 0), []);
}

#[test]
fn replicas_of_one_zone_are_too_close_while_another_zone_is_empty() {
    let devices = [(1, 1, 100.0), (1, 2, 100.0), (2, 1, 100.0)];
    let ring = ring(&devices, &json!([[0, 2], [1, 0]]));
    let close =
        RingViolation::Close { partition: Partition(0), found: [1, 1, 2], possible: [1, 2, 2] };
    assert_eq!(check::spread(&ring), std::slice::from_ref(&close));
    assert!(check::check(&ring, 9).contains(&close));
    let message = close.to_string();
    assert!(message.starts_with("partition 0 lies in [1, 1, 2]"), "{message}");
}

#[test]
fn replicas_of_one_host_are_too_close_while_its_zone_has_another() {
    let devices = [(1, 1, 100.0), (1, 1, 100.0), (1, 2, 100.0)];
    let ring = ring(&devices, &json!([[0, 2], [1, 0]]));
    let [violation] = &check::spread(&ring)[..] else { panic!("one partition is too close") };
    let possible = [1, 1, 2];
    assert_eq!(
        *violation,
        RingViolation::Close { partition: Partition(0), found: [1, 1, 1], possible }
    );
}

#[test]
fn one_host_is_no_violation_if_the_other_host_takes_no_data() {
    let devices = [(1, 1, 100.0), (1, 1, 100.0), (1, 2, 0.0)];
    let ring = ring(&devices, &json!([[0, 1], [1, 0]]));
    assert_eq!(check::check(&ring, 0), []);
}

#[test]
fn a_drained_device_that_holds_data_is_named() {
    let devices = [(1, 1, 100.0), (1, 2, 0.0), (1, 3, 100.0)];
    let ring = ring(&devices, &json!([[0, 1], [2, 0]]));
    let violations = check::loads(&ring, 9);
    assert!(violations.contains(&RingViolation::NotDrained(DeviceId(1))), "{violations:?}");
}

#[test]
fn a_device_off_its_share_is_named_beyond_the_tolerance_only() {
    // Each of four devices shall hold half of the one replica of two partitions.
    let devices = [(1, 1, 100.0), (1, 2, 100.0), (1, 3, 100.0), (1, 4, 100.0)];
    let ring = ring(&devices, &json!([[0, 0]]));
    let share = RingViolation::Share { device: DeviceId(0), held: 2, share: 0.5 };
    assert!(check::loads(&ring, 1).contains(&share), "{:?}", check::loads(&ring, 1));
    assert!(!check::loads(&ring, 2).contains(&share));
}

#[test]
fn a_move_that_evens_out_loads_and_costs_no_spread_is_named() {
    let devices = [(1, 1, 100.0), (2, 1, 100.0), (2, 2, 100.0)];
    // Zone 1 must hold a replica of each partition; zone 2 leaves one of its devices empty.
    let ring = ring(&devices, &json!([[0, 0], [1, 1]]));
    let uneven = |partition| RingViolation::Uneven {
        partition: Partition(partition),
        from: DeviceId(1),
        to: DeviceId(2),
    };
    assert_eq!(check::loads(&ring, 0), [uneven(0), uneven(1)]);
    assert_eq!(check::loads(&ring, 1), [], "a move within the tolerance is not asked for");
}

#[test]
fn a_move_that_costs_spread_is_not_asked_for() {
    let devices = [(1, 1, 1.0), (2, 1, 100.0), (2, 2, 100.0)];
    // The light device is over its share, and no other lies in its zone.
    let ring = ring(&devices, &json!([[0, 0], [1, 2]]));
    assert_eq!(check::loads(&ring, 0), []);
}
