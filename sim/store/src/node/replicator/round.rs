//! A round of replication of one device: the partitions that differ, and those that belong
//! elsewhere.
//!
//! Leaves out the exchange of objects and listings, which are `objects`' and `listings`'.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::peer::{PeerError, Peers};
use super::{ReplicationConfig, Replicator};
use crate::node::storage::{Device, NodeError};
use crate::swift::{ReplicaTarget, Service, Timestamp};

/// Hashes of objects or listings in one question to another replica.
pub(super) const HASHES: usize = 500;
/// Distance of the update watermark from now: changes with an older time cost more. Clocks differ,
/// and uploads take their time.
const WATERMARK_LAG: Duration = Duration::from_secs(10);

/// Round of a node's replicator.
pub(super) struct ReplicationRound<'a> {
    pub(super) replicator: &'a Replicator,
    pub(super) config: &'a ReplicationConfig,
    pub(super) peers: Peers<'a>,
    /// True if all updates above the watermark are sent again, as after a start.
    pub(super) sends_again: bool,
}

impl ReplicationRound<'_> {
    /// Replicates a device. An error of one service or partition stops no other.
    pub(super) async fn run(&mut self, device: &Rc<Device>) -> Result<(), NodeError> {
        let now = Timestamp::at(self.replicator.host.now() - WATERMARK_LAG);
        let mut done = self.send_updates_again(device).await;
        if done.is_ok() {
            let watermark = self.replicator.updater.watermark(device);
            let advanced = watermark.advance(&*device.disk, now).await;
            done = advanced.map_err(|source| device.disk_error_at("update watermark", source));
        }
        for service in [Service::Account, Service::Container, Service::Object] {
            done = done.and(self.replicate(device, service).await);
        }
        done
    }

    /// True if `target` is `device` of this node.
    pub(super) fn is_own(&self, target: &ReplicaTarget, device: &Device) -> bool {
        target.ip == self.config.ip && target.device == device.name
    }

    /// Gives others what the device has of one service, and removes partitions that belong
    /// elsewhere.
    async fn replicate(&mut self, device: &Rc<Device>, service: Service) -> Result<(), NodeError> {
        let mut wanted: BTreeMap<ReplicaTarget, Vec<u32>> = BTreeMap::new();
        let mut elsewhere = BTreeMap::new();
        for partition in self.replicator.inventory(device, service).await?.into_keys() {
            let primaries = self.config.ring.primaries(partition);
            for target in primaries.iter().filter(|target| !self.is_own(target, device)) {
                wanted.entry(target.clone()).or_default().push(partition);
            }
            if !primaries.iter().any(|target| self.is_own(target, device)) {
                elsewhere.insert(partition, primaries);
            }
        }
        let (mut incomplete, mut done) = (BTreeSet::new(), Ok(()));
        for (target, partitions) in wanted {
            if let Err(error) = self.level(device, service, &target, &partitions).await {
                incomplete.insert(target);
                if let PeerError::Local(error) = error {
                    done = done.and(Err(error));
                }
            }
        }
        for (partition, primaries) in elsewhere {
            let complete = !primaries.iter().any(|target| incomplete.contains(target));
            if complete && !primaries.is_empty() {
                done = done.and(self.hand_over(device, service, partition, &primaries).await);
            }
        }
        done
    }

    /// Gives `target` what it lacks of these partitions.
    async fn level(
        &mut self,
        device: &Rc<Device>,
        service: Service,
        target: &ReplicaTarget,
        partitions: &[u32],
    ) -> Result<(), PeerError> {
        let theirs: BTreeMap<u32, u64> = self.peers.ask(target, service, "", &()).await?;
        // Now, not earlier: what came to both meanwhile is no difference.
        let own = self.replicator.inventory(device, service).await?;
        let mut levelled = Ok(());
        for partition in partitions {
            let Some(digest) = own.get(partition) else { continue };
            if theirs.get(partition) == Some(digest) {
                continue;
            }
            // A partition that cannot be given stops no other.
            match self.give(device, service, *partition, target).await {
                Err(silent @ PeerError::Silent(_)) => return Err(silent),
                given => levelled = levelled.and(given),
            }
        }
        levelled
    }

    /// Gives `target` what it lacks of a partition.
    async fn give(
        &mut self,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        target: &ReplicaTarget,
    ) -> Result<(), PeerError> {
        let replicator = self.replicator;
        match service {
            Service::Object => self.give_objects(device, partition, target).await,
            Service::Container => {
                let broker = &*replicator.containers;
                self.give_listings(broker, device, service, partition, target).await
            }
            Service::Account => {
                let broker = &*replicator.accounts;
                self.give_listings(broker, device, service, partition, target).await
            }
        }
    }

    /// Removes a partition that belongs elsewhere, as far as all its primaries have it.
    async fn hand_over(
        &mut self,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), NodeError> {
        let replicator = self.replicator;
        let handed_over = match service {
            Service::Object => self.remove_objects(device, partition, primaries).await,
            Service::Container => {
                let broker = &*replicator.containers;
                self.remove_listings(broker, device, service, partition, primaries).await
            }
            Service::Account => {
                let broker = &*replicator.accounts;
                self.remove_listings(broker, device, service, partition, primaries).await
            }
        };
        match handed_over {
            Err(PeerError::Local(error)) => Err(error),
            // The next round asks again.
            Ok(()) | Err(PeerError::Silent(_) | PeerError::Refused(_)) => Ok(()),
        }
    }
}
