//! Capabilities of a backend beside running hosts: fault injection and meters, a trait for each.
//!
//! A backend implements those that it has, so that no method has to answer that it is missing.

use std::time::Duration;

use crate::{Effects, ExecutorStats, Fault, FaultError, FaultId, Ledger, Timeline, Trace};

/// Injection of faults.
pub trait FaultInjection {
    /// Schedules a fault.
    ///
    /// # Errors
    /// A host or disk that the fault names does not exist, or the fault overlaps itself.
    fn schedule(&mut self, fault: Fault) -> Result<FaultId, FaultError>;

    /// Effects of a fault so far.
    fn effects(&self, fault: FaultId) -> Effects;
}

/// Meters and records of a run that every backend keeps.
pub trait RunMeters {
    /// Bytes sent so far.
    fn ledger(&self) -> Ledger;

    /// Fuel that all cores have spent, on work that was given up as well.
    fn fuel_spent(&self) -> u64;

    /// Record of semantic events. Clones share.
    fn trace(&self) -> Trace;

    /// Record of spans. Clones share.
    fn timeline(&self) -> Timeline;
}

/// Meters of a network whose wire is visible.
pub trait WireMeters {
    /// Payload bytes that have left a NIC and have neither arrived nor been dropped.
    fn in_flight(&self) -> u64;
}

/// HostBusy time of a host's parts, summed over parts of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostBusy {
    /// Cores: computing, and starting sessions.
    pub cores: Duration,
    /// Disks: serving accesses, seeks included.
    pub disks: Duration,
}

/// Meters of cores and disks that are models.
pub trait PartMeters {
    /// HostBusy times so far of each host, in the order of the hosts.
    fn busy(&self) -> Vec<HostBusy>;
}

/// Meters of our own executor.
pub trait ExecutorMeters {
    /// Work of the executor so far.
    fn effort(&self) -> ExecutorStats;

    /// Digest of which task was polled when, in hexadecimal.
    fn schedule_hash(&self) -> String;
}
