//! `throttle`: a network card, or the trunk between two places, is slower.

use stayput_host::config::ByteRate;
use stayput_host::quantity::bit_rate;

use crate::fault::description::FaultDescription;
use crate::fault::kind::FaultKind;
use crate::fault::network::NetworkRule;
use crate::fault::spec::{FaultKeyError, FaultSpec};

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "throttle",
    keys: &["on", "between"],
    implied: None,
    parse: |section| {
        let throttle = Throttle { rate: section.byte_rate("throttle")? };
        match (section.has("on"), section.has("between")) {
            (true, false) => Ok(FaultKind::card(section.card("on")?, throttle).into()),
            (false, true) => Ok(FaultKind::trunk(section.trunk()?, throttle).into()),
            (true, true) | (false, false) => {
                let fix = "write either on = \"node:5\" (its card) or \
                           between = [[\"zone:1\"], [\"zone:2\"]] (the trunk)";
                Err(FaultKeyError::new("throttle", "wants either `on` or `between`", fix))
            }
        }
    },
};

/// Rate limit of a network card or a trunk, each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Rate while the fault lasts.
    pub rate: ByteRate,
}

impl FaultDescription for Throttle {
    fn name(&self) -> &'static str {
        "throttle"
    }

    fn phrase(&self, place: &str) -> String {
        format!("throttle {place} to {}", bit_rate(self.rate))
    }

    fn parameters(&self) -> String {
        format!("to {} B/s", self.rate.get())
    }
}

impl NetworkRule for Throttle {
    fn rate_max(&self) -> Option<ByteRate> {
        Some(self.rate)
    }
}
