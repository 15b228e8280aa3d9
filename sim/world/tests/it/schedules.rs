//! Random schedules of faults: bytes arrive whole or not at all, the books balance, all ends.

use stayput_host::{Backend, RunEnd};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_world::fault::kinds::{
    Crash, FullDisk, Latency, Loss, NetworkPartition, Power, ReadErrors, SlowDisk, Throttle,
};
use stayput_world::fault::{Fault, FaultKind, Repeat, Sides};
use stayput_world::{ExecutorMeters, FaultInjection, RunMeters, WireMeters};

use crate::support::{LIMIT, at, ms, network, pattern, rate, transfers, world};

/// All faults are over by then.
const MENDED_MS: u64 = 4_000;

fn hosts() -> impl Strategy<Value = Vec<HostKey>> {
    vec((0..4_u32).prop_map(HostKey), 1..3)
}

fn sides() -> impl Strategy<Value = Sides<HostKey>> {
    (hosts(), prop::option::of(hosts()), any::<bool>()).prop_map(|(from, to, one_way)| Sides {
        from,
        to,
        one_way,
    })
}

fn host() -> impl Strategy<Value = HostKey> {
    (0..4_u32).prop_map(HostKey)
}

fn chance() -> impl Strategy<Value = Chance> {
    (1..=30_u32).prop_map(|percent| {
        Chance::per_billion(percent * (Chance::BILLION / 100)).expect("below all")
    })
}

fn throttle() -> impl Strategy<Value = Throttle> {
    (100_000_u64..5_000_000).prop_map(|bytes| Throttle { rate: rate(bytes) })
}

fn kind() -> impl Strategy<Value = FaultKind> {
    prop_oneof![
        sides().prop_map(|sides| FaultKind::ways(sides, NetworkPartition)),
        (sides(), 1..500_u64)
            .prop_map(|(sides, added)| FaultKind::ways(sides, Latency { added: ms(added) })),
        (sides(), chance()).prop_map(|(sides, chance)| FaultKind::ways(sides, Loss { chance })),
        (host(), throttle()).prop_map(|(host, throttle)| FaultKind::card(host, throttle)),
        (host(), host(), throttle())
            .prop_map(|(a, b, throttle)| FaultKind::trunk([a, b], throttle)),
        host().prop_map(|host| FaultKind::process(host, Crash)),
        host().prop_map(|host| FaultKind::process(host, Power)),
        (host(), 2..50_u32).prop_map(|(host, factor)| {
            FaultKind::disk(host, None, SlowDisk { factor: NonZeroU32::new(factor).expect("≥ 2") })
        }),
        host().prop_map(|host| FaultKind::disk(host, Some("d1"), FullDisk)),
        (host(), chance()).prop_map(|(host, chance)| FaultKind::disk(
            host,
            None,
            ReadErrors { chance }
        )),
    ]
}

/// Any fault that is over by [`MENDED_MS`], the hosts' or the network's.
pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    let times = prop::option::of((1..4_u32, 0..200_u64));
    (0..MENDED_MS / 2, 1..MENDED_MS / 8, times, kind()).prop_map(|(begin, lasts, times, kind)| {
        let repeat = times.map(|(times, rest)| Repeat { every: ms(lasts + rest), times });
        Fault { at: at(begin), lasts: ms(lasts), repeat, kind }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_whole_and_in_order_or_not_at_all_and_the_ledger_balances(
        faults in vec(fault(), 0..7),
        pairs in vec((0..4_u8, 0..4_u8, 0..1_500_000_usize), 1..5),
        begin in 0..1_000_u64,
    ) {
        let mut world = world(network());
        let begun = transfers(&mut world, ms(begin), &pairs);
        for fault in faults {
            world.schedule(fault).expect("it can happen");
        }
        for step in 1..20 {
            world.run(&mut || false, at(step * MENDED_MS / 10));
            let (totals, in_flight) = (world.ledger().totals(), world.in_flight());
            prop_assert_eq!(totals.payload, totals.delivered + totals.dropped + in_flight);
        }
        world.run(&mut || false, LIMIT);
        prop_assert_eq!(world.in_flight(), 0);
        for (transfer, (_, _, bytes)) in begun.iter().zip(&pairs) {
            if transfer.received.is_set() {
                let (data, _) = transfer.received.wait(&mut world);
                if let Ok(data) = data {
                    prop_assert_eq!(&data, &pattern(*bytes));
                }
            }
        }
    }

    #[test]
    fn a_schedule_runs_the_same_twice(faults in vec(fault(), 1..6)) {
        let hash = || {
            let mut world = world(network());
            let _begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 400_000), (3, 1, 400_000)]);
            let ids: Vec<_> =
                faults.iter().map(|f| world.schedule(f.clone()).expect("it can happen")).collect();
            world.run(&mut || false, at(2 * MENDED_MS));
            let effects: Vec<_> = ids.iter().map(|id| world.effects(*id)).collect();
            (world.trace().hash(), world.schedule_hash(), effects)
        };
        prop_assert_eq!(hash(), hash());
    }

    #[test]
    fn after_all_faults_the_world_is_as_before_them(faults in vec(fault(), 1..6)) {
        let took = |faults: Vec<Fault>| {
            let mut world = world(network());
            let begun = transfers(&mut world, ms(20_000), &[(0, 2, 300_000)]);
            for fault in faults {
                world.schedule(fault).expect("it can happen");
            }
            let (data, when) = begun[0].received.wait(&mut world);
            prop_assert_eq!(data.expect("all is mended"), pattern(300_000));
            Ok(when)
        };
        prop_assert_eq!(took(faults)?, took(Vec::new())?);
    }
}

#[test]
fn a_world_without_work_is_stuck_at_once_after_its_last_fault() {
    let mut world = world(network());
    let _begun = transfers(&mut world, Duration::ZERO, &[]);
    let kind = FaultKind::process(HostKey(0), Crash);
    world.schedule(Fault::once(at(10), ms(20), kind)).expect("the host exists");
    assert_eq!(world.run(&mut || false, LIMIT), RunEnd::Stuck);
    assert_eq!(world.now(), at(30));
}
