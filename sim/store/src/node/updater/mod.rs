//! Telling containers of objects and accounts of containers, now or, when they do not answer,
//! later.
//!
//! An object's change is told before it is acknowledged; a container server that does not take it
//! in time makes it a row of the durable pending log. A container's counts are such a row from the
//! start, in the batch that changes them. The updater sends the rows again and again until they are
//! settled.
//!
//! Leaves out telling anybody of what was given up after a day.

mod pending;
mod telling;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;

use futures_util::future::join_all;

pub(super) use pending::{Change, check_room, counts_outbox};
pub(super) use telling::{Changed, Telling, Untold};

use stayput_host::{Batch, DiskError, Row};

use self::pending::{END, PREFIX, Pending, counts_of};
use super::StorageNode;
use super::device::{Device, NameHash, Place};
use super::error::NodeError;
use super::index::encode;
use super::request::Parent;
use crate::http::{Body, Timeouts, send};
use crate::swift::{Timestamp, header};

/// Rows of the log that are read from the table at a time.
const PAGE_ROWS: usize = 256;

/// What came of sending a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// It need not be sent again.
    Settled,
    /// The server answers, but does not take it yet.
    Refused,
    /// The server does not answer.
    Silence,
}

impl StorageNode {
    /// Tells each of `parents` of `change`; what one of them does not take in time is in the
    /// pending log when this returns.
    pub(super) async fn tell(
        &self,
        place: &Place,
        parents: Vec<Parent>,
        change: Change,
    ) -> Result<(), NodeError> {
        let row = |parent| Pending { path: place.path.clone(), parent, change: change.clone() };
        let rows: Vec<Pending> = parents.into_iter().map(row).collect();
        let sent = join_all(rows.iter().map(|row| self.send(row))).await;
        let unsettled = rows.into_iter().zip(sent).filter(|(_, sent)| *sent != Sent::Settled);
        self.log(place, unsettled.map(|(row, _)| row)).await
    }

    /// Lets `parents` hear of `change` later: it is in the pending log when this returns.
    pub(super) async fn tell_later(
        &self,
        place: &Place,
        parents: Vec<Parent>,
        change: Change,
    ) -> Result<(), NodeError> {
        check_room(place)?;
        let row = |parent| Pending { path: place.path.clone(), parent, change: change.clone() };
        let rows = parents.into_iter().map(row);
        self.log(place, rows).await
    }

    /// Puts rows into the pending log.
    async fn log(
        &self,
        place: &Place,
        rows: impl Iterator<Item = Pending>,
    ) -> Result<(), NodeError> {
        let mut batch = Batch::new();
        for row in rows {
            batch.put(row.key(place.hash), encode(&row));
        }
        let added = batch.changes().len();
        if added == 0 {
            return Ok(());
        }
        place.device.disk.commit(batch).await.map_err(place.failed())?;
        place.device.set_pending(&self.host, place.device.pending() + added);
        Ok(())
    }

    /// Tells a container's account of it now. What does not work stays in the pending log.
    pub(super) async fn report(&self, place: &Place) {
        let Ok(info) = self.containers.info(place).await else {
            return;
        };
        let rows: Vec<Pending> = counts_of(place, &info).collect();
        join_all(rows.iter().map(async |row| {
            if self.send(row).await == Sent::Settled {
                let told = (row.key(place.hash), encode(row));
                // A row that stays is sent once more, which changes nothing.
                let _removed = forget(&place.device, place.hash, &told).await;
            }
        }))
        .await;
    }

    /// Sends the log's rows, round after round, until the host ends.
    pub(super) async fn update_for_ever(self: Rc<Self>) {
        loop {
            let mut silent = BTreeSet::new();
            for device in self.devices.iter() {
                // A disk that fails now may work in the next round.
                if let Err(error) = self.update(device, &mut silent).await {
                    let device = device.name.as_str();
                    tracing::error!(device, %error, "a disk fails: updates wait on it");
                }
            }
            self.host.sleep(self.config.update_interval).await;
        }
    }

    /// Sends each row of a device once. Servers that do not answer are left alone for the rest of
    /// the round.
    async fn update(
        &self,
        device: &Rc<Device>,
        silent: &mut BTreeSet<SocketAddr>,
    ) -> Result<(), DiskError> {
        let (mut from, mut waiting) = (PREFIX.to_vec(), 0);
        loop {
            let page = device.disk.scan(&from, END, PAGE_ROWS).await?;
            for told in &page {
                if !self.update_row(device, told, silent).await? {
                    waiting += 1;
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE_ROWS => from = [last, &b"\0"[..]].concat(),
                _ => break,
            }
        }
        device.set_pending(&self.host, waiting);
        Ok(())
    }

    /// Sends one row; true when it is settled and gone.
    async fn update_row(
        &self,
        device: &Rc<Device>,
        told: &Row,
        silent: &mut BTreeSet<SocketAddr>,
    ) -> Result<bool, DiskError> {
        // A row that cannot be read stays for somebody to look at.
        let Ok(row) = serde_json::from_slice::<Pending>(&told.1) else {
            return Ok(false);
        };
        if silent.contains(&row.parent.host) {
            return Ok(false);
        }
        match self.send(&row).await {
            Sent::Settled => {
                forget(device, NameHash((self.config.name_hash)(&row.path)), told).await?;
                return Ok(true);
            }
            Sent::Silence => {
                let node = row.parent.host;
                tracing::warn!(%node, "a node does not answer: updates for it wait");
                silent.insert(node);
            }
            Sent::Refused => {}
        }
        Ok(false)
    }

    async fn send(&self, row: &Pending) -> Sent {
        let (method, headers) = row.change.request();
        let mut request = hyper::Request::new(Body::empty());
        let Ok(uri) = row.url().parse() else {
            return Sent::Refused;
        };
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let limit = self.config.update_limit;
        let limits = Timeouts { connect: limit, answer: limit };
        let sending = send(&self.host, row.parent.host, request, limits);
        let Ok(Ok(answer)) = self.host.timeout(limit, sending).await else {
            return Sent::Silence;
        };
        let deleted = header::timestamp(&answer.headers, &header::X_BACKEND_TIMESTAMP);
        let now = Timestamp::at(self.host.now());
        if row.is_settled(answer.status, deleted, now) { Sent::Settled } else { Sent::Refused }
    }
}

/// Takes a row out of the log, unless newer counts have replaced it meanwhile.
async fn forget(device: &Device, hash: NameHash, told: &Row) -> Result<(), DiskError> {
    let (key, value) = told;
    let _alone = device.lock(hash).await;
    if device.disk.get(key).await?.as_ref() == Some(value) {
        let mut batch = Batch::new();
        batch.delete(key.clone());
        device.disk.commit(batch).await?;
    }
    Ok(())
}
