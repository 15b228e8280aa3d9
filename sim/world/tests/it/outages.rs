//! Crashes and losses of power of one host that overlap: down from the first beginning to the last
//! end, and started anew once.
//!
//! Leaves out what its peers see, which is in `faults`.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, Time};
use stayput_world::fault::kinds::{Crash, Power};
use stayput_world::fault::{Fault, FaultKind};
use stayput_world::{Effects, FaultInjection};

use crate::messages::count;
use crate::support::{add, at, ms, network, spec, world};

/// Later than every outage.
const OVER_MS: u64 = 2_000;

/// Begin and end of an outage in milliseconds, and true if it is a loss of power. Beginnings are
/// even and ends odd, so that no two of them come together.
fn outages() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
    vec((0_u64..300, 0_u64..100, any::<bool>()), 1..8).prop_map(|outages| {
        let even = |(begin, lasts, is_power)| (2 * begin + 2, 2 * (begin + lasts) + 3, is_power);
        outages.into_iter().map(even).collect()
    })
}

/// Union of intervals, in order.
fn union(mut intervals: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    intervals.sort_unstable();
    let mut union: Vec<(u64, u64)> = Vec::new();
    for (begin, end) in intervals {
        match union.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => union.push((begin, end)),
        }
    }
    union
}

fn down(outages: &[(u64, u64, bool)]) -> Vec<(u64, u64)> {
    union(outages.iter().map(|(begin, end, _)| (*begin, *end)).collect())
}

/// Times at which a host starts and at which its task is alive, and the faults' effects.
fn observe(outages: &[(u64, u64, bool)]) -> (Vec<Time>, Vec<Time>, Vec<Effects>) {
    let mut world = world(network());
    let (starts, beats) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let (starting, beating) = (Rc::clone(&starts), Rc::clone(&beats));
    add(&mut world, spec(0), move |host: Host| {
        starting.borrow_mut().push(host.now());
        let beats = Rc::clone(&beating);
        async move {
            loop {
                host.sleep(ms(1)).await;
                beats.borrow_mut().push(host.now());
            }
        }
    });
    let ids: Vec<_> = outages
        .iter()
        .map(|(begin, end, is_power)| {
            let kind = if *is_power {
                FaultKind::process(HostKey(0), Power)
            } else {
                FaultKind::process(HostKey(0), Crash)
            };
            world.schedule(Fault::once(at(*begin), ms(end - begin), kind)).expect("it exists")
        })
        .collect();
    world.run(&mut || false, at(OVER_MS));
    let effects = ids.into_iter().map(|id| world.effects(id)).collect();
    (starts.take(), beats.take(), effects)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_host_is_down_while_any_outage_lasts_and_starts_once_after_the_last(outages in outages()) {
        let (starts, beats, effects) = observe(&outages);
        let down = down(&outages);
        let expected: Vec<Time> =
            [at(0)].into_iter().chain(down.iter().map(|(_, end)| at(*end))).collect();
        prop_assert_eq!(starts, expected);
        // It beats a millisecond after it started and so on, and never while it is down.
        let is_up = |time: u64| !down.iter().any(|(begin, end)| (*begin..=*end).contains(&time));
        let alive: Vec<Time> = (1..=OVER_MS).filter(|time| is_up(*time)).map(at).collect();
        let early: Vec<Time> = beats.into_iter().filter(|beat| *beat <= at(OVER_MS)).collect();
        // At the instant of a fault's beginning either may come first.
        let begins = |time: &Time| down.iter().any(|(begin, _)| at(*begin) == *time);
        let settled = |times: Vec<Time>| -> Vec<Time> {
            times.into_iter().filter(|time| !begins(time)).collect()
        };
        prop_assert_eq!(settled(early), settled(alive));
        // Only an outage that finds the host up has a task to kill.
        for ((begin, _, _), effects) in outages.iter().zip(&effects) {
            let first = down.iter().any(|(down, _)| down == begin);
            let killed = count(effects, "killed_tasks");
            prop_assert!(killed <= u64::from(first), "{killed} at {begin}");
        }
        let killed: u64 = effects.iter().map(|effects| count(effects, "killed_tasks")).sum();
        prop_assert_eq!(killed, down.len() as u64);
    }
}

#[test]
fn the_union_of_intervals_joins_those_that_touch() {
    assert_eq!(union(vec![(5, 7), (1, 3), (3, 4), (6, 6)]), [(1, 4), (5, 7)]);
}
