//! The decorator: faults of any disk of the seam, here of one in memory that takes no time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::num::NonZeroU32;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_host::{Batch, Disk, DiskError, File, LocalFuture, Row, Seed, Time};
use stayput_world::clock::Clock;
use stayput_world::disk::{DiskIdentity, FaultyDisk};
use stayput_world::executor::{Executor, TaskOrder};
use stayput_world::fault::kinds::{FullDisk, ReadErrors, SlowDisk, StopDisk};
use stayput_world::fault::{DiskFault, EffectLog, FaultId, StopPoint};

type Shared<T> = Rc<RefCell<T>>;

/// Disk in memory whose accesses take a millisecond each.
#[derive(Clone)]
struct MemoryDisk {
    files: Shared<BTreeMap<String, Shared<Vec<u8>>>>,
    rows: Shared<BTreeMap<Vec<u8>, Bytes>>,
    clock: Executor<()>,
}

struct MemoryFile(Shared<Vec<u8>>, Executor<()>);

fn after<T: 'static>(
    clock: &Executor<()>,
    value: impl FnOnce() -> T + 'static,
) -> LocalFuture<'static, T> {
    let clock = clock.clone();
    Box::pin(async move {
        clock.sleep_until(clock.now() + Duration::from_millis(1)).await;
        value()
    })
}

impl Disk for MemoryDisk {
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let data = Shared::default();
        self.files.borrow_mut().insert(path.to_owned(), Rc::clone(&data));
        Box::pin(ready(Ok(Rc::new(MemoryFile(data, self.clock.clone())) as Rc<dyn File>)))
    }

    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let found = self.files.borrow().get(path).cloned();
        let clock = self.clock.clone();
        let open = |data| Rc::new(MemoryFile(data, clock)) as Rc<dyn File>;
        Box::pin(ready(found.map(open).ok_or(DiskError::NotFound { path: path.to_owned() })))
    }

    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let files = &mut *self.files.borrow_mut();
        let moved = files.remove(from).map(|data| drop(files.insert(to.to_owned(), data)));
        Box::pin(ready(moved.ok_or(DiskError::NotFound { path: from.to_owned() })))
    }

    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let removed = self.files.borrow_mut().remove(path).map(drop);
        Box::pin(ready(removed.ok_or(DiskError::NotFound { path: path.to_owned() })))
    }

    fn list(&self, _dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>> {
        Box::pin(ready(Ok(self.files.borrow().keys().cloned().collect())))
    }

    fn sync_dir(&self, _dir: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        after(&self.clock, || Ok(()))
    }

    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>> {
        Box::pin(ready(Ok(self.rows.borrow().get(key).cloned())))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>> {
        let rows = self.rows.borrow();
        let within = rows.range(from.to_vec()..to.to_vec()).take(limit);
        Box::pin(ready(Ok(within.map(|(key, value)| (key.clone(), value.clone())).collect())))
    }

    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>> {
        let rows = Rc::clone(&self.rows);
        after(&self.clock, move || {
            for (key, value) in batch.changes() {
                match value {
                    Some(value) => rows.borrow_mut().insert(key.clone(), value.clone()),
                    None => rows.borrow_mut().remove(key),
                };
            }
            Ok(())
        })
    }
}

impl File for MemoryFile {
    fn len(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>> {
        let data = self.0.borrow();
        let end = (offset + len).min(data.len() as u64) as usize;
        let read = Bytes::copy_from_slice(&data[offset as usize..end]);
        after(&self.1, || Ok(read))
    }

    fn append(&self, more: Bytes) -> LocalFuture<'static, Result<(), DiskError>> {
        let data = Rc::clone(&self.0);
        after(&self.1, move || {
            data.borrow_mut().extend_from_slice(&more);
            Ok(())
        })
    }

    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>> {
        after(&self.1, || Ok(()))
    }
}

struct Bench {
    clock: Executor<()>,
    inner: MemoryDisk,
    disk: FaultyDisk,
    log: EffectLog,
}

impl Bench {
    fn new() -> Self {
        let clock = Executor::new(TaskOrder::Fixed);
        let inner =
            MemoryDisk { files: Shared::default(), rows: Shared::default(), clock: clock.clone() };
        let identity = DiskIdentity { seed: Seed(1), name: "host/disk".to_owned() };
        let disk = FaultyDisk::new(Rc::new(inner.clone()), identity, Rc::new(clock.clone()));
        Self { clock, inner, disk, log: EffectLog::default() }
    }

    fn begin(&self, fault: usize, kind: impl DiskFault + 'static) {
        self.disk.faults().begin(self.log.counter(FaultId(fault)), Arc::new(kind));
    }

    fn end(&self, fault: usize) {
        self.disk.faults().end(FaultId(fault));
    }

    fn effect(&self, fault: usize, name: &str) -> u64 {
        self.log.of(FaultId(fault)).counts().get(name).copied().unwrap_or_default()
    }

    /// Runs a script to its end.
    fn run<T: 'static>(&self, script: impl Future<Output = T> + 'static) -> T {
        let found = Rc::new(RefCell::new(None));
        let finding = Rc::clone(&found);
        let task = Box::pin(async move { *finding.borrow_mut() = Some(script.await) });
        self.clock.spawn(HostKey(0), task);
        self.clock.run(&mut || found.borrow().is_some(), Time::MAX);
        found.borrow_mut().take().expect("it comes to its end")
    }
}

