//! Listings between replicas: giving others the rows that they lack.
//!
//! Leaves out comparing and taking in rows: see `node::index`.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{HASHES, Round, Unheard};
use crate::node::device::{Device, Place};
use crate::node::index::{Broker, Entry, Info, Stretch};
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
        let all = broker.listings(device, partition).await?;
        for some in all.chunks(HASHES) {
            let theirs = self.digests_of(target, service, partition, some).await?;
            for ((place, info), theirs) in some.iter().zip(theirs) {
                if Some(broker.digest(place, info).await?) != theirs {
                    self.give_listing(broker, place, service, target).await?;
                }
            }
        }
        Ok(())
    }

    /// The digests that `target` has of some listings.
    async fn digests_of(
        &mut self,
        target: &Target,
        service: Service,
        partition: u32,
        listings: &[(Place, Info)],
    ) -> Result<Vec<Option<u64>>, Unheard> {
        let asked: Vec<String> = listings.iter().map(|(place, _)| place.hash.hex()).collect();
        let theirs: Vec<_> = self.ask(target, service, &format!("/{partition}"), &asked).await?;
        if theirs.len() == listings.len() {
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
        for listing in broker.listings(device, partition).await? {
            let (place, info) = &listing;
            let own = Some(broker.digest(place, info).await?);
            let mut all_have_it = true;
            for target in primaries {
                let some = std::slice::from_ref(&listing);
                let theirs = self.digests_of(target, service, partition, some).await?;
                all_have_it &= theirs == [own];
            }
            if all_have_it {
                broker.remove(place, info.counted).await?;
            }
        }
        Ok(())
    }
}
