//! Faults: what goes wrong on purpose, when and for how long.
//!
//! Leaves out how the world does it, and what it touched (`report`).

use std::fmt;
use std::time::Duration;

use super::Place;

/// Something that goes wrong on purpose. Its times count from the first job's intended arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub for_: Duration,
    /// What happens.
    pub kind: FaultKind,
    /// Whether it may be without effect.
    pub may_miss: bool,
    /// Its line in the file, for messages.
    pub line: Option<usize>,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Links are cut.
    Partition {
        /// The one side.
        side: Vec<Place>,
        /// The other side; all that is not in `side` if `None`.
        others: Option<Vec<Place>>,
        /// Only what `side` sends is lost; both directions otherwise.
        one_way: bool,
    },
    /// The process ends, and starts again after the fault; what it wrote is kept.
    Crash(Place),
    /// The machine loses power, and starts again after the fault; what was not synced is lost.
    Power(Place),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |places: &[Place]| places.iter().map(Place::to_string).collect::<Vec<_>>().join("+");
        match &self.kind {
            FaultKind::Partition { side, others, one_way } => {
                let others = others.as_deref().map_or_else(|| "all others".to_owned(), list);
                let arrow = if *one_way { "to" } else { "from" };
                write!(f, "partition of {} {arrow} {others}", list(side))?;
            }
            FaultKind::Crash(place) => write!(f, "crash of {place}")?,
            FaultKind::Power(place) => write!(f, "power loss of {place}")?,
        }
        let show = crate::quantity::exact_duration;
        write!(f, " at {} for {}", show(self.at), show(self.for_))
    }
}
