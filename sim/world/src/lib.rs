//! The simulated machine room: topology, clock, disks, cores, meters, faults and the trace.
//!
//! Nothing here knows HTTP or the store. The `fabric` backend puts all of it together; the
//! `turmoil` and `tcp` backends take their network and clock from elsewhere.

pub mod clock;
pub mod cpu;
pub mod disk;
pub mod executor;
pub mod fabric;
pub mod fault;
pub mod ledger;
pub mod net;
pub mod tcp;
pub mod timeline;
pub mod trace;
pub mod turmoil;
pub mod wire;

use std::time::Duration;

pub use executor::ExecutorStats;
pub use fault::{EffectLog, Effects, Fault, FaultError, FaultId};
pub use ledger::{Ledger, LedgerTotals, WayBytes};
pub use timeline::Timeline;
pub use trace::{Trace, TraceEvent};

use stayput_host::topology::{HostKey, HostMain, HostSpec};
use stayput_host::{KnownContents, Time};

/// End of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The condition to run until came about.
    Done,
    /// Nothing was left that could ever happen.
    Stuck,
    /// The time limit was reached.
    TimeLimit,
    /// Tasks woke each other so often that time stood still.
    Livelock,
}

/// Busy time of a host's parts, summed over parts of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostBusy {
    /// Its cores: computing, and starting what computes.
    pub cores: Duration,
    /// Its disks: serving accesses, seeks included.
    pub disks: Duration,
}

/// A set of machines that run code of the seam, whatever its backend.
pub trait World {
    /// Tells hosts that are added later of contents whose checksums they need not compute again. It
    /// changes nothing else.
    fn know(&mut self, _contents: KnownContents) {}

    /// Adds a host and starts it. Hosts are counted from zero in the order of this.
    fn add_host(&mut self, spec: HostSpec, main: HostMain) -> HostKey;

    /// Runs until `done` says so (it is asked each time that something may have changed), at most
    /// to `limit`.
    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd;

    /// The time now.
    fn now(&self) -> Time;

    /// Schedules a fault.
    ///
    /// # Errors
    /// The backend has no such faults, or a host that the fault names does not exist.
    fn schedule(&mut self, fault: Fault) -> Result<FaultId, FaultError>;

    /// Effects of a fault so far.
    fn effects(&self, fault: FaultId) -> Effects;

    /// Bytes sent so far.
    fn ledger(&self) -> Ledger;

    /// Payload bytes that have left a NIC and have neither arrived nor been dropped; `None` if the
    /// backend cannot see them.
    fn in_flight(&self) -> Option<u64>;

    /// Fuel that all cores have spent, on work that was given up as well.
    fn fuel_spent(&self) -> u64;

    /// Busy times of each host's parts so far, in the order of the hosts; `None` for parts of a
    /// real machine.
    fn busy(&self) -> Option<Vec<HostBusy>> {
        None
    }

    /// Work of the world's executor so far; `None` if the backend has another one.
    fn effort(&self) -> Option<ExecutorStats> {
        None
    }

    /// A digest of which task was polled when, in hexadecimal; `None` if the backend does not say.
    fn schedule_hash(&self) -> Option<String> {
        None
    }

    /// Trace of semantic events. Clones share it.
    fn trace(&self) -> Trace;

    /// Timeline of spans. Clones share it.
    fn timeline(&self) -> Timeline;
}
