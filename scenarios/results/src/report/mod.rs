//! The report on a run: what each policy did, what was saved, which promises were kept.
//!
//! It only reads results. Formats are exporters, one file each; they share this one judgement.

mod export;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod saved;
#[cfg(test)]
mod tests;
mod verdict;

use sha2::{Digest, Sha256};

pub use export::{AnswersExporter, Exporter, JsonExporter, TableExporter};
pub use saved::{Saved, saved};
pub use verdict::{ExpectVerdict, FaultVerdict};

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::PolicyRun;

/// A judged run of one or more policies.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The network.
    pub net: Net,
    /// The digest over the policies' names and trace hashes, in the order of their names; `None` if one of them has none.
    pub trace_hash: Option<String>,
    /// The runs, in the order that was asked for.
    pub runs: Vec<PolicyRun>,
    /// What was saved; `None` unless both `on-storage` and `download` ran.
    pub saved: Option<Saved>,
    /// What each scheduled fault did; empty when faults are off.
    pub faults: Vec<FaultVerdict>,
    /// How the expectations turned out.
    pub expect: Vec<ExpectVerdict>,
    /// Promises that were broken; empty if all were kept.
    pub broken: Vec<String>,
    /// Whether clients waited for answers before they sent more, so that latencies of two
    /// policies say nothing beside each other.
    pub closed_loop: bool,
}

impl RunReport {
    /// Judges the runs of a plan.
    #[must_use]
    pub fn new(plan: &RunPlan, runs: Vec<PolicyRun>) -> Self {
        let scheduled = if plan.faults { plan.scenario.faults.as_slice() } else { &[] };
        let saved = saved(&runs);
        let expect = verdict::judge_expectations(&plan.scenario.expect, &runs, saved.as_ref());
        let faults = verdict::judge_faults(scheduled, &runs);
        let broken = verdict::broken_promises(&runs, &expect, &faults);
        Self {
            scenario: plan.scenario.name.clone(),
            seed: plan.seed,
            net: plan.net,
            trace_hash: combined_hash(&runs),
            runs,
            saved,
            faults,
            expect,
            broken,
            closed_loop: plan.has_closed_loop(),
        }
    }
}

fn combined_hash(runs: &[PolicyRun]) -> Option<String> {
    let part = |run: &PolicyRun| Some((run.policy.name(), run.trace_hash.clone()?));
    let mut parts: Vec<_> = runs.iter().map(part).collect::<Option<_>>()?;
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for (name, trace_hash) in parts {
        hash.update(format!("{name} {trace_hash}\n"));
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
