//! Contents of a disk under random changes, crashes in their middle and losses of power, against a
//! naive model.
//!
//! Leaves out times, which are in `disk_queue`, and room, which is held beside the code.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::topology::HostKey;
use stayput_host::{Batch, Disk, DiskError, File, LocalFuture, Seed, Time};
use stayput_world::disk::{DiskIdentity, SimDisk};
use stayput_world::executor::{Executor, TaskOrder};
use stayput_world::fault::kinds::TornWrites;
use stayput_world::{EffectLog, FaultId, Timeline};

use crate::support::disk_config;

const NAMES: [&str; 5] = ["a", "b", "d/a", "d/b", "d/e/a"];
const DIRS: [&str; 3] = ["", "d", "d/e"];

/// An empty disk without faults.
pub(crate) fn sim_disk(clock: &Executor<()>) -> SimDisk {
    let identity = DiskIdentity { seed: Seed(1), name: "host/disk".to_owned() };
    let recorder = Timeline::default().of_host(HostKey(0), Rc::new(clock.clone()));
    let clock = Rc::new(clock.clone());
    SimDisk::new(disk_config(), identity, clock, Rc::new(|_, _| ()), (recorder, Arc::from("disk")))
}

#[derive(Clone, Debug)]
enum Change {
    Create(usize),
    /// To a file that is open; any number stands for one of them.
    Append(usize, Vec<u8>),
    Sync(usize),
    SyncDir(usize),
    Rename(usize, usize),
    Remove(usize),
    Commit(Vec<(u8, Option<u8>)>),
    LosePower,
}

fn change() -> impl Strategy<Value = Change> {
    let name = || 0..NAMES.len();
    prop_oneof![
        4 => name().prop_map(Change::Create),
        6 => (0_usize..8, vec(any::<u8>(), 1..6)).prop_map(|(at, data)| Change::Append(at, data)),
        3 => (0_usize..8).prop_map(Change::Sync),
        3 => (0..DIRS.len()).prop_map(Change::SyncDir),
        3 => (name(), name()).prop_map(|(from, to)| Change::Rename(from, to)),
        2 => name().prop_map(Change::Remove),
        2 => vec((0_u8..4, prop::option::of(any::<u8>())), 0..4).prop_map(Change::Commit),
        1 => Just(Change::LosePower),
    ]
}

/// File of the model: its bytes, and how many of them survive a loss of power.
#[derive(Clone, Debug, Default)]
struct NaiveFile {
    data: Vec<u8>,
    durable: usize,
}

/// Everything in maps; files by their number.
#[derive(Default)]
struct Naive {
    files: Vec<NaiveFile>,
    names: BTreeMap<&'static str, usize>,
    durable_names: BTreeMap<&'static str, usize>,
    rows: BTreeMap<u8, u8>,
}

impl Naive {
    /// Makes the change; false if it is refused.
    fn make(&mut self, change: &Change, open: &[usize]) -> bool {
        match change {
            Change::Create(name) => {
                if self.names.contains_key(NAMES[*name]) {
                    return false;
                }
                self.files.push(NaiveFile::default());
                self.names.insert(NAMES[*name], self.files.len() - 1);
            }
            Change::Append(at, data) => self.files[open[*at]].data.extend_from_slice(data),
            Change::Sync(at) => {
                let file = &mut self.files[open[*at]];
                file.durable = file.data.len();
            }
            Change::SyncDir(dir) => {
                for name in NAMES.into_iter().filter(|name| parent(name) == DIRS[*dir]) {
                    match self.names.get(name) {
                        Some(file) => self.durable_names.insert(name, *file),
                        None => self.durable_names.remove(name),
                    };
                }
            }
            Change::Rename(from, to) => {
                let Some(file) = self.names.remove(NAMES[*from]) else { return false };
                self.names.insert(NAMES[*to], file);
            }
            Change::Remove(name) => return self.names.remove(NAMES[*name]).is_some(),
            Change::Commit(changes) => {
                for (key, value) in changes {
                    match value {
                        Some(value) => self.rows.insert(*key, *value),
                        None => self.rows.remove(key),
                    };
                }
            }
            Change::LosePower => unreachable!("the model loses power by itself"),
        }
        true
    }

    /// Loses what was not synced; returns the number of names and bytes that are gone.
    fn lose_power(&mut self) -> u64 {
        let gone = |(name, file): &(&&str, &usize)| self.durable_names.get(**name) != Some(*file);
        let mut lost = self.names.iter().filter(gone).count();
        self.names.clone_from(&self.durable_names);
        for file in self.names.values() {
            let file = &mut self.files[*file];
            lost += file.data.len() - file.durable;
            file.data.truncate(file.durable);
        }
        lost as u64
    }

