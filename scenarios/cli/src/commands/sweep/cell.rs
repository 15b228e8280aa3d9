//! One run of a sweep: its options as those of `stayput run`, its plan, its policies, its record.
//!
//! All of it happens in one thread, since a simulated world is not shared.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use stayput_engine::plan::Net;
use stayput_engine::record::{RunKey, RunRecord};
use stayput_engine::run::{RunError, Wanted, run_policy};
use stayput_engine::scenario::{Policy, ScenarioCatalog, Setting, SettingError};
use stayput_results::judged;
use stayput_results::stats::WarmUp;
use stayput_results::sweep::{FailedRun, RunOutcome};
use stayput_runtime::memo::Memo;

use crate::commands::{CliError, PlanArgs, run};

/// The runs of a sweep, with all that they share.
pub(super) struct Cells {
    /// The scenarios' files by the scenarios' names.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// The policies; each scenario's own if empty.
    pub(super) policies: Vec<Policy>,
    /// Policies and kinds of faults that there are.
    pub(super) catalog: ScenarioCatalog,
    pub(super) no_faults: bool,
    pub(super) warm_up: WarmUp,
    /// Results of the sessions of earlier runs; `None` with `--no-memo`.
    pub(super) memo: Option<Memo>,
    /// Events of all worlds so far: a figure for the wall clock.
    pub(super) events: AtomicU64,
}

impl Cells {
    /// Executes a run.
    pub(super) fn run(&self, key: &RunKey) -> RunOutcome {
        match self.record(key) {
            Ok(record) => RunOutcome::Run(Box::new(record)),
            Err(error) => RunOutcome::Failed(FailedRun {
                key: key.clone(),
                no_progress: matches!(error, CliError::Run(RunError::NoProgress { .. })),
                why: error.to_string(),
            }),
        }
    }

    fn record(&self, key: &RunKey) -> Result<RunRecord, CliError> {
        let plan = run::plan(&self.words(key)?)?;
        let mut runs = Vec::new();
        for policy in &plan.scenario.policies {
            let wanted = Wanted { memo: self.memo.as_ref(), ..Wanted::default() };
            let run = run_policy(&plan, *policy, &mut |_| {}, wanted)?;
            let events = run.effort.map_or(0, |effort| effort.events);
            self.events.fetch_add(events, Ordering::Relaxed);
            runs.push(run);
        }
        Ok(judged(key.clone(), &plan, runs, self.warm_up))
    }

    /// The options of `stayput run` for the same run.
    pub(super) fn words(&self, key: &RunKey) -> Result<PlanArgs, CliError> {
        Ok(PlanArgs {
            scenario: self.files.get(&key.scenario).cloned().unwrap_or_default(),
            data: Vec::new(),
            set: settings(&key.settings).map_err(|error| usage(&error))?,
            seed: key.seed,
            policy: self.policies.clone(),
            catalog: self.catalog.clone(),
            net: Net::Fabric,
            shuffle: None,
            no_faults: self.no_faults,
            warm_up: self.warm_up,
        })
    }
}

/// The settings of a point.
pub(super) fn settings(values: &BTreeMap<String, String>) -> Result<Vec<Setting>, SettingError> {
    values.iter().map(|(key, value)| Setting::new(key, value)).collect()
}

pub(super) fn usage(error: &SettingError) -> CliError {
    CliError::Usage { why: error.to_string(), fix: "name a key that the scenario has" }
}
