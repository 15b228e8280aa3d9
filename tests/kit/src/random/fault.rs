//! Faults of a case: every kind that the world has, once or again and again.
//!
//! Leaves out faults of clients' machines, whose histories would be gone with them; their links are
//! troubled as all others are.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use stayput_cluster::Cluster;
use stayput_host::Time;
use stayput_host::config::{ByteRate, Chance};
use stayput_host::topology::HostKey;
use stayput_world as world;
use stayput_world::fault::kinds::{
    Crash, FullDisk, Latency, Loss, NetworkPartition, Power, ReadErrors, SlowDisk, Throttle,
};
use stayput_world::fault::{FaultKind, Repeat, Sides};

use super::case::Case;

/// All faults are mended so long after the start: longer than a client keeps asking those who
/// refuse.
pub const HORIZON_MS: u32 = 40_000;
/// All faults begin before then: most steps are taken before then.
const BEGIN_MS: u32 = 8_000;
/// The most that a fault comes.
const TIMES_MAX: u32 = 6;

/// CaseFault of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFault {
    /// Start, in milliseconds after the first step.
    pub at_ms: u32,
    /// Duration, in milliseconds.
    pub for_ms: u32,
    /// Kind and place.
    pub kind: Kind,
    /// Recurrence, if any.
    #[serde(default)]
    pub again: Option<Again>,
}

/// Recurrence of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Occurrences in all.
    pub times: u32,
    /// Rest in between, in milliseconds.
    pub rest_ms: u32,
}

/// Kind and place of a fault. Hosts are numbered: nodes, proxies, the worker, clients; places are
/// the zones, the workers' and the clients'. Numbers that are too large wrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Cut links. An empty `to` stands for all others, here and below.
    Partition {
        /// One side.
        from: Vec<u32>,
        /// Other side.
        to: Vec<u32>,
        /// True if only what the first side sends is affected.
        one_way: bool,
    },
    /// Links with added latency.
    Latency {
        /// One side.
        from: Vec<u32>,
        /// Other side.
        to: Vec<u32>,
        /// True if only what the first side sends is affected.
        one_way: bool,
        /// Added latency, each way.
        added_ms: u32,
    },
    /// Links that lose segments.
    Loss {
        /// One side.
        from: Vec<u32>,
        /// Other side.
        to: Vec<u32>,
        /// True if only what the first side sends is affected.
        one_way: bool,
        /// Chance of each segment or read, in percent.
        percent: u32,
    },
    /// Slower network card.
    ThrottleCard {
        /// Host.
        host: u32,
        /// Bandwidth that is left, each way.
        kb_per_second: u32,
    },
    /// Slower trunk.
    ThrottleTrunk {
        /// Places at both ends.
        between: [u32; 2],
        /// Bandwidth that is left, each way.
        kb_per_second: u32,
    },
    /// Crash of a process: nodes, proxies and the worker.
    Crash(u32),
    /// Loss of power, at hosts as in [`Kind::Crash`].
    Power(u32),
    /// Slower disks of a node, here and below.
    SlowDisk {
        /// Node.
        node: u32,
        /// Factor of all access times.
        factor: u32,
    },
    /// Disks without room.
    FullDisk(u32),
    /// Disks whose reads fail.
    ReadErrors {
        /// Node.
        node: u32,
        /// Chance of each segment or read, in percent.
        percent: u32,
    },
}

/// As the world has them, if the case's steps begin at `start`. Of a node's slow disks only the
/// first counts: their factors multiply, and what is queued on both would keep the disk busy for
/// minutes after they are mended.
pub fn in_world(case: &Case, cluster: &Cluster, start: Time) -> Vec<world::Fault> {
    let mut slow = BTreeSet::new();
    let faults = case.faults.iter().map(|fault| fault.in_world(cluster, start));
    faults
        .chain(worn(case.links.loss_per_mille, cluster, start))
        .filter(|fault| fault.kind.name() != "slow_disk" || slow.insert(fault.kind.hosts()))
        .collect()
}

/// All links lose segments until all is mended.
fn worn(loss_per_mille: u32, cluster: &Cluster, start: Time) -> Option<world::Fault> {
    let chance = Chance::per_billion(loss_per_mille * (Chance::BILLION / 1_000));
    let chance = chance.filter(|chance| *chance != Chance::NEVER)?;
    let hosts = [&cluster.nodes, &cluster.proxies, &cluster.workers, &cluster.clients];
    let all: Vec<HostKey> = hosts.into_iter().flatten().copied().collect();
    let kind = FaultKind::ways(Sides::between(all.clone(), all, true), Loss { chance });
    Some(world::Fault::once(start, Duration::from_millis(u64::from(HORIZON_MS)), kind))
}

impl CaseFault {
    /// CaseFault that comes once.
    #[must_use]
    pub const fn once(at_ms: u32, for_ms: u32, kind: Kind) -> Self {
        Self { at_ms, for_ms, kind, again: None }
    }

    /// As the world has it, if the case's steps begin at `start`.
    pub fn in_world(&self, cluster: &Cluster, start: Time) -> world::Fault {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        let again = |again: Again| {
            // Shrunk cases may come to last too long.
            let every = (self.for_ms + again.rest_ms).max(1);
            let fits = 1 + HORIZON_MS.saturating_sub(self.at_ms + self.for_ms) / every;
            Repeat { every: ms(every), times: again.times.min(fits) }
        };
        world::Fault {
            at: start + ms(self.at_ms),
            lasts: ms(self.for_ms),
            repeat: self.again.map(again),
            kind: self.kind.in_world(cluster),
        }
    }
}