    /// Checks what a loss of power has left that tears writes, and takes it over: each name that
    /// was changed may be as before or after, and each file has a beginning that begins with what
    /// was synced.
    fn take_over_torn(
        &mut self,
        left: &BTreeMap<&'static str, Vec<u8>>,
    ) -> Result<(), TestCaseError> {
        let mut names = BTreeMap::new();
        for name in NAMES {
            let (was, durable) = (self.names.get(name), self.durable_names.get(name));
            let Some(data) = left.get(name) else {
                prop_assert!(was != durable || was.is_none(), "{name} was synced and is gone");
                continue;
            };
            let fits = |file: &&usize| {
                let NaiveFile { data: whole, durable } = &self.files[**file];
                whole.starts_with(data) && data.len() >= *durable
            };
            let from = [durable, was].into_iter().flatten().find(fits);
            prop_assert!(from.is_some(), "{name} has {data:?}: {was:?}, synced {durable:?}");
            // The same file under two names has the same bytes; a file of its own stands for it.
            self.files.push(NaiveFile { data: data.clone(), durable: data.len() });
            names.insert(name, self.files.len() - 1);
        }
        self.names.clone_from(&names);
        self.durable_names = names;
        Ok(())
    }
}

/// Directory of a name.
fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}

struct Bench {
    clock: Executor<()>,
    disk: SimDisk,
    /// Files that are open, with their numbers in the model.
    open: Vec<(Rc<dyn File>, usize)>,
    naive: Naive,
}

impl Bench {
    fn new() -> Self {
        let clock = Executor::new(TaskOrder::Fixed);
        let disk = sim_disk(&clock);
        Self { clock, disk, open: Vec::new(), naive: Naive::default() }
    }

