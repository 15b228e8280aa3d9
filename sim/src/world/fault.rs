//! Faults: what goes wrong, when, for how long, and what it did.
//!
//! Leaves out slow disks, loss, throttles and clocks, which are kinds of a later version.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::topology::HostKey;
use crate::host::Time;

/// A scheduled fault, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub usize);

/// Something that goes wrong at a time and is mended after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing that one side sends reaches the other.
    Partition {
        /// One side.
        from: Vec<HostKey>,
        /// The other side.
        to: Vec<HostKey>,
        /// Whether the other side still reaches the first.
        one_way: bool,
    },
    /// The process ends at once: its connections are reset, its files stay as they are.
    Crash(HostKey),
    /// The machine loses power: its peers hear nothing, what was not synced is gone.
    Power(HostKey),
}

/// What a fault did, by kind of effect. A fault without any did not bite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects(BTreeMap<&'static str, u64>);

impl Effects {
    /// Adds to an effect.
    pub fn add(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// The effects and how often or how much.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.0
    }

    /// Whether it touched traffic, a disk or a process.
    #[must_use]
    pub fn bit(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Why a fault cannot be scheduled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such host.
    #[error("the fault names host {}, the world has {hosts}", .host.0)]
    NoSuchHost {
        /// The host it names.
        host: HostKey,
        /// How many there are.
        hosts: usize,
    },
    /// The backend has no faults of this kind.
    #[error("the {backend} backend has no faults of the kind {kind}: use the fabric")]
    Unsupported {
        /// The backend.
        backend: &'static str,
        /// The kind.
        kind: &'static str,
    },
}

impl FaultKind {
    /// As scenarios name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Partition { .. } => "partition",
            Self::Crash(_) => "crash",
            Self::Power(_) => "power",
        }
    }

    /// The hosts that it names.
    pub fn hosts(&self) -> impl Iterator<Item = HostKey> {
        let hosts: Vec<HostKey> = match self {
            Self::Partition { from, to, .. } => from.iter().chain(to).copied().collect(),
            Self::Crash(host) | Self::Power(host) => vec![*host],
        };
        hosts.into_iter()
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |hosts: &[HostKey]| {
            hosts.iter().map(|host| host.0.to_string()).collect::<Vec<_>>().join(",")
        };
        match self {
            Self::Partition { from, to, one_way } => {
                let arrow = if *one_way { ">" } else { "<>" };
                write!(f, "partition {} {arrow} {}", list(from), list(to))
            }
            Self::Crash(host) => write!(f, "crash {}", host.0),
            Self::Power(host) => write!(f, "power {}", host.0),
        }
    }
}
