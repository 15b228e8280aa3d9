//! Use of hosts' parts: busy times of cores and disks, bytes by host, and what the
//! executor did.
//!
//! Leaves out the times themselves, which are the models' tests'.

use std::any::Any;
use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use stayput_engine::plan::Net;
use stayput_engine::record::HostUse;
use stayput_engine::record::PolicyRecord;
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Policy;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, ComputeWork, Host, SpentFuel, Time};
use stayput_testkit::scenario::SmallScenario;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::Crash;
use stayput_world::{Fault, FaultInjection, HostBusy, PartMeters};

use stayput_testkit::world::{add, fabric, turmoil};

/// A job on little data, on machines that start a session in no time that counts.
const SETTINGS: [(&str, &str); 11] = [
    ("cluster.devices_per_node", "2"),
    ("cluster.part_power", "4"),
    ("cluster.workers", "1"),
    ("cluster.clients", "2"),
    ("node.cores", "3"),
    ("node.nic", "8 Gbit/s"),
    ("node.start", "0us"),
    ("node.compile", "1000 TB/s"),
    ("data.1.count", "4"),
    ("work.1.pick", "uniform"),
    ("work.1.runs", "12"),
];

fn run(net: Net, policy: Policy) -> PolicyRecord {
    let set = |scenario: SmallScenario, (key, value): &(&str, &str)| scenario.set(key, value);
    let scenario = SETTINGS.iter().fold(SmallScenario::banana(), set);
    let plan = scenario.set("work.1.arrivals", "poisson 50/s").plan(1, net);
    let run = run_policy(&plan, policy, &mut |_| (), Wanted::default());
    run.unwrap_or_else(|error| panic!("{error}"))
}

fn sum(run: &PolicyRecord, of: impl Fn(&HostUse) -> u64) -> u64 {
    run.hosts.iter().map(of).sum()
}

#[test]
fn what_all_hosts_sent_is_the_ledgers_sum() {
    for net in [Net::Fabric, Net::Turmoil] {
        for policy in Policy::DEFAULT {
            let run = run(net, policy);
            assert_eq!(sum(&run, |host| host.sent), run.bytes.payload, "{policy} over {net}");
            let arrived = run.bytes.payload
                - run.bytes.lost.unwrap_or_default()
                - run.bytes.in_flight.unwrap_or_default();
            let received = sum(&run, |host| host.received);
            // What was under way when the first job came is in one figure and not in the other:
            // nothing, in this scenario.
            assert_eq!(received, arrived, "{policy} over {net}");
        }
    }
}

#[test]
fn cores_are_busy_for_the_time_that_the_fuel_takes() {
    for net in [Net::Fabric, Net::Turmoil] {
        for policy in Policy::DEFAULT {
            let run = run(net, policy);
            let busy = sum(&run, |host| host.compute_us);
            // At 1,000 units a microsecond; each host's figure is rounded down.
            let fuel_us = run.fuel / 1_000;
            let rounded = run.hosts.len() as u64;
            assert!(run.fuel > 1_000_000, "{policy} over {net}: nothing was computed");
            assert!(
                (busy..=busy + rounded).contains(&fuel_us),
                "{busy} us for {fuel_us} us of fuel"
            );
        }
    }
}

#[test]
fn no_disk_is_busy_for_longer_than_there_is_time() {
    for net in [Net::Fabric, Net::Turmoil] {
        let run = run(net, Policy::OnStorage);
        // turmoil's world goes on to the end of its millisecond.
        let time_us = u64::try_from(run.makespan.as_micros()).expect("a short run") + 1_000;
        for host in &run.hosts {
            assert!(host.disk_us <= time_us * u64::from(host.disks), "{host:?} over {net}");
            assert!(host.compute_us <= time_us * u64::from(host.cores), "{host:?} over {net}");
            assert_eq!(host.disk_us > 0, host.host.starts_with("node:"), "{host:?} over {net}");
        }
        let names: Vec<&str> = run.hosts.iter().map(|host| host.host.as_str()).collect();
        let expected = [
            "node:1", "node:2", "node:3", "proxy:1", "proxy:2", "worker:1", "client:1", "client:2",
        ];
        assert_eq!(names, expected);
        assert_eq!((run.hosts[0].cores, run.hosts[0].disks), (3, 2));
        assert_eq!(run.hosts[0].nic_bits_per_second, 8_000_000_000);
    }
}

