//! Disk model: contents, durability, and the time of accesses.
//!
//! One queue, first come, first served; an access that does not go on where the last one ended
//! costs a seek. A change takes effect when its time is over, so what a crash interrupts never
//! happened. Contents of named files and rows of the table take room. Leaves out caches (every
//! read comes from the disk) and the room of names.

mod faults;
mod faulty;
mod room;
mod state;
mod stop;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::faults::{DiskFaults, DiskIdentity};
pub use self::faulty::FaultyDisk;
use self::state::{FileState, State};
use stayput_host::config::DiskConfig;
use stayput_host::time::nanos;
use stayput_host::topology::HostSpec;
use stayput_host::{
    Batch, Disk, DiskError, File, LocalFuture, Recorder, Row, Seed, Span, SpanKind, Time,
};

use super::clock::{Clock, ServiceQueue};
use super::trace::{Trace, TraceEvent};

/// Observer of durable changes: gets a description and the bytes of each.
pub type OnCommit = Rc<dyn Fn(&str, u64)>;

/// Recorder of a disk's spans, and the disk's name in them.
pub type DiskRecorder = (Rc<dyn Recorder>, Arc<str>);

/// A simulated disk.
pub struct SimDisk(Rc<Inner>);

struct Inner {
    config: DiskConfig,
    faults: DiskFaults,
    clock: Rc<dyn Clock>,
    on_commit: OnCommit,
    told: DiskRecorder,
    head: RefCell<Head>,
    state: RefCell<State>,
}

/// Position of the disk's head, and its queue.
#[derive(Default)]
struct Head {
    line: ServiceQueue,
    /// Nanoseconds of all accesses so far.
    takes_ns: u64,
    ended: Option<(u64, u64)>,
}

/// Access of a disk, for its cost.
#[derive(Clone, Copy)]
enum Access {
    /// Read of a file from an offset on.
    Read { file: u64, offset: u64, bytes: u64 },
    /// Write at a file's end.
    Append { file: u64, offset: u64, bytes: u64 },
    /// Small write elsewhere: a sync or a batch.
    Small { bytes: u64 },
}

/// Empty disks of a host, by name. Durable changes are events of `trace`.
pub(crate) fn disks_of(
    spec: &HostSpec,
    seed: Seed,
    clock: &Rc<dyn Clock>,
    trace: &Trace,
    recorder: &Rc<dyn Recorder>,
) -> BTreeMap<String, SimDisk> {
    let disk = |name: &String| {
        let (host, disk) = (spec.name.clone(), name.clone());
        let (trace, now) = (trace.clone(), Rc::clone(clock));
        let identity = DiskIdentity { seed, name: format!("{host}/{disk}") };
        let on_commit = move |what: &str, bytes: u64| {
            let event = TraceEvent::Committed { host: &host, disk: &disk, what, bytes };
            trace.note(now.now(), &event);
        };
        let told = (Rc::clone(recorder), Arc::from(name.as_str()));
        let (config, clock) = (spec.disk.clone(), Rc::clone(clock));
        (name.clone(), SimDisk::new(config, identity, clock, Rc::new(on_commit), told))
    };
    spec.disks.iter().map(disk).collect()
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(
        config: DiskConfig,
        identity: DiskIdentity,
        clock: Rc<dyn Clock>,
        on_commit: OnCommit,
        told: DiskRecorder,
    ) -> Self {
        Self(Rc::new(Inner {
            config,
            faults: DiskFaults::new(identity),
            clock,
            on_commit,
            told,
            head: RefCell::default(),
            state: RefCell::default(),
        }))
    }

    /// Another handle of the same disk, for a host that restarts.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(Rc::clone(&self.0))
    }

    /// Loses what was not synced, or some of it if writes are torn. Returns the number of bytes
    /// and names lost.
    pub fn lose_power(&self) -> u64 {
        let mut torn = self.0.faults.tear();
        self.0.state.borrow_mut().lose_power(torn.as_mut())
    }

    /// Faults of the disk.
    #[must_use]
    pub fn faults(&self) -> &DiskFaults {
        &self.0.faults
    }

    /// Busy time so far.
    #[must_use]
    pub fn busy(&self) -> Duration {
        let head = self.0.head.borrow();
        Duration::from_nanos(head.takes_ns.saturating_sub(head.line.left(self.0.clock.now())))
    }
}

