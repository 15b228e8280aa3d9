//! Objects between replicas: counting what a device has, telling containers again, and giving others what they lack.
//!
//! Leaves out the rule by which something is lacking: see `plan`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::digests::Digests;
use super::plan::Has;
use super::{HASHES, LIMITS, Round, Unheard};
use crate::http::{HeaderMap, StatusCode, Timeouts};
use crate::node::device::{Device, NameHash, Place};
use crate::node::object::files::{Kind, Winners};
use crate::node::object::replica::{Spot, given, hashes, partitions};
use crate::node::request::Parent;
use crate::node::updater::Changed;
use crate::node::{NodeError, StorageNode, reply};
use crate::swift::{Path, ReplicaTarget, Service, Timestamp, encode_part, header};

/// A partition that changes all the time is counted so often in a row; then it waits for the next round.
const COUNTS: usize = 3;

/// The slowest that a body may go.
const BYTES_PER_SECOND_MIN: u64 = 1 << 20;

/// What another replica is asked about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// What it has now.
    Seen,
    /// What it has and would have after a loss of power.
    Durable,
}

impl Ask {
    const fn query(self) -> &'static str {
        match self {
            Self::Seen => "",
            Self::Durable => DURABLE,
        }
    }
}

/// The query that asks for what is durable.
pub(super) const DURABLE: &str = "?durable";

impl StorageNode {
    /// The digest of each partition in which the device has objects.
    pub(super) async fn objects_inventory(
        &self,
        device: &Rc<Device>,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        let mut inventory = BTreeMap::new();
        for partition in partitions(device).await? {
            let mut counts = 0;
            while device.digests.of(partition).is_none() && counts < COUNTS {
                let _alone = device.digests.counter().await;
                // Who was here before may have counted it.
                if device.digests.of(partition).is_none() {
                    count(device, partition, |_, _| {}).await?;
                }
                counts += 1;
            }
            if let Some(digest) = device.digests.of(partition).filter(|digest| *digest != 0) {
                inventory.insert(partition, digest);
            }
        }
        Ok(inventory)
    }
}

/// Counts a partition, and shows each object of it.
async fn count(
    device: &Rc<Device>,
    partition: u32,
    mut show: impl FnMut(NameHash, &Winners),
) -> Result<(), NodeError> {
    let digests: &Digests = &device.digests;
    let counting = digests.begin(partition);
    for hash in hashes(device, partition).await? {
        let spot = Spot { device: Rc::clone(device), partition, hash };
        let _alone = device.lock(hash).await;
        let is = spot.winners().await?;
        digests.count(counting, hash, &is);
        show(hash, &is);
    }
    digests.end(counting);
    Ok(())
}

