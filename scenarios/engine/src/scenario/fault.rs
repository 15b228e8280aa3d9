//! Faults of a scenario: times, repetition, and the kind with its target.
//!
//! Leaves out what a kind does (`stayput_world::fault`), the draws of a seed (`plan`), and
//! effects (`record`).

use std::fmt;
use std::time::Duration;

use stayput_host::quantity::exact_duration;
use stayput_world::fault::{ClusterPlace, FaultKind, Repeat};

use crate::quantity::Decimal;

/// Fault of a scenario. Its times count from the first job's intended arrival.
#[derive(Clone, Debug)]
pub struct ScenarioFault {
    /// First beginning.
    pub at: Duration,
    /// Length, each time.
    pub for_: Duration,
    /// Repetition; once only if `None`.
    pub repeat: Option<Repeat>,
    /// Kind and target.
    pub kind: FaultKind<ClusterPlace>,
    /// True if it may be without effect.
    pub may_miss: bool,
    /// Line in the file, for messages.
    pub line: Option<usize>,
}

/// Faults whose times, and perhaps places, the seed decides. They may all be without effect.
#[derive(Clone, Debug)]
pub struct DrawnFault {
    /// None begins before this.
    pub at: Duration,
    /// None begins from here on.
    pub until: Duration,
    /// Mean number of beginnings per second, of a Poisson process.
    pub per_second: Decimal,
    /// Length of each.
    pub for_: Duration,
    /// Repetition of each.
    pub repeat: Option<Repeat>,
    /// Kind, at the place that is written or at the first of `targets`.
    pub kind: FaultKind<ClusterPlace>,
    /// Places of which each hits one; empty if the place is written.
    pub targets: Vec<ClusterPlace>,
    /// Number of its section in the file, from 1.
    pub section: usize,
    /// Line in the file, for messages.
    pub line: Option<usize>,
}

impl fmt::Display for ScenarioFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = exact_duration;
        write!(f, "{} at {} for {}", self.kind, show(self.at), show(self.for_))?;
        match self.repeat {
            Some(Repeat { every, times }) => write!(f, ", every {} {times} times", show(every)),
            None => Ok(()),
        }
    }
}