impl Inner {
    /// Queues an access; returns its end.
    fn queue(&self, access: Access) -> Time {
        let head = &mut *self.head.borrow_mut();
        let (rate, place, bytes) = match access {
            Access::Read { file, offset, bytes } => (self.config.read, Some((file, offset)), bytes),
            Access::Append { file, offset, bytes } => {
                (self.config.write, Some((file, offset)), bytes)
            }
            Access::Small { bytes } => (self.config.write, None, bytes),
        };
        let goes_on = place.is_some() && place == head.ended;
        let seek = if goes_on { 0 } else { nanos(self.config.seek) };
        head.ended = place.map(|(file, offset)| (file, offset + bytes));
        let takes = self.faults.access_ns(seek.saturating_add(rate.nanos_for(bytes)));
        let now = self.clock.now();
        head.takes_ns = head.takes_ns.saturating_add(takes);
        let end = head.line.serve(now, takes);
        self.tell(access, now, takes, end);
        end
    }

    /// Records the spans of an access when it is queued: it is served whether or not anybody waits
    /// for it, so its times are known.
    fn tell(&self, access: Access, asked: Time, nanos: u64, end: Time) {
        let (recorder, disk) = &self.told;
        let job = recorder.job();
        if !recorder.wants(SpanKind::Disk, job) {
            return;
        }
        let (name, bytes) = match access {
            Access::Read { bytes, .. } => ("read", bytes),
            Access::Append { bytes, .. } => ("append", bytes),
            Access::Small { bytes } => ("sync", bytes),
        };
        let served = Time::from_nanos(end.as_nanos().saturating_sub(nanos));
        let of = |kind, begin, end| Span::new(kind, name, begin, end).of_job(job).on(disk);
        recorder.add(of(SpanKind::DiskQueue, asked, served));
        recorder.add(of(SpanKind::Disk, served, end).figure("bytes", bytes));
    }

    /// Checks that so many more bytes find room.
    fn has_room(&self, growth: u64) -> Result<(), DiskError> {
        if growth == 0 {
            return Ok(());
        }
        self.faults.grow()?;
        let used = self.state.borrow().used().saturating_add(growth);
        match self.config.capacity {
            Some(capacity) if used > capacity => Err(DiskError::NoSpace),
            _ => Ok(()),
        }
    }
}

/// Waits for the access, then does `change`.
fn after<T: 'static>(
    disk: &Rc<Inner>,
    access: Access,
    change: impl FnOnce(&Inner) -> Result<T, DiskError> + 'static,
) -> LocalFuture<'static, Result<T, DiskError>> {
    let (disk, end) = (Rc::clone(disk), disk.queue(access));
    let is_change = !matches!(access, Access::Read { .. });
    Box::pin(async move {
        disk.clock.sleep_until(end).await;
        disk.faults.unless_stopped(is_change, async || change(&disk)).await
    })
}

/// Question that costs no time of the disk: names and rows are in memory.
fn ask<T: 'static>(
    disk: &Rc<Inner>,
    question: impl FnOnce(&Inner) -> Result<T, DiskError> + 'static,
) -> LocalFuture<'static, Result<T, DiskError>> {
    at_once(disk, false, question)
}

/// Change of names, in memory.
fn change<T: 'static>(
    disk: &Rc<Inner>,
    change: impl FnOnce(&Inner) -> Result<T, DiskError> + 'static,
) -> LocalFuture<'static, Result<T, DiskError>> {
    at_once(disk, true, change)
}

