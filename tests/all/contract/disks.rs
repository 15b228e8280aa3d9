//! Slow, full and failing disks, and faults that come again, in the world that has them.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::Chance;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Batch, Disk, DiskError, Host, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::{Crash, FullDisk, ReadErrors, SlowDisk};
use stayput_world::fault::{FaultKind, Repeat};
use stayput_world::{Effects, Fault, FaultError, FaultInjection, Trace};

use stayput_testkit::world::{LIMIT, Probe, add, fabric, network, spec};

const HOST: HostKey = HostKey(0);
/// Bytes that the disk of [`spec`] reads in 10 ms.
const MEGABYTES_5: u64 = 5_000_000;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn slow(factor: u32) -> FaultKind {
    let factor = NonZeroU32::new(factor).expect("not zero");
    FaultKind::disk(HOST, None, SlowDisk { factor })
}

fn errors(percent: u32) -> FaultKind {
    let chance = Chance::per_billion(percent * (Chance::BILLION / 100)).expect("at most all");
    FaultKind::disk(HOST, Some("d1"), ReadErrors { chance })
}

/// Runs `script` on the disk of one host, under faults given with their begin and length in ms;
/// gives what it gives and what each fault did.
fn under<T: 'static, F: Future<Output = T> + 'static>(
    spec: HostSpec,
    faults: Vec<(u64, u64, FaultKind)>,
    script: impl Fn(Host, Rc<dyn Disk>) -> F + 'static,
) -> (T, Vec<Effects>) {
    let mut world = Fabric::new(Seed(1), network(), Trace::default());
    let (found, script) = (Probe::new(), Rc::new(script));
    let finding = found.clone();
    let main = move |host: Host| {
        let (finding, script) = (finding.clone(), Rc::clone(&script));
        Box::pin(async move {
            let disk = host.disk("d1").expect("the host has it");
            finding.set(script(host, disk).await);
        }) as _
    };
    world.add_local_host(spec, Rc::new(main));
    let schedule = |(at, lasts, kind)| {
        world.schedule(Fault::once(Time::ZERO + ms(at), ms(lasts), kind)).expect("it can happen")
    };
    let ids: Vec<_> = faults.into_iter().map(schedule).collect();
    let value = found.wait(&mut world);
    (value, ids.into_iter().map(|id| world.effects(id)).collect())
}

async fn write(disk: &Rc<dyn Disk>, path: &str, bytes: u64) -> Result<(), DiskError> {
    let file = disk.create(path).await?;
    let data = vec![1; usize::try_from(bytes).expect("a few megabytes")];
    file.append(Bytes::from(data)).await
}

/// Time to read a file whole, at each of these times.
async fn reading_times(host: Host, disk: Rc<dyn Disk>, at: &[u64]) -> Vec<Duration> {
    write(&disk, "f", MEGABYTES_5).await.expect("there is room");
    let file = disk.open("f").await.expect("it is there");
    let mut times = Vec::new();
    for at in at {
        host.sleep_until(Time::ZERO + ms(*at)).await;
        let begun = host.now();
        let read = file.read_at(0, MEGABYTES_5).await.expect("the disk works");
        assert_eq!(read.len() as u64, MEGABYTES_5);
        times.push(host.now().since(begun));
    }
    times
}

#[test]
fn a_slow_disk_takes_as_many_times_as_long_and_overlapping_ones_multiply() {
    let faults = vec![(1_000, 2_000, slow(10)), (2_000, 2_000, slow(3))];
    let (times, effects) = under(spec(0), faults, |host, disk| {
        reading_times(host, disk, &[500, 1_100, 2_100, 3_100, 4_100])
    });
    // A seek of 100 us, and 10 ms for the bytes.
    let sound = Duration::from_micros(10_100);
    assert_eq!(times, [sound, sound * 10, sound * 30, sound * 3, sound]);
    for effects in effects {
        assert_eq!(effects.counts().get("delayed_accesses"), Some(&2));
    }
}

#[test]
fn a_full_disk_refuses_what_needs_room_and_gives_what_it_has() {
    let full = FaultKind::disk(HOST, None, FullDisk);
    let faults = vec![(100, 200, full.clone()), (200, 200, full)];
    let (refused, effects) = under(spec(0), faults, |host, disk| async move {
        write(&disk, "old", 1_000).await.expect("there is room");
        let open = disk.create("open").await.expect("there is room");
        let mut row = Batch::new();
        row.put("key", "value");
        disk.commit(row.clone()).await.expect("there is room");
        let mut refused = Vec::new();
        for at in [150, 250, 350, 450] {
            host.sleep_until(Time::ZERO + ms(at)).await;
            let before = open.len();
            let append = open.append(Bytes::from_static(b"more")).await;
            let grew = open.len() - before;
            let mut longer = Batch::new();
            longer.put("key", format!("a longer value at {at}"));
            let committed = disk.commit(longer).await;
            let created = disk.create(&format!("new-{at}")).await.map(drop);
            assert_eq!(append, committed, "all writes alike");
            assert_eq!(append, created, "all writes alike");
            assert_eq!(grew, if append.is_ok() { 4 } else { 0 }, "a refused write does nothing");
            let old = disk.open("old").await.expect("it is there").read_at(0, 9_999).await;
            assert_eq!(old.map(|data| data.len()), Ok(1_000));
            refused.push(append == Err(DiskError::NoSpace));
        }
        let mut fewer = Batch::new();
        fewer.delete("key");
        disk.commit(fewer).await.expect("it needs no room");
        refused
    });
    assert_eq!(refused, [true, true, true, false]);
    for effects in effects {
        assert_eq!(effects.counts().get("refused_writes"), Some(&6));
    }
}

