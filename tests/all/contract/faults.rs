//! Crashes, lost power and cut links, in the world that has them.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::topology::HostKey;
use stayput_host::{Batch, Host, Label, Purpose, Time};
use stayput_world::fault::kinds::{Crash, NetworkPartition, Power};
use stayput_world::fault::{FaultKind, Sides};
use stayput_world::{Effects, Fault, FaultInjection, RunMeters, WireMeters};

use stayput_testkit::world::{Probe, add, address, fabric};

const LABEL: Label = Label::body(Purpose::ObjectData);

fn after(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn fault(at_ms: u64, lasts_ms: u64, kind: FaultKind) -> Fault {
    Fault::once(after(at_ms), Duration::from_millis(lasts_ms), kind)
}

/// Host 0 listens and holds what connects; host 1 connects, then reads until something happens or 3
/// s are over.
fn what_a_reader_sees(kind: FaultKind) -> (Result<io::Result<Bytes>, ()>, Effects) {
    let world = &mut *fabric();
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(1)).await;
            let mut stream = host.connect(address(0, 80)).await.expect("it listens");
            let read = poll_fn(|cx| stream.poll_read(cx, 10));
            let seen = host.timeout(Duration::from_secs(3), read).await;
            finding.set(seen.map_err(|_| ()));
        }
    });
    let id = world.schedule(fault(100, 10_000, kind)).expect("the host exists");
    (found.wait(world), world.effects(id))
}

#[test]
fn a_crash_resets_the_connections_of_its_peers() {
    let (seen, effects) = what_a_reader_sees(FaultKind::process(HostKey(0), Crash));
    let error = seen.expect("it hears of it").expect_err("nothing was sent");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(effects.bit(), "{effects:?}");
}

#[test]
fn a_loss_of_power_is_silent() {
    let (seen, effects) = what_a_reader_sees(FaultKind::process(HostKey(0), Power));
    assert!(seen.is_err(), "it heard {seen:?}");
    assert!(effects.bit(), "{effects:?}");
}

/// Writes one synced and one unsynced file at its first start, and reports what is there at its
/// second.
async fn write_then_look(host: Host, starts: Rc<Cell<u32>>, found: Probe<Vec<String>>) {
    let disk = host.disk("d1").expect("the host has it");
    starts.set(starts.get() + 1);
    if starts.get() == 2 {
        found.set(disk.list("d").await.expect("it can be read"));
        return;
    }
    for (path, synced) in [("d/synced", true), ("e/unsynced", false), ("d/unsynced", false)] {
        let file = disk.create(path).await.expect("it is new");
        file.append(Bytes::from_static(b"data")).await.expect("there is room");
        if synced {
            file.sync().await.expect("it can be synced");
            disk.sync_dir("d").await.expect("it can be synced");
        }
    }
    host.sleep_until(Time::MAX).await;
}

fn what_survives(kind: FaultKind) -> Vec<String> {
    let world = &mut *fabric();
    let (found, starts) = (Probe::new(), Rc::new(Cell::new(0)));
    let finding = found.clone();
    add(world, 0, move |host| write_then_look(host, Rc::clone(&starts), finding.clone()));
    world.schedule(fault(100, 50, kind)).expect("the host exists");
    found.wait(world)
}

#[test]
fn what_was_not_synced_survives_a_crash_of_the_process() {
    assert_eq!(what_survives(FaultKind::process(HostKey(0), Crash)), ["synced", "unsynced"]);
}

#[test]
fn what_was_not_synced_is_lost_with_the_power() {
    assert_eq!(what_survives(FaultKind::process(HostKey(0), Power)), ["synced"]);
}

/// Host 0 sends 64 KiB every 10 ms to host 1 over one connection.
fn what_is_counted(
    one_way: bool,
    from: u32,
    to: u32,
) -> (stayput_world::LedgerTotals, u64, Effects) {
    // Longer than a sender's patience.
    let world = &mut *fabric();
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(1)).await;
            let mut stream = host.connect(address(1, 80)).await.expect("it listens");
            let data = vec![1; 65_536];
            loop {
                let write = poll_fn(|cx| stream.poll_write(cx, &data, LABEL));
                match host.timeout(Duration::from_secs(30), write).await {
                    Ok(Ok(_)) => host.sleep(Duration::from_millis(10)).await,
                    Ok(Err(error)) => return finding.set(error.kind()),
                    Err(_) => panic!("a frozen connection is reset before 30 s are over"),
                }
            }
        }
    });
    add(world, 1, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        while poll_fn(|cx| stream.poll_read(cx, 100_000)).await.is_ok_and(|data| !data.is_empty()) {
        }
    });
    let kind = FaultKind::ways(
        Sides::between(vec![HostKey(from)], vec![HostKey(to)], one_way),
        NetworkPartition,
    );
    let id = world.schedule(fault(200, 8_000, kind)).expect("the hosts exist");
    assert_eq!(found.wait(world), io::ErrorKind::ConnectionReset);
    let in_flight = world.in_flight();
    (world.ledger().totals(), in_flight, world.effects(id))
}