fn at_once<T: 'static>(
    disk: &Rc<Inner>,
    is_change: bool,
    act: impl FnOnce(&Inner) -> Result<T, DiskError> + 'static,
) -> LocalFuture<'static, Result<T, DiskError>> {
    if !disk.faults.may_stop() {
        return Box::pin(std::future::ready(act(disk)));
    }
    let disk = Rc::clone(disk);
    Box::pin(async move { disk.faults.unless_stopped(is_change, async || act(&disk)).await })
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let (whole, path) = (Rc::clone(&self.0), path.to_owned());
        change(&self.0, move |disk| {
            // A full disk has no room for a name either.
            disk.faults.grow()?;
            let created = disk.state.borrow_mut().create(&path);
            created.map(|state| open_file(&whole, &path, state))
        })
    }

    fn open(&self, path: &str) -> LocalFuture<'static, Result<Rc<dyn File>, DiskError>> {
        let (whole, path) = (Rc::clone(&self.0), path.to_owned());
        ask(&self.0, move |disk| {
            let opened = disk.state.borrow().open(&path);
            opened.map(|state| open_file(&whole, &path, state))
        })
    }

    fn rename(&self, from: &str, to: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let (from, to) = (from.to_owned(), to.to_owned());
        change(&self.0, move |disk| disk.state.borrow_mut().rename(&from, &to))
    }

    fn remove(&self, path: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let path = path.to_owned();
        change(&self.0, move |disk| disk.state.borrow_mut().remove(&path))
    }

    fn list(&self, dir: &str) -> LocalFuture<'static, Result<Vec<String>, DiskError>> {
        let dir = dir.to_owned();
        ask(&self.0, move |disk| Ok(disk.state.borrow().list(&dir)))
    }

    fn sync_dir(&self, dir: &str) -> LocalFuture<'static, Result<(), DiskError>> {
        let dir = dir.to_owned();
        after(&self.0, Access::Small { bytes: 0 }, move |disk| {
            let names = disk.state.borrow_mut().sync_dir(&dir);
            (disk.on_commit)(&format!("names in {dir}"), names);
            Ok(())
        })
    }

    fn get(&self, key: &[u8]) -> LocalFuture<'static, Result<Option<Bytes>, DiskError>> {
        let key = key.to_owned();
        ask(&self.0, move |disk| Ok(disk.state.borrow().table.get(&key).cloned()))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> LocalFuture<'static, Result<Vec<Row>, DiskError>> {
        let (from, to) = (from.to_owned(), to.to_owned());
        ask(&self.0, move |disk| Ok(disk.state.borrow().scan(&from, &to, limit)))
    }

    fn commit(&self, batch: Batch) -> LocalFuture<'static, Result<(), DiskError>> {
        let bytes = batch.size_bytes();
        after(&self.0, Access::Small { bytes }, move |disk| {
            let growth = disk.state.borrow().growth(&batch);
            disk.has_room(growth)?;
            disk.state.borrow_mut().apply(&batch);
            (disk.on_commit)("table", bytes);
            Ok(())
        })
    }
}

struct SimFile {
    disk: Rc<Inner>,
    path: String,
    state: Rc<RefCell<FileState>>,
}

fn open_file(disk: &Rc<Inner>, path: &str, state: Rc<RefCell<FileState>>) -> Rc<dyn File> {
    Rc::new(SimFile { disk: Rc::clone(disk), path: path.to_owned(), state })
}

impl File for SimFile {
    fn len(&self) -> u64 {
        self.state.borrow().content.len()
    }

    fn read_at(&self, offset: u64, len: u64) -> LocalFuture<'static, Result<Bytes, DiskError>> {
        let bytes = len.min(self.len().saturating_sub(offset));
        let file = self.state.borrow().id;
        let state = Rc::clone(&self.state);
        let works = self.disk.faults.read();
        after(&self.disk, Access::Read { file, offset, bytes }, move |_| {
            works.map(|()| state.borrow().content.slice(offset, bytes))
        })
    }

    fn append(&self, data: Bytes) -> LocalFuture<'static, Result<(), DiskError>> {
        let (file, offset) = (self.state.borrow().id, self.len());
        let access = Access::Append { file, offset, bytes: data.len() as u64 };
        let state = Rc::clone(&self.state);
        after(&self.disk, access, move |disk| {
            disk.has_room(data.len() as u64)?;
            disk.state.borrow_mut().append(&state, data);
            Ok(())
        })
    }

    fn sync(&self) -> LocalFuture<'static, Result<(), DiskError>> {
        let (state, path) = (Rc::clone(&self.state), self.path.clone());
        after(&self.disk, Access::Small { bytes: 0 }, move |disk| {
            let bytes = state.borrow_mut().sync();
            (disk.on_commit)(&path, bytes);
            Ok(())
        })
    }
}
