//! The record of a run: the same jobs under each policy.
//!
//! The same run gives the same record on any machine: the wall clock is kept elsewhere. The engine
//! leaves `expect` and `broken` empty; a judge fills them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::nanos;
use super::{FaultEffect, PolicyRecord, hex, workload_digest};
use crate::plan::{Net, RunPlan};
use crate::scenario::ScenarioFault;

/// Identity of a run within a sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunKey {
    /// The scenario's name.
    pub scenario: String,
    /// The values of the settings that vary, by key.
    pub settings: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
}

impl RunKey {
    /// The name of the run's file in a sweep: a digest of all of the key, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.scenario);
        for (key, value) in &self.settings {
            part(key);
            part(value);
        }
        part(&self.seed.to_string());
        hex(&hash.finalize()[..16])
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scenario)?;
        for (key, value) in &self.settings {
            write!(f, " {key}={value}")?;
        }
        write!(f, " seed {}", self.seed)
    }
}

/// One run: the same jobs under each policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Scenario, settings and seed.
    pub key: RunKey,
    /// The network that the hosts talked over.
    pub net: Net,
    /// Digest over the policies' names and trace hashes, in the order of their names; `None` if a
    /// policy has none.
    pub trace_hash: Option<String>,
    /// Digest of the work. Runs with equal ones can be compared.
    pub workload: String,
    /// True if clients wait for answers before they send more, so that latencies of two policies
    /// are not comparable.
    pub closed_loop: bool,
    /// The policies, in the order that was asked for.
    pub policies: Vec<PolicyRecord>,
    /// The scheduled faults; empty when faults are off.
    pub faults: Vec<FaultRecord>,
    /// The scenario's expectations, judged.
    pub expect: Vec<ExpectRecord>,
    /// Promises that were broken, in words; empty if all were kept.
    pub broken: Vec<String>,
}

/// A scheduled fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The fault, in words.
    pub what: String,
    /// Its begin, from the first job's intended arrival on.
    #[serde(rename = "at_ns", with = "nanos")]
    pub at: Duration,
    /// Its length.
    #[serde(rename = "for_ns", with = "nanos")]
    pub lasts: Duration,
    /// True if it may be without effect.
    pub may_miss: bool,
}

/// One expectation of the scenario, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectRecord {
    /// The figure's key.
    pub figure: String,
    /// The wanted value, with its sign.
    pub wanted: String,
    /// The value that was found, in words.
    pub found: String,
    /// Verdict; `None` if a policy that it names did not run, or the network does not know the
    /// figure.
    pub holds: Option<bool>,
}

impl RunRecord {
    /// The record of a plan that ran under these policies.
    #[must_use]
    pub fn new(key: RunKey, plan: &RunPlan, policies: Vec<PolicyRecord>) -> Self {
        let faults = if plan.faults { plan.scenario.faults.as_slice() } else { &[] };
        Self {
            key,
            net: plan.net,
            trace_hash: combined_hash(&policies),
            workload: workload_digest(plan),
            closed_loop: plan.has_closed_loop(),
            policies,
            faults: faults.iter().map(FaultRecord::new).collect(),
            expect: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The run under one policy.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&PolicyRecord> {
        self.policies.iter().find(|run| run.policy == name)
    }

    /// Effects of the fault of this number, with the policies' names.
    pub fn effects(&self, fault: usize) -> impl Iterator<Item = (&str, &FaultEffect)> {
        let of = move |run: &'_ PolicyRecord| run.faults.get(fault).is_some();
        let runs = self.policies.iter().filter(move |run| of(run));
        runs.map(move |run| (run.policy.as_str(), &run.faults[fault]))
    }

    /// True if the fault of this number touched anything under any policy.
    #[must_use]
    pub fn bit(&self, fault: usize) -> bool {
        self.effects(fault).any(|(_, effect)| effect.bit)
    }
}

impl FaultRecord {
    fn new(fault: &ScenarioFault) -> Self {
        Self { what: fault.to_string(), at: fault.at, lasts: fault.for_, may_miss: fault.may_miss }
    }
}

fn combined_hash(runs: &[PolicyRecord]) -> Option<String> {
    let part = |run: &'_ PolicyRecord| Some((run.policy.clone(), run.trace_hash.clone()?));
    let mut parts: Vec<_> = runs.iter().map(part).collect::<Option<_>>()?;
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for (name, trace_hash) in parts {
        hash.update(format!("{name} {trace_hash}\n"));
    }
    Some(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_key_is_in_its_digest() {
        let key = RunKey {
            scenario: "banana".to_owned(),
            settings: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            seed: 1,
        };
        let digests = [
            key.digest(),
            RunKey { scenario: "bananas".to_owned(), ..key.clone() }.digest(),
            RunKey { seed: 2, ..key.clone() }.digest(),
            RunKey { settings: BTreeMap::new(), ..key.clone() }.digest(),
            RunKey { settings: BTreeMap::from([("a1".to_owned(), String::new())]), ..key.clone() }
                .digest(),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert_eq!(digest.len(), 32);
            assert!(!digests[..at].contains(digest), "{at}");
        }
    }
}
