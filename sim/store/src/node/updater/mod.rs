//! Updates of containers by their objects, and of accounts by their containers: sent at once, or,
//! where a server does not answer, later.
//!
//! An object's update is sent before its change is acknowledged; for a container server that does
//! not take it in time it becomes a row of the durable pending log. A container's counts are such a
//! row from the start, in the batch that changes them. The updater sends the rows again and again
//! until they are settled.
//!
//! Leaves out a report of updates that were given up after a day.

mod pending;
mod watermark;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use stayput_host::{Batch, DiskError, Host, HostMetric, Row};

use self::pending::{END, PREFIX, PendingUpdate, counts_updates};
pub(crate) use self::pending::{ListingUpdate, counts_outbox};
pub(crate) use self::watermark::{ChangedObject, UndeliveredChange, UpdateWatermark};
use super::index::{ListingInfo, encode};
use super::protocol::ParentServer;
use super::storage::{Device, Devices, DiskPlace, NameHash, NodeError, PerDevice};
use crate::http::{Body, Timeouts, send};
use crate::swift::{Timestamp, header};

/// Rows of the log that are read from the table at a time.
const PAGE_ROWS: usize = 256;
/// Pending updates that a device may have; then it takes no writes until some are delivered.
const PENDING_MAX: usize = 1_000_000;

/// Outcome of one update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// Taken, or needed no more.
    Settled,
    /// Not taken yet by a server that answers.
    Refused,
    /// No answer.
    Silence,
}

/// Updater of a node.
pub(crate) struct Updater {
    host: Host,
    devices: Rc<Devices>,
    /// Longest wait for a server.
    limit: Duration,
    updates: PerDevice<DeviceUpdates>,
}

/// Updates of a device.
#[derive(Default)]
struct DeviceUpdates {
    /// Rows of the pending log, as far as the last round has counted them.
    pending: Cell<usize>,
    watermark: UpdateWatermark,
}

impl Updater {
    /// An updater that waits `limit` for a server before it makes an update a pending one.
    pub(crate) fn new(host: Host, devices: Rc<Devices>, limit: Duration) -> Self {
        let updates = PerDevice::new(&devices);
        Self { host, devices, limit, updates }
    }

    /// Watermark of the device's updates.
    pub(crate) fn watermark(&self, device: &Device) -> &UpdateWatermark {
        &self.updates[device].watermark
    }

