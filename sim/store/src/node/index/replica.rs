//! A listing beside its other replicas: how far it differs, what it has in a stretch, and taking in what another has.
//!
//! Leaves out who asks whom: see the replicator.

use std::collections::BTreeMap;
use std::rc::Rc;

use stayput_host::{Batch, Row};

use super::broker::{Broker, decode, encode, end_of_rows, get, info_key, row_key};
use super::entry::Entry;
use super::info::Info;
use super::tally::{Stretch, Tally, mark};
use crate::node::device::{Device, NameHash, Place};
use crate::node::error::NodeError;
use crate::node::request::Parent;
use crate::swift::{Path, Timestamp};

/// Rows that are read from the table at a time, and rows of a stretch.
const PAGE_ROWS: usize = 1_000;

impl<E: Entry> Broker<E> {
    /// What is known of a listing that the device has, live or deleted.
    pub(in crate::node) async fn stored(&self, place: &Place) -> Result<Option<Info>, NodeError> {
        get(place, &info_key::<E>(place)).await
    }

    /// The digest of each partition in which the device has listings, as far as they do not change all the time.
    pub(in crate::node) async fn inventory(
        &self,
        device: &Rc<Device>,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        let tallies = &device.tallies;
        if !tallies.is_complete(E::LETTER) {
            let (look, mut last) = (tallies.begin(E::LETTER), None);
            while let Some((hash, info)) = self.after(device, last).await? {
                self.tally(&place_of(device, hash, &info), &info).await?;
                last = Some(hash);
            }
            tallies.end(&look);
        }
        Ok(tallies.inventory(E::LETTER))
    }

    /// The listings of a partition, as far as they are known.
    pub(in crate::node) async fn listings(
        &self,
        device: &Rc<Device>,
        partition: u32,
    ) -> Result<Vec<(Place, Info)>, NodeError> {
        let mut listings = Vec::new();
        for hash in device.tallies.hashes(E::LETTER, partition) {
            let Some(place) = nameless(device, partition, hash) else { continue };
            if let Some(info) = self.stored(&place).await? {
                listings.push((place_of(device, hash, &info), info));
            }
        }
        Ok(listings)
    }

    /// The digest of the listing with that hash, if the device has it.
    pub(in crate::node) async fn digest_of(
        &self,
        device: &Rc<Device>,
        partition: u32,
        hash: NameHash,
    ) -> Result<Option<u64>, NodeError> {
        let Some(place) = nameless(device, partition, hash) else { return Ok(None) };
        match self.stored(&place).await? {
            Some(info) => self.digest(&place, &info).await.map(Some),
            None => Ok(None),
        }
    }

    /// The number that replicas of a listing have in common if they say the same.
    pub(in crate::node) async fn digest(
        &self,
        place: &Place,
        info: &Info,
    ) -> Result<u64, NodeError> {
        self.tally(place, info).await.map(Tally::digest)
    }

    async fn tally(&self, place: &Place, info: &Info) -> Result<Tally, NodeError> {
        let tallies = &place.device.tallies;
        let (partition, counted) = (info.partition, info.counted);
        if let Some(rows) = tallies.rows(E::LETTER, place.hash, counted) {
            return Ok(Tally { partition, counted, rows, info: info.digest() });
        }
        let _counter = tallies.counter().await;
        tallies.begin_count(E::LETTER, place.hash);
        let mut after = None;
        loop {
            let _alone = place.device.lock(place.hash).await;
            let rows = self.rows(place, after.as_deref(), None).await?;
            let marks = rows.iter().fold(0, |marks, (name, entry)| marks ^ mark(name, entry));
            if let Some((last, _)) = rows.last() {
                tallies.count(last, marks);
                after = Some(last.clone());
            }
            if rows.len() == PAGE_ROWS {
                continue;
            }
            let info = self.info(place).await?;
            let (partition, counted) = (info.partition, info.counted);
            let counted_rows = tallies.end_count();
            let rows = counted_rows.unwrap_or_default();
            let tally = Tally { partition, counted, rows, info: info.digest() };
            if counted_rows.is_some() {
                tallies.set(E::LETTER, place.hash, tally);
            } else {
                tallies.doubt(E::LETTER, place.hash);
            }
            return Ok(tally);
        }
    }

    /// The first listing of the device after the one with that hash.
    async fn after(
        &self,
        device: &Device,
        hash: Option<NameHash>,
    ) -> Result<Option<(NameHash, Info)>, NodeError> {
        let after = |hash: NameHash| format!("index/{}/{}0", E::LETTER, hash.hex());
        let from = hash.map_or_else(|| format!("index/{}/", E::LETTER), after);
        let to = format!("index/{}0", E::LETTER);
        let failed = |source| device.failed_at(&from, source);
        let rows = device.disk.scan(from.as_bytes(), to.as_bytes(), 1).await.map_err(failed)?;
        let Some((key, value)) = rows.first() else { return Ok(None) };
        let hash = std::str::from_utf8(key).ok().and_then(|key| NameHash::parse(key.get(8..40)?));
        let info = serde_json::from_slice(value).ok();
        hash.zip(info).map(Some).ok_or_else(|| NodeError::Damaged {
            path: String::from_utf8_lossy(key).into_owned(),
            device: device.name.clone(),
            damage: crate::node::object::trailer::Damage::Metadata {
                why: "it is no row of a listing".to_owned(),
            },
        })
    }

