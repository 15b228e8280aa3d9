//! `power`: a machine loses power, and starts again after the fault.

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::process::{HostControl, ProcessFault};
use crate::fault::spec::FaultSpec;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "power",
    keys: &[],
    implied: None,
    parse: |section| Ok(FaultKind::process(section.machine("power")?, Power).into()),
};

/// Loss of power: peers hear nothing, what was not synced is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power;

impl FaultDescription for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn phrase(&self, place: &str) -> String {
        format!("power loss {place}")
    }
}

impl ProcessFault for Power {
    fn begin(&self, host: &dyn HostControl) {
        host.cut_power();
    }

    fn end(&self, host: &dyn HostControl) {
        host.restore();
    }
}
