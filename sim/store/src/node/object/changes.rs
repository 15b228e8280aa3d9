//! Changes of objects without a body: tombstones, posted metadata, and the end of expired objects.
//!
//! Leaves out updates of the container, which are the service's.

use bytes::Bytes;
use stayput_host::Checksum;

use super::files::{FileKind, FileName, ObjectFiles};
use super::hash_dir::{hash_dir, object_files};
use super::metadata::{PostedMetadata, Tombstoned};
use super::open::posted_metadata;
use super::store::ObjectStore;
use super::upload::Upload;
use crate::node::storage::{DiskPlace, NodeError, trailer};
use crate::swift::Timestamp;

/// Outcome of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// The object is deleted: it has a tombstone now.
    Deleted,
    /// There was no object; there is a tombstone now.
    NothingThere,
    /// There was a tombstone as new as this one, or newer, of this time. Nothing was changed.
    DeletedBefore(Timestamp),
}

impl ObjectStore {
    /// Writes a tombstone, durably, unless what is there is newer.
    pub(super) async fn delete(
        &self,
        place: &DiskPlace,
        timestamp: Timestamp,
    ) -> Result<Deletion, NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let before = object_files(place).await?;
        if let Some(has) = before.data.filter(|has| *has >= timestamp) {
            return Err(place.newer(has, timestamp));
        }
        if let Some(has) = before.tombstone.filter(|has| *has >= timestamp) {
            return Ok(Deletion::DeletedBefore(has));
        }
        let name = FileName { timestamp, kind: FileKind::Tombstone };
        self.write_small(place, name, &before, tombstone_of(place)).await?;
        Ok(if before.data.is_some() { Deletion::Deleted } else { Deletion::NothingThere })
    }

    /// Removes an object that has expired by `now`, durably; returns the time of its PUT, or the
    /// time of the deletion of one that is gone already. A tombstone of the same time stays: it
    /// outdates older copies elsewhere. `None` if the object has not expired.
    pub(super) async fn expire(
        &self,
        place: &DiskPlace,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let object = match self.open_at(place).await {
            Ok(object) => object,
            // Perhaps removed in an earlier round, whose update failed.
            Err(NodeError::NotFound { deleted, .. }) => return Ok(deleted),
            Err(error) => return Err(error),
        };
        let timestamp = object.metadata().timestamp;
        if !object.metadata().has_expired(now) {
            return Ok(None);
        }
        let (disk, dir) = (&place.device.disk, hash_dir(place));
        let upload = Upload::begin(self, place, Checksum::default()).await?;
        let name = FileName { timestamp, kind: FileKind::Tombstone };
        // Dropped without an outcome: the partition is counted anew.
        let _change = self.digests[&place.device].begin_change(place.partition);
        let written = async {
            upload.seal(tombstone_of(place)).await?;
            upload.rename(&format!("{dir}/{name}")).await
        };
        if let Err(failed) = written.await {
            upload.abandon().await;
            return Err(place.disk_error()(failed));
        }
        // Data precedes a tombstone of its own time: a crash before this leaves the object as it
        // was.
        for name in disk.list(&dir).await.map_err(place.disk_error())? {
            let old = name.parse::<FileName>().is_ok_and(|file| file.kind != FileKind::Tombstone);
            if old {
                disk.remove(&format!("{dir}/{name}")).await.map_err(place.disk_error())?;
            }
        }
        disk.sync_dir(&dir).await.map_err(place.disk_error())?;
        Ok(Some(timestamp))
    }

    /// Replaces the object's headers by `posted`, durably.
    pub(super) async fn post(
        &self,
        place: &DiskPlace,
        timestamp: Timestamp,
        posted: &PostedMetadata,
    ) -> Result<(), NodeError> {
        let _locked = place.device.lock(place.hash).await;
        let before = object_files(place).await?;
        if before.data.is_none() {
            return Err(place.not_found(before.tombstone));
        }
        if let Some(has) = before.changed().filter(|has| *has >= timestamp) {
            return Err(place.newer(has, timestamp));
        }
        let mut posted = posted.clone();
        if let (None, Some(earlier)) = (&posted.content_type, before.meta) {
            // It replaces headers, and a content type stays until another is named.
            posted.content_type = match posted_metadata(place, earlier).await {
                Ok(earlier) => earlier.content_type,
                Err(NodeError::Damaged { .. }) => None,
                Err(error) => return Err(error),
            };
        }
        let name = FileName { timestamp, kind: FileKind::Meta };
        self.write_small(place, name, &before, trailer::encode(&posted, 0)).await
    }

    /// Writes a file that is known whole beside those `before` it. The caller holds the lock of the
    /// name.
    async fn write_small(
        &self,
        place: &DiskPlace,
        name: FileName,
        before: &ObjectFiles,
        content: Bytes,
    ) -> Result<(), NodeError> {
        let upload = Upload::begin(self, place, Checksum::default()).await?;
        let written = async {
            upload.seal(content).await.map_err(place.disk_error())?;
            upload.rename_to(name, before).await
        };
        let written = written.await;
        if written.is_err() {
            upload.abandon().await;
        }
        written
    }
}

/// Content of a tombstone: the object's name, which its directory does not have.
fn tombstone_of(place: &DiskPlace) -> Bytes {
    trailer::encode(&Tombstoned { name: place.path.to_string() }, 0)
}
