//! The object store: opens the versions of objects that a node's devices have.
//!
//! Leaves out HTTP, and changes of objects, which are `upload`'s and `changes`'.

use std::rc::Rc;

use stayput_host::DiskError;

use super::digests::DeviceDigests;
use super::files::{FileKind, FileName};
use super::hash_dir::object_files;
use super::open::OpenObject;
use crate::node::storage::{Devices, DiskPlace, NodeError, PerDevice};
use crate::swift::{Path, Timestamp};

/// Attempts to open a version while newer ones replace it.
const OPEN_ATTEMPTS: usize = 8;

/// Objects on the devices of one node, shared by services and job executors.
pub struct ObjectStore {
    pub(super) devices: Rc<Devices>,
    pub(super) digests: DeviceDigests,
}

impl ObjectStore {
    pub(crate) fn new(devices: Rc<Devices>) -> Self {
        let digests = Rc::new(PerDevice::new(&devices));
        Self { devices, digests }
    }

    /// Opens the version of an object that `device` has.
    ///
    /// # Errors
    /// [`NodeError::NoDevice`], [`NodeError::NotFound`] (with the time of the deletion, if there
    /// was one), [`NodeError::Damaged`] (it was put aside), [`NodeError::Disk`].
    pub async fn open(
        &self,
        device: &str,
        partition: u32,
        path: &Path,
    ) -> Result<OpenObject, NodeError> {
        self.open_at(&self.devices.place(device, partition, path)?).await
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

    /// Opens the newest version at `place`.
    pub(super) async fn open_at(&self, place: &DiskPlace) -> Result<OpenObject, NodeError> {
        for _attempt in 0..OPEN_ATTEMPTS {
            let files = object_files(place).await?;
            let Some(data) = files.data else {
                return Err(place.not_found(files.tombstone));
            };
            match self.open_file(place, data, files.meta).await {
                Err(NodeError::Disk { source: DiskError::NotFound { .. }, .. }) => {}
                opened => return opened,
            }
        }
        Err(place.not_found(None))
    }

    /// Opens the version that was put at `data`, with the metadata of the POST at `posted`.
    pub(super) async fn open_file(
        &self,
        place: &DiskPlace,
        data: Timestamp,
        posted: Option<Timestamp>,
    ) -> Result<OpenObject, NodeError> {
        let name = FileName { timestamp: data, kind: FileKind::Data };
        OpenObject::open(&self.digests, place, name, posted).await
    }
}
