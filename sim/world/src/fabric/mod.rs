//! Fabric: the default backend, with our own network model and executor.
//!
//! Puts the models of [`crate`] together. Leaves out decisions of its own.

mod faults;
mod machine;

use std::cell::RefCell;
use std::rc::Rc;

use stayput_host::config::NetworkConfig;
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, Host, KnownContents, LocalMain, RunEnd, Seed, Time};

use self::machine::FabricMachine;
use crate::clock::Clock;
use crate::executor::{Executor, TaskOrder};
use crate::net::{FabricNetwork, NetEvent};
use crate::parts::{HostParts, WorldRecords};
use crate::{
    EffectLog, Effects, ExecutorMeters, ExecutorStats, Fault, FaultError, FaultId, FaultInjection,
    HostBusy, Ledger, PartMeters, RunMeters, Timeline, Trace, WireMeters,
};

/// A world on the fabric.
pub struct Fabric(Rc<Room>);

/// State that the fabric's parts share.
struct Room {
    seed: Seed,
    executor: Executor<NetEvent>,
    net: Rc<FabricNetwork>,
    records: WorldRecords,
    hosts: RefCell<Vec<Rc<Machinery>>>,
    faults: RefCell<usize>,
    disk_effects: EffectLog,
    contents: RefCell<KnownContents>,
}

/// A host's parts and its main function: both outlast a crash.
struct Machinery {
    main: LocalMain,
    parts: HostParts,
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
        let (executor, records) = (Executor::new(order), WorldRecords::of(trace));
        let noted = (records.trace.clone(), records.timeline.clone());
        let net = FabricNetwork::new(executor.clone(), noted, network, seed);
        let (hosts, faults) = (RefCell::default(), RefCell::new(0));
        Self(Rc::new(Room {
            seed,
            executor,
            net,
            records,
            hosts,
            faults,
            disk_effects: EffectLog::default(),
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
        let clock: Rc<dyn Clock> = Rc::new(self.0.executor.clone());
        let parts = HostParts::new((key, &spec), self.0.seed, &clock, &self.0.records);
        self.0.hosts.borrow_mut().push(Rc::new(Machinery { main, parts }));
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
        self.0.records.fuel.spent()
    }

    fn trace(&self) -> Trace {
        self.0.records.trace.clone()
    }

    fn timeline(&self) -> Timeline {
        self.0.records.timeline.clone()
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
        self.0.hosts.borrow().iter().map(|machinery| machinery.parts.busy(now)).collect()
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
    fn machinery(&self, key: HostKey) -> Rc<Machinery> {
        Rc::clone(&self.hosts.borrow()[key.0 as usize])
    }

    /// Runs the host's main function.
    fn start(&self, key: HostKey) {
        let machinery = self.machinery(key);
        let host = Host::new(Rc::new(FabricMachine {
            key,
            executor: self.executor.clone(),
            net: Rc::clone(&self.net),
            parts: machinery.parts.start(),
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
