//! Ring of a cluster: its making, and the lookups that proxies and nodes make in it.
//!
//! Leaves out balancing and the table, which are `stayput-ring`'s.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use stayput_ring::{
    Device, DeviceName, HashSecret, NewDevice, PartPower, Partition, Region, Replicas, Ring,
    RingBuilder, RingError, RingValueError, Weight, Zone,
};
use stayput_store::swift::{NODE_PORT, Path, ReplicaTarget, RingLookup};

/// Error of a ring that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A figure is outside what a ring can have.
    #[error("the ring cannot be built: {0}")]
    Value(#[from] RingValueError),
    /// The ring cannot be built.
    #[error("the ring cannot be built: {0}")]
    Ring(#[from] RingError),
}

/// Device of a new ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingDevice {
    /// Region of its node, from 1.
    pub region: u32,
    /// Zone of its node, from 1 over all regions.
    pub zone: u32,
    /// Address of its node.
    pub ip: Ipv4Addr,
    /// Name on its node.
    pub name: String,
}

/// Builds the ring of a cluster over `devices` of equal weight, with two to the power of
/// `part_power` partitions. The seed decides between equally good assignments.
///
/// # Errors
/// A figure is outside what a ring can have.
pub fn build_ring(
    devices: impl IntoIterator<Item = RingDevice>,
    replicas: u32,
    part_power: u32,
    seed: u64,
) -> Result<Ring, ClusterError> {
    let power = PartPower::new(part_power)?;
    let mut builder = RingBuilder::new(power, Replicas::new(replicas)?, 1)?;
    for RingDevice { region, zone, ip, name } in devices {
        builder.add_device(NewDevice {
            region: Region(region),
            zone: Zone(zone),
            ip: IpAddr::V4(ip),
            port: NODE_PORT,
            device: DeviceName::new(name)?,
            weight: Weight::new(100.0)?,
            meta: String::new(),
        })?;
    }
    builder.rebalance(0, seed)?;
    Ok(builder.ring()?)
}

/// Ring, and the secret that salts its hashes. Clones share the ring.
#[derive(Clone)]
pub struct ClusterRing {
    ring: Arc<Ring>,
    secret: HashSecret,
}

impl ClusterRing {
    /// Lookups in `ring`.
    #[must_use]
    pub fn new(ring: Ring, secret: HashSecret) -> Self {
        Self { ring: Arc::new(ring), secret }
    }

    /// Salted hash of a path, as the ring takes it.
    #[must_use]
    pub fn hash(&self, path: &Path) -> [u8; 16] {
        self.secret.hash_path(path.account(), path.container(), path.object()).0
    }

    /// All devices, in the order of their addition.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &Device> {
        self.ring.devices()
    }
}

fn target(device: &Device) -> ReplicaTarget {
    ReplicaTarget { ip: device.ip, port: device.port, device: device.device.as_str().to_owned() }
}

impl RingLookup for ClusterRing {
    fn partition(&self, path: &Path) -> u32 {
        self.ring.partition(&self.secret, path.account(), path.container(), path.object()).0
    }

    fn primaries(&self, partition: u32) -> Vec<ReplicaTarget> {
        self.ring.primaries(Partition(partition)).into_iter().map(target).collect()
    }

    fn handoffs(&self, partition: u32, count: usize) -> Vec<ReplicaTarget> {
        self.ring.handoffs(Partition(partition)).take(count).map(target).collect()
    }
}
