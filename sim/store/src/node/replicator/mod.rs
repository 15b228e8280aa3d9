//! The replicator: brings what a device has to the other devices that the ring wants it on, round after round, until all have the same.
//!
//! ```text
//! for each device, for each of objects, containers, accounts:
//!   REPLICATE /device                        another replica's digest of each partition     → which partitions differ
//!   REPLICATE /device/partition   [hashes]   what it has of each of these                    → what it lacks
//!   objects:    PUT, DELETE, POST            as a proxy would, with the change's own time
//!   listings:   REPLICATE /device/partition/a[/c]   which stretches of rows differ, then their rows
//! ```
//! A replica only ever gives: what it lacks itself it gets in the others' rounds. What is there counts by its timestamps, as with all
//! changes, so rounds may cross each other and clients. A device that holds what belongs elsewhere (a handoff) removes it once all who
//! should have it do.
//!
//! The first round after a start looks at every object, and tells containers again of what a crash may have kept from them.
//!
//! Leaves out reclaiming tombstones, looking for bytes that rot unread, and a content type that an older POST named to some replicas only.

mod digests;
mod index;
mod objects;
mod plan;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use self::digests::Digests;
pub(super) use self::serve::handle;
use stayput_host::{Purpose, TimedOut};

use super::device::Device;
use super::{StorageNode, error::NodeError};
use crate::http::{Body, IncomingResponse, Method, SendError, Timeouts, send};
use crate::swift::{ReplicaTarget, RingLookup, Service, Timestamp, encode_part};

/// Swift's name for the method by which replicas compare what they have.
pub(super) const REPLICATE: &str = "REPLICATE";
/// How long another replica is waited for: it may have to count what it has first.
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(2), answer: Duration::from_secs(60) };
/// What an answer of another replica may have.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Objects or listings that another replica is asked about at a time.
const HASHES: usize = 500;
/// As long as somebody is silent, rounds come so many times as often.
const SILENT_RESTS: u32 = 8;
/// How much older than now what was told must be: changes with an older time cost more. Clocks differ, and uploads take their time.
const TOLD_LAG: Duration = Duration::from_secs(10);

/// What a node's replicator is told.
#[derive(Clone)]
pub struct ReplicationConfig {
    /// Where things belong.
    pub ring: Rc<dyn RingLookup>,
    /// The node's address, as the ring has it.
    pub ip: IpAddr,
    /// How long it rests between two rounds.
    pub interval: Duration,
}

/// Why another replica did not do its part.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("{0} does not answer")]
    Silent(SocketAddr),
    #[error("{0} refuses")]
    Refused(SocketAddr),
    #[error(transparent)]
    Own(#[from] NodeError),
}

/// A round of one replicator.
struct Round<'a> {
    node: &'a StorageNode,
    ring: &'a dyn RingLookup,
    ip: IpAddr,
    /// Who does not answer is left alone for the rest of the round.
    silent: BTreeSet<SocketAddr>,
    /// Whether objects are told of again that may not have been told of.
    tells_again: bool,
}

impl StorageNode {
    /// Replicates, round after round, until the host ends.
    pub(super) async fn replicate_for_ever(self: Rc<Self>, replication: ReplicationConfig) {
        let mut told_again = BTreeSet::new();
        loop {
            let mut silent = BTreeSet::new();
            for device in self.devices.iter() {
                let tells_again = !told_again.contains(&device.name);
                let (ring, ip) = (&*replication.ring, replication.ip);
                let mut round = Round { node: &self, ring, ip, silent, tells_again };
                match round.run(device).await {
                    Ok(()) => {
                        told_again.insert(device.name.clone());
                    }
                    // A disk that fails now may work in the next round.
                    Err(error) => tracing::warn!(%error, "replication goes on in the next round"),
                }
                silent = round.silent;
            }
            // Who is silent may only be starting, as this node itself.
            let rest = if silent.is_empty() { 1 } else { SILENT_RESTS };
            self.host.sleep(replication.interval / rest).await;
        }
    }
}

