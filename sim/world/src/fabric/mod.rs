//! Fabric: the default backend, with our own network model and executor.
//!
//! Puts the models of [`crate`] together. Leaves out decisions of its own.

mod faults;
mod machine;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stayput_host::config::NetworkConfig;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Host, KnownContents, LocalMain, Recorder, RunEnd, Seed, Time};

use self::machine::FabricMachine;
use crate::clock::Clock;
use crate::cpu::{BusyMeter, Cpu, FuelMeter};
use crate::disk::{DiskIdentity, SimDisk};
use crate::executor::{Executor, TaskOrder};
use crate::net::{FabricNetwork, NetEvent};
use crate::{
    EffectLog, Effects, ExecutorMeters, ExecutorStats, Fault, FaultError, FaultId, FaultInjection,
    HostBusy, Ledger, PartMeters, RunMeters, Timeline, Trace, TraceEvent, WireMeters,
};

/// A world on the fabric.
pub struct Fabric(Rc<Room>);

/// State that the fabric's parts share.
struct Room {
    seed: Seed,
    executor: Executor<NetEvent>,
    net: Rc<FabricNetwork>,
    trace: Trace,
    timeline: Timeline,
    hosts: RefCell<Vec<Rc<Machinery>>>,
    faults: RefCell<usize>,
    disk_effects: EffectLog,
    fuel: FuelMeter,
    contents: RefCell<KnownContents>,
}

/// A host's hardware and what it runs: both outlast a crash.
struct Machinery {
    spec: HostSpec,
    main: LocalMain,
    disks: BTreeMap<String, SimDisk>,
    cores_busy: BusyMeter,
}

impl Fabric {
    /// A world without hosts, whose ready tasks run in the fixed order.
    #[must_use]
    pub fn new(seed: Seed, network: NetworkConfig, trace: Trace) -> Self {
        Self::in_order(TaskOrder::Fixed, seed, network, trace)
    }

    /// A world without hosts, whose ready tasks run in `order`.
    #[must_use]
    pub fn in_order(order: TaskOrder, seed: Seed, network: NetworkConfig, trace: Trace) -> Self {
        let (executor, timeline) = (Executor::new(order), Timeline::default());
        let noted = (trace.clone(), timeline.clone());
        let net = FabricNetwork::new(executor.clone(), noted, network, seed);
        let (hosts, faults) = (RefCell::default(), RefCell::new(0));
        Self(Rc::new(Room {
            seed,
            executor,
            net,
            trace,
            timeline,
            hosts,
            faults,
            disk_effects: EffectLog::default(),
            fuel: FuelMeter::default(),
            contents: RefCell::default(),
        }))
    }

    /// Gives hosts that are added later the checksums of these contents, so that they need not
    /// compute them again. It changes nothing else.
    pub fn set_known_contents(&mut self, contents: KnownContents) {
        *self.0.contents.borrow_mut() = contents;
    }

    /// Connections that there are: those that somebody holds, and those on which something is still
    /// on its way.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.net.connections()
    }
}

impl Backend for Fabric {
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let key = self.0.net.add_host(spec.clone());
        let disks = spec.disks.iter().map(|name| (name.clone(), self.0.disk(key, &spec, name)));
        let disks = disks.collect();
        let machinery = Machinery { disks, spec, main, cores_busy: BusyMeter::default() };
        self.0.hosts.borrow_mut().push(Rc::new(machinery));
        self.0.start(key);
        key
    }

    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.0.executor.run(done, limit)
    }

    fn now(&self) -> Time {
        self.0.executor.now()
    }
}

impl FaultInjection for Fabric {
    fn schedule(&mut self, fault: Fault) -> Result<FaultId, FaultError> {
        faults::schedule(&self.0, fault)
    }

    fn effects(&self, fault: FaultId) -> Effects {
        self.0.net.effects(fault).with(&self.0.disk_effects.of(fault))
    }
}

impl RunMeters for Fabric {
    fn ledger(&self) -> Ledger {
        self.0.net.ledger()
    }

    fn fuel_spent(&self) -> u64 {
        self.0.fuel.spent()
    }

    fn trace(&self) -> Trace {
        self.0.trace.clone()
    }

    fn timeline(&self) -> Timeline {
        self.0.timeline.clone()
    }
}

impl WireMeters for Fabric {
    fn in_flight(&self) -> u64 {
        self.0.net.in_flight()
    }
}

impl PartMeters for Fabric {
    fn busy(&self) -> Vec<HostBusy> {
        let now = self.now();
        let busy = |machinery: &Rc<Machinery>| HostBusy {
            cores: machinery.cores_busy.busy(now),
            disks: machinery.disks.values().map(SimDisk::busy).sum(),
        };
        self.0.hosts.borrow().iter().map(busy).collect()
    }
}

impl ExecutorMeters for Fabric {
    fn effort(&self) -> ExecutorStats {
        self.0.executor.effort()
    }

    fn schedule_hash(&self) -> String {
        format!("{:016x}", self.0.executor.schedule_hash())
    }
}

impl Room {
    fn recorder(&self, key: HostKey) -> Rc<dyn Recorder> {
        self.timeline.of_host(key, Rc::new(self.executor.clone()))
    }

    fn disk(&self, key: HostKey, spec: &HostSpec, disk: &str) -> SimDisk {
        let told = (self.recorder(key), Rc::from(disk));
        let (trace, clock) = (self.trace.clone(), self.executor.clone());
        let (host, disk) = (spec.name.clone(), disk.to_owned());
        let identity = DiskIdentity { seed: self.seed, name: format!("{host}/{disk}") };
        let on_commit = move |what: &str, bytes: u64| {
            let event = TraceEvent::Committed { host: &host, disk: &disk, what, bytes };
            trace.note(clock.now(), &event);
        };
        let clock = Rc::new(self.executor.clone());
        SimDisk::new(spec.disk.clone(), identity, clock, Rc::new(on_commit), told)
    }

    fn machinery(&self, key: HostKey) -> Rc<Machinery> {
        Rc::clone(&self.hosts.borrow()[key.0 as usize])
    }

    /// Runs the host's main function.
    fn start(&self, key: HostKey) {
        let machinery = self.machinery(key);
        let cpu = Cpu::new(
            machinery.spec.cores,
            machinery.spec.fuel_per_second,
            Rc::new(self.executor.clone()),
            (self.fuel.clone(), machinery.cores_busy.clone()),
            self.recorder(key),
        );
        let disks = machinery.disks.iter().map(|(name, disk)| {
            (name.clone(), Rc::new(disk.share()) as Rc<dyn stayput_host::Disk>)
        });
        let host = Host::new(Rc::new(FabricMachine {
            key,
            seed: self.seed,
            executor: self.executor.clone(),
            net: Rc::clone(&self.net),
            cpu,
            disks: disks.collect(),
            recorder: self.recorder(key),
            contents: self.contents.borrow().clone(),
        }));
        self.executor.spawn(key, (machinery.main)(host));
    }
}

impl Drop for Fabric {
    fn drop(&mut self) {
        // Tasks and events hold what they run on; streams must go before the network does.
        self.0.executor.clear();
    }
}
