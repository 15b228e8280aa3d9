//! Each kind of fault bites, is over when it ends, and bites beside each other kind.

use std::io;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Batch, Disk, Host, RunEnd, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::{
    Crash, FullDisk, Latency, Loss, NetworkPartition, Power, ReadErrors, SlowDisk, StopDisk,
    Throttle, TornWrites,
};
use stayput_world::fault::{Fault, FaultError, FaultKind, Repeat, Sides, StopPoint};
use stayput_world::{Effects, FaultId, FaultInjection, RunMeters};

use crate::support::{
    GBIT, LIMIT, Probe, Transfer, add, address, at, close, ms, network, pattern, rate, read_to_end,
    spec, transfers, world, write_all,
};

const A: HostKey = HostKey(0);
const B: HostKey = HostKey(2);
const BYTES: usize = 6_000_000;

fn sides(one_way: bool) -> Sides<HostKey> {
    Sides::between(vec![A], vec![B], one_way)
}

fn percent(percent: u32) -> Chance {
    Chance::per_billion(percent * (Chance::BILLION / 100)).expect("at most all")
}

/// The faults of the network between [`A`] and [`B`], each with an effect that it must have.
fn network_faults() -> Vec<(FaultKind, &'static str)> {
    let throttle = Throttle { rate: rate(GBIT / 50) };
    vec![
        (FaultKind::ways(sides(false), NetworkPartition), "dropped_bytes"),
        (FaultKind::ways(sides(true), NetworkPartition), "dropped_bytes"),
        (FaultKind::ways(sides(false), Latency { added: ms(30) }), "delayed_sendings"),
        (FaultKind::ways(sides(true), Loss { chance: percent(5) }), "lost_segments"),
        (FaultKind::card(A, throttle), "throttled_bytes"),
        (FaultKind::card(B, throttle), "throttled_bytes"),
        (FaultKind::trunk([A, B], throttle), "throttled_bytes"),
        (FaultKind::trunk([B, A], throttle), "throttled_bytes"),
    ]
}

fn scheduled(world: &mut Fabric, faults: Vec<Fault>) -> Vec<FaultId> {
    faults.into_iter().map(|fault| world.schedule(fault).expect("it can happen")).collect()
}

fn count(effects: &Effects, name: &str) -> u64 {
    effects.counts().get(name).copied().unwrap_or_default()
}

/// A transfer from [`A`] to [`B`], and another between hosts that no fault names.
fn under(faults: Vec<FaultKind>) -> (Time, Time, Vec<Effects>) {
    let mut world = world(network());
    let begun = transfers(&mut world, ms(10), &[(0, 2, BYTES), (3, 1, BYTES)]);
    let faults = faults.into_iter().map(|kind| Fault::once(at(20), ms(300), kind)).collect();
    let ids = scheduled(&mut world, faults);
    let end = |transfer: &Transfer, world: &mut Fabric| {
        let (data, when) = transfer.received.wait(world);
        assert_eq!(data.expect("it is mended in time"), pattern(BYTES));
        when
    };
    let ends = (end(&begun[0], &mut world), end(&begun[1], &mut world));
    world.run(&mut || false, at(1_000));
    let effects = ids.into_iter().map(|id| world.effects(id)).collect();
    (ends.0, ends.1, effects)
}

#[test]
fn each_network_fault_bites_alone_and_spares_the_others() {
    let (sound, other_sound, _) = under(Vec::new());
    for (kind, effect) in network_faults() {
        let what = format!("{kind:?}");
        let (end, other, effects) = under(vec![kind.clone()]);
        assert!(end > sound + ms(20), "{what}: {end} is no later than {sound}");
        assert!(count(&effects[0], effect) > 0, "{what}: {:?}", effects[0]);
        if !matches!(kind.name(), "throttle") {
            assert_eq!(other, other_sound, "{what} is no matter of other hosts");
        }
    }
}