#[test]
fn what_is_sent_is_delivered_dropped_or_in_flight() {
    for (one_way, from, to) in [(false, 0, 1), (true, 0, 1), (true, 1, 0)] {
        let (totals, in_flight, effects) = what_is_counted(one_way, from, to);
        assert_eq!(totals.payload, totals.delivered + totals.dropped + in_flight);
        assert!(totals.delivered > 0, "it worked before");
        assert!(effects.bit(), "{from} > {to}: {effects:?}");
    }
}

#[test]
fn a_cut_of_the_other_direction_drops_acknowledgements_and_no_data() {
    let (totals, _, effects) = what_is_counted(true, 1, 0);
    assert_eq!(totals.dropped, 0);
    assert_eq!(effects.counts().keys().copied().collect::<Vec<_>>(), ["dropped_acknowledgements"]);
}

#[test]
fn a_connection_made_after_the_heal_works() {
    let world = &mut *fabric();
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let _held = listener.accept().await;
        host.sleep_until(Time::MAX).await;
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(1)).await;
            let connect = || host.timeout(Duration::from_millis(500), host.connect(address(0, 80)));
            let during = connect().await.is_ok();
            let after = connect().await.is_ok_and(|connected| connected.is_ok());
            finding.set((during, after));
        }
    });
    let kind = FaultKind::ways(
        Sides::between(vec![HostKey(0)], vec![HostKey(1)], false),
        NetworkPartition,
    );
    let id = world.schedule(fault(0, 100, kind)).expect("the hosts exist");
    assert_eq!(found.wait(world), (false, true));
    assert!(world.effects(id).bit());
}

#[test]
fn a_fault_that_names_no_host_is_refused() {
    let world = &mut *fabric();
    assert!(world.schedule(fault(0, 1, FaultKind::process(HostKey(7), Crash))).is_err());
}

/// Commits pairs of keys until it is cut off; at its second start it reports how many of each there
/// are.
async fn commit_pairs(
    host: Host,
    acknowledged: Rc<Cell<u32>>,
    starts: Rc<Cell<u32>>,
    found: Probe<(usize, usize)>,
) {
    let disk = host.disk("d1").expect("the host has it");
    starts.set(starts.get() + 1);
    if starts.get() == 2 {
        let count = async |from: &[u8], to: &[u8]| {
            disk.scan(from, to, usize::MAX).await.expect("it can be read").len()
        };
        return found.set((count(b"a", b"b").await, count(b"b", b"c").await));
    }
    for number in 0_u32.. {
        let mut batch = Batch::new();
        for side in ["a", "b"] {
            batch.put(format!("{side}{number}"), Bytes::from_static(b"value"));
        }
        disk.commit(batch).await.expect("there is room");
        acknowledged.set(number + 1);
    }
}

#[test]
fn a_batch_is_in_the_table_whole_or_not_at_all_and_stays_once_acknowledged() {
    for micros in [100_000, 100_033, 100_050, 100_099] {
        for kind in [FaultKind::process(HostKey(0), Crash), FaultKind::process(HostKey(0), Power)] {
            let world = &mut *fabric();
            let (found, acknowledged) = (Probe::new(), Rc::new(Cell::new(0)));
            let (finding, counting, starts) =
                (found.clone(), Rc::clone(&acknowledged), Rc::new(Cell::new(0)));
            add(world, 0, move |host| {
                commit_pairs(host, Rc::clone(&counting), Rc::clone(&starts), finding.clone())
            });
            let at = Time::ZERO + Duration::from_micros(micros);
            let fault = Fault::once(at, Duration::from_millis(50), kind);
            world.schedule(fault).expect("the host exists");
            let (a, b) = found.wait(world);
            assert_eq!(a, b, "half a batch");
            assert!(acknowledged.get() > 100, "it was cut off in the middle of its work");
            assert!(a >= acknowledged.get() as usize, "an acknowledged batch is gone");
        }
    }
}
