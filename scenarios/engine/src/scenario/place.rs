//! Where in the cluster: `zone:3`, `node:5`, checked to exist.
//!
//! Zones, nodes and devices count from 1 over the whole cluster, zone by zone.

use std::fmt;

use stayput_host::config::ClusterConfig;

/// A part of the cluster that faults are told to hit. All numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// All zones of a region.
    Region(u32),
    /// A zone, counted over all regions.
    Zone(u32),
    /// A storage node, counted over all zones.
    Node(u32),
    /// A disk, counted over all nodes.
    Device(u32),
    /// A proxy.
    Proxy(u32),
    /// A compute host outside the store.
    Worker(u32),
    /// A client outside.
    Client(u32),
}

/// A text that names no part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Not of the form `kind:number`.
    #[error("`{0}` is not the name of a place")]
    Form(String),
    /// Of the right form, but not in this cluster.
    #[error("`{text}` does not exist: the cluster has {have} of that kind")]
    Missing {
        /// What was written.
        text: String,
        /// How many there are.
        have: u64,
    },
}

impl Place {
    /// Parses `zone:3` and checks that `cluster` has it.
    ///
    /// # Errors
    /// When the text has another form, or the place does not exist.
    pub fn parse(text: &str, cluster: &ClusterConfig) -> Result<Self, PlaceError> {
        let form = || PlaceError::Form(text.to_owned());
        let (kind, number) = text.split_once(':').ok_or_else(form)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let number: u32 = number.parse().map_err(|_| form())?;
        let have = count(kind, cluster).ok_or_else(form)?;
        if number == 0 || u64::from(number) > have {
            return Err(PlaceError::Missing { text: text.to_owned(), have });
        }
        Self::of(kind, number).ok_or_else(form)
    }

    /// All places of a kind that `cluster` has, such as `node`; `None` if there is no such kind.
    #[must_use]
    pub fn all(kind: &str, cluster: &ClusterConfig) -> Option<Vec<Self>> {
        let have = u32::try_from(count(kind, cluster)?).unwrap_or(u32::MAX);
        (1..=have).map(|number| Self::of(kind, number)).collect()
    }

    fn of(kind: &str, number: u32) -> Option<Self> {
        Some(match kind {
            "region" => Self::Region(number),
            "zone" => Self::Zone(number),
            "node" => Self::Node(number),
            "device" => Self::Device(number),
            "proxy" => Self::Proxy(number),
            "worker" => Self::Worker(number),
            "client" => Self::Client(number),
            _ => return None,
        })
    }
}

/// How many places of a kind there are; `None` if there is no such kind.
fn count(kind: &str, cluster: &ClusterConfig) -> Option<u64> {
    let zones = u64::from(cluster.regions) * u64::from(cluster.zones);
    let nodes = zones * u64::from(cluster.nodes_per_zone);
    Some(match kind {
        "region" => u64::from(cluster.regions),
        "zone" => zones,
        "node" => nodes,
        "device" => nodes * u64::from(cluster.devices_per_node),
        "proxy" => u64::from(cluster.proxies),
        "worker" => u64::from(cluster.workers),
        "client" => u64::from(cluster.clients),
        _ => return None,
    })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(n) => write!(f, "region:{n}"),
            Self::Zone(n) => write!(f, "zone:{n}"),
            Self::Node(n) => write!(f, "node:{n}"),
            Self::Device(n) => write!(f, "device:{n}"),
            Self::Proxy(n) => write!(f, "proxy:{n}"),
            Self::Worker(n) => write!(f, "worker:{n}"),
            Self::Client(n) => write!(f, "client:{n}"),
        }
    }
}
