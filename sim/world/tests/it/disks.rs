//! The disk model through the seam: time of accesses, room, and what survives.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::DiskConfig;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Batch, Disk, DiskError, Host};
use stayput_world::fault::kinds::{Crash, Power, TornWrites};
use stayput_world::fault::{Fault, FaultKind};
use stayput_world::{FaultInjection, PartMeters};

use crate::support::{Probe, add, at, disk_config, ms, network, spec, world};

const SEEK: Duration = Duration::from_micros(100);

/// Result of `script` on a host's first disk.
fn on_disk<T: 'static, F: Future<Output = T> + 'static>(
    spec: HostSpec,
    script: impl Fn(Host, Rc<dyn Disk>) -> F + 'static,
) -> T {
    let mut world = world(network());
    let found = Probe::new();
    let (finding, script) = (found.clone(), Rc::new(script));
    add(&mut world, spec, move |host: Host| {
        let (finding, script) = (finding.clone(), Rc::clone(&script));
        async move {
            let disk = host.disk("d1").expect("the host has it");
            finding.set(script(host, disk).await);
        }
    });
    found.wait(&mut world)
}

fn bytes(len: usize) -> Bytes {
    Bytes::from(vec![7; len])
}

#[test]
fn a_write_takes_a_seek_and_its_bytes_and_the_next_one_no_seek() {
    let (first, second, third) = on_disk(spec(0), |host, disk| async move {
        let file = disk.create("a").await.expect("there is room");
        let timed = async |data| {
            let begun = host.now();
            file.append(data).await.expect("there is room");
            host.now().since(begun)
        };
        (timed(bytes(500_000)).await, timed(bytes(500_000)).await, timed(bytes(0)).await)
    });
    assert_eq!((first, second, third), (SEEK + ms(1), ms(1), Duration::ZERO));
}

#[test]
fn a_read_seeks_unless_it_goes_on_where_the_last_one_ended() {
    let (first, on, back) = on_disk(spec(0), |host, disk| async move {
        let file = disk.create("a").await.expect("there is room");
        file.append(bytes(3_000_000)).await.expect("there is room");
        let timed = async |offset| {
            let begun = host.now();
            let read = file.read_at(offset, 1_000_000).await.expect("no fault");
            assert_eq!(read.len(), 1_000_000);
            host.now().since(begun)
        };
        (timed(0).await, timed(1_000_000).await, timed(0).await)
    });
    assert_eq!((first, on, back), (SEEK + ms(1), ms(1), SEEK + ms(1)));
}

#[test]
fn accesses_of_one_disk_queue_and_another_disk_is_free() {
    let mut world = world(network());
    let found: Vec<Probe<_>> = (0..3).map(|_| Probe::new()).collect();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        for (name, found) in ["d1", "d1", "d2"].into_iter().zip(finding.clone()) {
            let (disk, task) = (host.disk(name).expect("it is there"), host.clone());
            host.spawn(async move {
                let mut batch = Batch::new();
                batch.put("key", bytes(500_000 - 3));
                disk.commit(batch).await.expect("there is room");
                found.set(task.now().since(stayput_host::Time::ZERO));
            });
        }
        async {}
    });
    let ends: Vec<Duration> = found.iter().map(|end| end.wait(&mut world)).collect();
    let one = SEEK + ms(1);
    assert_eq!(ends, [one, 2 * one, one]);
    assert_eq!(world.busy()[0].disks, 3 * one);
}

#[test]
fn contents_and_rows_share_the_room_and_leave_it_when_they_go() {
    let small = DiskConfig { capacity: Some(1_000), ..disk_config() };
    on_disk(HostSpec { disk: small, ..spec(0) }, |_, disk| async move {
        let file = disk.create("a").await.expect("there is room");
        file.append(bytes(600)).await.expect("there is room");
        let mut rows = Batch::new();
        rows.put("key", bytes(397));
        disk.commit(rows).await.expect("to the last byte");
        assert_eq!(file.append(bytes(1)).await, Err(DiskError::NoSpace));
        let mut smaller = Batch::new();
        smaller.put("key", bytes(97));
        disk.commit(smaller).await.expect("it takes less");
        file.append(bytes(300)).await.expect("there is room again");
        disk.remove("a").await.expect("it is there");
        let other = disk.create("b").await.expect("there is room");
        other.append(bytes(900)).await.expect("the removed file takes none");
    });
}

