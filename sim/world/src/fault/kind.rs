//! A fault with its target: one model over the places of a scenario and the hosts of a world.
//!
//! The behaviour of a fault is a trait object of one of three classes (network, disk, process); new
//! kinds implement one of those traits. Leaves out times: see [`super::Fault`].

use std::fmt;
use std::sync::Arc;

use stayput_host::topology::{HostKey, HostPlace};

use super::description::FaultDescription;
use super::disk::DiskFault;
use super::network::NetworkRule;
use super::process::ProcessFault;

/// Hosts named in a description before "and n more": a side may be a thousand hosts.
const NAMED_MAX: usize = 4;

/// Fault and its target. `P` is a place of a scenario, or a host of a world.
#[derive(Clone, Debug)]
pub enum FaultKind<P = HostKey> {
    /// Fault of the network.
    Network {
        /// Part of the network that it hits.
        target: NetworkTarget<P>,
        /// Effect on what is sent there.
        rule: Arc<dyn NetworkRule>,
    },
    /// Fault of a host's disks.
    Disk {
        /// The host.
        host: P,
        /// Name of the disk; all of the host's if `None`.
        disk: Option<String>,
        /// Effect on their accesses.
        fault: Arc<dyn DiskFault>,
    },
    /// Fault of a host's process or power.
    Process {
        /// The host.
        host: P,
        /// Effect on the process.
        fault: Arc<dyn ProcessFault>,
    },
}

/// Part of the network that a fault hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkTarget<P> {
    /// The ways between two sides.
    Ways(Sides<P>),
    /// A host's network card, each way.
    Card(P),
    /// The trunk between the places where two hosts stand, each way.
    Trunk([P; 2]),
}

/// Two sides of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides<P> {
    /// One side.
    pub from: Vec<P>,
    /// The other side; all that is not in `from` if `None`.
    pub to: Option<Vec<P>>,
    /// True if only what `from` sends is concerned, false for both directions.
    pub one_way: bool,
}

impl<P> Sides<P> {
    /// Ways between two sides that are both named.
    #[must_use]
    pub const fn between(from: Vec<P>, to: Vec<P>, one_way: bool) -> Self {
        Self { from, to: Some(to), one_way }
    }

    /// The other side, given everybody.
    pub fn others(&self, all: impl IntoIterator<Item = P>) -> Vec<P>
    where
        P: Clone + PartialEq,
    {
        self.to
            .clone()
            .unwrap_or_else(|| all.into_iter().filter(|one| !self.from.contains(one)).collect())
    }
}

impl<P> FaultKind<P> {
    /// Network fault of the ways between two sides.
    pub fn ways(sides: Sides<P>, rule: impl NetworkRule + 'static) -> Self {
        Self::Network { target: NetworkTarget::Ways(sides), rule: Arc::new(rule) }
    }

    /// Network fault of a host's card.
    pub fn card(host: P, rule: impl NetworkRule + 'static) -> Self {
        Self::Network { target: NetworkTarget::Card(host), rule: Arc::new(rule) }
    }

    /// Network fault of the trunk between the places of two hosts.
    pub fn trunk(between: [P; 2], rule: impl NetworkRule + 'static) -> Self {
        Self::Network { target: NetworkTarget::Trunk(between), rule: Arc::new(rule) }
    }

    /// Fault of a host's disk, or of all of its disks.
    pub fn disk(host: P, disk: Option<&str>, fault: impl DiskFault + 'static) -> Self {
        Self::Disk { host, disk: disk.map(str::to_owned), fault: Arc::new(fault) }
    }

    /// Fault of a host's process or power.
    pub fn process(host: P, fault: impl ProcessFault + 'static) -> Self {
        Self::Process { host, fault: Arc::new(fault) }
    }

    /// Name of the kind: the key of a scenario that makes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.description().name()
    }

    fn description(&self) -> &dyn FaultDescription {
        match self {
            Self::Network { rule, .. } => &**rule,
            Self::Disk { fault, .. } => &**fault,
            Self::Process { fault, .. } => &**fault,
        }
    }

    /// The same fault at another place: what is on no side goes to the other one. A trunk has no
    /// one place, and stays.
    #[must_use]
    pub fn moved_to(&self, place: P) -> Self
    where
        P: Clone,
    {
        let mut moved = self.clone();
        match &mut moved {
            Self::Network { target: NetworkTarget::Ways(sides), .. } => sides.from = vec![place],
            Self::Network { target: NetworkTarget::Trunk(_), .. } => {}
            Self::Network { target: NetworkTarget::Card(host), .. }
            | Self::Disk { host, .. }
            | Self::Process { host, .. } => *host = place,
        }
        moved
    }
}

impl FaultKind {
    /// Hosts that it names.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostKey> {
        match self {
            Self::Network { target: NetworkTarget::Ways(sides), .. } => {
                sides.from.iter().chain(sides.to.iter().flatten()).copied().collect()
            }
            Self::Network { target: NetworkTarget::Trunk(between), .. } => between.to_vec(),
            Self::Network { target: NetworkTarget::Card(host), .. }
            | Self::Disk { host, .. }
            | Self::Process { host, .. } => vec![*host],
        }
    }

    /// One exact line for the trace, given names and places of hosts.
    #[must_use]
    pub fn describe(
        &self,
        name: &dyn Fn(HostKey) -> String,
        place: &dyn Fn(HostKey) -> HostPlace,
    ) -> String {
        let target = match self {
            Self::Network { target: NetworkTarget::Ways(sides), .. } => {
                let arrow = if sides.one_way { ">" } else { "<>" };
                let to = sides.to.as_deref().map_or("*".to_owned(), |to| first_of(to, name));
                format!("{} {arrow} {to}", first_of(&sides.from, name))
            }
            Self::Network { target: NetworkTarget::Trunk([a, b]), .. } => {
                format!("{} <> {}", site(place(*a)), site(place(*b)))
            }
            Self::Network { target: NetworkTarget::Card(host), .. }
            | Self::Process { host, .. } => name(*host),
            Self::Disk { host, disk, .. } => {
                format!("{}/{}", name(*host), disk.as_deref().unwrap_or("*"))
            }
        };
        let parameters = self.description().parameters();
        let space = if parameters.is_empty() { "" } else { " " };
        format!("{} {target}{space}{parameters}", self.name())
    }
}