impl Kind {
    fn in_world(&self, cluster: &Cluster) -> FaultKind {
        let servers = [&cluster.nodes, &cluster.proxies, &cluster.workers];
        let servers: Vec<HostKey> = servers.into_iter().flatten().copied().collect();
        let all: Vec<HostKey> = servers.iter().chain(&cluster.clients).copied().collect();
        let server = |number: &u32| pick(&servers, *number);
        let node = |number: &u32| pick(&cluster.nodes, *number);
        let rate = |kb: &u32| ByteRate::new(u64::from(*kb) * 1_000).expect("drawn above zero");
        let percent = |percent: &u32| {
            Chance::per_billion(percent * (Chance::BILLION / 100)).expect("at most all")
        };
        match self {
            Self::Partition { from, to, one_way } => {
                let (from, to) = sides(&all, from, to);
                FaultKind::ways(Sides::between(from, to, *one_way), NetworkPartition)
            }
            Self::Latency { from, to, one_way, added_ms } => {
                let (from, to) = sides(&all, from, to);
                let added = Duration::from_millis(u64::from(*added_ms));
                FaultKind::ways(Sides::between(from, to, *one_way), Latency { added })
            }
            Self::Loss { from, to, one_way, percent: lost } => {
                let (from, to) = sides(&all, from, to);
                FaultKind::ways(Sides::between(from, to, *one_way), Loss { chance: percent(lost) })
            }
            Self::ThrottleCard { host, kb_per_second } => {
                FaultKind::card(server(host), Throttle { rate: rate(kb_per_second) })
            }
            Self::ThrottleTrunk { between, kb_per_second } => {
                let places = hosts_of_places(cluster);
                let between = between.map(|place| places[place as usize % places.len()]);
                FaultKind::trunk(between, Throttle { rate: rate(kb_per_second) })
            }
            Self::Crash(host) => FaultKind::process(server(host), Crash),
            Self::Power(host) => FaultKind::process(server(host), Power),
            Self::SlowDisk { node: host, factor } => {
                let factor = NonZeroU32::new(*factor).expect("drawn above zero");
                FaultKind::disk(node(host), None, SlowDisk { factor })
            }
            Self::FullDisk(host) => FaultKind::disk(node(host), None, FullDisk),
            Self::ReadErrors { node: host, percent: failing } => {
                let chance = percent(failing);
                FaultKind::disk(node(host), None, ReadErrors { chance })
            }
        }
    }
}

fn pick(hosts: &[HostKey], number: u32) -> HostKey {
    hosts[number as usize % hosts.len()]
}

/// The hosts on each side, none on both.
fn sides(all: &[HostKey], from: &[u32], to: &[u32]) -> (Vec<HostKey>, Vec<HostKey>) {
    let named = |numbers: &[u32]| {
        let mut hosts: Vec<HostKey> = numbers.iter().map(|number| pick(all, *number)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    };
    let from = named(from);
    let to = if to.is_empty() { all.to_vec() } else { named(to) };
    let to = to.into_iter().filter(|host| !from.contains(host)).collect();
    (from, to)
}

/// A host of each place: between them are the trunks.
fn hosts_of_places(cluster: &Cluster) -> Vec<HostKey> {
    let mut hosts = BTreeMap::new();
    for (key, host) in (0..).map(HostKey).zip(&cluster.hosts) {
        hosts.entry(host.place).or_insert(key);
    }
    hosts.into_values().collect()
}

/// Up to eight faults.
pub fn faults() -> impl Strategy<Value = Vec<CaseFault>> {
    vec(fault(), 0..9)
}

fn fault() -> impl Strategy<Value = CaseFault> {
    let for_ms = prop_oneof![3 => 1..5_000_u32, 2 => 5_000..HORIZON_MS];
    let again = (2..=TIMES_MAX, 1_u32..3_000).prop_map(|(times, rest_ms)| Again { times, rest_ms });
    let again = prop_oneof![3 => Just(None), 1 => again.prop_map(Some)];
    (0..BEGIN_MS, for_ms, kind(), again).prop_map(|(at_ms, for_ms, kind, again)| CaseFault {
        at_ms,
        for_ms: for_ms.min(HORIZON_MS - at_ms),
        kind,
        again,
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    let sides = || {
        let hosts = || vec(0_u32..16, 1..4);
        (hosts(), prop_oneof![Just(Vec::new()), hosts()], any::<bool>())
    };
    let host = || 0_u32..16;
    let slow = || 20_u32..2_000;
    prop_oneof![
        4 => sides().prop_map(|(from, to, one_way)| Kind::Partition { from, to, one_way }),
        1 => (sides(), 1_u32..2_000).prop_map(|((from, to, one_way), added_ms)| {
            Kind::Latency { from, to, one_way, added_ms }
        }),
        1 => (sides(), 1_u32..=30).prop_map(|((from, to, one_way), percent)| {
            Kind::Loss { from, to, one_way, percent }
        }),
        1 => (host(), slow()).prop_map(|(host, kb_per_second)| {
            Kind::ThrottleCard { host, kb_per_second }
        }),
        1 => ([host(), host()], slow()).prop_map(|(between, kb_per_second)| {
            Kind::ThrottleTrunk { between, kb_per_second }
        }),
        3 => host().prop_map(Kind::Crash),
        3 => host().prop_map(Kind::Power),
        1 => (host(), 2_u32..100).prop_map(|(node, factor)| Kind::SlowDisk { node, factor }),
        1 => host().prop_map(Kind::FullDisk),
        1 => (host(), 1_u32..=100).prop_map(|(node, percent)| Kind::ReadErrors { node, percent }),
    ]
}
