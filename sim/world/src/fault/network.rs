//! Rules of network faults: what becomes of a segment on its way, and how fast a port is.
//!
//! Leaves out how the network applies them (`net::rule`) and what the effects cost.

use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
use stayput_host::topology::HostKey;

use super::description::FaultDescription;

/// Decision of a rule on what one host sends another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleVerdict {
    /// It goes on as without the rule.
    Pass,
    /// It arrives later by this much.
    Delay(Duration),
    /// Each of its segments is lost with this chance, beside what the link loses.
    Lose(Chance),
    /// It does not arrive.
    Drop,
}

/// Network fault. Its effects are counted by the network: what is dropped, delayed, lost and
/// throttled. Overlapping rules add up.
pub trait NetworkRule: FaultDescription {
    /// Decides on what `from` sends to `to` over a way between the fault's sides.
    fn verdict(&self, from: HostKey, to: HostKey) -> RuleVerdict {
        let _ = (from, to);
        RuleVerdict::Pass
    }

    /// Rate above which the network card or trunk that the fault hits does not go; `None` leaves
    /// it as it is.
    fn rate_max(&self) -> Option<ByteRate> {
        None
    }
}
