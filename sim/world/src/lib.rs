//! The simulated machine room: topology, clock, disks, cores, meters, faults and the trace.
//!
//! Nothing here knows HTTP or a store. The `fabric` backend puts all of it together; the `turmoil`
//! backend takes its network and clock from that crate and the rest from here. Each implements the
//! traits of [`capability`] that it can; [`metered`] gives the meters of a run to a backend from
//! elsewhere, real machines included. No socket, file or thread is opened here.

pub mod capability;
pub mod clock;
pub mod cpu;
pub mod disk;
pub mod executor;
pub mod fabric;
pub mod fault;
pub mod ledger;
pub mod metered;
pub mod net;
mod parts;
pub mod timeline;
pub mod trace;
pub mod turmoil;
pub mod wire;

pub use capability::{ExecutorMeters, FaultInjection, HostBusy, PartMeters, RunMeters, WireMeters};
pub use executor::ExecutorStats;
pub use fault::{EffectLog, Effects, Fault, FaultError, FaultId};
pub use ledger::{Ledger, LedgerTotals, WayBytes};
pub use timeline::Timeline;
pub use trace::{Trace, TraceEvent};
