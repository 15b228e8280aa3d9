//! The records of a sweep, as they stand in its directory in JSON. Times are in microseconds of the simulated world.
//!
//! The same run gives the same record, whatever machine, core or shard it ran on: what the wall clock decides is kept elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stayput_engine::record::{HostUse, LedgerRow};
use stayput_host::Purpose;

use super::statistics::WarmUp;

/// What a whole sweep is: `sweep.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepHead {
    /// The name and version of the schema.
    pub schema: String,
    /// The command that began it, to be pasted into a shell.
    pub command: String,
    /// The version of the program, and the commit where one is known.
    pub version: String,
    /// The scenarios: name and the digest of all that decides their runs (its text and the files that it names), in the order
    /// that was asked for.
    pub scenarios: Vec<(String, String)>,
    /// The stories of the scenarios, by name.
    pub stories: BTreeMap<String, String>,
    /// The settings that vary: each key with its values, in the order that was asked for.
    pub axes: Vec<(String, Vec<String>)>,
    /// The seeds, as they were asked for: `0..200`.
    pub seeds: String,
    /// The policies by name, in the order that was asked for; empty if each scenario names its own.
    pub policies: Vec<String>,
    /// What its figures leave out of the beginning of each run. The records have all of it, so it may be another when the sweep is
    /// gone on with; then it is that.
    pub warm_up: WarmUp,
    /// The commit of the program that began it, or `unknown`. It decides nothing, as far as versions tell what has changed.
    pub commit: String,
}

/// Which run of a sweep a record is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunKey {
    /// The scenario's name.
    pub scenario: String,
    /// The values of the sweep's axes, by key.
    pub settings: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
}

/// One run: the same jobs under each policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Which.
    pub key: RunKey,
    /// The digest over the policies' trace hashes.
    pub trace_hash: String,
    /// A digest of the work: the objects with their bytes, the jobs and when they arrive, the faults. Runs with equal ones can
    /// be compared.
    pub workload: String,
    /// Whether clients wait for answers before they send more, so that latencies of two policies cannot be compared.
    pub closed_loop: bool,
    /// One for each policy, in the order that was asked for.
    pub policies: Vec<PolicyRecord>,
    /// What each scheduled fault did.
    pub faults: Vec<FaultRecord>,
    /// The scenario's expectations.
    pub expect: Vec<ExpectRecord>,
    /// Promises that were broken, in words.
    pub broken: Vec<String>,
}

/// What one policy did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy's name.
    pub policy: String,
    /// The digest of its semantic events.
    pub trace_hash: String,
    /// From the first intended arrival to the last job's end.
    pub makespan_us: u64,
    /// Fuel that guests used, attempts that were given up included.
    pub fuel: u64,
    /// Bytes from the first intended arrival on.
    pub bytes: ByteRecord,
    /// The ledger, row by row.
    pub ledger: Vec<LedgerRow>,
    /// What each host's parts were used for, in the order of the hosts.
    pub hosts: Vec<HostUse>,
    /// The jobs, by index.
    pub jobs: Vec<JobRow>,
}

impl PolicyRecord {
    /// Hop bytes of bodies that the jobs caused: the load beside them lasts as long as they do, so its bytes say nothing of a policy.
    #[must_use]
    pub fn job_bytes(&self) -> u64 {
        let load = self.ledger.iter().filter(|row| row.purpose == Purpose::Foreground.name());
        self.bytes.body.saturating_sub(load.map(|row| row.body).sum())
    }
}

/// Bytes of a run; hop bytes count each time they leave a network card.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ByteRecord {
    /// Of HTTP bodies.
    pub body: u64,
    /// Of the streams: bodies, heads and framing.
    pub payload: u64,
    /// On the wire, headers of Ethernet, IP and TCP included.
    pub wire: Option<u64>,
    /// Of the streams, dropped on the way.
    pub lost: Option<u64>,
    /// Of the streams, under way at the end.
    pub in_flight: Option<u64>,
    /// What consumers asked for, once, however many hops it took.
    pub end_to_end: Option<u64>,
    /// Of bodies, from one zone to another.
    pub cross_zone: u64,
}

/// One job under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its number in the run.
    pub index: u32,
    /// The client that sent it, from 1.
    pub client: u32,
    /// The group of work that it belongs to, from 1.
    pub work: u32,
    /// Its object, as `container/object`.
    pub object: String,
    /// The bytes of that object.
    pub object_bytes: u64,
    /// `ok`, `failed` or `wrong`.
    pub end: String,
    /// Why it failed; empty otherwise.
    pub reason: String,
    /// When it should have been sent, after the first job.
    pub intended_us: u64,
    /// When its client had the whole answer, or gave up, after the first job's intended arrival.
    pub finished_us: u64,
    /// The time in between, by what it went to.
    pub split: SplitRecord,
    /// Bytes of the answer's body.
    pub answer_bytes: u64,
    /// Where it ran, as the policy says it: `node`, `proxy`, `worker`; empty if it did not.
    pub place: String,
    /// The policy's reason for that place; empty if none is known.
    pub decision: String,
}

/// Parts of a latency; together they are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Waiting for a turn.
    pub queue_us: u64,
    /// Waiting for a disk or served by one.
    pub disk_us: u64,
    /// Under way.
    pub transfer_us: u64,
    /// Computing.
    pub compute_us: u64,
    /// In attempts that came to nothing, or waiting before the next.
    pub retry_us: u64,
}

/// What a scheduled fault did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The fault, in words.
    pub what: String,
    /// When it began, after the first job.
    pub at_us: u64,
    /// How long it lasted.
    pub for_us: u64,
    /// What it touched, by name, under each policy.
    pub by_policy: BTreeMap<String, BTreeMap<String, u64>>,
    /// Whether it touched anything.
    pub bit: bool,
}

/// How an expectation turned out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectRecord {
    /// The figure's key.
    pub figure: String,
    /// What was wanted of it.
    pub wanted: String,
    /// What it was.
    pub found: String,
    /// Whether that is so; nothing where a policy that it speaks of did not run.
    pub holds: Option<bool>,
}
