//! Listings between replicas: giving others the rows that they lack.
//!
//! Leaves out comparing and taking in rows: see `node::index`.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{HASHES, Round, Unheard};
use crate::node::device::{Device, Place};
use crate::node::index::{Broker, Entry, Info, Stretch, encode};
use crate::swift::{ReplicaTarget, Service};

/// What one replica of a listing asks another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", bound = "E: Entry")]
pub(super) enum Question<E> {
    /// Which of these stretches are others there.
    Compare(Vec<Stretch>),
    /// To take these in.
    TakeIn(Box<Info>, Vec<(String, E)>),
}

/// The bytes of rows that are sent at a time. One row is far smaller.
const ROWS_BYTES_MAX: usize = 4 << 20;

/// The first rows, up to so many bytes of what they are sent as, and one at least.
fn at_most<E: Entry>(bytes_max: usize, mut rows: Vec<(String, E)>) -> Vec<(String, E)> {
    let mut bytes = 0;
    let fit = rows.iter().take_while(|(name, entry)| {
        // A character of a name can take six bytes.
        let fits = bytes <= bytes_max;
        bytes += 6 * name.len() + encode(entry).len();
        fits
    });
    let fit = fit.count();
    rows.truncate(fit);
    rows
}

impl Round<'_> {
    /// Gives `target` what it lacks of a partition's listings.
    pub(super) async fn give_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        target: &ReplicaTarget,
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
        target: &ReplicaTarget,
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
        target: &ReplicaTarget,
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
                let rows = at_most(ROWS_BYTES_MAX, rows);
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                let take_in = Question::TakeIn(info.clone(), rows);
                let () = self.ask(target, service, &path, &take_in).await?;
            }
        }
        Ok(())
    }

    /// Removes the listings of a partition that belongs elsewhere, once all of `primaries` have taken in what is here.
    pub(super) async fn remove_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), Unheard> {
        for listing in broker.listings(device, partition).await? {
            let (place, info) = &listing;
            // They may have more than is here, which is why digests say nothing: what counts is that they took this in.
            for target in primaries {
                self.give_listing(broker, place, service, target).await?;
            }
            broker.remove(place, info.counted).await?;
        }
        Ok(())
    }
}
