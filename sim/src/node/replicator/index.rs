//! Listings between replicas: giving others the rows that they lack.
//!
//! Leaves out comparing and taking in rows: see `node::index`.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{HASHES, Round, Unheard};
use crate::node::device::{Device, NameHash, Place};
use crate::node::index::{Broker, Entry, Info, Stretch};
use crate::node::{Node, NodeError};
use crate::swift::{Service, Target};

/// What one replica of a listing asks another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", bound = "E: Entry")]
pub(super) enum Question<E> {
    /// Which of these stretches are others there.
    Compare(Vec<Stretch>),
    /// To take these in.
    TakeIn(Box<Info>, Vec<(String, E)>),
}

impl Node {
    /// The digest of each partition in which the device has listings.
    pub(super) async fn listings_inventory<E: Entry>(
        &self,
        broker: &Broker<E>,
        device: &Rc<Device>,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        let (mut inventory, mut last) = (BTreeMap::new(), None);
        while let Some((hash, info)) = broker.after(device, last).await? {
            let place = place_of(device, hash, &info);
            let digest = broker.digest(&place, &info).await?;
            *inventory.entry(info.partition).or_default() ^= marked(hash, digest);
            last = Some(hash);
        }
        Ok(inventory)
    }

    /// The digest of a listing, if the device has it.
    pub(super) async fn listing_digest<E: Entry>(
        &self,
        broker: &Broker<E>,
        place: &Place,
    ) -> Result<Option<u64>, NodeError> {
        match broker.stored(place).await? {
            Some(info) => broker.digest(place, &info).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The digest of a listing among those of a partition: listings that say the same are not to cancel each other.
fn marked(hash: NameHash, digest: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(&hash.0, digest)
}

fn place_of(device: &Rc<Device>, hash: NameHash, info: &Info) -> Place {
    let (device, path) = (Rc::clone(device), info.path.clone());
    Place { device, partition: info.partition, hash, path }
}

impl Round<'_> {
    /// Gives `target` what it lacks of a partition's listings.
    pub(super) async fn give_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        target: &Target,
    ) -> Result<(), Unheard> {
        let all = self.listings(broker, device, partition).await?;
        for some in all.chunks(HASHES) {
            let theirs = self.digests_of(target, service, partition, some).await?;
            for (place, theirs) in some.iter().zip(theirs) {
                if self.node.listing_digest(broker, place).await? != theirs {
                    self.give_listing(broker, place, service, target).await?;
                }
            }
        }
        Ok(())
    }

    /// The listings of a partition.
    async fn listings<E: Entry>(
        &self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        partition: u32,
    ) -> Result<Vec<Place>, NodeError> {
        let (mut places, mut last) = (Vec::new(), None);
        while let Some((hash, info)) = broker.after(device, last).await? {
            if info.partition == partition {
                places.push(place_of(device, hash, &info));
            }
            last = Some(hash);
        }
        Ok(places)
    }

    /// The digests that `target` has of some listings.
    async fn digests_of(
        &mut self,
        target: &Target,
        service: Service,
        partition: u32,
        places: &[Place],
    ) -> Result<Vec<Option<u64>>, Unheard> {
        let asked: Vec<String> = places.iter().map(|place| place.hash.hex()).collect();
        let theirs: Vec<_> = self.ask(target, service, &format!("/{partition}"), &asked).await?;
        if theirs.len() == places.len() {
            return Ok(theirs);
        }
        Err(Unheard::Refused(target.address(service)))
    }

    async fn give_listing<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        place: &Place,
        service: Service,
        target: &Target,
    ) -> Result<(), Unheard> {
        let path = format!("/{}{}", place.partition, place.path.encoded());
        let Some(info) = broker.stored(place).await? else { return Ok(()) };
        let stretches = broker.stretches(place).await?;
        let compare = Question::<E>::Compare(stretches.clone());
        let differing: Vec<usize> = self.ask(target, service, &path, &compare).await?;
        let info = Box::new(info);
        let () = self
            .ask(target, service, &path, &Question::<E>::TakeIn(info.clone(), Vec::new()))
            .await?;
        for index in differing {
            let Some(stretch) = stretches.get(index) else {
                return Err(Unheard::Refused(target.address(service)));
            };
            let before = index.checked_sub(1).and_then(|before| stretches.get(before));
            let mut after = before.and_then(|before| before.to.clone());
            loop {
                let rows = broker.rows(place, after.as_deref(), stretch.to.as_deref()).await?;
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                let take_in = Question::TakeIn(info.clone(), rows);
                let () = self.ask(target, service, &path, &take_in).await?;
            }
        }
        Ok(())
    }

    /// Removes the listings of a partition that belongs elsewhere which all of `primaries` have as they are here.
    pub(super) async fn remove_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        primaries: &[Target],
    ) -> Result<(), Unheard> {
        for place in self.listings(broker, device, partition).await? {
            let Some(info) = broker.stored(&place).await? else { continue };
            let own = Some(broker.digest(&place, &info).await?);
            let mut all_have_it = true;
            for target in primaries {
                let some = std::slice::from_ref(&place);
                let theirs = self.digests_of(target, service, partition, some).await?;
                all_have_it &= theirs == [own];
            }
            if all_have_it {
                broker.remove(&place, info.counted).await?;
            }
        }
        Ok(())
    }
}