    /// All rows of the listing, in stretches.
    pub(in crate::node) async fn stretches(
        &self,
        place: &Place,
    ) -> Result<Vec<Stretch>, NodeError> {
        let (mut stretches, mut after) = (Vec::new(), None);
        loop {
            let rows = self.rows(place, after.as_deref(), None).await?;
            let tally = rows.iter().fold(0, |tally, (name, entry)| tally ^ mark(name, entry));
            let last = rows.len() < PAGE_ROWS;
            after = rows.into_iter().next_back().map(|(name, _)| name);
            stretches.push(Stretch { to: after.clone().filter(|_| !last), tally });
            if last {
                return Ok(stretches);
            }
        }
    }

    /// Which of another replica's stretches are others here.
    pub(in crate::node) async fn differing(
        &self,
        place: &Place,
        theirs: &[Stretch],
    ) -> Result<Vec<usize>, NodeError> {
        let (mut differing, mut from) = (Vec::new(), None);
        for (index, stretch) in theirs.iter().enumerate() {
            let (mut tally, mut after) = (0, from.clone());
            loop {
                let rows = self.rows(place, after.as_deref(), stretch.to.as_deref()).await?;
                tally = rows.iter().fold(tally, |tally, (name, entry)| tally ^ mark(name, entry));
                if rows.len() < PAGE_ROWS {
                    break;
                }
                after = rows.into_iter().next_back().map(|(name, _)| name);
            }
            if tally != stretch.tally {
                differing.push(index);
            }
            from.clone_from(&stretch.to);
        }
        Ok(differing)
    }

    /// The first rows after the name `after` and up to the name `to`: as many as are read at a time, if there are as many.
    pub(in crate::node) async fn rows(
        &self,
        place: &Place,
        after: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<(String, E)>, NodeError> {
        let behind = |name: &str| row_key::<E>(place, &[name.as_bytes(), b"\0"].concat());
        let begin = row_key::<E>(place, b"");
        let from = after.map_or_else(|| begin.clone(), behind);
        let to = to.map_or_else(|| end_of_rows::<E>(place), behind);
        if from >= to {
            return Ok(Vec::new());
        }
        let page = place.device.disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.failed())?;
        let row = |(key, value): Row| {
            let name = String::from_utf8_lossy(key.get(begin.len()..).unwrap_or_default());
            Ok((name.into_owned(), decode(place, &value)?))
        };
        page.into_iter().map(row).collect()
    }

    /// Takes in what another replica has, durably. `parents` hear of it if nobody does yet.
    pub(in crate::node) async fn take_in(
        &self,
        place: &Place,
        now: Timestamp,
        theirs: Info,
        rows: Vec<(String, E)>,
        parents: Vec<Parent>,
    ) -> Result<(), NodeError> {
        let _alone = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        let (before, mut batch, mut changes) = (info.clone(), Batch::new(), Vec::new());
        info.take_in(theirs, parents);
        for (name, entry) in rows {
            let key = row_key::<E>(place, name.as_bytes());
            let old: Option<E> = get(place, &key).await?;
            let new = old.clone().map_or(entry.clone(), |old| old.merge(entry));
            if old.as_ref() == Some(&new) {
                continue;
            }
            info.count(old.as_ref().map(E::stats).unwrap_or_default(), new.stats());
            batch.put(key, encode(&new));
            let change = old.as_ref().map_or(0, |old| mark(&name, old)) ^ mark(&name, &new);
            changes.push((name, change));
        }
        if info == before && batch.changes().is_empty() {
            return Ok(());
        }
        self.commit(place, now, info, batch, || changes).await
    }

    /// Removes a listing that belongs elsewhere, unless it has changed since it was counted.
    pub(in crate::node) async fn remove(
        &self,
        place: &Place,
        counted: Timestamp,
    ) -> Result<(), NodeError> {
        let _alone = place.device.lock(place.hash).await;
        let disk = &place.device.disk;
        let (from, to) = (row_key::<E>(place, b""), end_of_rows::<E>(place));
        while self.info(place).await?.counted == counted {
            let page = disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.failed())?;
            let mut batch = Batch::new();
            for (key, _) in &page {
                batch.delete(key.clone());
            }
            let changing = place.device.tallies.change(E::LETTER, place.hash);
            if page.len() < PAGE_ROWS {
                // Last: as long as it is there, a crash leaves a listing that is removed again.
                batch.delete(info_key::<E>(place));
                disk.commit(batch).await.map_err(place.failed())?;
                changing.gone();
                break;
            }
            disk.commit(batch).await.map_err(place.failed())?;
        }
        Ok(())
    }
}

/// Where a listing is, by what is known of it.
fn place_of(device: &Rc<Device>, hash: NameHash, info: &Info) -> Place {
    let (device, path) = (Rc::clone(device), info.path.clone());
    Place { device, partition: info.partition, hash, path }
}

/// Where a listing is whose name is not known yet: for errors its hash stands for it.
fn nameless(device: &Rc<Device>, partition: u32, hash: NameHash) -> Option<Place> {
    let path = Path::account_only(&hash.hex()).ok()?;
    Some(Place { device: Rc::clone(device), partition, hash, path })
}