#[test]
fn files_are_created_once_renamed_over_others_and_read_after_their_removal() {
    on_disk(spec(0), |_, disk| async move {
        let first = disk.create("d/a").await.expect("there is room");
        first.append(Bytes::from_static(b"first")).await.expect("there is room");
        let taken = disk.create("d/a").await.err();
        assert_eq!(taken, Some(DiskError::Exists { path: "d/a".to_owned() }));
        let other = disk.create("d/b").await.expect("there is room");
        other.append(Bytes::from_static(b"other")).await.expect("there is room");
        disk.rename("d/b", "d/a").await.expect("it is there");
        assert_eq!(disk.list("d").await.expect("no fault"), ["a"]);
        let now = disk.open("d/a").await.expect("it is there");
        assert_eq!(&now.read_at(0, 9).await.expect("no fault")[..], b"other");
        assert_eq!(&first.read_at(0, 9).await.expect("it is open")[..], b"first");
        let gone = DiskError::NotFound { path: "d/b".to_owned() };
        assert_eq!(disk.open("d/b").await.err(), Some(gone.clone()));
        assert_eq!(disk.rename("d/b", "d/c").await, Err(gone.clone()));
        assert_eq!(disk.remove("d/b").await, Err(gone));
    });
}

#[test]
fn a_table_is_scanned_in_order_within_bounds_and_up_to_its_limit() {
    on_disk(spec(0), |_, disk| async move {
        let mut batch = Batch::new();
        for key in ["b", "a", "d", "c"] {
            batch.put(key, Bytes::from(key));
        }
        batch.delete("d");
        disk.commit(batch).await.expect("there is room");
        let keys = async |from: &[u8], to: &[u8], limit| {
            let rows = disk.scan(from, to, limit).await.expect("no fault");
            rows.into_iter()
                .map(|(key, _)| String::from_utf8(key).expect("ours"))
                .collect::<String>()
        };
        assert_eq!(keys(b"", b"z", 9).await, "abc");
        assert_eq!(keys(b"b", b"c", 9).await, "b", "the upper bound is not in it");
        assert_eq!(keys(b"", b"z", 2).await, "ab");
        assert_eq!(keys(b"c", b"b", 9).await, "");
        assert_eq!(disk.get(b"d").await, Ok(None));
        assert_eq!(disk.get(b"a").await, Ok(Some(Bytes::from_static(b"a"))));
    });
}

/// Names and lengths of files after a fault cut off a host that had synced some of them.
fn survivors(kinds: Vec<FaultKind>) -> Vec<(String, u64)> {
    let mut world = world(network());
    let (found, starts) = (Probe::new(), std::rc::Rc::new(std::cell::Cell::new(0)));
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        let (finding, starts) = (finding.clone(), Rc::clone(&starts));
        async move {
            starts.set(starts.get() + 1);
            let disk = host.disk("d1").expect("the host has it");
            if starts.get() == 2 {
                let mut files = Vec::new();
                for name in disk.list("").await.expect("no fault") {
                    let len = disk.open(&name).await.expect("it is listed").len();
                    files.push((name, len));
                }
                return finding.set(files);
            }
            for number in 0..8 {
                let file = disk.create(&format!("synced-{number}")).await.expect("there is room");
                file.append(bytes(10)).await.expect("there is room");
                file.sync().await.expect("no fault");
                disk.sync_dir("").await.expect("no fault");
                file.append(bytes(10)).await.expect("there is room");
                let loose = disk.create(&format!("unsynced-{number}")).await;
                loose.expect("there is room").append(bytes(10)).await.expect("there is room");
            }
            host.sleep_until(stayput_host::Time::MAX).await;
        }
    });
    for (kind, from, lasts) in
        kinds.into_iter().zip([(200, 50), (0, 250)]).map(|(k, (a, l))| (k, a, l))
    {
        world.schedule(Fault::once(at(from), ms(lasts), kind)).expect("it can happen");
    }
    found.wait(&mut world)
}

#[test]
fn a_crash_keeps_all_that_was_written() {
    let files = survivors(vec![FaultKind::process(HostKey(0), Crash)]);
    assert_eq!(files.len(), 16);
    assert_eq!(files.iter().map(|(_, len)| len).sum::<u64>(), 8 * 20 + 8 * 10);
}

#[test]
fn a_loss_of_power_keeps_what_was_synced() {
    let files = survivors(vec![FaultKind::process(HostKey(0), Power)]);
    let whole: Vec<_> = files.iter().filter(|(_, len)| *len == 10).collect();
    // A directory's sync keeps the names before it, and their contents keep themselves.
    assert_eq!(whole.len(), 8, "{files:?}");
    assert!(files.iter().all(|(name, len)| name.starts_with("unsynced") == (*len == 0)));
}

#[test]
fn torn_writes_keep_some_of_the_rest_and_never_less_than_what_was_synced() {
    let host = HostKey(0);
    let torn = FaultKind::disk(host, None, TornWrites);
    let files = survivors(vec![FaultKind::process(host, Power), torn]);
    let synced: Vec<u64> =
        files.iter().filter(|(name, _)| name.starts_with("synced")).map(|(_, len)| *len).collect();
    assert_eq!(synced.len(), 8);
    assert!(synced.iter().all(|len| (10..=20).contains(len)), "{synced:?}");
    assert!(synced.iter().any(|len| *len > 10), "{synced:?}: something more is left");
}
