//! The table behind listings: reads and changes rows and counts, each change in one batch.
//!
//! Leaves out HTTP, and which change is allowed: see `info`.

use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_host::Batch;

use super::entry::Entry;
use super::info::Info;
use super::listing::{Line, Lister, Next, Query, successor};
use super::tally::{Tally, mark};
use crate::node::device::Place;
use crate::node::error::NodeError;
use crate::node::object::trailer::Damage;
use crate::swift::{Path, Timestamp};

/// Rows that are read from the table at a time.
const PAGE_ROWS: usize = 1_000;

/// Puts what others are to hear of a change into the change's own batch.
pub(in crate::node) type Outbox = fn(&Place, &Info, &mut Batch);

/// The listings of one kind on all devices of a node.
pub(in crate::node) struct Broker<E> {
    outbox: Outbox,
    _rows: PhantomData<E>,
}

impl<E: Entry> Broker<E> {
    pub(in crate::node) const fn new(outbox: Outbox) -> Self {
        Self { outbox, _rows: PhantomData }
    }

    /// What is known of the container or account, or what is known of one that was never there.
    pub(in crate::node) async fn info(&self, place: &Place) -> Result<Info, NodeError> {
        let found = get(place, &info_key::<E>(place)).await?;
        let unborn = || Info::unborn(place.path.clone(), place.partition);
        Ok(found.unwrap_or_else(unborn))
    }

    /// Changes what is known of it by `decide`, durably, unless `decide` refuses.
    pub(in crate::node) async fn change<T>(
        &self,
        place: &Place,
        now: Timestamp,
        decide: impl FnOnce(&mut Info) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let _alone = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        let decided = decide(&mut info)?;
        self.commit(place, now, info, Batch::new(), Vec::new).await?;
        Ok(decided)
    }

    /// Merges `entry` into the row of `name`, durably. The container or account must be there.
    pub(in crate::node) async fn put_row(
        &self,
        place: &Place,
        now: Timestamp,
        name: &str,
        entry: E,
    ) -> Result<(), NodeError> {
        let _alone = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        info.must_live()?;
        let key = row_key::<E>(place, name.as_bytes());
        let old: Option<E> = get(place, &key).await?;
        let old_stats = old.as_ref().map(E::stats).unwrap_or_default();
        let new = old.clone().map_or(entry.clone(), |old| old.merge(entry));
        if old.as_ref() == Some(&new) {
            return Ok(());
        }
        info.count(old_stats, new.stats());
        let mut batch = Batch::new();
        batch.put(key, encode(&new));
        let change = || old.as_ref().map_or(0, |old| mark(name, old)) ^ mark(name, &new);
        self.commit(place, now, info, batch, || vec![(name.to_owned(), change())]).await
    }

    /// The lines of a listing.
    pub(in crate::node) async fn list(
        &self,
        place: &Place,
        query: &Query,
    ) -> Result<Vec<Line<E>>, NodeError> {
        let rows_from = row_key::<E>(place, b"");
        let (from, to) = query.bounds();
        let mut from = row_key::<E>(place, &from);
        let to = to.map(|to| row_key::<E>(place, &to));
        let to = to.or_else(|| successor(&rows_from)).unwrap_or_default();
        let mut lister = Lister::new(query);
        // Each round either ends or goes on after a row that was read.
        while from < to && !lister.is_full() {
            let disk = &place.device.disk;
            let page = disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.failed())?;
            let more = page.len() == PAGE_ROWS;
            let Some(next) = fill(place, &mut lister, &rows_from, &page)? else {
                if !more {
                    break;
                }
                from = page.last().map(|(key, _)| [&key[..], b"\0"].concat()).unwrap_or_default();
                continue;
            };
            from = next;
        }
        Ok(lister.into_lines())
    }

    /// Makes a change durable. `changes` says of each row that it changes by what its mark does, for those who count. The caller holds
    /// the lock.
    pub(super) async fn commit(
        &self,
        place: &Place,
        now: Timestamp,
        mut info: Info,
        mut batch: Batch,
        changes: impl FnOnce() -> Vec<(String, u64)>,
    ) -> Result<(), NodeError> {
        let tallies = &place.device.tallies;
        let rows = tallies.rows(E::LETTER, place.hash, info.counted);
        info.touch(now);
        batch.put(info_key::<E>(place), encode(&info));
        (self.outbox)(place, &info, &mut batch);
        let changing = tallies.change(E::LETTER, place.hash);
        place.device.disk.commit(batch).await.map_err(place.failed())?;
        let (partition, counted) = (info.partition, info.counted);
        let tally = |rows| Tally { partition, counted, rows, info: info.digest() };
        changing.to(rows.map(tally), changes);
        Ok(())
    }
}

/// Pushes a page of rows; gives the key to read on from when the rest of the page is to be skipped.
fn fill<E: Entry>(
    place: &Place,
    lister: &mut Lister<'_, E>,
    rows_from: &[u8],
    page: &[stayput_host::Row],
) -> Result<Option<Vec<u8>>, NodeError> {
    let mut skip_to: Option<Vec<u8>> = None;
    for (key, value) in page {
        if skip_to.as_ref().is_some_and(|skip_to| key < skip_to) {
            continue;
        }
        skip_to = None;
        let entry: E = decode(place, value)?;
        if !entry.is_live() {
            continue;
        }
        let name = String::from_utf8_lossy(key.get(rows_from.len()..).unwrap_or_default());
        match lister.push(&name, entry) {
            Next::Row => {}
            Next::Name(name) => skip_to = Some([rows_from, &name].concat()),
            Next::Nothing => break,
        }
    }
    Ok(skip_to)
}

fn key_of<E: Entry>(place: &Place, rest: &[u8]) -> Vec<u8> {
    [format!("index/{}/{}/", E::LETTER, place.hash.hex()).as_bytes(), rest].concat()
}

pub(super) fn info_key<E: Entry>(place: &Place) -> Vec<u8> {
    key_of::<E>(place, b"i")
}

pub(super) fn row_key<E: Entry>(place: &Place, name: &[u8]) -> Vec<u8> {
    key_of::<E>(place, &[b"r/", name].concat())
}

/// The first key after all rows.
pub(super) fn end_of_rows<E: Entry>(place: &Place) -> Vec<u8> {
    key_of::<E>(place, b"r0")
}

pub(super) async fn get<T: DeserializeOwned>(
    place: &Place,
    key: &[u8],
) -> Result<Option<T>, NodeError> {
    let found = place.device.disk.get(key).await.map_err(place.failed())?;
    found.map(|value| decode(place, &value)).transpose()
}

pub(super) fn decode<T: DeserializeOwned>(place: &Place, value: &[u8]) -> Result<T, NodeError> {
    serde_json::from_slice(value).map_err(|error| NodeError::Damaged {
        path: place.path.to_string(),
        device: place.device.name.clone(),
        damage: Damage::Metadata { why: error.to_string() },
    })
}

/// The form in which the table holds `value`.
#[expect(clippy::expect_used, reason = "structs of strings and numbers always have a JSON form")]
pub(in crate::node) fn encode<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).expect("rows have a JSON form").into()
}

/// The account and container that a row's path names are one level up: `path`'s own level is
/// `name`.
pub(in crate::node) fn row_name(path: &Path) -> Option<(Path, &str)> {
    match (path.container(), path.object()) {
        (Some(_), Some(object)) => path.to_container().map(|container| (container, object)),
        (Some(container), None) => Some((path.to_account(), container)),
        _ => None,
    }
}