impl Round<'_> {
    /// Lets containers hear of what a crash, or a disk that failed, may have kept from them. What cannot be read now is tried again in the
    /// next round.
    pub(super) async fn tell_again(&self, device: &Rc<Device>) -> Result<(), NodeError> {
        let mut told = Ok(());
        if self.tells_again {
            let before = device.telling.before();
            for partition in partitions(device).await? {
                let mut newer = Vec::new();
                let show = |hash, is: &Winners| {
                    if is.newest().max(is.meta) >= Some(before) {
                        newer.push(hash);
                    }
                };
                let counted = {
                    let _alone = device.digests.counter().await;
                    count(device, partition, show).await
                };
                for hash in newer {
                    told = told.and(self.tell_anew(device, (partition, hash)).await);
                }
                told = told.and(counted);
            }
        }
        for changed in device.telling.take_untold() {
            told = told.and(self.tell_anew(device, changed).await);
        }
        told
    }

    /// Has the containers of an object told of it. What does not work waits to be tried again.
    async fn tell_anew(&self, device: &Rc<Device>, changed: Changed) -> Result<(), NodeError> {
        let (partition, hash) = changed;
        let told = self.tell_of(Spot { device: Rc::clone(device), partition, hash }).await;
        if told.is_err() {
            device.telling.still_untold(changed);
        }
        told
    }

    async fn tell_of(&self, spot: Spot) -> Result<(), NodeError> {
        let is = spot.winners().await?;
        let Some(place) = spot.place(&is, &self.node.config.name_hash).await? else {
            return Ok(());
        };
        let Some(change) = self.node.change_at(&place, &is).await? else { return Ok(()) };
        // Nobody is to list what a loss of power would take away.
        spot.make_durable().await?;
        let own =
            |target: &ReplicaTarget| target.ip == self.ip && target.device == spot.device.name;
        let replica = self.ring.primaries(spot.partition).iter().position(own);
        self.node.tell_later(&place, self.containers(&place.path, replica), change).await
    }

    /// The container servers that hear from the replica of an object with this number: one each. From any other, all hear.
    fn containers(&self, object: &Path, replica: Option<usize>) -> Vec<Parent> {
        let Some(container) = object.to_container() else { return Vec::new() };
        let partition = self.ring.partition(&container);
        let primaries = self.ring.primaries(partition);
        let hears = |index: usize| replica.is_none_or(|replica| replica % primaries.len() == index);
        let hearing = primaries.iter().enumerate().filter(|(index, _)| hears(*index));
        let parent = |(_, target): (usize, &ReplicaTarget)| Parent {
            host: target.address(Service::Container),
            device: target.device.clone(),
            partition,
        };
        hearing.map(parent).collect()
    }

    /// Gives `target` the objects of a partition that it lacks.
    pub(super) async fn give_objects(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        target: &ReplicaTarget,
    ) -> Result<(), Unheard> {
        let all = hashes(device, partition).await?;
        let mut given = Ok(());
        for some in all.chunks(HASHES) {
            for (spot, is, theirs) in
                self.beside(device, partition, target, (Ask::Seen, some)).await?
            {
                let lacking: Vec<_> = Has::of(&is).lacking(theirs).collect();
                if lacking.is_empty() {
                    continue;
                }
                match self.give_object(&spot, &is, target, lacking).await {
                    Err(silent @ Unheard::Silent(_)) => return Err(silent),
                    // One that cannot be read here, or is not taken there, keeps no other from being given.
                    one => given = given.and(one),
                }
            }
        }
        given
    }

    async fn give_object(
        &mut self,
        spot: &Spot,
        is: &Winners,
        target: &ReplicaTarget,
        lacking: Vec<(Kind, Timestamp)>,
    ) -> Result<(), Unheard> {
        let place = spot.place(is, &self.node.config.name_hash).await?;
        let Some(place) = place else { return Ok(()) };
        for file in lacking {
            self.give_file(&place, is, target, file).await?;
        }
        Ok(())
    }

    /// What the device has of each of some objects, and what `target` has.
    async fn beside(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        target: &ReplicaTarget,
        (ask, hashes): (Ask, &[NameHash]),
    ) -> Result<Vec<(Spot, Winners, Has)>, Unheard> {
        let asked: Vec<String> = hashes.iter().map(|hash| hash.hex()).collect();
        let path = format!("/{partition}{}", ask.query());
        let theirs: Vec<Has> = self.ask(target, Service::Object, &path, &asked).await?;
        if theirs.len() != hashes.len() {
            return Err(Unheard::Refused(target.address(Service::Object)));
        }
        let mut beside = Vec::with_capacity(hashes.len());
        for (hash, theirs) in hashes.iter().zip(theirs) {
            let spot = Spot { device: Rc::clone(device), partition, hash: *hash };
            let is = spot.winners().await?;
            beside.push((spot, is, theirs));
        }
        Ok(beside)
    }

    async fn give_file(
        &mut self,
        place: &Place,
        is: &Winners,
        target: &ReplicaTarget,
        file: (Kind, Timestamp),
    ) -> Result<(), Unheard> {
        let given = given(&self.node.host, place, is, file).await?;
        let Some(mut given) = given else { return Ok(()) };
        let primaries = self.ring.primaries(place.partition);
        let replica = primaries.iter().position(|primary| primary == target);
        name_containers(&mut given.headers, &self.containers(&place.path, replica));
        let device = encode_part(&target.device);
        let path = format!("/{device}/{}{}", place.partition, place.path.encoded());
        let time = Duration::from_secs(given.body.len().unwrap_or(0) / BYTES_PER_SECOND_MIN);
        let limits = Timeouts { answer: LIMITS.answer + time, ..LIMITS };
        let mut request = hyper::Request::new(given.body);
        (*request.method_mut(), *request.headers_mut()) = (given.method, given.headers);
        let answer = self.send(target, Service::Object, &path, request, limits);
        let status = answer.await?.status;
        // What is newer there, or gone, needs nothing from here.
        let newer = [StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&status);
        if status.is_success() || newer {
            return Ok(());
        }
        Err(Unheard::Refused(target.address(Service::Object)))
    }

    /// Removes the objects of a partition that belongs elsewhere which each of `primaries` has.
    pub(super) async fn remove_objects(
        &mut self,
        device: &Rc<Device>,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), Unheard> {
        let all = hashes(device, partition).await?;
        for some in all.chunks(HASHES) {
            let mut here = BTreeMap::new();
            for target in primaries {
                for (spot, is, theirs) in
                    self.beside(device, partition, target, (Ask::Durable, some)).await?
                {
                    let lacks = Has::of(&is).lacking(theirs).next().is_some();
                    let (_, was, lacking) =
                        here.entry(spot.hash).or_insert_with(|| (spot, is.clone(), false));
                    *lacking |= lacks || *was != is;
                }
            }
            for (spot, was, lacking) in here.into_values() {
                if !lacking {
                    spot.remove(&was).await?;
                }
            }
        }
        Ok(())
    }
}

/// Says which container servers the object server is to tell.
fn name_containers(headers: &mut HeaderMap, parents: &[Parent]) {
    let list = |say: fn(&Parent) -> String| parents.iter().map(say).collect::<Vec<_>>().join(",");
    if let Some(first) = parents.first() {
        reply::set(headers, header::X_CONTAINER_HOST, &list(|parent| parent.host.to_string()));
        reply::set(headers, header::X_CONTAINER_DEVICE, &list(|parent| parent.device.clone()));
        reply::set(headers, header::X_CONTAINER_PARTITION, &first.partition.to_string());
    }
}