#[test]
fn network_faults_bite_in_pairs_and_none_hides_the_other() {
    let faults = network_faults();
    for (first, one) in &faults {
        for (second, two) in &faults {
            let (_, _, effects) = under(vec![first.clone(), second.clone()]);
            let cut = |kind: &FaultKind| kind.name() == "partition";
            for (at, other, kind, effect) in [(0, second, first, one), (1, first, second, two)] {
                // Nothing goes over a cut way that could be slowed there.
                if !cut(other) || cut(kind) {
                    assert!(count(&effects[at], effect) > 0, "{kind:?} beside {other:?}");
                }
            }
        }
    }
}

#[test]
fn a_one_way_partition_lets_the_other_way_through() {
    let mut world = world(network());
    let heard = Probe::new();
    let hearing = heard.clone();
    add(&mut world, spec(0), |host: Host| async move {
        let mut listener = host.listen(80).expect("free");
        let (mut stream, _) = listener.accept().await.expect("it listens");
        host.sleep_until(at(50)).await;
        write_all(&mut stream, b"there").await.expect("no reset yet");
        host.sleep_until(Time::MAX).await;
    });
    for index in 1..2 {
        let hearing = hearing.clone();
        add(&mut world, spec(index), move |host: Host| {
            let hearing = hearing.clone();
            async move {
                let mut stream = host.connect(address(HostKey(0), 80)).await.expect("it listens");
                let data = crate::support::read_some(&mut stream, 10).await.expect("no fault");
                hearing.set((data, host.now()));
            }
        });
    }
    let one_way = Sides::between(vec![HostKey(1)], vec![HostKey(0)], true);
    let fault = Fault::once(at(20), ms(200), FaultKind::ways(one_way, NetworkPartition));
    let id = world.schedule(fault).expect("the hosts exist");
    let (data, when) = heard.wait(&mut world);
    assert_eq!(&data[..], b"there");
    assert!(when < at(52), "{when}");
    world.run(&mut || false, at(300));
    assert!(count(&world.effects(id), "dropped_acknowledgements") > 0, "{:?}", world.effects(id));
}

#[test]
fn a_cut_that_lasts_resets_both_ends() {
    let mut world = world(network());
    let begun = transfers(&mut world, ms(10), &[(0, 2, 20 * BYTES)]);
    let kind = FaultKind::ways(sides(false), NetworkPartition);
    scheduled(&mut world, vec![Fault::once(at(50), ms(60_000), kind)]);
    let sent = begun[0].sent.wait(&mut world).expect_err("its patience is over");
    assert_eq!(sent.kind(), io::ErrorKind::ConnectionReset);
    assert!((at(5_000)..at(12_000)).contains(&world.now()), "{}", world.now());
}

#[test]
fn a_crash_resets_peers_at_once_and_a_loss_of_power_leaves_them_waiting() {
    let end = |kind: FaultKind| {
        let mut world = world(network());
        let begun = transfers(&mut world, ms(10), &[(0, 2, 20 * BYTES)]);
        let id = scheduled(&mut world, vec![Fault::once(at(50), ms(60_000), kind)])[0];
        let error = begun[0].sent.wait(&mut world).expect_err("the receiver is gone").kind();
        assert_eq!(error, io::ErrorKind::ConnectionReset);
        (world.now(), world.effects(id))
    };
    let (crashed, effects) = end(FaultKind::process(B, Crash));
    assert!(crashed < at(55), "{crashed}");
    assert_eq!(count(&effects, "reset_connections"), 1, "{effects:?}");
    assert!(count(&effects, "killed_tasks") > 0, "{effects:?}");
    let (dark, effects) = end(FaultKind::process(B, Power));
    assert!((at(5_000)..at(6_000)).contains(&dark), "{dark}");
    assert_eq!(count(&effects, "silenced_connections"), 1, "{effects:?}");
}

