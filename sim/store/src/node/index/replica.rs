//! Replicas of a listing: digests to compare, rows of a range, and merging of another's rows.
//!
//! Leaves out the exchange between nodes, which is the replicator's.

use std::collections::BTreeMap;
use std::rc::Rc;

use stayput_host::{Batch, Row};

use super::broker::Broker;
use super::digest::{ListingDigest, RowRange, row_hash};
use super::entry::Entry;
use super::info::ListingInfo;
use super::table::{PAGE_ROWS, decode, end_of_rows, get, info_key, row_key};
use crate::node::protocol::ParentServer;
use crate::node::storage::{Device, DiskPlace, FileDamage, NameHash, NodeError};
use crate::swift::Timestamp;

impl<E: Entry> Broker<E> {
    /// Record of a listing that the device has, live or deleted.
    pub(crate) async fn stored(&self, place: &DiskPlace) -> Result<Option<ListingInfo>, NodeError> {
        get(place, &info_key::<E>(place)).await
    }

    /// Digest of each partition with listings on the device, but for listings that change all the
    /// time.
    pub(crate) async fn inventory(
        &self,
        device: &Rc<Device>,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        let digests = &self.digests[device];
        if !digests.is_complete(E::LETTER) {
            let (scan, mut last) = (digests.begin_scan(E::LETTER), None);
            while let Some((hash, info)) = self.next_listing(device, last).await? {
                self.digest_at(&place_of(device, hash, &info), &info).await?;
                last = Some(hash);
            }
            digests.end_scan(&scan);
        }
        Ok(digests.inventory(E::LETTER))
    }

    /// Listings of a partition, as far as they are known.
    pub(crate) async fn listings(
        &self,
        device: &Rc<Device>,
        partition: u32,
    ) -> Result<Vec<(DiskPlace, ListingInfo)>, NodeError> {
        let mut listings = Vec::new();
        for hash in self.digests[device].hashes(E::LETTER, partition) {
            let place = DiskPlace::nameless(device, partition, hash);
            if let Some(info) = self.stored(&place).await? {
                listings.push((place_of(device, hash, &info), info));
            }
        }
        Ok(listings)
    }

    /// Digest of the listing with that hash, if the device has it.
    pub(crate) async fn digest_of(
        &self,
        device: &Rc<Device>,
        partition: u32,
        hash: NameHash,
    ) -> Result<Option<u64>, NodeError> {
        let place = DiskPlace::nameless(device, partition, hash);
        match self.stored(&place).await? {
            Some(info) => self.digest(&place, &info).await.map(Some),
            None => Ok(None),
        }
    }

    /// Number that is equal on replicas of a listing with equal rows and records.
    pub(crate) async fn digest(
        &self,
        place: &DiskPlace,
        info: &ListingInfo,
    ) -> Result<u64, NodeError> {
        self.digest_at(place, info).await.map(ListingDigest::value)
    }

    /// Digest of a listing, which counts its rows if that is not known.
    async fn digest_at(
        &self,
        place: &DiskPlace,
        info: &ListingInfo,
    ) -> Result<ListingDigest, NodeError> {
        let digests = &self.digests[&place.device];
        if let Some(rows) = digests.rows(E::LETTER, place.hash, info.counted) {
            return Ok(ListingDigest::of(info, rows));
        }
        let _counter = digests.counter().await;
        digests.begin_count(E::LETTER, place.hash);
        let mut after = None;
        loop {
            let _locked = place.device.lock(place.hash).await;
            let rows = self.rows(place, after.as_deref(), None).await?;
            let hashes = digest_of_rows(0, &rows);
            if let Some((last, _)) = rows.last() {
                digests.count(last, hashes);
                after = Some(last.clone());
            }
            if rows.len() == PAGE_ROWS {
                continue;
            }
            let info = self.info(place).await?;
            let counted_rows = digests.end_count();
            let digest = ListingDigest::of(&info, counted_rows.unwrap_or_default());
            if counted_rows.is_some() {
                digests.set(E::LETTER, place.hash, digest);
            } else {
                digests.invalidate(E::LETTER, place.hash);
            }
            return Ok(digest);
        }
    }

    /// First listing of the device after the one with that hash.
    async fn next_listing(
        &self,
        device: &Device,
        hash: Option<NameHash>,
    ) -> Result<Option<(NameHash, ListingInfo)>, NodeError> {
        let after = |hash: NameHash| format!("index/{}/{}0", E::LETTER, hash.hex());
        let from = hash.map_or_else(|| format!("index/{}/", E::LETTER), after);
        let to = format!("index/{}0", E::LETTER);
        let failed = |source| device.disk_error_at(&from, source);
        let rows = device.disk.scan(from.as_bytes(), to.as_bytes(), 1).await.map_err(failed)?;
        let Some((key, value)) = rows.first() else { return Ok(None) };
        let hash = std::str::from_utf8(key).ok().and_then(|key| NameHash::parse(key.get(8..40)?));
        let info = serde_json::from_slice(value).ok();
        hash.zip(info).map(Some).ok_or_else(|| NodeError::Damaged {
            path: String::from_utf8_lossy(key).into_owned(),
            device: device.name.clone(),
            damage: FileDamage::Metadata { why: "it is no row of a listing".to_owned() },
        })
    }