    /// Output of a future when all that it waits for has happened.
    fn wait<T>(&self, mut future: LocalFuture<'static, T>) -> T {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            self.clock.run(&mut || false, Time::MAX);
        }
    }

    /// Begins a change on the disk; the future is ready at once where names alone change.
    fn begin(&self, change: &Change) -> LocalFuture<'static, Result<(), DiskError>> {
        let disk = &self.disk;
        match change {
            Change::Create(name) => {
                let created = disk.create(NAMES[*name]);
                Box::pin(async move { created.await.map(drop) })
            }
            Change::Append(at, data) => self.open[*at].0.append(Bytes::from(data.clone())),
            Change::Sync(at) => self.open[*at].0.sync(),
            Change::SyncDir(dir) => disk.sync_dir(DIRS[*dir]),
            Change::Rename(from, to) => disk.rename(NAMES[*from], NAMES[*to]),
            Change::Remove(name) => disk.remove(NAMES[*name]),
            Change::Commit(changes) => {
                let mut batch = Batch::new();
                for (key, value) in changes {
                    match value {
                        Some(value) => batch.put([*key], vec![*value]),
                        None => batch.delete([*key]),
                    }
                }
                disk.commit(batch)
            }
            Change::LosePower => unreachable!("a disk loses power outside of its accesses"),
        }
    }

    /// Makes a change on both, or interrupts it after its begin, as a crash would: what takes time
    /// has not happened then.
    fn make(&mut self, change: &Change, is_interrupted: bool) -> Result<(), TestCaseError> {
        let change = match change {
            Change::Append(..) | Change::Sync(_) if self.open.is_empty() => return Ok(()),
            Change::Append(at, data) => Change::Append(at % self.open.len(), data.clone()),
            Change::Sync(at) => Change::Sync(at % self.open.len()),
            other => other.clone(),
        };
        let mut begun = self.begin(&change);
        let mut cx = Context::from_waker(Waker::noop());
        if is_interrupted && begun.as_mut().poll(&mut cx).is_pending() {
            drop(begun);
            self.clock.run(&mut || false, Time::MAX);
            return Ok(());
        }
        let done = if is_interrupted { Ok(()) } else { self.wait(begun) };
        let open: Vec<usize> = self.open.iter().map(|(_, number)| *number).collect();
        let made = self.naive.make(&change, &open);
        prop_assert!(is_interrupted || done.is_ok() == made, "{change:?}: {done:?}");
        if let (Change::Create(name), true) = (&change, made) {
            self.reopen(NAMES[*name]);
        }
        Ok(())
    }

    fn reopen(&mut self, name: &'static str) {
        let file = self.wait(self.disk.open(name)).expect("it is there");
        self.open.push((file, self.naive.names[name]));
    }

    /// Contents of all files by name, each read in one piece.
    fn contents(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let read = |name: &'static str| {
            let file = self.wait(self.disk.open(name)).ok()?;
            let data = self.wait(file.read_at(0, u64::MAX)).expect("no fault");
            assert_eq!(file.len(), data.len() as u64);
            Some((name, data.to_vec()))
        };
        NAMES.into_iter().filter_map(read).collect()
    }

    fn assert_same(&self) -> Result<(), TestCaseError> {
        let naive = &self.naive;
        let data = |(name, file): (&&'static str, &usize)| (*name, naive.files[*file].data.clone());
        prop_assert_eq!(self.contents(), naive.names.iter().map(data).collect::<BTreeMap<_, _>>());
        for dir in DIRS {
            let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
            let below = naive.names.keys().filter_map(|name| name.strip_prefix(prefix.as_str()));
            let mut listed: Vec<&str> =
                below.map(|rest| rest.split('/').next().unwrap_or_default()).collect();
            listed.sort_unstable();
            listed.dedup();
            prop_assert_eq!(self.wait(self.disk.list(dir)).expect("no fault"), listed, "{}", dir);
        }
        let rows = self.wait(self.disk.scan(&[0], &[9], 99)).expect("no fault");
        let rows: BTreeMap<u8, u8> = rows.iter().map(|(key, value)| (key[0], value[0])).collect();
        prop_assert_eq!(&rows, &naive.rows);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_holds_and_keeps_what_a_naive_model_does(
        changes in vec((change(), prop::bool::weighted(0.15)), 0..60),
    ) {
        let mut bench = Bench::new();
        for (change, is_interrupted) in &changes {
            if let Change::LosePower = change {
                prop_assert_eq!(bench.disk.lose_power(), bench.naive.lose_power());
                // A host that starts anew opens its files anew.
                bench.open.clear();
                let names: Vec<&'static str> = bench.naive.names.keys().copied().collect();
                names.into_iter().for_each(|name| bench.reopen(name));
            } else {
                bench.make(change, *is_interrupted)?;
            }
            bench.assert_same()?;
        }
    }

    #[test]
    fn torn_writes_leave_each_name_as_before_or_after_and_of_each_file_a_beginning(
        changes in vec(change(), 0..60),
    ) {
        let mut bench = Bench::new();
        bench.disk.faults().begin(EffectLog::default().counter(FaultId(0)), Arc::new(TornWrites));
        for change in &changes {
            if let Change::LosePower = change {
                bench.disk.lose_power();
                let left = bench.contents();
                bench.naive.take_over_torn(&left)?;
                bench.open.clear();
                // What it is from now on is durable.
                for dir in DIRS {
                    bench.wait(bench.disk.sync_dir(dir)).expect("no fault");
                }
            } else {
                bench.make(change, false)?;
            }
            bench.assert_same()?;
        }
    }
}

/// Steps by which a store writes an object, and the row of it.
async fn store(disk: Rc<SimDisk>, steps: usize) -> Result<(), DiskError> {
    let mut left = steps;
    let mut step = async || {
        if left == 0 {
            std::future::pending::<()>().await;
        }
        left -= 1;
    };
    step().await;
    let file = disk.create("tmp/x").await?;
    step().await;
    file.append(Bytes::from_static(b"body")).await?;
    step().await;
    file.sync().await?;
    step().await;
    disk.rename("tmp/x", "objects/x").await?;
    step().await;
    disk.sync_dir("objects").await?;
    step().await;
    let mut row = Batch::new();
    row.put("x", "row");
    disk.commit(row).await
}

/// Files with their lengths, and the presence of the row, after so many steps and perhaps a loss of
/// power.
fn after(steps: usize, loses_power: bool) -> (Vec<(String, u64)>, bool) {
    let mut bench = Bench::new();
    let disk = Rc::new(bench.disk.share());
    let mut writing = Box::pin(store(Rc::clone(&disk), steps));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..20 {
        if writing.as_mut().poll(&mut cx).is_ready() {
            break;
        }
        bench.clock.run(&mut || false, Time::MAX);
    }
    drop(writing);
    if loses_power {
        disk.lose_power();
    }
    bench.disk = disk.share();
    let mut files = Vec::new();
    for dir in ["objects", "tmp"] {
        for name in bench.wait(disk.list(dir)).expect("no fault") {
            let path = format!("{dir}/{name}");
            let file = bench.wait(disk.open(&path)).expect("it is listed");
            files.push((path, file.len()));
        }
    }
    (files, bench.wait(disk.get(b"x")).expect("no fault").is_some())
}

#[test]
fn a_crash_after_each_step_of_a_write_keeps_the_steps_before_it() {
    let expected: [(&[(&str, u64)], bool); 7] = [
        (&[], false),
        (&[("tmp/x", 0)], false),
        (&[("tmp/x", 4)], false),
        (&[("tmp/x", 4)], false),
        (&[("objects/x", 4)], false),
        (&[("objects/x", 4)], false),
        (&[("objects/x", 4)], true),
    ];
    assert_each_step(&expected, false);
}

#[test]
fn a_loss_of_power_after_each_step_of_a_write_keeps_what_was_synced() {
    // The name of the temporary file is never synced, so the object is there with the sync of its
    // own directory and not before.
    let expected: [(&[(&str, u64)], bool); 7] = [
        (&[], false),
        (&[], false),
        (&[], false),
        (&[], false),
        (&[], false),
        (&[("objects/x", 4)], false),
        (&[("objects/x", 4)], true),
    ];
    assert_each_step(&expected, true);
}

fn assert_each_step(expected: &[(&[(&str, u64)], bool)], loses_power: bool) {
    for (steps, (files, row)) in expected.iter().enumerate() {
        let files = files.iter().map(|(name, len)| ((*name).to_owned(), *len)).collect();
        assert_eq!(after(steps, loses_power), (files, *row), "after {steps} steps");
    }
}