    /// Begins a change of the object at `place`, whose update is delivered after it.
    pub(crate) async fn begin_change(
        &self,
        place: &DiskPlace,
        timestamp: Timestamp,
    ) -> Result<UndeliveredChange<'_>, NodeError> {
        let (device, object) = (&place.device, (place.partition, place.hash));
        let begun = self.watermark(device).begin_change(&*device.disk, object, timestamp);
        begun.await.map_err(place.disk_error())
    }

    /// Refuses a write while too many updates are pending.
    pub(crate) fn check_backlog(&self, place: &DiskPlace) -> Result<(), NodeError> {
        if self.updates[&place.device].pending.get() < PENDING_MAX {
            return Ok(());
        }
        let (path, device) = (place.path.to_string(), place.device.name.clone());
        Err(NodeError::Backlog { path, device, max: PENDING_MAX })
    }

    /// Sends `update` to each of `parents`; those that one of them does not take in time are in the
    /// pending log when this returns.
    pub(crate) async fn deliver(
        &self,
        place: &DiskPlace,
        parents: Vec<ParentServer>,
        update: ListingUpdate,
    ) -> Result<(), NodeError> {
        let rows: Vec<_> = updates_for(place, parents, &update).collect();
        let sent = join_all(rows.iter().map(|row| self.send(row))).await;
        let unsettled = rows.into_iter().zip(sent).filter(|(_, sent)| *sent != Delivery::Settled);
        self.log(place, unsettled.map(|(row, _)| row)).await
    }

    /// Puts `update` for `parents` into the pending log, to be sent in the next round.
    pub(crate) async fn enqueue(
        &self,
        place: &DiskPlace,
        parents: Vec<ParentServer>,
        update: ListingUpdate,
    ) -> Result<(), NodeError> {
        self.check_backlog(place)?;
        self.log(place, updates_for(place, parents, &update)).await
    }

    /// Puts rows into the pending log.
    async fn log(
        &self,
        place: &DiskPlace,
        rows: impl Iterator<Item = PendingUpdate>,
    ) -> Result<(), NodeError> {
        let mut batch = Batch::new();
        for row in rows {
            batch.put(row.key(place.hash), encode(&row));
        }
        let added = batch.changes().len();
        if added == 0 {
            return Ok(());
        }
        place.device.disk.commit(batch).await.map_err(place.disk_error())?;
        self.set_pending(&place.device, self.updates[&place.device].pending.get() + added);
        Ok(())
    }

    /// Sends a container's counts to its account now. What is not taken stays in the pending log.
    pub(crate) async fn send_counts(&self, place: &DiskPlace, info: &ListingInfo) {
        let rows: Vec<PendingUpdate> = counts_updates(place, info).collect();
        join_all(rows.iter().map(async |row| {
            if self.send(row).await == Delivery::Settled {
                let delivered = (row.key(place.hash), encode(row));
                // A row that stays is sent once more, which changes nothing.
                let _removed = remove_delivered(&place.device, place.hash, &delivered).await;
            }
        }))
        .await;
    }

    /// Sends the log's rows, round after round with `interval` between them, until the host ends.
    pub(crate) async fn run(&self, interval: Duration) {
        loop {
            let mut silent = BTreeSet::new();
            for device in self.devices.iter() {
                // A disk that fails now may work in the next round.
                if let Err(error) = self.send_pending(device, &mut silent).await {
                    let device = device.name.as_str();
                    tracing::error!(device, %error, "a disk fails: updates wait on it");
                }
            }
            self.host.sleep(interval).await;
        }
    }

    /// Sends each row of a device once. Servers that do not answer are left alone for the rest of
    /// the round.
    async fn send_pending(
        &self,
        device: &Device,
        silent: &mut BTreeSet<SocketAddr>,
    ) -> Result<(), DiskError> {
        let (mut from, mut pending) = (PREFIX.to_vec(), 0);
        loop {
            let page = device.disk.scan(&from, END, PAGE_ROWS).await?;
            for row in &page {
                if !self.send_row(device, row, silent).await? {
                    pending += 1;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE_ROWS => from = [last, &b"\0"[..]].concat(),
                _ => break,
            }
        }
        self.set_pending(device, pending);
        Ok(())
    }

    /// Sends one row; true when it is settled and removed.
    async fn send_row(
        &self,
        device: &Device,
        row: &Row,
        silent: &mut BTreeSet<SocketAddr>,
    ) -> Result<bool, DiskError> {
        // A row that cannot be read stays for somebody to look at.
        let Ok(update) = serde_json::from_slice::<PendingUpdate>(&row.1) else {
            return Ok(false);
        };
        if silent.contains(&update.parent.host) {
            return Ok(false);
        }
        match self.send(&update).await {
            Delivery::Settled => {
                remove_delivered(device, self.devices.hash(&update.path), row).await?;
                return Ok(true);
            }
            Delivery::Silence => {
                let node = update.parent.host;
                tracing::warn!(%node, "a node does not answer: updates for it wait");
                silent.insert(node);
            }
            Delivery::Refused => {}
        }
        Ok(false)
    }

    async fn send(&self, row: &PendingUpdate) -> Delivery {
        let (method, headers) = row.change.request();
        let mut request = hyper::Request::new(Body::empty());
        let Ok(uri) = row.url().parse() else {
            return Delivery::Refused;
        };
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let timeouts = Timeouts { connect: self.limit, answer: self.limit };
        let sending = send(&self.host, row.parent.host, request, timeouts);
        let Ok(Ok(answer)) = self.host.timeout(self.limit, sending).await else {
            return Delivery::Silence;
        };
        let deleted = header::timestamp(&answer.headers, &header::X_BACKEND_TIMESTAMP);
        let now = Timestamp::at(self.host.now());
        match row.is_settled(answer.status, deleted, now) {
            true => Delivery::Settled,
            false => Delivery::Refused,
        }
    }

    fn set_pending(&self, device: &Device, rows: usize) {
        let before = self.updates[device].pending.replace(rows);
        let signed = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
        self.host.count(HostMetric::UpdatesPending, signed(rows) - signed(before));
    }
}

/// Rows of one update for each of `parents`.
fn updates_for(
    place: &DiskPlace,
    parents: Vec<ParentServer>,
    update: &ListingUpdate,
) -> impl Iterator<Item = PendingUpdate> {
    parents.into_iter().map(|parent| PendingUpdate {
        path: place.path.clone(),
        parent,
        change: update.clone(),
    })
}

/// Removes a delivered row from the log, unless newer counts have replaced it meanwhile.
async fn remove_delivered(device: &Device, hash: NameHash, row: &Row) -> Result<(), DiskError> {
    let (key, value) = row;
    let _locked = device.lock(hash).await;
    if device.disk.get(key).await?.as_ref() == Some(value) {
        let mut batch = Batch::new();
        batch.delete(key.clone());
        device.disk.commit(batch).await?;
    }
    Ok(())
}
