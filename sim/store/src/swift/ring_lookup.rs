//! Ring lookups: the devices that hold a partition, as proxies and nodes ask for them.
//!
//! Leaves out the ring's table and how it was built, and its versions.

use std::net::{IpAddr, SocketAddr};

use super::{Path, Service};

/// Device of a storage node that holds, or may hold, a replica.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaTarget {
    /// IP address of the node.
    pub ip: IpAddr,
    /// Port of its object service; the other services' ports follow from it.
    pub port: u16,
    /// Name of the device.
    pub device: String,
}

impl ReplicaTarget {
    /// Socket address of the node's `service`.
    #[must_use]
    pub fn address(&self, service: Service) -> SocketAddr {
        SocketAddr::new(self.ip, service.port(self.port))
    }
}

/// A ring, as servers look replicas up in it. Equal lookups always have equal results.
pub trait RingLookup {
    /// Partition of `path`.
    fn partition(&self, path: &Path) -> u32;

    /// Devices that hold the partition, in the order of its replicas.
    fn primaries(&self, partition: u32) -> Vec<ReplicaTarget>;

    /// First `count` handoff devices, best first; none is a primary. A ring finds the first few
    /// soon, and the last ones only after a walk over its whole table.
    fn handoffs(&self, partition: u32, count: usize) -> Vec<ReplicaTarget>;
}
