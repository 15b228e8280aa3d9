//! turmoil: the same code over somebody else's network, as a referee for up to about 20 hosts.
//!
//! Network, clock and tasks are turmoil's; disks and cores are our models on its clock. It has no
//! bandwidth, no headers of segments and shows no drops, so those figures are absent here; faults
//! are the fabric's.

mod machine;
mod stream;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::NetworkConfig;
use stayput_host::topology::link;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Host, LocalMain, RunEnd, Seed, Time};

use self::machine::{TurmoilClock, TurmoilMachine};
use crate::clock::Clock;
use crate::ledger::LedgerWay;
use crate::parts::{HostParts, WorldRecords};
use crate::{HostBusy, Ledger, PartMeters, RunMeters, Timeline, Trace};

/// Segments that may be on their way in one direction of a connection.
const SEGMENTS_MAX: usize = 64;
/// Longer than any run: the callers of [`Backend::run`] set the limits.
const DURATION_MAX: Duration = Duration::from_secs(1_000_000);

/// A world on turmoil.
pub struct Turmoil {
    sim: turmoil::Sim<'static>,
    seed: Seed,
    network: NetworkConfig,
    shared: Rc<Shared>,
}

/// State that the machines of a world share.
struct Shared {
    specs: RefCell<Vec<HostSpec>>,
    by_ip: RefCell<BTreeMap<IpAddr, HostKey>>,
    ledger: RefCell<Ledger>,
    records: WorldRecords,
    /// Parts of each host.
    parts: RefCell<Vec<Rc<HostParts>>>,
    /// Last time that any host saw: turmoil shows it only to running hosts.
    now: Cell<Time>,
}

impl Shared {
    fn way(&self, from: HostKey, to: HostKey) -> Option<LedgerWay> {
        LedgerWay::between(&self.specs.borrow(), from, to)
    }

    fn host_at(&self, ip: IpAddr) -> Option<HostKey> {
        self.by_ip.borrow().get(&ip).copied()
    }
}

impl Turmoil {
    /// A world without hosts.
    #[must_use]
    pub fn new(seed: Seed, network: NetworkConfig, trace: Trace) -> Self {
        let sim = turmoil::Builder::new()
            .simulation_duration(DURATION_MAX)
            .tick_duration(Duration::from_millis(1))
            .tcp_capacity(SEGMENTS_MAX)
            .rng_seed(seed.0)
            .build();
        let shared = Shared {
            specs: RefCell::default(),
            by_ip: RefCell::default(),
            ledger: RefCell::default(),
            records: WorldRecords::of(trace),
            parts: RefCell::default(),
            now: Cell::default(),
        };
        Self { sim, seed, network, shared: Rc::new(shared) }
    }
}

impl Backend for Turmoil {
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let key = HostKey(u32::try_from(self.shared.specs.borrow().len()).unwrap_or(u32::MAX));
        self.shared.by_ip.borrow_mut().insert(IpAddr::V4(spec.ip), key);
        self.shared.specs.borrow_mut().push(spec.clone());
        let shared = Rc::clone(&self.shared);
        let clock: Rc<dyn Clock> = Rc::new(TurmoilClock(Rc::clone(&shared)));
        let parts = Rc::new(HostParts::new((key, &spec), self.seed, &clock, &shared.records));
        self.shared.parts.borrow_mut().push(Rc::clone(&parts));
        let ip = spec.ip;
        self.sim.host(ip, move || {
            let (shared, parts) = (Rc::clone(&shared), parts.start());
            let host = Host::new(Rc::new(TurmoilMachine { key, shared, parts }));
            let main = main(host);
            async move {
                main.await;
                // turmoil stops a host whose main function has ended; what it has started shall go
                // on.
                std::future::pending().await
            }
        });
        let specs = self.shared.specs.borrow();
        for other in &specs[..key.0 as usize] {
            let here = specs[key.0 as usize].place;
            let latency = link(&self.network, here, other.place).latency;
            self.sim.set_link_latency(ip, other.ip, latency);
        }
        key
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        loop {
            if done() {
                return RunEnd::Done;
            }
            if self.now() >= limit {
                return RunEnd::TimeLimit;
            }
            // Our hosts' main functions never end, so there is no failure of theirs to come out
            // here.
            if let Err(error) = self.sim.step() {
                unreachable!("turmoil reports a failure of a host that cannot fail: {error}");
            }
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.sim.elapsed()
    }
}

impl RunMeters for Turmoil {
    fn ledger(&self) -> Ledger {
        self.shared.ledger.borrow().clone()
    }

    fn fuel_spent(&self) -> u64 {
        self.shared.records.fuel.spent()
    }

    fn trace(&self) -> Trace {
        self.shared.records.trace.clone()
    }

    fn timeline(&self) -> Timeline {
        self.shared.records.timeline.clone()
    }
}

impl PartMeters for Turmoil {
    fn busy(&self) -> Vec<HostBusy> {
        let now = self.now();
        self.shared.parts.borrow().iter().map(|parts| parts.busy(now)).collect()
    }
}
