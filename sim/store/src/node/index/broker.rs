//! Broker of listings, as Swift calls it: reads and changes rows and counts, each change in one
//! batch.
//!
//! Leaves out HTTP, and the rules of changes, which are `info`'s and `entry`'s.

use std::marker::PhantomData;
use std::rc::Rc;

use stayput_host::{Batch, Row};

use super::digest::{ListingDigest, ListingDigests, row_hash};
use super::entry::Entry;
use super::info::ListingInfo;
use super::listing::{ListingBuilder, ListingLine, ListingQuery, ReadOn, successor};
use super::table::{PAGE_ROWS, decode, encode, get, info_key, row_key};
use crate::node::storage::{DiskPlace, NodeError, PerDevice};
use crate::swift::Timestamp;

/// Adds the updates for servers one level up to the batch of a change.
pub(crate) type Outbox = fn(&DiskPlace, &ListingInfo, &mut Batch);

/// Listings of one kind on all devices of a node.
pub(crate) struct Broker<E> {
    outbox: Outbox,
    /// Digests of each device's listings, of all kinds.
    pub(super) digests: Rc<PerDevice<ListingDigests>>,
    _rows: PhantomData<E>,
}

impl<E: Entry> Broker<E> {
    pub(crate) const fn new(outbox: Outbox, digests: Rc<PerDevice<ListingDigests>>) -> Self {
        Self { outbox, digests, _rows: PhantomData }
    }

    /// Record of a container or an account, or the record of one that was never put.
    pub(crate) async fn info(&self, place: &DiskPlace) -> Result<ListingInfo, NodeError> {
        let stored = get(place, &info_key::<E>(place)).await?;
        let never_put = || ListingInfo::never_put(place.path.clone(), place.partition);
        Ok(stored.unwrap_or_else(never_put))
    }

    /// Changes the record by `decide`, durably, unless `decide` refuses.
    pub(crate) async fn change<T>(
        &self,
        place: &DiskPlace,
        now: Timestamp,
        decide: impl FnOnce(&mut ListingInfo) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        let decided = decide(&mut info)?;
        self.commit(place, now, info, Batch::new(), Vec::new).await?;
        Ok(decided)
    }

    /// Merges `entry` into the row of `name`, durably. The container or account must be there.
    pub(crate) async fn put_row(
        &self,
        place: &DiskPlace,
        now: Timestamp,
        name: &str,
        entry: E,
    ) -> Result<(), NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let mut info = self.info(place).await?;
        info.require_live()?;
        let mut batch = Batch::new();
        match self.merge_row(place, &mut info, &mut batch, name, entry).await? {
            Some(change) => {
                let changes = || vec![(name.to_owned(), change.hash(name))];
                self.commit(place, now, info, batch, changes).await
            }
            None => Ok(()),
        }
    }

    /// Adds the merged row of `name` to `batch` and to the counts of `info`; returns its change, or
    /// `None` if the row stays as it is.
    pub(super) async fn merge_row(
        &self,
        place: &DiskPlace,
        info: &mut ListingInfo,
        batch: &mut Batch,
        name: &str,
        entry: E,
    ) -> Result<Option<RowChange<E>>, NodeError> {
        let key = row_key::<E>(place, name.as_bytes());
        let old: Option<E> = get(place, &key).await?;
        let new = old.clone().map_or(entry.clone(), |old| old.merge(entry));
        if old.as_ref() == Some(&new) {
            return Ok(None);
        }
        info.count(old.as_ref().map(E::stats).unwrap_or_default(), new.stats());
        batch.put(key, encode(&new));
        Ok(Some(RowChange { old, new }))
    }

    /// Lines of a listing.
    pub(crate) async fn list(
        &self,
        place: &DiskPlace,
        query: &ListingQuery,
    ) -> Result<Vec<ListingLine<E>>, NodeError> {
        let rows_from = row_key::<E>(place, b"");
        let (from, to) = query.bounds();
        let mut from = row_key::<E>(place, &from);
        let to = to.map(|to| row_key::<E>(place, &to));
        let to = to.or_else(|| successor(&rows_from)).unwrap_or_default();
        let mut builder = ListingBuilder::new(query);
        // Each round either ends or goes on after a row that was read.
        while from < to && !builder.is_full() {
            let disk = &place.device.disk;
            let page = disk.scan(&from, &to, PAGE_ROWS).await.map_err(place.disk_error())?;
            let more = page.len() == PAGE_ROWS;
            let Some(next) = fill(place, &mut builder, &rows_from, &page)? else {
                if !more {
                    break;
                }
                from = page.last().map(|(key, _)| [&key[..], b"\0"].concat()).unwrap_or_default();
                continue;
            };
            from = next;
        }
        Ok(builder.into_lines())
    }

    /// Makes a change durable. `changes` returns, for each changed row, its name and the change of
    /// its hash, if digests need it. The caller holds the listing's lock.
    pub(super) async fn commit(
        &self,
        place: &DiskPlace,
        now: Timestamp,
        mut info: ListingInfo,
        mut batch: Batch,
        changes: impl FnOnce() -> Vec<(String, u64)>,
    ) -> Result<(), NodeError> {
        let digests = &self.digests[&place.device];
        let rows = digests.rows(E::LETTER, place.hash, info.counted);
        info.touch(now);
        batch.put(info_key::<E>(place), encode(&info));
        (self.outbox)(place, &info, &mut batch);
        let change = digests.begin_change(E::LETTER, place.hash);
        place.device.disk.commit(batch).await.map_err(place.disk_error())?;
        change.commit(rows.map(|rows| ListingDigest::of(&info, rows)), changes);
        Ok(())
    }
}

/// Change of a row.
pub(super) struct RowChange<E> {
    old: Option<E>,
    new: E,
}

impl<E: Entry> RowChange<E> {
    /// Change of the row's hash.
    pub(super) fn hash(&self, name: &str) -> u64 {
        self.old.as_ref().map_or(0, |old| row_hash(name, old)) ^ row_hash(name, &self.new)
    }
}

/// Adds a page of rows to a listing; returns the key to read on from if the rest of the page is to
/// be skipped.
fn fill<E: Entry>(
    place: &DiskPlace,
    builder: &mut ListingBuilder<'_, E>,
    rows_from: &[u8],
    page: &[Row],
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
        match builder.push(&name, entry) {
            ReadOn::Row => {}
            ReadOn::Name(name) => skip_to = Some([rows_from, &name].concat()),
            ReadOn::End => break,
        }
    }
    Ok(skip_to)
}
