//! The ring, as proxies and nodes ask it.

use stayput_ring::{Device, HashSecret, Partition, Ring};
use stayput_store::proxy::{Placement, Target};
use stayput_store::swift::Path;

/// A ring and the secret of its hashes.
pub struct RingPlacement {
    ring: Ring,
    secret: HashSecret,
}

impl RingPlacement {
    /// The placement by `ring`.
    #[must_use]
    pub const fn new(ring: Ring, secret: HashSecret) -> Self {
        Self { ring, secret }
    }

    /// The ring's hash of a path.
    #[must_use]
    pub fn hash(&self, path: &Path) -> [u8; 16] {
        self.secret.hash_path(path.account(), path.container(), path.object()).0
    }
}

fn target(device: &Device) -> Target {
    Target { ip: device.ip, port: device.port, device: device.device.as_str().to_owned() }
}

impl Placement for RingPlacement {
    fn partition(&self, path: &Path) -> u32 {
        self.ring.partition(&self.secret, path.account(), path.container(), path.object()).0
    }

    fn primaries(&self, partition: u32) -> Vec<Target> {
        self.ring.primaries(Partition(partition)).into_iter().map(target).collect()
    }

    fn handoffs(&self, partition: u32, count: usize) -> Vec<Target> {
        self.ring.handoffs(Partition(partition)).take(count).map(target).collect()
    }
}