    /// All rows of the listing, in ranges of [`PAGE_ROWS`].
    pub(crate) async fn row_ranges(&self, place: &DiskPlace) -> Result<Vec<RowRange>, NodeError> {
        let (mut ranges, mut after) = (Vec::new(), None);
        loop {
            let rows = self.rows(place, after.as_deref(), None).await?;
            let digest = digest_of_rows(0, &rows);
            let last = rows.len() < PAGE_ROWS;
            after = rows.into_iter().next_back().map(|(name, _)| name);
            ranges.push(RowRange { to: after.clone().filter(|_| !last), digest });
            if last {
                return Ok(ranges);
            }
        }
    }

    /// Indices of another replica's ranges whose rows differ here.
    pub(crate) async fn differing(
        &self,
        place: &DiskPlace,
        theirs: &[RowRange],
    ) -> Result<Vec<usize>, NodeError> {
        let (mut differing, mut from) = (Vec::new(), None);
        for (index, range) in theirs.iter().enumerate() {
            let (mut digest, mut after) = (0, from.clone());
            loop {
                let rows = self.rows(place, after.as_deref(), range.to.as_deref()).await?;
                digest = digest_of_rows(digest, &rows);
                if rows.len() < PAGE_ROWS {
                    break;
                }
                after = rows.into_iter().next_back().map(|(name, _)| name);
            }
            if digest != range.digest {
                differing.push(index);
            }
            from.clone_from(&range.to);
        }
        Ok(differing)
    }

    /// First rows after the name `after` and up to the name `to`, at most [`PAGE_ROWS`].
    pub(crate) async fn rows(
        &self,
        place: &DiskPlace,
        after: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<(String, E)>, NodeError> {
        let after_name = |name: &str| row_key::<E>(place, &[name.as_bytes(), b"\0"].concat());
        let begin = row_key::<E>(place, b"");
        let from = after.map_or_else(|| begin.clone(), after_name);
        let to = to.map_or_else(|| end_of_rows::<E>(place), after_name);
        if from >= to {
            return Ok(Vec::new());
        }
        let page =
            place.device.disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.disk_error())?;
        let row = |(key, value): Row| {
            let name = String::from_utf8_lossy(key.get(begin.len()..).unwrap_or_default());
            Ok((name.into_owned(), decode(place, &value)?))
        };
        page.into_iter().map(row).collect()
    }

    /// Merges another replica's record and rows, durably. `parents` get its counts if no server
    /// does yet.
    pub(crate) async fn merge(
        &self,
        place: &DiskPlace,
        now: Timestamp,
        theirs: ListingInfo,
        rows: Vec<(String, E)>,
        parents: Vec<ParentServer>,
    ) -> Result<(), NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        let (before, mut batch, mut changes) = (info.clone(), Batch::new(), Vec::new());
        info.merge(theirs, parents);
        for (name, entry) in rows {
            let change = self.merge_row(place, &mut info, &mut batch, &name, entry).await?;
            if let Some(change) = change {
                let hash = change.hash(&name);
                changes.push((name, hash));
            }
        }
        if info == before && batch.changes().is_empty() {
            return Ok(());
        }
        self.commit(place, now, info, batch, || changes).await
    }

    /// Removes a listing that belongs elsewhere, unless its counts are not of that time any more.
    pub(crate) async fn remove(
        &self,
        place: &DiskPlace,
        counted: Timestamp,
    ) -> Result<(), NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let disk = &place.device.disk;
        let (from, to) = (row_key::<E>(place, b""), end_of_rows::<E>(place));
        while self.info(place).await?.counted == counted {
            let page = disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.disk_error())?;
            let mut batch = Batch::new();
            for (key, _) in &page {
                batch.delete(key.clone());
            }
            let change = self.digests[&place.device].begin_change(E::LETTER, place.hash);
            if page.len() < PAGE_ROWS {
                // Last: as long as it is there, a crash leaves a listing that is removed again.
                batch.delete(info_key::<E>(place));
                disk.commit(batch).await.map_err(place.disk_error())?;
                change.removed();
                break;
            }
            disk.commit(batch).await.map_err(place.disk_error())?;
        }
        Ok(())
    }
}

/// DiskPlace of a listing, by its record.
fn place_of(device: &Rc<Device>, hash: NameHash, info: &ListingInfo) -> DiskPlace {
    let (device, path) = (Rc::clone(device), info.path.clone());
    DiskPlace { device, partition: info.partition, hash, path }
}

/// Digest `before` with the hashes of `rows` added.
fn digest_of_rows<E: Entry>(before: u64, rows: &[(String, E)]) -> u64 {
    rows.iter().fold(before, |digest, (name, entry)| digest ^ row_hash(name, entry))
}
