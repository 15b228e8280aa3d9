//! Listings between replicas: rows that another replica lacks, and listings that belong elsewhere.
//!
//! Leaves out comparing and merging rows, which are `index`'s.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::peer::PeerError;
use super::round::{HASHES, ReplicationRound};
use crate::node::index::{Broker, Entry, ListingInfo, RowRange, encode};
use crate::node::storage::{Device, DiskPlace};
use crate::swift::{ReplicaTarget, Service};

/// Question of one replica of a listing to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", bound = "E: Entry")]
pub(super) enum ListingQuestion<E> {
    /// Comparison: the ranges whose rows differ there.
    Compare(Vec<RowRange>),
    /// Merge of a record and rows.
    #[serde(rename = "take-in")]
    Merge(Box<ListingInfo>, Vec<(String, E)>),
}

/// Bytes of rows in one request. One row is far smaller.
const ROWS_BYTES_MAX: usize = 4 << 20;

/// First rows, up to `bytes_max` in their form on the wire, and one at least.
fn at_most<E: Entry>(bytes_max: usize, mut rows: Vec<(String, E)>) -> Vec<(String, E)> {
    let mut bytes = 0;
    let fit = rows.iter().take_while(|(name, entry)| {
        // A character of a name can take six bytes in JSON.
        let fits = bytes <= bytes_max;
        bytes += 6 * name.len() + encode(entry).len();
        fits
    });
    let fit = fit.count();
    rows.truncate(fit);
    rows
}

impl ReplicationRound<'_> {
    /// Gives `target` what it lacks of a partition's listings.
    pub(super) async fn give_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        target: &ReplicaTarget,
    ) -> Result<(), PeerError> {
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

    /// Digests of some listings on `target`.
    async fn digests_of(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        partition: u32,
        listings: &[(DiskPlace, ListingInfo)],
    ) -> Result<Vec<Option<u64>>, PeerError> {
        let asked: Vec<String> = listings.iter().map(|(place, _)| place.hash.hex()).collect();
        let theirs: Vec<_> =
            self.peers.ask(target, service, &format!("/{partition}"), &asked).await?;
        if theirs.len() == listings.len() {
            return Ok(theirs);
        }
        Err(PeerError::Refused(target.address(service)))
    }

    async fn give_listing<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        place: &DiskPlace,
        service: Service,
        target: &ReplicaTarget,
    ) -> Result<(), PeerError> {
        let path = format!("/{}{}", place.partition, place.path.encoded());
        let Some(info) = broker.stored(place).await? else { return Ok(()) };
        let ranges = broker.row_ranges(place).await?;
        let compare = ListingQuestion::<E>::Compare(ranges.clone());
        let differing: Vec<usize> = self.peers.ask(target, service, &path, &compare).await?;
        let info = Box::new(info);
        let () = self
            .peers
            .ask(target, service, &path, &ListingQuestion::<E>::Merge(info.clone(), Vec::new()))
            .await?;
        for index in differing {
            let Some(range) = ranges.get(index) else {
                return Err(PeerError::Refused(target.address(service)));
            };
            let before = index.checked_sub(1).and_then(|before| ranges.get(before));
            let mut after = before.and_then(|before| before.to.clone());
            loop {
                let rows = broker.rows(place, after.as_deref(), range.to.as_deref()).await?;
                let rows = at_most(ROWS_BYTES_MAX, rows);
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                let merge = ListingQuestion::Merge(info.clone(), rows);
                let () = self.peers.ask(target, service, &path, &merge).await?;
            }
        }
        Ok(())
    }

    /// Removes the listings of a partition that belongs elsewhere, once all of `primaries` have
    /// merged their rows.
    pub(super) async fn remove_listings<E: Entry>(
        &mut self,
        broker: &Broker<E>,
        device: &Rc<Device>,
        service: Service,
        partition: u32,
        primaries: &[ReplicaTarget],
    ) -> Result<(), PeerError> {
        for listing in broker.listings(device, partition).await? {
            let (place, info) = &listing;
            // They may have more rows than this, so digests cannot decide.
            for target in primaries {
                self.give_listing(broker, place, service, target).await?;
            }
            broker.remove(place, info.counted).await?;
        }
        Ok(())
    }
}
