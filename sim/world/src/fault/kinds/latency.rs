//! `latency`: what one side sends reaches the other later.

use std::time::Duration;

use stayput_host::quantity::exact_duration;
use stayput_host::topology::HostKey;

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::network::{NetworkRule, RuleVerdict};
use crate::fault::spec::FaultSpec;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "latency",
    keys: &["on", "between", "one_way"],
    implied: None,
    parse: |section| {
        let added = section.duration("latency", "20ms")?;
        Ok(FaultKind::ways(section.sides("on")?, Latency { added }).into())
    },
};

/// Latency beside that of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Added latency, each way.
    pub added: Duration,
}

impl FaultDescription for Latency {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn phrase(&self, place: &str) -> String {
        format!("{} more latency {place}", exact_duration(self.added))
    }

    fn parameters(&self) -> String {
        format!("by {} ns", self.added.as_nanos())
    }
}

impl NetworkRule for Latency {
    fn verdict(&self, _from: HostKey, _to: HostKey) -> RuleVerdict {
        RuleVerdict::Delay(self.added)
    }
}
