//! Objects between replicas: updates of containers that are sent again, files that another replica
//! lacks, and objects that belong elsewhere.
//!
//! Leaves out the rule by which a file is missing, which is `missing`'s.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::missing::ReplicaFiles;
use super::peer::{PeerError, TIMEOUTS};
use super::round::{HASHES, ReplicationRound};
use crate::http::{HeaderMap, StatusCode, Timeouts};
use crate::node::object::{FileKind, ObjectFiles, hashes, make_durable, object_files, partitions};
use crate::node::protocol::ParentServer;
use crate::node::protocol::response::set_header;
use crate::node::storage::{Device, DiskPlace, NameHash, NodeError};
use crate::node::updater::ChangedObject;
use crate::swift::{Path, ReplicaTarget, Service, Timestamp, encode_part, header};

/// Slowest transfer of a body, in bytes per second.
const BYTES_PER_SECOND_MIN: u64 = 1 << 20;

/// Query that asks for files that would survive a loss of power.
pub(super) const DURABLE: &str = "?durable";

/// Question to another replica about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Files that it has now.
    Present,
    /// Files that it has, and would have after a loss of power.
    Durable,
}

impl Question {
    const fn query(self) -> &'static str {
        match self {
            Self::Present => "",
            Self::Durable => DURABLE,
        }
    }
}

/// An object with the files that count here and on another replica.
struct ComparedObject {
    place: DiskPlace,
    files: ObjectFiles,
    theirs: ReplicaFiles,
}

