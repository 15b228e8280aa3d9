//! The record of a run under one policy: jobs, bytes, fuel, hosts, effects of faults.
//!
//! Facts only. Leaves out comparison with another policy, which is `stayput-results`'.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stayput_jobs::memo::MemoUse;
use stayput_world::ExecutorStats;

use super::nanos;
use super::{HostUse, JobRecord, LedgerRow};

/// The planned jobs under one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy's name.
    pub policy: String,
    /// Digest of all semantic events with their times, in hexadecimal; `None` on a network that
    /// does not repeat them.
    pub trace_hash: Option<String>,
    /// Digest of the order in which tasks ran, in hexadecimal; `None` on a network that does not
    /// know it.
    pub schedule_hash: Option<String>,
    /// From the first job's intended arrival to the last job's end.
    #[serde(rename = "makespan_ns", with = "nanos")]
    pub makespan: Duration,
    /// Fuel that guests used, attempts that were given up included.
    pub fuel: u64,
    /// Events and polls of the executor, loading included; `None` on a network that has another
    /// one. It measures the simulator and not the cluster, so it is not on disk.
    #[serde(skip)]
    pub effort: Option<ExecutorStats>,
    /// Sessions by how the memo served them; `None` without a memo. The result does not depend on
    /// it, so it is not on disk.
    #[serde(skip)]
    pub memo: Option<MemoUse>,
    /// Bytes from the first job's intended arrival on.
    pub bytes: ByteCounts,
    /// The same by class of link and purpose, in the order of their names.
    pub ledger: Vec<LedgerRow>,
    /// Bytes of loading data and code before that, which are no part of what is saved.
    pub loading: ByteCounts,
    /// Use of each host, in the order of the hosts; empty on a network of real machines.
    pub hosts: Vec<HostUse>,
    /// The load beside the jobs; `None` if the scenario has none.
    pub load: Option<LoadRecord>,
    /// Effect of each scheduled fault, in the order of the run's; empty when faults are off.
    pub faults: Vec<FaultEffect>,
    /// Invariants that did not hold; empty in a sound run.
    pub broken: Vec<String>,
    /// The jobs, by index.
    pub jobs: Vec<JobRecord>,
}

/// Requests of the load beside the jobs, until the last job had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// Latency of each read that gave what was stored, from its intended time.
    #[serde(rename = "reads_ns", with = "nanos::list")]
    pub reads: Vec<Duration>,
    /// Latency of each write that was acknowledged.
    #[serde(rename = "writes_ns", with = "nanos::list")]
    pub writes: Vec<Duration>,
    /// Requests that failed honestly.
    pub failed: u64,
    /// Reads that gave other bytes than were stored.
    pub wrong: u64,
    /// Requests that were under way at the end.
    pub unfinished: u64,
}

impl LoadRecord {
    /// Number of requests that succeeded.
    #[must_use]
    pub fn ok(&self) -> u64 {
        (self.reads.len() + self.writes.len()) as u64
    }
}

/// Bytes of a run. Hop bytes count each time they leave a network card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteCounts {
    /// Hop bytes of HTTP bodies.
    pub body: u64,
    /// Hop bytes of the streams: bodies, heads and framing.
    pub payload: u64,
    /// Hop bytes on the wire; `None` on a network without one.
    pub wire: Option<u64>,
    /// Payload bytes that were dropped; `None` on a network that does not know.
    pub lost: Option<u64>,
    /// Payload bytes under way at the end; `None` on a network that does not know.
    pub in_flight: Option<u64>,
    /// Bytes that consumers asked for, once, however many hops they took; `None` on a network that
    /// does not know what arrived.
    pub end_to_end: Option<u64>,
    /// Body bytes that went from one zone to another.
    pub cross_zone: u64,
    /// Body bytes by class of link.
    pub by_class: BTreeMap<String, u64>,
    /// Body bytes by purpose.
    pub by_purpose: BTreeMap<String, u64>,
}

/// Effect of one scheduled fault under one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEffect {
    /// Counts of what it touched, by name.
    pub effect: BTreeMap<String, u64>,
    /// True if it touched anything.
    pub bit: bool,
}
