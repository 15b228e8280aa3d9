//! Cores: virtual time of fuel, queues, and what a crash makes of work.

use std::any::Any;
use std::time::Duration;

use stayput_host::topology::HostKey;
use stayput_host::{Backend, ComputeWork, Host, RunEnd, SpentFuel, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::Crash;
use stayput_world::fault::{Fault, FaultKind};
use stayput_world::{FaultInjection, PartMeters, RunMeters};

use crate::support::{LIMIT, Probe, add, at, ms, network, spec, world};

/// Work of so many million units of fuel: a millisecond each on a core of [`spec`].
pub(crate) struct Millions {
    pub(crate) fuel: u64,
    pub(crate) overhead: Duration,
}

impl ComputeWork for Millions {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(self.fuel * 1_000_000)
    }

    fn overhead(&mut self) -> Duration {
        self.overhead
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn millions(fuel: u64) -> Box<dyn ComputeWork> {
    Box::new(Millions { fuel, overhead: Duration::ZERO })
}

/// Ends of work that is begun together on two cores.
fn ends(works: Vec<(u64, Duration)>) -> Vec<Time> {
    let mut world = world(network());
    let found: Vec<Probe<Time>> = works.iter().map(|_| Probe::new()).collect();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        for ((fuel, overhead), found) in works.iter().copied().zip(finding.clone()) {
            let task = host.clone();
            host.spawn(async move {
                task.compute(Box::new(Millions { fuel, overhead })).await;
                found.set(task.now());
            });
        }
        async {}
    });
    found.iter().map(|end| end.wait(&mut world)).collect()
}

#[test]
fn fuel_takes_its_time_and_overhead_comes_on_top() {
    assert_eq!(ends(vec![(3, Duration::ZERO), (3, ms(2))]), [at(3), at(5)]);
}

#[test]
fn the_third_waits_for_the_first_of_two_cores() {
    let works = [5, 2, 4, 1].map(|fuel| (fuel, Duration::ZERO)).to_vec();
    assert_eq!(ends(works), [at(5), at(2), at(6), at(6)]);
}

#[test]
fn cores_are_busy_for_as_long_as_they_work_and_fuel_is_counted_once() {
    let mut world = world(network());
    add(&mut world, spec(1), |host: Host| async move { host.sleep_until(at(5)).await });
    add(&mut world, spec(0), |host: Host| async move {
        host.compute(millions(7)).await;
        host.sleep(ms(100)).await;
        host.compute(millions(3)).await;
    });
    world.run(&mut || false, at(5));
    let cores = |world: &Fabric| world.busy()[1].cores;
    assert_eq!(cores(&world), ms(5), "in the middle of the first");
    assert_eq!(world.run(&mut || false, LIMIT), RunEnd::Stuck);
    assert_eq!(cores(&world), ms(10));
    assert_eq!(world.fuel_spent(), 10_000_000);
}

#[test]
fn a_crash_frees_the_cores_and_keeps_the_count_of_what_was_lost() {
    let mut world = world(network());
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        let finding = finding.clone();
        async move {
            host.compute(millions(50)).await;
            finding.set(host.now());
        }
    });
    let crash = FaultKind::process(HostKey(0), Crash);
    world.schedule(Fault::once(at(20), ms(10), crash)).expect("the host exists");
    assert_eq!(found.wait(&mut world), at(80), "it begins anew at 30 ms");
    assert_eq!(world.fuel_spent(), 100_000_000, "what was lost counts");
    assert_eq!(world.busy()[0].cores, ms(70));
}

#[test]
fn hosts_compute_side_by_side() {
    let mut world = world(network());
    let found: Vec<Probe<Time>> = (0..4).map(|_| Probe::new()).collect();
    for (index, found) in (0..4).zip(&found) {
        let finding = found.clone();
        add(&mut world, spec(index), move |host: Host| {
            let finding = finding.clone();
            async move {
                host.compute(millions(9)).await;
                finding.set(host.now());
            }
        });
    }
    for end in &found {
        assert_eq!(end.wait(&mut world), at(9));
    }
}
