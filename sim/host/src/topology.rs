//! Topology: hosts, their places, and the class of the link between two of them.
//!
//! Leaves out racks and switches: a zone is the smallest place with latencies of its own.

use std::net::Ipv4Addr;

use crate::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};

/// Index of a host in its world, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey(pub u32);

/// Place of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPlace {
    /// Zone of the store.
    Zone {
        /// Region, from 1.
        region: u32,
        /// Zone, from 1 over all regions.
        zone: u32,
    },
    /// Place of the workers outside the store.
    Workers,
    /// Place of the clients, outside the store.
    Clients,
}

/// Hardware, name and place of a host.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// Name in scenarios and results: `node:5`.
    pub name: String,
    /// IP address.
    pub ip: Ipv4Addr,
    /// Place.
    pub place: HostPlace,
    /// True for a worker, wherever it stands: its traffic is counted apart.
    pub is_worker: bool,
    /// Bandwidth of the network card, each way.
    pub nic: ByteRate,
    /// Number of cores.
    pub cores: u32,
    /// Computing rate of one core.
    pub fuel_per_second: FuelRate,
    /// Names of its disks.
    pub disks: Vec<String>,
    /// Properties of each disk.
    pub disk: DiskConfig,
}

/// Class of a link in the byte counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkClass {
    /// Between a client and the store.
    ClientProxy,
    /// Within a zone.
    SameZone,
    /// Between two zones of a region.
    CrossZone,
    /// Between two regions.
    CrossRegion,
    /// Between a worker and anything.
    Worker,
}

impl LinkClass {
    /// All classes, in the order of reports.
    pub const ALL: [Self; 5] =
        [Self::ClientProxy, Self::SameZone, Self::CrossZone, Self::CrossRegion, Self::Worker];

    /// Name in results.
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

    /// Class of the link between two hosts.
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

/// Properties of the link between two places of `network`.
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

/// True if bytes between two places count as crossing zones: between two zones, or between the
/// outside and a zone.
#[must_use]
pub fn crosses_zones(a: HostPlace, b: HostPlace) -> bool {
    a != b
}
