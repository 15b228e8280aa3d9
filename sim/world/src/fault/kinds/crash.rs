//! `crash`: a process ends at once, and starts again after the fault.

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::process::{HostControl, ProcessFault};
use crate::fault::spec::FaultSpec;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "crash",
    keys: &[],
    implied: None,
    parse: |section| Ok(FaultKind::process(section.machine("crash")?, Crash).into()),
};

/// End of a process: its connections are reset, its files stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash;

impl FaultDescription for Crash {
    fn name(&self) -> &'static str {
        "crash"
    }

    fn phrase(&self, place: &str) -> String {
        format!("crash {place}")
    }
}

impl ProcessFault for Crash {
    fn begin(&self, host: &dyn HostControl) {
        host.kill_process();
    }

    fn end(&self, host: &dyn HostControl) {
        host.restore();
    }
}