#[test]
fn a_disk_holds_its_capacity_and_removing_makes_room() {
    let mut small = spec(0);
    small.disk.capacity = Some(10_000);
    let (_, effects) = under(small, Vec::new(), |_, disk| async move {
        write(&disk, "a", 6_000).await.expect("there is room");
        write(&disk, "b", 3_990).await.expect("there is room");
        let mut batch = Batch::new();
        batch.put("key", "12345678");
        assert_eq!(disk.commit(batch.clone()).await, Err(DiskError::NoSpace), "11 bytes of 10");
        assert_eq!(disk.get(b"key").await, Ok(None), "a refused batch does nothing");
        disk.rename("b", "a").await.expect("it is there");
        disk.commit(batch).await.expect("the replaced file makes room");
        assert_eq!(write(&disk, "c", 6_000).await, Err(DiskError::NoSpace));
        write(&disk, "d", 5_999).await.expect("there is just so much room");
        disk.remove("a").await.expect("it is there");
        write(&disk, "e", 3_990).await.expect("the removed file makes room");
    });
    assert!(effects.is_empty(), "a disk is full without a fault as well");
}

#[test]
fn reads_fail_as_often_as_the_fault_says_and_only_while_it_lasts() {
    let script = |host: Host, disk: Rc<dyn Disk>| async move {
        write(&disk, "f", 1_000).await.expect("there is room");
        let file = disk.open("f").await.expect("it is there");
        let mut failed = Vec::new();
        for at in [100, 1_000, 9_000] {
            host.sleep_until(Time::ZERO + ms(at)).await;
            let mut count = 0_u64;
            for offset in 0..500 {
                match file.read_at(offset, 1).await {
                    Err(DiskError::Failed { what }) => {
                        assert!(what.contains("node:1/d1"), "{what}");
                        count += 1;
                    }
                    read => assert_eq!(read.map(|data| data.len()), Ok(1)),
                }
            }
            failed.push(count);
        }
        failed
    };
    let (failed, effects) = under(spec(0), vec![(900, 2_000, errors(10))], script);
    assert_eq!((failed[0], failed[2]), (0, 0));
    assert!((30..70).contains(&failed[1]), "{failed:?} of 500 with 10 %");
    assert_eq!(effects[0].counts().get("failed_reads"), Some(&failed[1]));
    let (again, _) = under(spec(0), vec![(900, 2_000, errors(10))], script);
    assert_eq!(failed, again, "the same seed fails the same reads");
}

#[test]
fn a_fault_that_comes_again_is_one_fault() {
    let world = &mut *fabric();
    let (found, starts) = (Probe::new(), Rc::new(Cell::new(0)));
    let finding = found.clone();
    add(world, 0, move |host| {
        starts.set(starts.get() + 1);
        let (finding, starts) = (finding.clone(), starts.get());
        async move {
            if starts == 5 {
                return finding.set(host.now());
            }
            host.sleep_until(Time::MAX).await;
        }
    });
    let fault = Fault {
        at: Time::ZERO + ms(100),
        lasts: ms(50),
        repeat: Some(Repeat { every: ms(1_000), times: 4 }),
        kind: FaultKind::process(HOST, Crash),
    };
    let id = world.schedule(fault).expect("the host exists");
    assert_eq!(found.wait(world), Time::ZERO + ms(3_150), "it restarts after the fourth crash");
    assert_eq!(world.effects(id).counts().get("killed_tasks"), Some(&4));
    world.run(&mut || false, LIMIT);
    assert_eq!(world.effects(id).counts().get("killed_tasks"), Some(&4), "and there is no fifth");
}

#[test]
fn a_disk_that_is_not_there_and_a_fault_over_itself_are_refused() {
    let world = &mut *fabric();
    add(world, 0, |_| async {});
    let at = Time::ZERO;
    let refused =
        world.schedule(Fault::once(at, ms(1), FaultKind::disk(HOST, Some("d9"), FullDisk)));
    assert!(matches!(refused, Err(FaultError::NoSuchDisk { has: 1, .. })), "{refused:?}");
    let repeat = Some(Repeat { every: ms(1), times: 2 });
    let refused = world.schedule(Fault { at, lasts: ms(2), repeat, kind: slow(2) });
    assert!(matches!(refused, Err(FaultError::OverlapsItself { .. })), "{refused:?}");
}
