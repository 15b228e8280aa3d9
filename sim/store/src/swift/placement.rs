//! Where things belong, as proxies and nodes ask a ring.
//!
//! Leaves out how a ring comes to its answer, and its versions.

use std::net::{IpAddr, SocketAddr};

use super::{Path, Service};

/// A device of a storage node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node.
    pub ip: IpAddr,
    /// The port of its object service; the other services' ports follow from it.
    pub port: u16,
    /// The device's name.
    pub device: String,
}

impl Target {
    /// Where `service` of the node listens.
    #[must_use]
    pub fn address(&self, service: Service) -> SocketAddr {
        SocketAddr::new(self.ip, service.port(self.port))
    }
}

/// A ring, as servers ask it. The same question always gets the same answer.
pub trait Placement {
    /// The partition that `path` belongs to.
    fn partition(&self, path: &Path) -> u32;

    /// The devices that hold the partition, in the order of its replicas.
    fn primaries(&self, partition: u32) -> Vec<Target>;

    /// The first `count` devices that stand in for those that cannot be reached, best first; none is a primary. A ring finds
    /// the first few soon and the last ones only after a walk over its whole table.
    fn handoffs(&self, partition: u32, count: usize) -> Vec<Target>;
}
