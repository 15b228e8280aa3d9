//! The engine: runs the planned jobs under one policy in the simulated cluster.

use std::io::Write;

use crate::plan::RunPlan;
use crate::report::PolicyRun;
use crate::scenario::Policy;

mod outcome;

pub use outcome::{Phase, Progress, RunError};

/// Runs `plan` under `policy`. `progress` is called now and then; `trace` gets a line per
/// semantic event.
///
/// # Errors
/// When the run cannot begin or come to its end.
pub fn run_policy(
    plan: &RunPlan,
    policy: Policy,
    progress: &mut dyn FnMut(Progress),
    trace: Option<&mut dyn Write>,
) -> Result<PolicyRun, RunError> {
    let _ = (plan, progress, trace);
    Err(RunError::NotWired { policy })
}
