//! Faults: kinds, targets, times, and their effects.
//!
//! A kind is one file in `kinds`; users add their own through a [`FaultCatalog`]. Leaves out how
//! a backend schedules faults: see `fabric::faults`.

mod catalog;
mod description;
pub mod disk;
mod effects;
mod kind;
pub mod kinds;
mod network;
mod place;
mod process;
mod spec;

use std::time::Duration;

use stayput_host::Time;
use stayput_host::topology::HostKey;

pub use self::catalog::FaultCatalog;
pub use self::description::FaultDescription;
pub use self::disk::{DiskFault, DiskRead, StopPoint};
pub use self::effects::{EffectCounter, EffectLog, Effects};
pub use self::kind::{FaultKind, NetworkTarget, Sides};
pub use self::network::{NetworkRule, RuleVerdict};
pub use self::place::{ClusterPlace, ClusterPlaceError};
pub use self::process::{HostControl, ProcessFault};
pub use self::spec::{FaultKeyError, FaultRhythm, FaultSection, FaultSpec, ImpliedBy, ParsedFault};

/// Number of a scheduled fault, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub usize);

/// Fault of a world: its times and its kind.
#[derive(Clone, Debug)]
pub struct Fault {
    /// First beginning.
    pub at: Time,
    /// Length, each time.
    pub lasts: Duration,
    /// Repetition; once only if `None`.
    pub repeat: Option<Repeat>,
    /// Kind and target.
    pub kind: FaultKind,
}

/// Repetition of a fault. Its effects are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// From one beginning to the next; no less than the fault lasts.
    pub every: Duration,
    /// Number of times in all, the first included.
    pub times: u32,
}

impl Fault {
    /// Fault that comes once.
    #[must_use]
    pub const fn once(at: Time, lasts: Duration, kind: FaultKind) -> Self {
        Self { at, lasts, repeat: None, kind }
    }

    /// Beginning number `nth`, from zero; `None` if the fault does not come so often.
    #[must_use]
    pub fn begins(&self, nth: u32) -> Option<Time> {
        match self.repeat {
            Some(Repeat { every, times }) if nth < times => {
                Some(self.at + every.saturating_mul(nth))
            }
            None if nth == 0 => Some(self.at),
            Some(_) | None => None,
        }
    }
}

/// Refusal to schedule a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The world has no such host.
    #[error("the fault names host {}, the world has {hosts}", .host.0)]
    NoSuchHost {
        /// Host that the fault names.
        host: HostKey,
        /// Number of hosts.
        hosts: usize,
    },
    /// The host has no such disk, or none at all.
    #[error(
        "the fault names {}, {host} has {has} disks",
        .disk.as_deref().map_or("any disk".to_owned(), |disk| format!("disk {disk}"))
    )]
    NoSuchDisk {
        /// Name of the host.
        host: String,
        /// Disk that the fault names; any if `None`.
        disk: Option<String>,
        /// Number of disks of the host.
        has: usize,
    },
    /// It would begin again before it has ended.
    #[error("the fault lasts {lasts:?} and comes every {every:?}: it would overlap itself")]
    OverlapsItself {
        /// Length of the fault.
        lasts: Duration,
        /// From one beginning to the next.
        every: Duration,
    },
}
