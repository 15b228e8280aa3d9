//! Expirer: removes objects whose `X-Delete-At` has passed. Nobody can read them any more; now they
//! leave the disk and their container.
//!
//! A durable row names each object that will expire, so that no other object is looked at:
//!
//! ```text
//! expiring/<second, ten digits>/<hash>/<timestamp>   the object, and its container servers
//! ```
//! Each node removes its own copies. It leaves a tombstone of the very time of the data: that
//! outdates older copies, and yields to a copy of the same data elsewhere whose expiry was put off
//! by a POST that did not come here.
//!
//! Leaves out the row of such a copy in its container, which gets the removal too. The replicator,
//! which rests for a shorter time, usually brings the POST here before that.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stayput_host::{Batch, DiskError, Host, Row};

use super::store::ObjectStore;
use crate::node::index::encode;
use crate::node::protocol::ParentServer;
use crate::node::storage::{Device, DiskPlace, NodeError};
use crate::node::updater::{ListingUpdate, Updater};
use crate::swift::{Path, Timestamp, header};

/// Prefix of all rows' keys.
const PREFIX: &str = "expiring/";
/// Rows that are read from the table at a time.
const PAGE_ROWS: usize = 256;

/// Row of an object that will expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Expiring {
    path: Path,
    partition: u32,
    parents: Vec<ParentServer>,
}

/// Records, durably, when an object that is put or posted at `timestamp` expires, if `headers` name
/// a time: before the change, so that none is forgotten.
pub(super) async fn record_expiry(
    place: &DiskPlace,
    timestamp: Timestamp,
    headers: &BTreeMap<String, String>,
    parents: &[ParentServer],
) -> Result<(), NodeError> {
    let at = headers.get(header::X_DELETE_AT.as_str()).and_then(|at| at.parse::<u64>().ok());
    let Some(at) = at else { return Ok(()) };
    let (path, partition, parents) = (place.path.clone(), place.partition, parents.to_vec());
    let key = format!("{PREFIX}{at:010}/{}/{timestamp}", place.hash.hex());
    let mut batch = Batch::new();
    batch.put(key, encode(&Expiring { path, partition, parents }));
    place.device.disk.commit(batch).await.map_err(place.disk_error())
}

/// Expirer of a node.
pub(crate) struct Expirer {
    pub(crate) host: Host,
    pub(crate) objects: Rc<ObjectStore>,
    pub(crate) updater: Rc<Updater>,
}

impl Expirer {
    /// Removes expired objects, round after round with `interval` between them, until the host
    /// ends.
    pub(crate) async fn run(self, interval: Duration) {
        loop {
            self.host.sleep(interval).await;
            for device in self.objects.devices.iter() {
                // A disk that fails now may work in the next round.
                if let Err(error) = self.expire_due(device).await {
                    let device = device.name.as_str();
                    tracing::error!(device, %error, "a disk fails: what expired on it stays");
                }
            }
        }
    }

    async fn expire_due(&self, device: &Device) -> Result<(), DiskError> {
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

    /// Expires the object of a row, and removes the row. One that cannot be read stays for somebody
    /// to look at.
    async fn expire_row(&self, device: &Device, row: &Row) -> Result<(), DiskError> {
        let Ok(expiring) = serde_json::from_slice::<Expiring>(&row.1) else { return Ok(()) };
        let place = self.objects.devices.place(&device.name, expiring.partition, &expiring.path);
        let Ok(place) = place else { return Ok(()) };
        let now = Timestamp::at(self.host.now());
        let done = match self.objects.expire(&place, now).await {
            // The next instant outdates the container's row, which has just the data's time.
            Ok(Some(removed)) => {
                let update = ListingUpdate::ObjectDelete { timestamp: removed.next() };
                self.updater.deliver(&place, expiring.parents, update).await.is_ok()
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
