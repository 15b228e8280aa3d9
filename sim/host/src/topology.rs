//! Who is where: hosts, their places, and which class of link lies between two of them.
//!
//! Leaves out racks and switches: a zone is the smallest place that has latencies of its own.

use std::net::Ipv4Addr;
use std::rc::Rc;

use crate::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};
use crate::{Host, LocalFuture};

/// What a host runs when it starts, and again whenever it restarts.
pub type HostMain = Rc<dyn Fn(Host) -> LocalFuture<'static, ()>>;

/// A host of a world, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey(pub u32);

/// Where a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPlace {
    /// In a zone of the store. Zones are counted over all regions.
    Zone {
        /// Its region, from 1.
        region: u32,
        /// Its zone, from 1 over all regions.
        zone: u32,
    },
    /// With the compute hosts, outside the store.
    Workers,
    /// With the clients, outside.
    Clients,
}

/// What a host is made of.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// As scenarios and results name it: `node:5`.
    pub name: String,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Where it stands.
    pub place: HostPlace,
    /// Whether it computes outside the store, wherever it stands: its traffic is counted apart.
    pub is_worker: bool,
    /// Its network card, each way.
    pub nic: ByteRate,
    /// Its cores.
    pub cores: u32,
    /// How fast a core computes.
    pub fuel_per_second: FuelRate,
    /// The names of its disks.
    pub disks: Vec<String>,
    /// What each of them is.
    pub disk: DiskConfig,
}

/// What a link is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkClass {
    /// A client and the store.
    ClientProxy,
    /// Both ends in one zone.
    SameZone,
    /// Two zones of a region.
    CrossZone,
    /// Two regions.
    CrossRegion,
    /// A worker and anything.
    Worker,
}

impl LinkClass {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 5] =
        [Self::ClientProxy, Self::SameZone, Self::CrossZone, Self::CrossRegion, Self::Worker];

    /// As results name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientProxy => "client-proxy",
            Self::SameZone => "same-zone",
            Self::CrossZone => "cross-zone",
            Self::CrossRegion => "cross-region",
            Self::Worker => "worker",
        }
    }

    /// Of the link between two hosts.
    #[must_use]
    pub fn between(a: &HostSpec, b: &HostSpec) -> Self {
        if a.is_worker || b.is_worker {
            return Self::Worker;
        }
        match (a.place, b.place) {
            (
                HostPlace::Zone { region: ra, zone: za },
                HostPlace::Zone { region: rb, zone: zb },
            ) => {
                if za == zb {
                    Self::SameZone
                } else if ra == rb {
                    Self::CrossZone
                } else {
                    Self::CrossRegion
                }
            }
            _ => Self::ClientProxy,
        }
    }
}

/// The link that `network` has between two places.
#[must_use]
pub fn link(network: &NetworkConfig, a: HostPlace, b: HostPlace) -> &LinkConfig {
    match (a, b) {
        (HostPlace::Clients, _) | (_, HostPlace::Clients) => &network.client,
        (HostPlace::Workers, _) | (_, HostPlace::Workers) => &network.worker,
        (HostPlace::Zone { region: ra, zone: za }, HostPlace::Zone { region: rb, zone: zb }) => {
            if za == zb {
                &network.same_zone
            } else if ra == rb {
                &network.cross_zone
            } else {
                &network.cross_region
            }
        }
    }
}

/// Whether bytes between two places count as crossing zones: two different zones, or the outside and a zone.
#[must_use]
pub fn crosses_zones(a: HostPlace, b: HostPlace) -> bool {
    a != b
}
