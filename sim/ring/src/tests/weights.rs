//! Loads by weight: exact shares of flat clusters against a naive computation, and what a change of
//! weights may and may not do.
//!
//! Leaves out nested failure domains, which the naive checker judges.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{DeviceId, Ring, RingBuilder, Weight};
use super::{REST_HOURS, device, empty, settle, topologies};

const PART_POWER: u32 = 7;
const PARTITIONS: f64 = 128.0;

/// Builder of a cluster with one device in each zone.
fn flat(weights: &[u16], replicas: u32) -> RingBuilder {
    let mut builder = empty(PART_POWER, replicas, 1);
    for (zone, weight) in weights.iter().enumerate() {
        builder.add_device(device(1, zone + 1, 1, 1, *weight)).unwrap();
    }
    builder
}

/// Replicas on each device.
fn held(ring: &Ring) -> Vec<u64> {
    let mut held =
        vec![0; ring.devices().map(|device| usize::from(device.id.0) + 1).max().unwrap()];
    for partition in ring.partitions() {
        ring.primaries(partition).iter().for_each(|device| held[usize::from(device.id.0)] += 1);
    }
    held
}

/// Replicas of one partition on each device: by weight, but none more than one. Whoever would have
/// more is given one, and the others share the rest.
fn shares(weights: &[u16], replicas: u32) -> Vec<f64> {
    let mut full = vec![false; weights.len()];
    loop {
        let open = weights.iter().zip(&full).filter(|(_, full)| !**full);
        let total: f64 = open.map(|(weight, _)| f64::from(*weight)).sum();
        let left = f64::from(replicas) - full.iter().filter(|full| **full).count() as f64;
        let share = |weight: u16| left * f64::from(weight) / total;
        let over = |at: &usize| !full[*at] && share(weights[*at]) > 1.0;
        match (0..weights.len()).filter(over).max_by_key(|at| weights[*at]) {
            Some(at) => full[at] = true,
            None => {
                let of = |(weight, full): (&u16, &bool)| if *full { 1.0 } else { share(*weight) };
                return weights.iter().zip(&full).map(of).collect();
            }
        }
    }
}

/// Weights of a flat cluster, and a number of replicas that it has devices for.
fn clusters() -> impl Strategy<Value = (Vec<u16>, u32, u64)> {
    (vec(1_u16..=400, 1..12), 1_u32..=5, any::<u64>()).prop_map(|(weights, replicas, seed)| {
        let most = u32::try_from(weights.len()).unwrap();
        (weights, replicas.min(most), seed)
    })
}

fn settled(mut builder: RingBuilder, seed: u64) -> (RingBuilder, Vec<u64>) {
    settle(&mut builder, REST_HOURS, seed);
    let held = held(&builder.ring().unwrap());
    (builder, held)
}

fn set(builder: &mut RingBuilder, at: usize, weight: u16) {
    let id = DeviceId(u16::try_from(at).unwrap());
    builder.set_weight(id, Weight::new(f64::from(weight)).unwrap()).unwrap();
}

#[test]
fn the_naive_shares_agree_with_cases_by_hand() {
    assert_eq!(shares(&[100, 300], 1), [0.25, 0.75]);
    assert_eq!(shares(&[100, 300], 2), [1.0, 1.0]);
    // The heavy one takes a replica of each partition, and the light ones share the other.
    assert_eq!(shares(&[100, 900, 300], 2), [0.25, 1.0, 0.75]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_device_holds_its_share_to_the_replica((weights, replicas, seed) in clusters()) {
        let mut builder = flat(&weights, replicas);
        builder.rebalance(0, seed).unwrap();
        let held = held(&builder.ring().unwrap());
        prop_assert_eq!(held.iter().sum::<u64>(), 128 * u64::from(replicas));
        for (held, share) in held.iter().zip(shares(&weights, replicas)) {
            let off = (*held as f64 - share * PARTITIONS).abs();
            prop_assert!(off < 1.0 + 1e-6, "{held}, share {}", share * PARTITIONS);
        }
    }

    #[test]
    fn weights_count_by_their_ratios_alone(topology in topologies(4..=7), doublings in 1_i32..8) {
        prop_assume!(topology.has_data_devices());
        let assignment = |factor: f64| {
            let mut builder = topology.builder(1);
            let weights: Vec<(DeviceId, f64)> =
                builder.devices().map(|device| (device.id, device.weight.get())).collect();
            for (id, weight) in weights {
                builder.set_weight(id, Weight::new(weight * factor).unwrap()).unwrap();
            }
            builder.rebalance(0, topology.seed).unwrap();
            let ring = builder.ring().unwrap();
            let ids = |partition| ring.primaries(partition).iter().map(|d| d.id).collect::<Vec<_>>();
            ring.partitions().map(ids).collect::<Vec<_>>()
        };
        prop_assert_eq!(assignment(1.0), assignment(2_f64.powi(doublings)));
    }

    #[test]
    fn a_device_that_grows_takes_from_others_and_gives_none_of_them_more(
        (weights, replicas, seed) in clusters(), chosen: prop::sample::Index, more in 1_u16..400,
    ) {
        let grown = chosen.index(weights.len());
        let mut builder = flat(&weights, replicas);
        builder.rebalance(0, seed).unwrap();
        let (mut builder, before) = settled(builder, seed);
        set(&mut builder, grown, weights[grown] + more);
        let (_, after) = settled(builder, seed);
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            // Shares are rounded, and a ring that has changed may be off them.
            let is_fine = if at == grown { after + 2 >= *before } else { *after <= before + 2 };
            prop_assert!(is_fine, "device {at}: {before}, then {after}; {grown} has grown");
        }
    }
}
