//! What one policy's run gives: outcomes, bytes, fuel, effects of faults.
//!
//! Raw facts only; what they mean beside another policy's is `report`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::Purpose;
use stayput_host::time::Time;
use stayput_jobs::memo::MemoUse;
use stayput_world::Effort;

use super::split::LatencySplit;
use crate::record::{HostUse, LedgerRow};
use crate::scenario::Policy;

/// The result of the planned jobs under one policy.
#[derive(Clone, Debug)]
pub struct PolicyRun {
    /// The policy.
    pub policy: Policy,
    /// The digest of all semantic events with their times, in hexadecimal; `None` on a network that does not repeat them.
    pub trace_hash: Option<String>,
    /// The digest of which task ran when, in hexadecimal; `None` on a network that does not say.
    pub schedule_hash: Option<String>,
    /// The jobs, by index.
    pub jobs: Vec<JobRecord>,
    /// Fuel that guests used, attempts that were given up included.
    pub fuel: u64,
    /// What the executor did, loading included; `None` on a network that has another one.
    pub effort: Option<Effort>,
    /// What each host's parts were used for, in the order of the hosts; empty on a network of real machines.
    pub hosts: Vec<HostUse>,
    /// How the sessions were come by; `None` without a memo. Which of several runs that share one computes what is no part of the result.
    pub memo: Option<MemoUse>,
    /// Bytes from the first job's intended arrival on.
    pub bytes: ByteCounts,
    /// The same by class of link and purpose, row by row in the order of their names.
    pub ledger: Vec<LedgerRow>,
    /// Bytes of loading data and code before that, which are no part of what is saved.
    pub loading: ByteCounts,
    /// From the first job's intended arrival to the last job's end.
    pub makespan: Duration,
    /// What came of the load beside the jobs; `None` if the scenario has none.
    pub foreground: Option<Foreground>,
    /// What each scheduled fault did, in the order of the scenario; empty when faults are off.
    pub faults: Vec<FaultEffect>,
    /// Invariants that did not hold; empty in a sound run.
    pub broken: Vec<String>,
}

/// Requests of a scenario's load, until the last job had ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreground {
    /// How long each read took that gave what was stored, from its intended time.
    pub reads: Vec<Duration>,
    /// How long each write took that was acknowledged.
    pub writes: Vec<Duration>,
    /// Requests that failed honestly.
    pub failed: u64,
    /// Reads that gave other bytes than were stored.
    pub wrong: u64,
    /// Requests that were under way at the end.
    pub unfinished: u64,
}

impl Foreground {
    /// Requests that did what they were to do.
    #[must_use]
    pub fn ok(&self) -> u64 {
        (self.reads.len() + self.writes.len()) as u64
    }
}

/// One job's outcome.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Its number in the plan.
    pub index: u32,
    /// The client that sent it, from 0.
    pub client: u32,
    /// Its object, as `container/object`.
    pub object: String,
    /// When it should have been sent, or was, in a closed loop.
    pub intended: Time,
    /// When its client had the whole answer, or gave up.
    pub finished: Time,
    /// Where the time in between went.
    pub split: LatencySplit,
    /// How it ended.
    pub end: JobEnd,
    /// The exit codes of its sessions, those that did not exit left out.
    pub exit_codes: Vec<u32>,
    /// The answer's body.
    pub answer: Bytes,
    /// The version of the object that the answer names; empty if none.
    pub version: String,
    /// Where it ran, as its answer says: `node`, `proxy` or `worker`; empty if it says nothing.
    pub place: String,
    /// The policy's reason for that; empty if the answer says none.
    pub decision: String,
    /// Whether its client got a whole answer, right or wrong.
    pub completed: bool,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// With the reference answer.
    Ok,
    /// With another answer than the reference.
    Wrong {
        /// The reference.
        expected: Bytes,
    },
    /// With an honest error.
    Failed {
        /// What the client was told, or found.
        reason: String,
    },
}

/// Bytes of a run. Hop bytes count each time they leave a network card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteCounts {
    /// Hop bytes of HTTP bodies.
    pub body: u64,
    /// Hop bytes of the streams: bodies, heads and framing.
    pub payload: u64,
    /// Hop bytes on the wire; `None` on a network without one.
    pub wire: Option<u64>,
    /// Payload bytes that were dropped; `None` on a network that does not say.
    pub lost: Option<u64>,
    /// Payload bytes under way at the end; `None` on a network that does not say.
    pub in_flight: Option<u64>,
    /// What consumers asked for, once, however many hops it took; `None` on a network that does not say what arrived.
    pub end_to_end: Option<u64>,
    /// Body bytes that went from one zone to another.
    pub cross_zone: u64,
    /// Body bytes by class of link.
    pub by_class: BTreeMap<String, u64>,
    /// Body bytes by purpose.
    pub by_purpose: BTreeMap<String, u64>,
}

/// What a scheduled fault did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultEffect {
    /// The fault, in words.
    pub what: String,
    /// Counts of what it touched, by name.
    pub effect: BTreeMap<String, u64>,
    /// Whether it touched anything.
    pub bit: bool,
}

/// Jobs by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// With the reference answer.
    pub ok: u64,
    /// With an honest error.
    pub failed: u64,
    /// With a wrong answer.
    pub wrong: u64,
}

impl PolicyRun {
    /// Hop body bytes without those of the load beside the jobs, which go on as long as the jobs do.
    #[must_use]
    pub fn job_bytes(&self) -> u64 {
        let load = self.bytes.by_purpose.get(Purpose::Foreground.name()).copied().unwrap_or(0);
        self.bytes.body.saturating_sub(load)
    }

    /// How many jobs ended how.
    #[must_use]
    pub fn counts(&self) -> JobCounts {
        let mut counts = JobCounts::default();
        for job in &self.jobs {
            match job.end {
                JobEnd::Ok => counts.ok += 1,
                JobEnd::Failed { .. } => counts.failed += 1,
                JobEnd::Wrong { .. } => counts.wrong += 1,
            }
        }
        counts
    }

    /// How many jobs were placed for which reason; those whose answer names none are left out.
    #[must_use]
    pub fn decisions(&self) -> BTreeMap<&str, u64> {
        let mut decisions = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| !job.decision.is_empty()) {
            *decisions.entry(job.decision.as_str()).or_default() += 1;
        }
        decisions
    }
}