impl Round<'_> {
    async fn run(&mut self, device: &Rc<Device>) -> Result<(), NodeError> {
        let now = Timestamp::at(self.node.host.now() - TOLD_LAG);
        let mut done = self.tell_again(device).await;
        if done.is_ok() {
            let moved_on = device.telling.move_on(&*device.disk, now).await;
            done = moved_on.map_err(|source| device.failed_at("told", source));
        }
        for service in [Service::Account, Service::Container, Service::Object] {
            done = done.and(self.replicate(device, service).await);
        }
        done
    }

    /// Gives others what the device has of one service, and removes what belongs elsewhere.
    async fn replicate(&mut self, device: &Rc<Device>, service: Service) -> Result<(), NodeError> {
        let mut wanted: BTreeMap<ReplicaTarget, Vec<u32>> = BTreeMap::new();
        let mut elsewhere = BTreeMap::new();
        for partition in self.node.inventory(device, service).await?.into_keys() {
            let primaries = self.ring.primaries(partition);
            let own = |target: &ReplicaTarget| target.ip == self.ip && target.device == device.name;
            for target in primaries.iter().filter(|target| !own(target)) {
                wanted.entry(target.clone()).or_default().push(partition);
            }
            if !primaries.iter().any(own) {
                elsewhere.insert(partition, primaries);
            }
        }
        let (mut lack, mut done) = (BTreeSet::new(), Ok(()));
        for (target, partitions) in wanted {
            match self.level(device, service, &target, &partitions).await {
                Ok(()) => {}
                Err(unheard) => {
                    lack.insert(target);
                    if let Unheard::Own(error) = unheard {
                        done = done.and(Err(error));
                    }
                }
            }
        }
        for (partition, primaries) in elsewhere {
            if !primaries.is_empty() && !primaries.iter().any(|target| lack.contains(target)) {
                let handed_over = self.hand_over(device, service, partition, &primaries).await;
                done = done.and(handed_over);
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
    ) -> Result<(), Unheard> {
        let theirs: BTreeMap<u32, u64> = self.ask(target, service, "", &()).await?;
        // Now, not earlier: what came to both meanwhile is no difference.
        let own = self.node.inventory(device, service).await?;
        let mut levelled = Ok(());
        for partition in partitions {
            let Some(digest) = own.get(partition) else { continue };
            if theirs.get(partition) == Some(digest) {
                continue;
            }
            // What cannot be given of one partition keeps no other from being given.
            match self.give(device, service, *partition, target).await {
                Err(silent @ Unheard::Silent(_)) => return Err(silent),
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
    ) -> Result<(), Unheard> {
        match service {
            Service::Object => self.give_objects(device, partition, target).await,
            Service::Container => {
                let broker = &self.node.containers;
                self.give_listings(broker, device, service, partition, target).await
            }
            Service::Account => {
                let broker = &self.node.accounts;
                self.give_listings(broker, device, service, partition, target).await
            }
        }
    }

    /// Removes a partition that belongs elsewhere, as far as all who should have it say that they do.
    async fn hand_over(
        &mut self,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), NodeError> {
        let handed_over = match service {
            Service::Object => self.remove_objects(device, partition, primaries).await,
            Service::Container => {
                let broker = &self.node.containers;
                self.remove_listings(broker, device, service, partition, primaries).await
            }
            Service::Account => {
                let broker = &self.node.accounts;
                self.remove_listings(broker, device, service, partition, primaries).await
            }
        };
        match handed_over {
            Err(Unheard::Own(error)) => Err(error),
            // The next round asks again.
            Ok(()) | Err(Unheard::Silent(_) | Unheard::Refused(_)) => Ok(()),
        }
    }

    /// Asks another replica something by [`REPLICATE`].
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        path: &str,
        question: &Q,
    ) -> Result<A, Unheard> {
        let refused = || Unheard::Refused(target.address(service));
        let body = serde_json::to_vec(question).map_err(|_| refused())?;
        let body = Body::full(Purpose::Replication, body);
        let method = Method::from_bytes(REPLICATE.as_bytes()).map_err(|_| refused())?;
        let path = format!("/{}{path}", encode_part(&target.device));
        let mut request = hyper::Request::new(body);
        *request.method_mut() = method;
        let mut answer = self.send(target, service, &path, request, LIMITS).await?;
        if !answer.status.is_success() {
            return Err(refused());
        }
        let whole = answer.body.collect(ANSWER_BYTES_MAX);
        let whole = self.node.host.timeout(LIMITS.answer, whole).await;
        let whole = self.heard(target, service, whole)?.map_err(|_| refused())?;
        serde_json::from_slice(&whole).map_err(|_| refused())
    }

    async fn send(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        path: &str,
        mut request: hyper::Request<Body>,
        limits: Timeouts,
    ) -> Result<IncomingResponse, Unheard> {
        let address = target.address(service);
        if self.silent.contains(&address) {
            return Err(Unheard::Silent(address));
        }
        *request.uri_mut() = path.parse().map_err(|_| Unheard::Refused(address))?;
        match send(&self.node.host, address, request, limits).await {
            Ok(answer) => Ok(answer),
            // A body that breaks off here ends the connection as well.
            Err(SendError::Broken { .. }) => Err(Unheard::Refused(address)),
            Err(error) => {
                tracing::warn!(%error, "another replica is silent");
                self.silent.insert(address);
                Err(Unheard::Silent(address))
            }
        }
    }

    fn heard<T>(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        answer: Result<T, TimedOut>,
    ) -> Result<T, Unheard> {
        let address = target.address(service);
        if answer.is_err() {
            self.silent.insert(address);
        }
        answer.map_err(|_| Unheard::Silent(address))
    }
}

impl StorageNode {
    /// The digest of each partition of which the device has something.
    pub(super) async fn inventory(
        &self,
        device: &Rc<Device>,
        service: Service,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        match service {
            Service::Object => self.objects_inventory(device).await,
            Service::Container => self.containers.inventory(device).await,
            Service::Account => self.accounts.inventory(device).await,
        }
    }
}
