//! tcp: the same code over real sockets on the loopback, in real time.
//!
//! Hosts keep their addresses of the simulated world. A listener gets whatever real port is free,
//! and a directory in the world says which; so worlds side by side never meet. Disks and cores are
//! our models on the real clock. One thread runs all hosts.
//!
//! Leaves out what the scenario says of links and cards, and faults: those are the fabric's.
//! Nothing here is deterministic but what is drawn from the seed.

mod clock;
mod machine;
pub mod stream;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Disk, Host, LocalFuture, LocalMain, RunEnd, Seed, Time};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

use self::clock::{CoreClock, DiskClock, RealClock};
use self::machine::TcpMachine;
use crate::clock::Clock;
use crate::cpu::{BusyMeter, Cpu, FuelMeter};
use crate::disk::disks_of;
use crate::ledger::{LedgerWay, LedgerWayKey};
use crate::{Ledger, RunMeters, Timeline, Trace};

/// A world on real sockets.
pub struct Tcp {
    seed: Seed,
    clock: Rc<RealClock>,
    // The tasks go before what they hold on to: their world's books, then the reactor of their
    // sockets.
    tasks: LocalSet,
    shared: Rc<Shared>,
    runtime: Runtime,
}

/// State shared by the machines of a world.
#[derive(Default)]
struct Shared {
    specs: RefCell<Vec<HostSpec>>,
    by_ip: RefCell<BTreeMap<IpAddr, HostKey>>,
    directory: RefCell<Directory>,
    ledger: RefCell<Ledger>,
    trace: Trace,
    timeline: Timeline,
    fuel: FuelMeter,
    /// Handles of the tasks, so that a panic in one of them is not lost.
    handles: RefCell<JoinSet<()>>,
    /// Connections that nobody holds any more and that still deliver what was written to them.
    closing: RefCell<FuturesUnordered<LocalFuture<'static, ()>>>,
}

/// Map of the world's addresses to the machine's real ports.
#[derive(Default)]
struct Directory {
    /// The real port of each listener.
    listening: BTreeMap<SocketAddr, u16>,
    /// Connections that were not accepted yet: by the connecting socket's real port, who connects
    /// and to whom.
    arriving: BTreeMap<u16, (HostKey, SocketAddr)>,
}

impl Shared {
    /// By which key the bytes from one host to another are counted.
    fn way(&self, from: HostKey, to: HostKey) -> Option<LedgerWayKey> {
        let way = LedgerWay::between(&self.specs.borrow(), from, to)?;
        Some(self.ledger.borrow_mut().way(way))
    }

    fn host_at(&self, ip: IpAddr) -> Option<HostKey> {
        self.by_ip.borrow().get(&ip).copied()
    }

    /// Passes on what a task panicked with.
    fn look_for_panics(&self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(ended)) = self.handles.borrow_mut().poll_join_next(cx) {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                resume_unwind(panic);
            }
        }
    }

    fn close_connections(&self, cx: &mut Context<'_>) {
        let closing = &mut *self.closing.borrow_mut();
        while let Poll::Ready(Some(())) = closing.poll_next_unpin(cx) {}
    }
}

impl Tcp {
    /// A world without hosts. Its time begins now.
    ///
    /// # Errors
    /// The system has no room for another reactor.
    pub fn new(seed: Seed, trace: Trace) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let shared = Rc::new(Shared { trace, ..Shared::default() });
        let clock = Rc::new(RealClock::starting_now());
        Ok(Self { seed, clock, tasks: LocalSet::new(), shared, runtime })
    }
}

impl Backend for Tcp {
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let key = HostKey(u32::try_from(self.shared.specs.borrow().len()).unwrap_or(u32::MAX));
        self.shared.by_ip.borrow_mut().insert(IpAddr::V4(spec.ip), key);
        let clock: Rc<dyn Clock> = Rc::new(DiskClock(Rc::clone(&self.clock)));
        let recorder = self.shared.timeline.of_host(key, Rc::clone(&clock));
        let disks = disks_of(&spec, self.seed, &clock, &self.shared.trace, &recorder);
        let disks = disks.into_iter().map(|(name, disk)| (name, Rc::new(disk) as Rc<dyn Disk>));
        let meters = (self.shared.fuel.clone(), BusyMeter::default());
        let told = Rc::clone(&recorder);
        let core_clock = Rc::new(CoreClock::new(&self.clock));
        let host = Host::new(Rc::new(TcpMachine {
            key,
            ip: IpAddr::V4(spec.ip),
            seed: self.seed,
            shared: Rc::clone(&self.shared),
            cpu: Cpu::new(spec.cores, spec.fuel_per_second, core_clock, meters, told),
            clock: Rc::clone(&self.clock),
            disks: disks.collect(),
            recorder,
        }));
        self.shared.specs.borrow_mut().push(spec);
        let start = async move { main(host).await };
        self.shared.handles.borrow_mut().spawn_local_on(start, &self.tasks);
        key
    }

    /// The limit is one of real time. A world whose tasks all sleep or wait for each other is
    /// waited for until then.
    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        if done() {
            return RunEnd::Done;
        }
        let (tasks, shared) = (&mut self.tasks, &self.shared);
        let mut limit = self.clock.sleep_until(limit);
        // Everything that happens in the world wakes this, so it is never polled in vain nor too
        // late.
        self.runtime.block_on(poll_fn(|cx| {
            let ended = Pin::new(&mut *tasks).poll(cx).is_ready();
            shared.look_for_panics(cx);
            shared.close_connections(cx);
            if done() {
                return Poll::Ready(RunEnd::Done);
            }
            if ended {
                return Poll::Ready(RunEnd::Stuck);
            }
            limit.as_mut().poll(cx).map(|()| RunEnd::TimeLimit)
        }))
    }

    fn now(&self) -> Time {
        self.clock.now()
    }
}

impl RunMeters for Tcp {
    fn ledger(&self) -> Ledger {
        self.shared.ledger.borrow().clone()
    }

    fn fuel_spent(&self) -> u64 {
        self.shared.fuel.spent()
    }

    fn trace(&self) -> Trace {
        self.shared.trace.clone()
    }

    fn timeline(&self) -> Timeline {
        self.shared.timeline.clone()
    }
}
