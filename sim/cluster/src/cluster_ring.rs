//! Ring of a cluster: the lookups that proxies and nodes make in it.

use stayput_ring::{Device, HashSecret, Partition, Ring};
use stayput_store::swift::Path;
use stayput_store::swift::{ReplicaTarget, RingLookup};

/// Ring, and the secret that salts its hashes.
pub struct ClusterRing {
    ring: Ring,
    secret: HashSecret,
}

impl ClusterRing {
    /// Lookups in `ring`.
    #[must_use]
    pub const fn new(ring: Ring, secret: HashSecret) -> Self {
        Self { ring, secret }
    }

    /// Salted hash of a path, as the ring takes it.
    #[must_use]
    pub fn hash(&self, path: &Path) -> [u8; 16] {
        self.secret.hash_path(path.account(), path.container(), path.object()).0
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
