//! `loss`: segments between two sides are lost, beside those that the link loses anyway.

use stayput_host::config::Chance;
use stayput_host::quantity::chance;
use stayput_host::topology::HostKey;

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::network::{NetworkRule, RuleVerdict};
use crate::fault::spec::{FaultKeyError, FaultSpec};

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "loss",
    keys: &["on", "between", "one_way"],
    implied: None,
    parse: |section| {
        let chance = section.chance("loss")?;
        if chance.get() == Chance::BILLION {
            let fix = "use a partition, or write less than 100 %";
            return Err(FaultKeyError::new("loss", "loses everything", fix));
        }
        Ok(FaultKind::ways(section.sides("on")?, Loss { chance }).into())
    },
};

/// Loss of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Probability of each segment's loss.
    pub chance: Chance,
}

impl FaultDescription for Loss {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn phrase(&self, place: &str) -> String {
        format!("{} loss {place}", chance(self.chance))
    }

    fn parameters(&self) -> String {
        format!("of {} ppb", self.chance.get())
    }
}

impl NetworkRule for Loss {
    fn verdict(&self, _from: HostKey, _to: HostKey) -> RuleVerdict {
        RuleVerdict::Lose(self.chance)
    }
}
