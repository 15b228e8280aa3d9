//! Names of a cluster's parts: `zone:3`, `node:5`, checked to exist.
//!
//! Zones, nodes and devices count from 1 over the whole cluster, zone by zone.

use std::fmt;

use stayput_host::config::ClusterConfig;

/// Part of a cluster that a scenario's fault can hit. All numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterPlace {
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

/// Error of a text that names no part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterPlaceError {
    /// Not of the form `kind:number`.
    #[error("`{0}` is not the name of a place")]
    Form(String),
    /// Of the right form, but not in this cluster.
    #[error("`{text}` does not exist: the cluster has {have} of that kind")]
    Missing {
        /// Text as written.
        text: String,
        /// Number of places of that kind.
        have: u64,
    },
}

impl ClusterPlace {
    /// Parses `zone:3` and checks that `cluster` has it.
    ///
    /// # Errors
    /// The text has another form, or the place does not exist.
    pub fn parse(text: &str, cluster: &ClusterConfig) -> Result<Self, ClusterPlaceError> {
        let form = || ClusterPlaceError::Form(text.to_owned());
        let (kind, number) = text.split_once(':').ok_or_else(form)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let number: u32 = number.parse().map_err(|_| form())?;
        let have = count(kind, cluster).ok_or_else(form)?;
        if number == 0 || u64::from(number) > have {
            return Err(ClusterPlaceError::Missing { text: text.to_owned(), have });
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

/// Number of places of a kind; `None` if there is no such kind.
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

impl fmt::Display for ClusterPlace {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterConfig {
        ClusterConfig {
            regions: 2,
            zones: 2,
            nodes_per_zone: 3,
            devices_per_node: 2,
            replicas: 3,
            part_power: 4,
            proxies: 1,
            workers: 0,
            workers_zone: None,
            clients: 4,
            replicate: None,
        }
    }

    #[test]
    fn a_name_reads_as_it_is_written() {
        for name in ["region:2", "zone:4", "node:12", "device:24", "proxy:1", "client:4"] {
            let place = ClusterPlace::parse(name, &cluster());
            assert_eq!(place.map(|place| place.to_string()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_place_beyond_the_last_is_missing_and_says_how_many_there_are() {
        for (name, have) in [("zone:5", 4), ("node:13", 12), ("worker:1", 0), ("region:0", 2)] {
            let missing = ClusterPlaceError::Missing { text: name.to_owned(), have };
            assert_eq!(ClusterPlace::parse(name, &cluster()), Err(missing));
        }
    }

    #[test]
    fn what_is_no_kind_with_a_number_is_refused() {
        for name in ["", "zone", "zone:", "zone:x", "zone:-1", "zone:+1", "moon:1", "zone:1:2"] {
            let form = ClusterPlaceError::Form(name.to_owned());
            assert_eq!(ClusterPlace::parse(name, &cluster()), Err(form), "{name}");
        }
    }

    #[test]
    fn all_places_of_a_kind_count_from_one() {
        let zones = ClusterPlace::all("zone", &cluster());
        assert_eq!(zones, Some((1..=4).map(ClusterPlace::Zone).collect()));
        assert_eq!(ClusterPlace::all("worker", &cluster()), Some(Vec::new()));
        assert_eq!(ClusterPlace::all("moon", &cluster()), None);
    }
}
