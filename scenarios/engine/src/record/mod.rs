//! The record of a run: jobs, bytes, hosts, faults, as facts.
//!
//! [`RunRecord`] is the one model of a run. The engine writes it; `stayput-results` judges it, and
//! every table, file and page is a view of it. Leaves out figures over several jobs, such as
//! percentiles: those are statistics.

mod hosts;
mod job;
mod nanos;
mod phases;
mod policy;
mod run;
#[cfg(test)]
mod tests;
mod workload;

pub use hosts::{HostUse, LedgerRow};
pub use job::{JobEnd, JobPlace, JobPlacement, JobRecord};
pub use phases::{LatencyPhase, PhaseTimes};
pub use policy::{ByteCounts, FaultEffect, LoadRecord, PolicyRecord};
pub use run::{ExpectRecord, FaultRecord, RunKey, RunRecord};
pub use workload::{hex, workload_digest};