#[test]
fn a_host_starts_again_when_the_last_fault_that_keeps_it_down_ends() {
    let mut world = world(network());
    let starts = Rc::new(std::cell::RefCell::new(Vec::new()));
    let started = Rc::clone(&starts);
    add(&mut world, spec(0), move |host: Host| {
        started.borrow_mut().push(host.now());
        async move { host.sleep_until(Time::MAX).await }
    });
    let crash = |from, lasts| Fault::once(at(from), ms(lasts), FaultKind::process(A, Crash));
    let power = |from, lasts| Fault::once(at(from), ms(lasts), FaultKind::process(A, Power));
    let faults = vec![crash(10, 20), power(20, 30), crash(100, 10), crash(105, 50)];
    let ids = scheduled(&mut world, faults);
    world.run(&mut || false, LIMIT);
    assert_eq!(*starts.borrow(), [at(0), at(50), at(155)]);
    assert_eq!(count(&world.effects(ids[1]), "killed_tasks"), 0, "it was down already");
}

#[test]
fn who_connects_to_a_host_that_is_down_is_refused_or_hears_nothing() {
    let seen = |kind: FaultKind| {
        let mut world = world(network());
        add(&mut world, spec(0), |host: Host| async move {
            let mut listener = host.listen(80).expect("free");
            while listener.accept().await.is_ok() {}
        });
        let found = Probe::new();
        let finding = found.clone();
        add(&mut world, spec(1), move |host: Host| {
            let finding = finding.clone();
            async move {
                host.sleep_until(at(50)).await;
                let answer = host.connect(address(A, 80)).await.map(drop).map_err(|e| e.kind());
                finding.set((answer, host.now()));
            }
        });
        let id = world.schedule(Fault::once(at(10), ms(500), kind)).expect("the host exists");
        (found.wait(&mut world), world.effects(id))
    };
    let ((refused, when), effects) = seen(FaultKind::process(A, Crash));
    assert_eq!(refused, Err(io::ErrorKind::ConnectionRefused));
    assert!(when < at(52));
    assert_eq!(count(&effects, "refused_connects"), 1);
    let ((answer, when), effects) = seen(FaultKind::process(A, Power));
    assert_eq!(answer, Ok(()), "the handshake begins again after a second");
    assert!(when > at(1_050), "{when}");
    assert!(count(&effects, "unanswered_connects") > 0);
}

/// Commits, reads and appends until the time is over; counts what failed.
async fn use_disk(host: Host, disk: Rc<dyn Disk>, until: Time) -> (u32, u32) {
    let file = disk.create("file").await.expect("the faults begin later");
    file.append(Bytes::from(vec![1; 1_000])).await.expect("the faults begin later");
    let (mut done, mut failed) = (0, 0);
    while host.now() < until {
        let mut batch = Batch::new();
        batch.put(format!("{done}"), Bytes::from_static(b"row"));
        for result in [disk.commit(batch).await, file.read_at(0, 10).await.map(drop)] {
            if result.is_ok() { done += 1 } else { failed += 1 }
        }
        host.sleep(ms(1)).await;
    }
    (done, failed)
}

fn disk_under(faults: Vec<FaultKind>) -> ((u32, u32), Vec<Effects>) {
    let mut world = world(network());
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        let finding = finding.clone();
        async move {
            let disk = host.disk("d1").expect("the host has it");
            finding.set(use_disk(host, disk, at(500)).await);
        }
    });
    let faults = faults.into_iter().map(|kind| Fault::once(at(100), ms(200), kind)).collect();
    let ids = scheduled(&mut world, faults);
    let counts = found.wait(&mut world);
    (counts, ids.into_iter().map(|id| world.effects(id)).collect())
}

fn disk_faults() -> Vec<(FaultKind, &'static str)> {
    let factor = NonZeroU32::new(20).expect("not zero");
    let errors = ReadErrors { chance: percent(30) };
    let stop = StopDisk { point: StopPoint::Before(3) };
    vec![
        (FaultKind::disk(A, None, SlowDisk { factor }), "delayed_accesses"),
        (FaultKind::disk(A, Some("d1"), FullDisk), "refused_writes"),
        (FaultKind::disk(A, None, errors), "failed_reads"),
        (FaultKind::disk(A, Some("d1"), stop), "stopped_disks"),
    ]
}