impl ReplicationRound<'_> {
    /// Sends updates of containers again that a crash, or a failed disk, may have cut off. An
    /// object that cannot be read now is tried again in the next round.
    pub(super) async fn send_updates_again(&self, device: &Rc<Device>) -> Result<(), NodeError> {
        let mut sent = Ok(());
        let watermark = self.replicator.updater.watermark(device);
        if self.sends_again {
            let delivered_before = watermark.before();
            for partition in partitions(device).await? {
                let mut newer = Vec::new();
                let visit = |hash, files: &ObjectFiles| {
                    if files.newest().max(files.meta) >= Some(delivered_before) {
                        newer.push(hash);
                    }
                };
                let scanned = self.replicator.objects.scan(device, partition, visit).await;
                for hash in newer {
                    sent = sent.and(self.send_update_again(device, (partition, hash)).await);
                }
                sent = sent.and(scanned);
            }
        }
        for object in watermark.take_undelivered() {
            sent = sent.and(self.send_update_again(device, object).await);
        }
        sent
    }

    /// Sends an object's update again. One that fails waits to be tried again.
    async fn send_update_again(
        &self,
        device: &Rc<Device>,
        object: ChangedObject,
    ) -> Result<(), NodeError> {
        let (partition, hash) = object;
        let sent = self.enqueue_update(&DiskPlace::nameless(device, partition, hash)).await;
        if sent.is_err() {
            self.replicator.updater.watermark(device).put_back(object);
        }
        sent
    }

    async fn enqueue_update(&self, nameless: &DiskPlace) -> Result<(), NodeError> {
        let objects = &self.replicator.objects;
        let files = object_files(nameless).await?;
        let Some(place) = objects.named(nameless, &files).await? else { return Ok(()) };
        let Some(update) = objects.listing_update(&place, &files).await? else { return Ok(()) };
        // No container is to list what a loss of power would take away.
        make_durable(&place).await?;
        let primaries = self.config.ring.primaries(place.partition);
        let replica = primaries.iter().position(|target| self.is_own(target, &place.device));
        let parents = self.container_servers(&place.path, replica);
        self.replicator.updater.enqueue(&place, parents, update).await
    }

    /// Container servers that get updates from the replica of an object with this number: one each.
    /// A device that is no replica's updates all of them.
    fn container_servers(&self, object: &Path, replica: Option<usize>) -> Vec<ParentServer> {
        let Some(container) = object.to_container() else { return Vec::new() };
        let partition = self.config.ring.partition(&container);
        let primaries = self.config.ring.primaries(partition);
        let is_updated =
            |index: usize| replica.is_none_or(|replica| replica % primaries.len() == index);
        let updated = primaries.iter().enumerate().filter(|(index, _)| is_updated(*index));
        let parent = |(_, target): (usize, &ReplicaTarget)| ParentServer {
            host: target.address(Service::Container),
            device: target.device.clone(),
            partition,
        };
        updated.map(parent).collect()
    }

    /// Gives `target` the objects of a partition that it lacks.
    pub(super) async fn give_objects(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        target: &ReplicaTarget,
    ) -> Result<(), PeerError> {
        let all = hashes(device, partition).await?;
        let mut given = Ok(());
        for some in all.chunks(HASHES) {
            let compared = self.compare(device, partition, target, (Question::Present, some));
            for object in compared.await? {
                match self.give_object(&object, target).await {
                    Err(silent @ PeerError::Silent(_)) => return Err(silent),
                    // One that cannot be read here, or is not taken there, stops no other.
                    one => given = given.and(one),
                }
            }
        }
        given
    }

    async fn give_object(
        &mut self,
        object: &ComparedObject,
        target: &ReplicaTarget,
    ) -> Result<(), PeerError> {
        let missing: Vec<_> = ReplicaFiles::of(&object.files).missing_in(object.theirs).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let named = self.replicator.objects.named(&object.place, &object.files).await?;
        let Some(place) = named else { return Ok(()) };
        for file in missing {
            self.give_file(&place, &object.files, target, file).await?;
        }
        Ok(())
    }

    /// Compares objects of the device with those of `target`.
    async fn compare(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        target: &ReplicaTarget,
        (question, hashes): (Question, &[NameHash]),
    ) -> Result<Vec<ComparedObject>, PeerError> {
        let asked: Vec<String> = hashes.iter().map(|hash| hash.hex()).collect();
        let path = format!("/{partition}{}", question.query());
        let theirs: Vec<ReplicaFiles> =
            self.peers.ask(target, Service::Object, &path, &asked).await?;
        if theirs.len() != hashes.len() {
            return Err(PeerError::Refused(target.address(Service::Object)));
        }
        let mut compared = Vec::with_capacity(hashes.len());
        for (hash, theirs) in hashes.iter().zip(theirs) {
            let place = DiskPlace::nameless(device, partition, *hash);
            let files = object_files(&place).await?;
            compared.push(ComparedObject { place, files, theirs });
        }
        Ok(compared)
    }

    async fn give_file(
        &mut self,
        place: &DiskPlace,
        files: &ObjectFiles,
        target: &ReplicaTarget,
        file: (FileKind, Timestamp),
    ) -> Result<(), PeerError> {
        let (objects, host) = (&self.replicator.objects, &self.replicator.host);
        let given = objects.replication_request(host, place, files, file).await?;
        let Some(mut given) = given else { return Ok(()) };
        let primaries = self.config.ring.primaries(place.partition);
        let replica = primaries.iter().position(|primary| primary == target);
        set_container_servers(&mut given.headers, &self.container_servers(&place.path, replica));
        let device = encode_part(&target.device);
        let path = format!("/{device}/{}{}", place.partition, place.path.encoded());
        let time = Duration::from_secs(given.body.len().unwrap_or(0) / BYTES_PER_SECOND_MIN);
        let timeouts = Timeouts { answer: TIMEOUTS.answer + time, ..TIMEOUTS };
        let mut request = hyper::Request::new(given.body);
        (*request.method_mut(), *request.headers_mut()) = (given.method, given.headers);
        let answer = self.peers.send(target, Service::Object, &path, request, timeouts);
        let status = answer.await?.status;
        // An object that is newer there, or gone, needs nothing from here.
        let newer = [StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&status);
        if status.is_success() || newer {
            return Ok(());
        }
        Err(PeerError::Refused(target.address(Service::Object)))
    }

    /// Removes the objects of a partition that belongs elsewhere which each of `primaries` has.
    pub(super) async fn remove_objects(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), PeerError> {
        let all = hashes(device, partition).await?;
        for some in all.chunks(HASHES) {
            let mut objects = BTreeMap::new();
            for target in primaries {
                let compared = self.compare(device, partition, target, (Question::Durable, some));
                for ComparedObject { place, files, theirs } in compared.await? {
                    let lacks = ReplicaFiles::of(&files).missing_in(theirs).next().is_some();
                    let (_, before, stays) =
                        objects.entry(place.hash).or_insert_with(|| (place, files.clone(), false));
                    *stays |= lacks || *before != files;
                }
            }
            for (place, files, stays) in objects.into_values() {
                if !stays {
                    self.replicator.objects.remove(&place, &files).await?;
                }
            }
        }
        Ok(())
    }
}

/// Sets the headers that name the container servers which the object server is to update.
fn set_container_servers(headers: &mut HeaderMap, parents: &[ParentServer]) {
    let list = |field: fn(&ParentServer) -> String| {
        parents.iter().map(field).collect::<Vec<_>>().join(",")
    };
    if let Some(first) = parents.first() {
        set_header(headers, header::X_CONTAINER_HOST, &list(|parent| parent.host.to_string()));
        set_header(headers, header::X_CONTAINER_DEVICE, &list(|parent| parent.device.clone()));
        set_header(headers, header::X_CONTAINER_PARTITION, &first.partition.to_string());
    }
}
