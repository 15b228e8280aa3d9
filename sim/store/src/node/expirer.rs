//! Removes objects whose `X-Delete-At` has passed. Nobody could read them any more; now they leave the disk and their container.
//!
//! A durable row names each object that will expire, so that nobody has to look at all others:
//!
//! ```text
//! expiring/<second, ten digits>/<hash>/<timestamp>   which object, and which container servers list it
//! ```
//! Each node removes what it has itself. It leaves a tombstone of the very time of the data: that outdates older copies, and yields to a
//! copy of the same data elsewhere whose expiry was put off by a POST that did not come here.
//!
//! Leaves out the row of such a copy: its container hears of the removal. The replicator, which rests for a shorter time, usually
//! brings the POST here before that.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use stayput_host::{Batch, DiskError, Row};

use super::StorageNode;
use super::device::{Device, Place};
use super::error::NodeError;
use super::index::encode;
use super::object::write::expire;
use super::request::Parent;
use super::updater::Change;
use crate::swift::{Path, Timestamp};

/// What all rows' keys begin with.
const PREFIX: &str = "expiring/";
/// Rows that are read from the table at a time.
const PAGE_ROWS: usize = 256;

/// An object that will expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Expiring {
    path: Path,
    partition: u32,
    parents: Vec<Parent>,
}

impl StorageNode {
    /// Notes, durably, that what is put or posted at `timestamp` expires at the second `at`.
    pub(super) async fn expires(
        &self,
        place: &Place,
        timestamp: Timestamp,
        at: u64,
        parents: &[Parent],
    ) -> Result<(), NodeError> {
        let (path, partition, parents) = (place.path.clone(), place.partition, parents.to_vec());
        let key = format!("{PREFIX}{at:010}/{}/{timestamp}", place.hash.hex());
        let mut batch = Batch::new();
        batch.put(key, encode(&Expiring { path, partition, parents }));
        place.device.disk.commit(batch).await.map_err(place.failed())
    }

    /// Removes what has expired, round after round, until the host ends.
    pub(super) async fn expire_for_ever(self: Rc<Self>) {
        loop {
            self.host.sleep(self.config.expire_interval).await;
            for device in self.devices.iter() {
                // A disk that fails now may work in the next round.
                if let Err(error) = self.expire_all(device).await {
                    let device = device.name.as_str();
                    tracing::error!(device, %error, "a disk fails: what expired on it stays");
                }
            }
        }
    }

    async fn expire_all(&self, device: &Rc<Device>) -> Result<(), DiskError> {
        let due = Timestamp::at(self.host.now()).unix_seconds() + 1;
        let (mut from, end) = (PREFIX.as_bytes().to_vec(), format!("{PREFIX}{due:010}"));
        // Each round either ends or goes on after a row that was read.
        loop {
            let page = device.disk.scan(&from, end.as_bytes(), PAGE_ROWS).await?;
            for row in &page {
                self.expire_row(device, row).await?;
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE_ROWS => from = [last, &b"\0"[..]].concat(),
                _ => return Ok(()),
            }
        }
    }

    /// Does what a row says, and takes it out of the table. One that cannot be read stays for somebody to look at.
    async fn expire_row(&self, device: &Rc<Device>, row: &Row) -> Result<(), DiskError> {
        let Ok(expiring) = serde_json::from_slice::<Expiring>(&row.1) else { return Ok(()) };
        let Ok(place) = self.place(&device.name, expiring.partition, &expiring.path) else {
            return Ok(());
        };
        let now = Timestamp::at(self.host.now());
        let done = match expire(&self.objects, &place, now).await {
            // The row of the container that has just the data's time is outdated by the next instant.
            Ok(Some(removed)) => {
                let change = Change::ObjectDelete { timestamp: removed.next() };
                self.tell(&place, expiring.parents, change).await.is_ok()
            }
            Ok(None) => true,
            Err(_) => false,
        };
        if done {
            let mut batch = Batch::new();
            batch.delete(row.0.clone());
            device.disk.commit(batch).await?;
        }
        Ok(())
    }
}