#[test]
fn each_disk_fault_bites_alone() {
    let ((sound, none), _) = disk_under(Vec::new());
    assert_eq!(none, 0);
    for (kind, effect) in disk_faults() {
        let ((done, failed), effects) = disk_under(vec![kind.clone()]);
        assert!(count(&effects[0], effect) > 0, "{kind:?}: {effects:?}");
        assert!(done < sound, "{kind:?}: {done} of {sound} accesses");
        let fails = matches!(kind.name(), "full_disk" | "read_errors");
        assert_eq!(failed > 0, fails, "{kind:?}");
    }
}

#[test]
fn disk_faults_bite_in_pairs() {
    for (first, one) in disk_faults() {
        for (second, other) in disk_faults() {
            let (_, effects) = disk_under(vec![first.clone(), second.clone()]);
            // The later of two stops counts.
            if first.name() != "stop_disk" || second.name() != "stop_disk" {
                assert!(count(&effects[0], one) > 0, "{first:?} beside {second:?}: {effects:?}");
            }
            // A stop lets few accesses to what comes after it, and a refused write is no change.
            let stops = first.name() == "stop_disk" || second.name() == "stop_disk";
            if !stops {
                assert!(count(&effects[1], other) > 0, "{second:?} beside {first:?}: {effects:?}");
            }
        }
    }
}

#[test]
fn a_fault_of_another_disk_does_not_bite() {
    let other = FaultKind::disk(A, Some("d2"), FullDisk);
    let ((_, failed), effects) = disk_under(vec![other]);
    assert_eq!(failed, 0);
    assert!(!effects[0].bit());
}

#[test]
fn torn_writes_bite_when_power_is_lost() {
    let torn = || FaultKind::disk(A, None, TornWrites);
    let mut world = world(network());
    add(&mut world, spec(0), |host: Host| async move { host.sleep_until(Time::MAX).await });
    let faults = vec![
        Fault::once(at(10), ms(100), torn()),
        Fault::once(at(200), ms(100), torn()),
        Fault::once(at(50), ms(10), FaultKind::process(A, Power)),
    ];
    let ids = scheduled(&mut world, faults);
    world.run(&mut || false, at(1_000));
    assert_eq!(count(&world.effects(ids[0]), "torn_disks"), 2, "one for each disk");
    assert!(!world.effects(ids[1]).bit(), "no power is lost meanwhile");
}

#[test]
fn a_fault_that_repeats_bites_each_time_and_counts_together() {
    let mut world = world(network());
    add(&mut world, spec(0), |host: Host| async move { host.sleep_until(Time::MAX).await });
    let repeat = Some(Repeat { every: ms(100), times: 4 });
    let kind = FaultKind::process(A, Crash);
    let id = scheduled(&mut world, vec![Fault { at: at(10), lasts: ms(50), repeat, kind }])[0];
    for (until, killed) in [(5, 0), (20, 1), (105, 1), (115, 2), (10_000, 4)] {
        world.run(&mut || false, at(until));
        assert_eq!(count(&world.effects(id), "killed_tasks"), killed, "until {until} ms");
    }
}

#[test]
fn beginnings_are_where_the_repetition_puts_them() {
    let kind = || FaultKind::process(A, Crash);
    let once = Fault::once(at(7), ms(1), kind());
    assert_eq!((once.begins(0), once.begins(1)), (Some(at(7)), None));
    let repeat = Some(Repeat { every: ms(10), times: 3 });
    let fault = Fault { at: at(7), lasts: ms(1), repeat, kind: kind() };
    assert_eq!(
        [0, 1, 2, 3].map(|nth| fault.begins(nth)),
        [Some(at(7)), Some(at(17)), Some(at(27)), None]
    );
}

