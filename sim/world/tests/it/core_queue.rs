//! Cores under random work that is given up now and then, against a naive queue.
//!
//! Leaves out crashes, which are in `cores`.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::topology::HostSpec;
use stayput_host::{Backend, Host, Time};
use stayput_world::{PartMeters, RunMeters};

use crate::cores::Millions;
use crate::support::{LIMIT, Probe, add, at, ms, network, spec, world};

/// Work that comes at a time, takes so many millions of fuel (a millisecond each) and overhead, and
/// is given up after so long.
#[derive(Clone, Debug)]
struct Work {
    comes_ms: u64,
    fuel: u64,
    overhead_ms: u64,
    patience: Duration,
}

impl Work {
    fn comes(&self) -> Time {
        at(self.comes_ms)
    }

    fn takes(&self) -> Duration {
        ms(self.fuel + self.overhead_ms)
    }
}

/// End of some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done(Time),
    GivenUp(Time),
}

/// Outcome of all work: its ends, the millions of fuel that were spent, and the cores' busy time.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    ends: Vec<End>,
    fuel: u64,
    busy: Duration,
}

/// First come, first served, on whichever core is free; work that is given up leaves the queue or
/// its core at once. One step for each change, none of which come together.
fn naive(works: &[Work], cores: usize) -> Outcome {
    let mut ends: Vec<Option<End>> = vec![None; works.len()];
    let (mut queue, mut running) = (VecDeque::new(), Vec::<(usize, Time)>::new());
    let (mut fuel, mut busy) = (0, Duration::ZERO);
    let mut arrivals: VecDeque<usize> = (0..works.len()).collect();
    while ends.contains(&None) {
        let gives_up = |work: &usize| works[*work].comes() + works[*work].patience;
        let arrival = arrivals.front().map(|work| works[*work].comes());
        let finish = running.iter().map(|(work, begun)| *begun + works[*work].takes()).min();
        let waiting = queue.iter().chain(running.iter().map(|(work, _)| work));
        let leave = waiting.map(gives_up).min();
        let now = [arrival, finish, leave].into_iter().flatten().min().expect("some is left");
        // An end before an arrival, which would find the core free.
        let is_over = |(work, begun): &(usize, Time)| {
            *begun + works[*work].takes() <= now || gives_up(work) <= now
        };
        for (work, begun) in running.extract_if(.., |run| is_over(run)) {
            let is_done = begun + works[work].takes() <= now;
            ends[work] = Some(if is_done { End::Done(now) } else { End::GivenUp(now) });
            busy += now.since(begun);
        }
        for work in queue.iter().copied().filter(|work| gives_up(work) <= now) {
            ends[work] = Some(End::GivenUp(now));
        }
        queue.retain(|work| ends[*work].is_none());
        while arrivals.front().is_some_and(|work| works[*work].comes() <= now) {
            queue.extend(arrivals.pop_front());
        }
        while running.len() < cores
            && let Some(work) = queue.pop_front()
        {
            fuel += works[work].fuel;
            running.push((work, now));
        }
    }
    Outcome { ends: ends.into_iter().flatten().collect(), fuel, busy }
}

fn simulated(works: &[Work], cores: u32) -> Outcome {
    let mut world = world(network());
    let probes: Vec<Probe<End>> = works.iter().map(|_| Probe::new()).collect();
    let (finding, given) = (probes.clone(), works.to_vec());
    add(&mut world, HostSpec { cores, ..spec(0) }, move |host: Host| {
        for (work, found) in given.iter().cloned().zip(finding.clone()) {
            let task = host.clone();
            host.spawn(async move {
                task.sleep_until(work.comes()).await;
                let (fuel, overhead) = (work.fuel, ms(work.overhead_ms));
                let computed = task.compute(Box::new(Millions { fuel, overhead }));
                let end = task.timeout(work.patience, computed).await;
                let now = task.now();
                found.set(if end.is_ok() { End::Done(now) } else { End::GivenUp(now) });
            });
        }
        async {}
    });
    world.run(&mut || false, LIMIT);
    let ends = probes.iter().map(|end| end.wait(&mut world)).collect();
    let fuel = world.fuel_spent() / 1_000_000;
    Outcome { ends, fuel, busy: world.busy()[0].cores }
}

/// Work in the order of its coming. Each patience ends at a microsecond of its own, so that nothing
/// else comes together with it.
fn works() -> impl Strategy<Value = Vec<Work>> {
    vec((0_u64..40, 0_u64..20, 0_u64..4, 1_u64..80), 1..20).prop_map(|mut works| {
        works.sort_by_key(|work| work.0);
        let work =
            |(nth, (comes_ms, fuel, overhead_ms, patience_ms)): (u64, (u64, u64, u64, u64))| {
                let patience = ms(patience_ms) + Duration::from_micros(nth + 1);
                Work { comes_ms, fuel: fuel + 1, overhead_ms, patience }
            };
        (0..).zip(works).map(work).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn work_is_served_in_the_order_of_its_coming_and_frees_its_core_when_it_is_given_up(
        works in works(), cores in 1_u32..5,
    ) {
        prop_assert_eq!(simulated(&works, cores), naive(&works, cores as usize));
    }
}

#[test]
fn the_naive_queue_agrees_with_a_case_by_hand() {
    let work = |comes_ms, fuel, patience_us| Work {
        comes_ms,
        fuel,
        overhead_ms: 0,
        patience: Duration::from_micros(patience_us),
    };
    // The second gives up in the queue, the third on the core, so that the fourth begins at once.
    let works = [work(0, 10, 90_000), work(1, 5, 2_001), work(2, 50, 20_002), work(3, 4, 90_003)];
    let given_up = |millis, micros| End::GivenUp(at(millis) + Duration::from_micros(micros));
    let last = at(22) + Duration::from_micros(2);
    let ends = vec![End::Done(at(10)), given_up(3, 1), given_up(22, 2), End::Done(last + ms(4))];
    let busy = ms(10) + ms(12) + Duration::from_micros(2) + ms(4);
    assert_eq!(naive(&works, 1), Outcome { ends, fuel: 10 + 50 + 4, busy });
}
