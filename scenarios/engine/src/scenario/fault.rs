//! Faults: what goes wrong on purpose, when, for how long and how often.
//!
//! Leaves out how the world does it, what is drawn for a seed (`plan`), and what it touched (`report`).

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
pub use stayput_world::fault::Repeat;

use super::Place;
use crate::quantity::{Decimal, bit_rate, chance, exact_duration};

/// Something that goes wrong on purpose. Its times count from the first job's intended arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub for_: Duration,
    /// How it comes again; once only if `None`.
    pub repeat: Option<Repeat>,
    /// What happens.
    pub kind: FaultKind,
    /// Whether it may be without effect.
    pub may_miss: bool,
    /// Its line in the file, for messages.
    pub line: Option<usize>,
}

/// Faults whose times, and perhaps places, the seed decides. They may all be without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnFault {
    /// None begins before this.
    pub at: Duration,
    /// None begins from here on.
    pub until: Duration,
    /// How many begin per second, as a Poisson process.
    pub per_second: Decimal,
    /// How long each lasts.
    pub for_: Duration,
    /// How each comes again.
    pub repeat: Option<Repeat>,
    /// What happens, at the place that is written or at the first of `targets`.
    pub kind: FaultKind,
    /// The places of which each hits one; empty if the place is written.
    pub targets: Vec<Place>,
    /// The number of its section in the file, from 1.
    pub section: usize,
    /// Its line in the file, for messages.
    pub line: Option<usize>,
}

/// Two sides of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The one side.
    pub side: Vec<Place>,
    /// The other side; all that is not in `side` if `None`.
    pub others: Option<Vec<Place>>,
    /// Only what `side` sends is concerned; both directions otherwise.
    pub one_way: bool,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Links are cut.
    Partition(Sides),
    /// Links are slower.
    Latency {
        /// Which.
        sides: Sides,
        /// By how much, each way.
        added: Duration,
    },
    /// Links lose segments, beside those that they lose anyway.
    Loss {
        /// Which.
        sides: Sides,
        /// How likely each segment is lost.
        chance: Chance,
    },
    /// A machine's network card is slower.
    ThrottleCard {
        /// Whose.
        place: Place,
        /// How fast it is, each way.
        rate: ByteRate,
    },
    /// The trunk between two places is slower. A worker or client stands for where it is.
    ThrottleTrunk {
        /// The places.
        between: [Place; 2],
        /// How fast it is, each way.
        rate: ByteRate,
    },
    /// The process ends, and starts again after the fault; what it wrote is kept.
    Crash(Place),
    /// The machine loses power, and starts again after the fault; what was not synced is lost.
    Power(Place),
    /// Accesses to a disk, or to all of a node, take longer.
    SlowDisk {
        /// The disk or the node.
        place: Place,
        /// So many times as long.
        factor: NonZeroU32,
    },
    /// A disk, or each of a node, has no room.
    FullDisk(Place),
    /// Reads from a disk, or from all of a node, fail.
    ReadErrors {
        /// The disk or the node.
        place: Place,
        /// How likely each of them does.
        chance: Chance,
    },
}

impl FaultKind {
    /// The same at another place: what is on no side goes to the other one. A trunk has no one place, and stays.
    #[must_use]
    pub fn moved_to(&self, place: Place) -> Self {
        let mut kind = self.clone();
        match &mut kind {
            Self::Partition(sides) | Self::Latency { sides, .. } | Self::Loss { sides, .. } => {
                sides.side = vec![place];
            }
            Self::ThrottleTrunk { .. } => {}
            Self::Crash(at)
            | Self::Power(at)
            | Self::FullDisk(at)
            | Self::ThrottleCard { place: at, .. }
            | Self::SlowDisk { place: at, .. }
            | Self::ReadErrors { place: at, .. } => *at = place,
        }
        kind
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |places: &[Place]| places.iter().map(Place::to_string).collect::<Vec<_>>().join("+");
        let others = self.others.as_deref().map_or_else(|| "all others".to_owned(), list);
        let arrow = if self.one_way { "to" } else { "from" };
        write!(f, "of {} {arrow} {others}", list(&self.side))
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(sides) => write!(f, "partition {sides}"),
            Self::Latency { sides, added } => {
                write!(f, "{} more latency {sides}", exact_duration(*added))
            }
            Self::Loss { sides, chance: c } => write!(f, "{} loss {sides}", chance(*c)),
            Self::ThrottleCard { place, rate } => {
                write!(f, "throttle of {place} to {}", bit_rate(*rate))
            }
            Self::ThrottleTrunk { between: [a, b], rate } => {
                write!(f, "throttle between {a} and {b} to {}", bit_rate(*rate))
            }
            Self::Crash(place) => write!(f, "crash of {place}"),
            Self::Power(place) => write!(f, "power loss of {place}"),
            Self::SlowDisk { place, factor } => write!(f, "{factor} times slower disk {place}"),
            Self::FullDisk(place) => write!(f, "full disk {place}"),
            Self::ReadErrors { place, chance: c } => {
                write!(f, "{} read errors of {place}", chance(*c))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = exact_duration;
        write!(f, "{} at {} for {}", self.kind, show(self.at), show(self.for_))?;
        match self.repeat {
            Some(Repeat { every, times }) => write!(f, ", every {} {times} times", show(every)),
            None => Ok(()),
        }
    }
}