#[test]
fn the_executors_effort_is_the_same_for_the_same_run() {
    let (first, again) = (run(Net::Fabric, Policy::Download), run(Net::Fabric, Policy::Download));
    let effort = first.effort.expect("the fabric's executor is ours");
    assert!(effort.events > 100 && effort.polls > 100, "{effort:?}");
    assert_eq!(Some(effort), again.effort);
    assert_eq!(first.hosts, again.hosts);
    assert_eq!(run(Net::Turmoil, Policy::Download).effort, None);
}

/// Ten milliseconds on a core.
struct TenMillis;

impl ComputeWork for TenMillis {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(10_000_000)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// When something happens on a second host: a world's time goes on only where something happens.
const TICKS: [u64; 3] = [7, 15, 90];

fn add_ticks(world: &mut dyn Backend) {
    add(world, 1, |host: Host| async move {
        for tick in TICKS {
            host.sleep_until(Time::ZERO + ms(tick)).await;
        }
    });
}

/// Of the first host, at one of the [`TICKS`].
fn busy_at<W: Backend + PartMeters>(world: &mut W, at: Duration) -> HostBusy {
    world.run(&mut || false, Time::ZERO + at);
    world.busy()[0]
}

/// Twice ten milliseconds on a core, once; what restarts does nothing.
fn compute_twice(world: &mut dyn Backend) -> HostKey {
    let begun = Cell::new(false);
    let host = add(world, 0, move |host: Host| {
        let is_first = !begun.replace(true);
        async move {
            for _time in 0..2 {
                if is_first {
                    drop(host.compute(Box::new(TenMillis)).await);
                }
            }
        }
    });
    add_ticks(world);
    host
}

#[test]
fn a_slice_under_way_counts_up_to_now() {
    let mut world = fabric();
    compute_twice(&mut *world);
    assert_eq!(busy_at(&mut *world, ms(7)).cores, ms(7));
    assert_eq!(busy_at(&mut *world, ms(15)).cores, ms(15));
    assert_eq!(busy_at(&mut *world, ms(90)).cores, ms(20));
    let mut world = turmoil();
    compute_twice(&mut *world);
    assert_eq!(busy_at(&mut *world, ms(90)).cores, ms(20));
}

#[test]
fn a_crash_frees_the_core_and_keeps_what_it_did() {
    let mut world = fabric();
    let host = compute_twice(&mut *world);
    let crash = FaultKind::process(host, Crash);
    world.schedule(Fault::once(Time::ZERO + ms(14), ms(5), crash)).expect("it can happen");
    assert_eq!(busy_at(&mut *world, ms(90)).cores, ms(14));
}

#[test]
fn a_disk_that_serves_what_was_queued_counts_up_to_now() {
    let mut world = fabric();
    add(&mut *world, 0, |host: Host| async move {
        let disk = host.disk("d1").expect("the host has it");
        let file = disk.create("f").await.expect("there is room");
        // At 400 MB/s, after a seek of 100 us: 10.1 ms, and 10 ms as it goes on there.
        for _time in 0..2 {
            let data = Bytes::from(vec![1; 4_000_000]);
            file.append(data).await.expect("there is room");
        }
    });
    add_ticks(&mut *world);
    assert_eq!(busy_at(&mut *world, ms(7)).disks, ms(7));
    assert_eq!(busy_at(&mut *world, ms(15)).disks, ms(15));
    assert_eq!(busy_at(&mut *world, ms(90)).disks, Duration::from_micros(20_100));
}