fn row() -> Batch {
    let mut batch = Batch::new();
    batch.put("key", Bytes::from_static(b"value"));
    batch
}

#[test]
fn without_faults_it_is_the_disk_within() {
    let bench = Bench::new();
    let disk = bench.disk.clone();
    bench.run(async move {
        let file = disk.create("a").await.expect("sound");
        file.append(Bytes::from_static(b"hello")).await.expect("sound");
        file.sync().await.expect("sound");
        disk.rename("a", "b").await.expect("sound");
        disk.sync_dir("").await.expect("sound");
        disk.commit(row()).await.expect("sound");
        let reopened = disk.open("b").await.expect("sound");
        assert_eq!(
            (reopened.len(), &reopened.read_at(1, 3).await.expect("sound")[..]),
            (5, &b"ell"[..])
        );
        assert_eq!(disk.list("").await.expect("sound"), ["b"]);
        assert_eq!(disk.get(b"key").await.expect("sound").as_deref(), Some(&b"value"[..]));
        assert_eq!(disk.scan(b"a", b"z", 9).await.expect("sound").len(), 1);
        disk.remove("b").await.expect("sound");
        assert!(matches!(disk.open("b").await.err(), Some(DiskError::NotFound { .. })));
    });
    assert!(bench.inner.files.borrow().is_empty());
}

#[test]
fn a_slow_disk_takes_its_factor_of_what_the_disk_within_took() {
    let bench = Bench::new();
    bench.begin(0, SlowDisk { factor: NonZeroU32::new(7).expect("not zero") });
    let disk = bench.disk.clone();
    bench.run(async move { disk.commit(row()).await.expect("sound") });
    assert_eq!(bench.clock.now(), Time::ZERO + Duration::from_millis(7));
    bench.end(0);
    let disk = bench.disk.clone();
    bench.run(async move { disk.commit(row()).await.expect("sound") });
    assert_eq!(bench.clock.now(), Time::ZERO + Duration::from_millis(8));
    assert_eq!(bench.effect(0, "delayed_accesses"), 1);
}