#[test]
fn faults_that_cannot_happen_are_refused_with_the_reason() {
    let mut world = world(network());
    add(&mut world, spec(0), |_| async {});
    let mut refused = |kind: FaultKind| {
        world.schedule(Fault::once(at(0), ms(10), kind)).expect_err("it cannot happen")
    };
    let nobody = HostKey(7);
    let far = FaultError::NoSuchHost { host: nobody, hosts: 1 };
    assert_eq!(refused(FaultKind::process(nobody, Crash)), far);
    assert_eq!(refused(FaultKind::card(nobody, Throttle { rate: rate(1) })), far);
    assert_eq!(refused(FaultKind::trunk([A, nobody], Throttle { rate: rate(1) })), far);
    assert_eq!(refused(FaultKind::disk(nobody, None, FullDisk)), far);
    let to = Sides::between(vec![A], vec![nobody], false);
    assert_eq!(refused(FaultKind::ways(to, NetworkPartition)), far);
    let no_disk = refused(FaultKind::disk(A, Some("d9"), FullDisk));
    assert_eq!(no_disk.to_string(), "the fault names disk d9, node:1 has 2 disks");
    let repeat = Some(Repeat { every: ms(1), times: 2 });
    let fault = Fault { at: at(0), lasts: ms(2), repeat, kind: FaultKind::disk(A, None, FullDisk) };
    let overlaps = world.schedule(fault).expect_err("it would overlap");
    assert!(matches!(overlaps, FaultError::OverlapsItself { .. }), "{overlaps}");
}

#[test]
fn the_trace_names_kinds_targets_and_parameters() {
    let mut world = world(network());
    for index in 0..4 {
        add(&mut world, spec(index), |_| async {});
    }
    let all = Sides { from: vec![A], to: None, one_way: true };
    let factor = NonZeroU32::new(3).expect("not zero");
    let throttle = Throttle { rate: rate(1_000) };
    let kinds = vec![
        FaultKind::ways(sides(false), Latency { added: ms(1) }),
        FaultKind::ways(all, NetworkPartition),
        FaultKind::ways(sides(true), Loss { chance: percent(1) }),
        FaultKind::card(B, throttle),
        FaultKind::trunk([A, B], throttle),
        FaultKind::process(A, Power),
        FaultKind::disk(B, None, SlowDisk { factor }),
        FaultKind::disk(B, Some("d2"), StopDisk { point: StopPoint::After(4) }),
    ];
    let faults = kinds.into_iter().map(|kind| Fault::once(at(1), ms(1), kind)).collect();
    scheduled(&mut world, faults);
    assert_eq!(world.run(&mut || false, LIMIT), RunEnd::Stuck);
    let lines = String::from_utf8(world.trace().take_lines()).expect("texts");
    for what in [
        "latency node:1 <> node:3 by 1000000 ns",
        "partition node:1 > *",
        "loss node:1 > node:3 of 10000000 ppb",
        "throttle node:3 to 1000 B/s",
        "throttle zone:1 <> zone:2 to 1000 B/s",
        "power node:1",
        "slow_disk node:3/* by 3",
        "stop_disk node:3/d2 at After(4)",
    ] {
        for does in ["begins", "ends"] {
            assert!(lines.contains(&format!("fault {what} {does}\n")), "{what} {does}: {lines}");
        }
    }
}

#[test]
fn a_connection_of_a_mended_network_works_as_before() {
    let mut world = world(network());
    add(&mut world, spec(0), |host: Host| async move {
        let mut listener = host.listen(80).expect("free");
        while let Ok((mut stream, _)) = listener.accept().await {
            let data = read_to_end(&mut stream).await.expect("mended in time");
            write_all(&mut stream, &data).await.expect("mended in time");
            close(&mut stream).await.expect("mended in time");
        }
    });
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(1), move |host: Host| {
        let finding = finding.clone();
        async move {
            let mut times = Vec::new();
            for begin in [0_u64, 100, 2_000] {
                host.sleep_until(at(begin).max(host.now())).await;
                let begun = host.now();
                let mut stream = host.connect(address(A, 80)).await.expect("mended in time");
                write_all(&mut stream, b"echo").await.expect("mended in time");
                close(&mut stream).await.expect("mended in time");
                assert_eq!(read_to_end(&mut stream).await.expect("mended in time"), b"echo");
                times.push(host.now().since(begun));
            }
            finding.set(times);
        }
    });
    let cut = Sides { from: vec![A], to: None, one_way: false };
    scheduled(
        &mut world,
        vec![Fault::once(at(50), ms(300), FaultKind::ways(cut, NetworkPartition))],
    );
    let times: Vec<Duration> = found.wait(&mut world);
    assert_eq!(times[0], times[2]);
    assert!(times[1] > ms(200), "{times:?}");
}
