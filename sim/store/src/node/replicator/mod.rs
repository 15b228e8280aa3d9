//! Replicator: brings what a device has to the other devices that the ring wants it on, round after
//! round, until all have the same.
//!
//! ```text
//! for each device, for each of accounts, containers, objects:
//!   REPLICATE /device                        digest of each partition     → partitions that differ
//!   REPLICATE /device/partition   [hashes]   what the other has of each   → what it lacks
//!   objects:    PUT, DELETE, POST            as a proxy would, with the change's own time
//!   listings:   REPLICATE /device/partition/a[/c]   ranges of rows that differ, then their rows
//! ```
//! A replica only ever gives: what it lacks itself it gets in the others' rounds. Timestamps
//! decide, as with all changes, so rounds may cross each other and clients. A device that holds a
//! partition that belongs elsewhere (a handoff) removes it once all its primaries have it.
//!
//! The first round after a start scans every object, and sends updates of containers again that a
//! crash may have cut off.
//!
//! Leaves out reclaiming tombstones, looking for bytes that rot unread, and a content type that an
//! older POST named to some replicas only.

mod listings;
mod missing;
mod objects;
mod peer;
mod requests;
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Host;

use self::peer::Peers;
use self::round::ReplicationRound;
use super::index::{Broker, ContainerEntry, ObjectEntry};
use super::object::ObjectStore;
use super::storage::{Device, Devices, NodeError};
use super::updater::Updater;
use crate::swift::{RingLookup, Service};

/// Swift's name for the method by which replicas compare what they have.
pub(crate) const REPLICATE: &str = "REPLICATE";
/// Factor by which rounds come faster while another replica is silent.
const SILENT_FACTOR: u32 = 8;

/// Configuration of a node's replicator.
#[derive(Clone)]
pub struct ReplicationConfig {
    /// Ring of the cluster.
    pub ring: Rc<dyn RingLookup>,
    /// Address of the node in the ring.
    pub ip: IpAddr,
    /// Rest between two rounds.
    pub interval: Duration,
}

/// Replicator of a node, which also answers the other nodes' replicators.
pub(crate) struct Replicator {
    pub(crate) host: Host,
    pub(crate) devices: Rc<Devices>,
    pub(crate) objects: Rc<ObjectStore>,
    pub(crate) containers: Rc<Broker<ObjectEntry>>,
    pub(crate) accounts: Rc<Broker<ContainerEntry>>,
    pub(crate) updater: Rc<Updater>,
    /// `None` of a node that only answers.
    pub(crate) config: Option<ReplicationConfig>,
}

impl Replicator {
    /// Replicates, round after round, until the host ends; at once if it only answers.
    pub(crate) async fn run(self: Rc<Self>) {
        let Some(config) = &self.config else { return };
        let mut scanned = BTreeSet::new();
        loop {
            let mut peers = Peers::new(&self.host);
            for device in self.devices.iter() {
                let sends_again = !scanned.contains(&device.name);
                let mut round = ReplicationRound { replicator: &self, config, peers, sends_again };
                match round.run(device).await {
                    Ok(()) => {
                        scanned.insert(device.name.clone());
                    }
                    // A disk that fails now may work in the next round.
                    Err(error) => tracing::warn!(%error, "replication goes on in the next round"),
                }
                peers = round.peers;
            }
            // A silent one may only be starting, as this node itself.
            let factor = if peers.are_silent() { SILENT_FACTOR } else { 1 };
            self.host.sleep(config.interval / factor).await;
        }
    }

    /// Digest of each partition of which the device has something of a service.
    pub(crate) async fn inventory(
        &self,
        device: &Rc<Device>,
        service: Service,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        match service {
            Service::Object => self.objects.inventory(device).await,
            Service::Container => self.containers.inventory(device).await,
            Service::Account => self.accounts.inventory(device).await,
        }
    }
}