#[test]
fn a_full_disk_refuses_what_needs_room_and_nothing_reaches_the_disk_within() {
    let bench = Bench::new();
    let disk = bench.disk.clone();
    let file = bench.run(async move { disk.create("a").await.expect("sound") });
    bench.begin(0, FullDisk);
    let (disk, full) = (bench.disk.clone(), Rc::clone(&file));
    bench.run(async move {
        assert_eq!(full.append(Bytes::from_static(b"x")).await, Err(DiskError::NoSpace));
        assert_eq!(full.append(Bytes::new()).await, Ok(()));
        assert_eq!(disk.commit(row()).await, Err(DiskError::NoSpace));
        assert_eq!(disk.create("b").await.err(), Some(DiskError::NoSpace));
        let mut delete = Batch::new();
        delete.delete("key");
        assert_eq!(disk.commit(delete).await, Ok(()), "a deletion needs no room");
        assert_eq!(disk.remove("a").await, Ok(()));
    });
    assert_eq!(file.len(), 0);
    assert!(bench.inner.rows.borrow().is_empty() && bench.inner.files.borrow().is_empty());
    assert_eq!(bench.effect(0, "refused_writes"), 3);
}

#[test]
fn reads_fail_by_chance_and_tell_which_and_where() {
    let bench = Bench::new();
    let half = Chance::per_billion(Chance::BILLION / 2).expect("below all");
    bench.begin(0, ReadErrors { chance: half });
    let disk = bench.disk.clone();
    let failed = bench.run(async move {
        let file = disk.create("a").await.expect("sound");
        file.append(Bytes::from_static(b"hello")).await.expect("sound");
        let mut failed = Vec::new();
        for _ in 0..100 {
            failed.extend(file.read_at(0, 5).await.err());
        }
        failed
    });
    assert!((30..70).contains(&failed.len()), "{}", failed.len());
    assert!(failed[0].to_string().contains("of host/disk could not be corrected"), "{}", failed[0]);
    assert_eq!(bench.effect(0, "failed_reads"), failed.len() as u64);
}

/// True if the future is not ready after all that can happen has.
fn hangs<T>(bench: &Bench, mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..5 {
        if future.as_mut().poll(&mut cx).is_ready() {
            return false;
        }
        bench.clock.run(&mut || false, Time::MAX);
    }
    true
}

#[test]
fn a_stopped_disk_holds_its_change_back_or_its_acknowledgement() {
    for (point, is_made) in [(StopPoint::Before(1), false), (StopPoint::After(1), true)] {
        let bench = Bench::new();
        bench.begin(0, StopDisk { point });
        let disk = bench.disk.clone();
        bench.run(async move { disk.create("first").await.map(drop).expect("sound") });
        let mut commit = pin!(bench.disk.commit(row()));
        assert!(hangs(&bench, commit.as_mut()), "{point:?}");
        assert_eq!(!bench.inner.rows.borrow().is_empty(), is_made, "{point:?}");
        let mut read = pin!(bench.disk.get(b"key"));
        assert!(hangs(&bench, read.as_mut()), "nothing goes past a stop");
        bench.end(0);
        assert!(!hangs(&bench, commit.as_mut()) && !hangs(&bench, read.as_mut()), "{point:?}");
        assert_eq!(bench.effect(0, "stopped_disks"), 1);
    }
}

#[test]
fn a_faulty_disk_can_be_decorated_again() {
    let bench = Bench::new();
    let identity = DiskIdentity { seed: Seed(2), name: "outer".to_owned() };
    let outer =
        FaultyDisk::new(Rc::new(bench.disk.clone()), identity, Rc::new(bench.clock.clone()));
    let twice = NonZeroU32::new(2).expect("not zero");
    bench.begin(0, SlowDisk { factor: twice });
    let log = EffectLog::default();
    outer.faults().begin(log.counter(FaultId(0)), Arc::new(SlowDisk { factor: twice }));
    let mut done = pin!(outer.commit(row()));
    let mut cx = Context::from_waker(Waker::noop());
    while done.as_mut().poll(&mut cx).is_pending() {
        bench.clock.run(&mut || false, Time::MAX);
    }
    assert_eq!(bench.clock.now(), Time::ZERO + Duration::from_millis(4));
}
