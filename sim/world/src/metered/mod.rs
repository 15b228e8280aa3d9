//! Decorator that gives any backend the meters of a run: bytes by sender, receiver and label, fuel,
//! and spans of cores and disks.
//!
//! ```text
//! machine   a host's machine: its connections, its cores
//! disk      a disk of it
//! ```
//! Hosts may run on any thread. Bytes are counted when the network takes them; what becomes of them
//! an operating system does not say, so that arrivals and drops are left out, and with them the
//! cost of headers on a wire. Durable changes of disks are no events of the trace.

mod disk;
mod machine;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Host, HostMain, LocalMain, RunEnd, SpentFuel, Time};

use self::machine::MeteredMachine;
use crate::ledger::{LedgerWay, LedgerWayKey};
use crate::{Ledger, RunMeters, Timeline, Trace};

/// Clock of a backend that any thread may read.
pub type SharedClock = Arc<dyn Fn() -> Time + Send + Sync>;

/// A backend with the meters of a run.
pub struct Metered<B> {
    backend: B,
    trace: Trace,
    meters: Arc<WorldMeters>,
    /// Meters of the hosts, in their order.
    hosts: Vec<Arc<HostMeter>>,
}

/// Meters of all hosts.
struct WorldMeters {
    clock: SharedClock,
    timeline: Timeline,
    fuel: AtomicU64,
    hosts: Mutex<MeteredHosts>,
}

#[derive(Default)]
struct MeteredHosts {
    specs: Vec<HostSpec>,
    by_ip: BTreeMap<IpAddr, HostKey>,
}

/// Meter of the bytes that one host sends.
struct HostMeter {
    key: HostKey,
    sent: Mutex<Ledger>,
    world: Arc<WorldMeters>,
}

/// No code that holds a lock of the meters leaves behind it half of a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Backend> Metered<B> {
    /// `backend`, which has no hosts yet. Spans have the times of `clock`, which is the backend's.
    pub fn new(backend: B, clock: SharedClock, trace: Trace) -> Self {
        let (timeline, fuel, hosts) = (Timeline::default(), AtomicU64::new(0), Mutex::default());
        let meters = Arc::new(WorldMeters { clock, timeline, fuel, hosts });
        Self { backend, trace, meters, hosts: Vec::new() }
    }

    /// Meter of the next host.
    fn add_meter(&mut self, spec: HostSpec) -> Arc<HostMeter> {
        let key = self.meters.add_host(spec);
        let meter = HostMeter { key, sent: Mutex::default(), world: Arc::clone(&self.meters) };
        let meter = Arc::new(meter);
        self.hosts.push(Arc::clone(&meter));
        meter
    }
}

impl WorldMeters {
    fn add_host(&self, spec: HostSpec) -> HostKey {
        let hosts = &mut *lock(&self.hosts);
        let key = HostKey(u32::try_from(hosts.specs.len()).unwrap_or(u32::MAX));
        hosts.by_ip.insert(IpAddr::V4(spec.ip), key);
        hosts.specs.push(spec);
        key
    }
}

impl HostMeter {
    /// Key of the direction to the host at `peer`; `None` if that is nobody or the host itself.
    fn way_to(&self, peer: IpAddr) -> Option<LedgerWayKey> {
        let hosts = lock(&self.world.hosts);
        let peer = hosts.by_ip.get(&peer)?;
        let way = LedgerWay::between(&hosts.specs, self.key, *peer)?;
        drop(hosts);
        Some(lock(&self.sent).way(way))
    }

    fn add_fuel(&self, spent: SpentFuel) {
        self.world.fuel.fetch_add(spent.0, Ordering::Relaxed);
    }

    /// `host` with the meters.
    fn meter(self: &Arc<Self>, host: &Host) -> Host {
        let (machine, meter) = (Rc::clone(host.machine()), Arc::clone(self));
        Host::new(Rc::new(MeteredMachine::new(machine, meter)))
    }
}

impl<B: Backend> Backend for Metered<B> {
    fn add_host(&mut self, spec: HostSpec, main: HostMain) -> HostKey {
        let meter = self.add_meter(spec.clone());
        let key = meter.key;
        let added = self.backend.add_host(spec, Arc::new(move |host| main(meter.meter(&host))));
        assert_eq!(added, key, "all hosts of the backend are added through its meters");
        key
    }

    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let meter = self.add_meter(spec.clone());
        let key = meter.key;
        let main = Rc::new(move |host| main(meter.meter(&host)));
        let added = self.backend.add_local_host(spec, main);
        assert_eq!(added, key, "all hosts of the backend are added through its meters");
        key
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.backend.run(done, limit)
    }

    fn now(&self) -> Time {
        self.backend.now()
    }
}

impl<B: Backend> RunMeters for Metered<B> {
    fn ledger(&self) -> Ledger {
        let mut whole = Ledger::default();
        for meter in &self.hosts {
            whole.add(&lock(&meter.sent));
        }
        whole
    }

    fn fuel_spent(&self) -> u64 {
        self.meters.fuel.load(Ordering::Relaxed)
    }

    fn trace(&self) -> Trace {
        self.trace.clone()
    }

    fn timeline(&self) -> Timeline {
        self.meters.timeline.clone()
    }
}