fn first_of(hosts: &[HostKey], name: &dyn Fn(HostKey) -> String) -> String {
    let named: Vec<String> = hosts.iter().take(NAMED_MAX).map(|host| name(*host)).collect();
    let others = match hosts.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &others
}

fn site(place: HostPlace) -> String {
    match place {
        HostPlace::Zone { zone, .. } => format!("zone:{zone}"),
        HostPlace::Workers => "workers".to_owned(),
        HostPlace::Clients => "clients".to_owned(),
    }
}

impl<P: fmt::Display> fmt::Display for Sides<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |places: &[P]| places.iter().map(P::to_string).collect::<Vec<_>>().join("+");
        let others = self.to.as_deref().map_or_else(|| "all others".to_owned(), list);
        let arrow = if self.one_way { "to" } else { "from" };
        write!(f, "of {} {arrow} {others}", list(&self.from))
    }
}

impl<P: fmt::Display> fmt::Display for FaultKind<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Network { target: NetworkTarget::Ways(sides), .. } => sides.to_string(),
            Self::Network { target: NetworkTarget::Card(host), .. } => format!("of {host}"),
            Self::Network { target: NetworkTarget::Trunk([a, b]), .. } => {
                format!("between {a} and {b}")
            }
            Self::Disk { host, disk: None, .. } => host.to_string(),
            Self::Disk { host, disk: Some(disk), .. } => format!("{disk} of {host}"),
            Self::Process { host, .. } => format!("of {host}"),
        };
        f.write_str(&self.description().phrase(&place))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::fault::ClusterPlace;
    use crate::fault::disk::StopPoint;
    use crate::fault::kinds::{
        Crash, FullDisk, NetworkPartition, Power, SlowDisk, StopDisk, TornWrites,
    };

    fn name(host: HostKey) -> String {
        format!("h{}", host.0)
    }

    fn place(host: HostKey) -> HostPlace {
        match host.0 {
            0 => HostPlace::Workers,
            1 => HostPlace::Clients,
            zone => HostPlace::Zone { region: 1, zone },
        }
    }

    fn described(kind: &FaultKind) -> String {
        kind.describe(&name, &place)
    }

    fn keys(range: std::ops::Range<u32>) -> Vec<HostKey> {
        range.map(HostKey).collect()
    }

    #[test]
    fn a_long_side_is_described_by_its_first_hosts() {
        let cut = FaultKind::ways(Sides::between(keys(0..6), keys(6..8), true), NetworkPartition);
        assert_eq!(described(&cut), "partition h0, h1, h2, h3 and 2 more > h6, h7");
        assert_eq!(cut.hosts(), keys(0..8));
    }

    #[test]
    fn a_trunk_is_described_by_its_places() {
        let trunk = |a, b| FaultKind::trunk([HostKey(a), HostKey(b)], NetworkPartition);
        assert_eq!(described(&trunk(0, 1)), "partition workers <> clients");
        assert_eq!(described(&trunk(2, 5)), "partition zone:2 <> zone:5");
        assert_eq!(trunk(2, 5).hosts(), [HostKey(2), HostKey(5)]);
    }

    #[test]
    fn kinds_without_a_scenario_key_have_texts_as_well() {
        let stop = FaultKind::disk("node", None, StopDisk { point: StopPoint::Before(1) });
        assert_eq!(stop.to_string(), "stopped disk node");
        let torn = FaultKind::disk("node", Some("d1"), TornWrites);
        assert_eq!(torn.to_string(), "torn writes of d1 of node");
    }

    #[test]
    fn a_fault_moves_to_another_place_and_keeps_what_it_does() {
        let (from, to) = (ClusterPlace::Node(1), ClusterPlace::Node(4));
        let factor = NonZeroU32::new(3).expect("not zero");
        let sides = Sides { from: vec![from], to: None, one_way: true };
        for (kind, moved) in [
            (FaultKind::ways(sides, NetworkPartition), "partition of node:4 to all others"),
            (FaultKind::process(from, Crash), "crash of node:4"),
            (FaultKind::process(from, Power), "power loss of node:4"),
            (FaultKind::disk(from, None, SlowDisk { factor }), "3 times slower disk node:4"),
            (FaultKind::disk(from, None, FullDisk), "full disk node:4"),
            (FaultKind::card(from, NetworkPartition), "partition of node:4"),
            (
                FaultKind::trunk([from, from], NetworkPartition),
                "partition between node:1 and node:1",
            ),
        ] {
            assert_eq!(kind.moved_to(to).to_string(), moved);
            assert_eq!(kind.moved_to(to).name(), kind.name());
        }
    }

    #[test]
    fn all_others_are_those_on_no_side() {
        let open = Sides { from: keys(1..3), to: None, one_way: false };
        assert_eq!(open.others(keys(0..5)), [HostKey(0), HostKey(3), HostKey(4)]);
        let closed = Sides::between(keys(1..3), keys(3..4), false);
        assert_eq!(closed.others(keys(0..5)), keys(3..4));
    }
}
