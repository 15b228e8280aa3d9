//! The object store: finds what a device has of an object.
//!
//! Leaves out HTTP, and writing: see `write`.

use std::rc::Rc;

use stayput_host::DiskError;

use super::files::{FileName, Kind, Winners};
use super::open::OpenObject;
use crate::node::device::{Device, Devices, NameHash, Place};
use crate::node::error::NodeError;
use crate::node::{NameHasher, device};
use crate::swift::{Path, Timestamp};

/// A newer version may replace the one that is being opened; so often in a row it does not.
const OPEN_ATTEMPTS: usize = 8;

/// The objects on the devices of one node. Services and job executors share it.
pub struct ObjectStore {
    devices: Rc<Devices>,
    name_hash: NameHasher,
}

impl ObjectStore {
    pub(in crate::node) fn new(devices: Rc<Devices>, name_hash: NameHasher) -> Self {
        Self { devices, name_hash }
    }

    /// Opens the version of an object that `device` has.
    ///
    /// # Errors
    /// [`NodeError::NoDevice`], [`NodeError::NotFound`] (which names the deletion, if there was
    /// one), [`NodeError::Damaged`] (it was put aside), [`NodeError::Disk`].
    pub async fn open(
        &self,
        device: &str,
        partition: u32,
        path: &Path,
    ) -> Result<OpenObject, NodeError> {
        self.open_at(&self.place(device, partition, path)?).await
    }

    /// Opens the version that was put at `want`. Two puts of one timestamp differ by their ETag:
    /// compare [`OpenObject::metadata`]'s.
    ///
    /// # Errors
    /// As [`ObjectStore::open`], and [`NodeError::OtherVersion`] when the device has another one.
    pub async fn open_version(
        &self,
        device: &str,
        partition: u32,
        path: &Path,
        want: Timestamp,
    ) -> Result<OpenObject, NodeError> {
        let object = self.open(device, partition, path).await?;
        object.is_version(want)?;
        Ok(object)
    }

    pub(in crate::node) fn place(
        &self,
        device: &str,
        partition: u32,
        path: &Path,
    ) -> Result<Place, NodeError> {
        let device = self.devices.get(device, path)?;
        let hash = NameHash((self.name_hash)(path));
        Ok(Place { device, partition, hash, path: path.clone() })
    }

    pub(super) async fn open_at(&self, place: &Place) -> Result<OpenObject, NodeError> {
        for _attempt in 0..OPEN_ATTEMPTS {
            let winners = winners(place).await?;
            let Some(timestamp) = winners.data else {
                return Err(place.not_found(winners.tombstone));
            };
            let name = FileName { timestamp, kind: Kind::Data };
            match OpenObject::open(place, name, winners.meta).await {
                Err(NodeError::Disk { source: DiskError::NotFound { .. }, .. }) => {}
                opened => return opened,
            }
        }
        Err(place.not_found(None))
    }
}

/// The directory of an object's files.
pub(super) fn directory(place: &Place) -> String {
    directory_of(place.partition, place.hash)
}

fn directory_of(partition: u32, hash: NameHash) -> String {
    let suffix = device::hex(&hash.0[14..]);
    // Swift's suffix is the last three of the hash's digits.
    format!("objects/{partition}/{}/{}", &suffix[1..], hash.hex())
}

/// What the files of an object come to, now. Names that are none of ours are left alone.
pub(super) async fn winners(place: &Place) -> Result<Winners, NodeError> {
    winners_of(&place.device, place.partition, place.hash).await.map_err(place.failed())
}

/// As [`winners`], of an object whose name is not known.
pub(super) async fn winners_of(
    device: &Device,
    partition: u32,
    hash: NameHash,
) -> Result<Winners, DiskError> {
    let names = device.disk.list(&directory_of(partition, hash)).await?;
    let files: Vec<FileName> = names.iter().filter_map(|name| name.parse().ok()).collect();
    Ok(Winners::among(&files))
}
