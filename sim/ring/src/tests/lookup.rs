//! Lookup is Swift's, to the byte. The table was computed with Python's hashlib.

use proptest::prelude::*;

use super::super::{HashSecret, PartPower, Partition, PathHash, Ring, check};
use super::{device, empty};

type Known = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
    [u32; 3],
);

/// Prefix, suffix, account, container, object, hash, partition at part powers 8, 18 and 32.
const KNOWN: &[Known] = &[
    ("", "", "a", None, None, "0639767f3e9eaad729b54037a7e2abf5", [6, 6373, 104429183]),
    ("", "", "a", Some("c"), None, "cedd7c00e3b24d551b38f13c8cd2e791", [206, 211829, 3470621696]),
    (
        "",
        "",
        "a",
        Some("c"),
        Some("o"),
        "8ac2bf59556b61bb5cc521ccb51c200a",
        [138, 142090, 2328018777],
    ),
    (
        "",
        "changeme",
        "AUTH_test",
        Some("demo"),
        Some("logile.txt"),
        "8d49fd07232bc992b104465a68c9ee75",
        [141, 144679, 2370436359],
    ),
    (
        "pre",
        "suf",
        "AUTH_test",
        Some("demo"),
        None,
        "c37368880230e2a426852e7f8d514095",
        [195, 200141, 3279120520],
    ),
    (
        "pre",
        "suf",
        "AUTH_test",
        Some("demo"),
        Some("a/b/ü 1"),
        "7a9875006edf9b8b270d4b2236825b17",
        [122, 125537, 2056811776],
    ),
    (
        "endcap",
        "",
        "AUTH_test",
        None,
        None,
        "634444d77dd24e0ec6006e92fbab8b1d",
        [99, 101649, 1665418455],
    ),
];

fn hash(known: &Known) -> PathHash {
    let (prefix, suffix, account, container, object, ..) = *known;
    HashSecret::new(prefix, suffix).hash_path(account, container, object)
}

#[test]
fn hashes_and_partitions_are_those_of_swift() {
    for known in KNOWN {
        assert_eq!(hash(known).to_string(), known.5);
        for (power, partition) in [8, 18, 32].into_iter().zip(known.6) {
            let power = PartPower::new(power).unwrap();
            assert_eq!(hash(known).partition(power), Partition(partition), "{}", known.5);
        }
    }
}

#[test]
fn a_ring_looks_up_by_its_own_part_power() {
    let ring = ring();
    for known in KNOWN {
        let (prefix, suffix, account, container, object, ..) = *known;
        let secret = HashSecret::new(prefix, suffix);
        assert_eq!(ring.partition(&secret, account, container, object), Partition(known.6[0]));
    }
}

proptest! {
    #[test]
    fn a_greater_part_power_splits_each_partition_in_two(hash: [u8; 16], power in 1_u32..32) {
        let partition = |power| PathHash(hash).partition(PartPower::new(power).unwrap()).0;
        prop_assert_eq!(partition(power + 1) >> 1, partition(power));
        prop_assert!(u64::from(partition(power)) < 1 << power);
    }

    #[test]
    fn names_alone_and_the_slashes_between_them_make_the_hash(
        account in "[a-c/]{1,4}", container in "[a-c/]{1,4}", object in "[a-c/]{1,4}",
    ) {
        let secret = HashSecret::new("pre", "suf");
        let path = format!("{account}/{container}/{object}");
        let whole = secret.hash_path(&path, None, None);
        prop_assert_eq!(secret.hash_path(&account, Some(&container), Some(&object)), whole);
        let other = HashSecret::new("pre/", "suf").hash_path(&path, None, None);
        prop_assert_ne!(other, whole);
    }
}

#[test]
fn a_secret_does_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", HashSecret::new("pre", "suf")), "HashSecret(..)");
}

#[test]
fn a_device_too_light_for_a_partition_is_a_handoff_all_the_same() {
    let mut builder = empty(4, 2, 1);
    for host in 1..=3 {
        builder.add_device(device(1, 1, host, 1, 400)).unwrap();
    }
    builder.add_device(device(1, 1, 4, 1, 1)).unwrap();
    builder.add_device(device(1, 1, 5, 1, 0)).unwrap();
    builder.rebalance(0, 1).unwrap();
    let ring = builder.ring().unwrap();
    for partition in ring.partitions() {
        assert_eq!(check::handoffs(&ring, partition), None);
        let handoffs: Vec<u16> = ring.handoffs(partition).map(|device| device.id.0).collect();
        assert_eq!(handoffs.last(), Some(&4), "the drained device comes last");
    }
}

fn ring() -> Ring {
    let mut builder = empty(8, 2, 1);
    for zone in 1..=3 {
        builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    builder.ring().unwrap()
}
