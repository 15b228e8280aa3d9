//! `partition`: nothing that one side sends reaches the other.

use stayput_host::topology::HostKey;

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::network::{NetworkRule, RuleVerdict};
use crate::fault::spec::{FaultSpec, ImpliedBy};

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "partition",
    keys: &["between", "one_way"],
    implied: Some(ImpliedBy { with: "between", any_of: &[], none_of: &["down", "up"] }),
    parse: |section| Ok(FaultKind::ways(section.sides("partition")?, NetworkPartition).into()),
};

/// Cut between two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPartition;

impl FaultDescription for NetworkPartition {
    fn name(&self) -> &'static str {
        "partition"
    }

    fn phrase(&self, place: &str) -> String {
        format!("partition {place}")
    }
}

impl NetworkRule for NetworkPartition {
    fn verdict(&self, _from: HostKey, _to: HostKey) -> RuleVerdict {
        RuleVerdict::Drop
    }
}
