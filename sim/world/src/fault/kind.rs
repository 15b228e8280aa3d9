//! What can go wrong, and how each kind is named.
//!
//! Leaves out what that does to the network and to disks: see `net::rule` and `disk::trouble`.

use std::num::NonZeroU32;
use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
use stayput_host::topology::{HostKey, HostPlace};

use crate::disk::StopPoint;

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
    /// What one side sends reaches the other later.
    Delay {
        /// One side.
        from: Vec<HostKey>,
        /// The other side.
        to: Vec<HostKey>,
        /// Whether what the other side sends is as fast as ever.
        one_way: bool,
        /// By how much, each way.
        added: Duration,
    },
    /// Segments between the sides are lost, beside those that the links lose anyway.
    Loss {
        /// One side.
        from: Vec<HostKey>,
        /// The other side.
        to: Vec<HostKey>,
        /// Whether nothing more of what the other side sends is lost.
        one_way: bool,
        /// How likely each of them is.
        chance: Chance,
    },
    /// A host's network card is slower, each way.
    ThrottleCard {
        /// The host.
        host: HostKey,
        /// How fast it is.
        rate: ByteRate,
    },
    /// The trunk between two places is slower, each way.
    ThrottleTrunk {
        /// The places.
        between: [HostPlace; 2],
        /// How fast it is.
        rate: ByteRate,
    },
    /// The process ends at once: its connections are reset, its files stay as they are.
    Crash(HostKey),
    /// The machine loses power: its peers hear nothing, what was not synced is gone.
    Power(HostKey),
    /// Each access takes so many times as long.
    SlowDisk {
        /// The host.
        host: HostKey,
        /// Which of its disks; all if `None`.
        disk: Option<String>,
        /// How many times as long.
        factor: NonZeroU32,
    },
    /// Nothing that needs room can be written.
    FullDisk {
        /// The host.
        host: HostKey,
        /// Which of its disks; all if `None`.
        disk: Option<String>,
    },
    /// Reads of files fail now and then.
    ReadErrors {
        /// The host.
        host: HostKey,
        /// Which of its disks; all if `None`.
        disk: Option<String>,
        /// How likely each of them does.
        chance: Chance,
    },
    /// A disk stops at one of its changes, and nothing of it comes to its end until the fault ends. With a crash or a loss of
    /// power meanwhile, its host crashes at that change.
    StopDisk {
        /// The host.
        host: HostKey,
        /// Which of its disks; all, each for itself, if `None`.
        disk: Option<String>,
        /// Where it stops.
        point: StopPoint,
    },
    /// A loss of power leaves some of what was not synced: names, and beginnings of what was appended.
    TornWrites {
        /// The host.
        host: HostKey,
        /// Which of its disks; all if `None`.
        disk: Option<String>,
    },
}

impl FaultKind {
    /// As scenarios name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Partition { .. } => "partition",
            Self::Delay { .. } => "latency",
            Self::Loss { .. } => "loss",
            Self::ThrottleCard { .. } | Self::ThrottleTrunk { .. } => "throttle",
            Self::Crash(_) => "crash",
            Self::Power(_) => "power",
            Self::SlowDisk { .. } => "slow_disk",
            Self::FullDisk { .. } => "full_disk",
            Self::ReadErrors { .. } => "read_errors",
            Self::StopDisk { .. } => "stop_disk",
            Self::TornWrites { .. } => "torn_writes",
        }
    }

    /// The hosts that it names.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostKey> {
        match self {
            Self::Partition { from, to, .. }
            | Self::Delay { from, to, .. }
            | Self::Loss { from, to, .. } => from.iter().chain(to).copied().collect(),
            Self::ThrottleTrunk { .. } => Vec::new(),
            Self::Crash(host)
            | Self::Power(host)
            | Self::ThrottleCard { host, .. }
            | Self::SlowDisk { host, .. }
            | Self::FullDisk { host, .. }
            | Self::ReadErrors { host, .. }
            | Self::StopDisk { host, .. }
            | Self::TornWrites { host, .. } => vec![*host],
        }
    }

    /// The host whose disks it troubles, and which of them (all if `None`).
    #[must_use]
    pub fn disk(&self) -> Option<(HostKey, Option<&str>)> {
        match self {
            Self::SlowDisk { host, disk, .. }
            | Self::FullDisk { host, disk }
            | Self::ReadErrors { host, disk, .. }
            | Self::StopDisk { host, disk, .. }
            | Self::TornWrites { host, disk } => Some((*host, disk.as_deref())),
            _ => None,
        }
    }

    /// What it is, in one line; `name` says what a host is called.
    #[must_use]
    pub fn describe(&self, name: impl Fn(HostKey) -> String) -> String {
        let kind = self.name();
        let sides = |from: &[HostKey], to: &[HostKey], one_way: bool| {
            let arrow = if one_way { ">" } else { "<>" };
            format!("{} {arrow} {}", some(from, &name), some(to, &name))
        };
        let disk_of = |host: &HostKey, disk: &Option<String>| {
            format!("{}/{}", name(*host), disk.as_deref().unwrap_or("*"))
        };
        match self {
            Self::Partition { from, to, one_way } => {
                format!("{kind} {}", sides(from, to, *one_way))
            }
            Self::Delay { from, to, one_way, added } => {
                format!("{kind} {} by {} ns", sides(from, to, *one_way), added.as_nanos())
            }
            Self::Loss { from, to, one_way, chance } => {
                format!("{kind} {} of {} ppb", sides(from, to, *one_way), chance.get())
            }
            Self::ThrottleCard { host, rate } => {
                format!("{kind} {} to {} B/s", name(*host), rate.get())
            }
            Self::ThrottleTrunk { between: [a, b], rate } => {
                format!("{kind} {} <> {} to {} B/s", place(*a), place(*b), rate.get())
            }
            Self::Crash(host) | Self::Power(host) => format!("{kind} {}", name(*host)),
            Self::SlowDisk { host, disk, factor } => {
                format!("{kind} {} by {factor}", disk_of(host, disk))
            }
            Self::FullDisk { host, disk } | Self::TornWrites { host, disk } => {
                format!("{kind} {}", disk_of(host, disk))
            }
            Self::StopDisk { host, disk, point } => {
                format!("{kind} {} at {point:?}", disk_of(host, disk))
            }
            Self::ReadErrors { host, disk, chance } => {
                format!("{kind} {} of {} ppb", disk_of(host, disk), chance.get())
            }
        }
    }
}

/// A side may be a thousand hosts: the first few stand for it.
fn some(hosts: &[HostKey], name: impl Fn(HostKey) -> String) -> String {
    const NAMED_MAX: usize = 4;
    let named: Vec<String> = hosts.iter().take(NAMED_MAX).map(|host| name(*host)).collect();
    let others = match hosts.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &others
}

fn place(place: HostPlace) -> String {
    match place {
        HostPlace::Zone { zone, .. } => format!("zone:{zone}"),
        HostPlace::Workers => "workers".to_owned(),
        HostPlace::Clients => "clients".to_owned(),
    }
}
