//! Uploads: bytes that go to `tmp/`, and become an object when they are complete.
//!
//! Decisions about what is newer are made on the names in the object's directory, under the lock of
//! its name; the slow part of an upload is before that.
//!
//! Leaves out updates of the container, which are the service's.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use stayput_host::{Checksum, DiskError, File};

use super::digests::DeviceDigests;
use super::files::{FileKind, FileName, ObjectFiles};
use super::hash_dir::{hash_dir, object_files};
use super::metadata::ObjectMetadata;
use super::store::ObjectStore;
use crate::node::storage::block_checksums::BlockChecksums;
use crate::node::storage::{DiskPlace, NodeError, hex, trailer};
use crate::swift::Timestamp;

/// Least bytes of a write to the disk, but for the last one.
const WRITE_BYTES: usize = 256 << 10;

/// Rule for the objects that an upload may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaces {
    /// Any object.
    Anything,
    /// None but one that had expired when the upload began, and was put at this time.
    Nothing(Option<Timestamp>),
}

impl Replaces {
    /// True if the upload may replace an object that was put at `data`, if there is one.
    fn allows(self, data: Option<Timestamp>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing(expired) => data.is_none() || data == expired,
        }
    }
}

/// Upload under way. One that is not committed must be abandoned.
pub(super) struct Upload {
    place: DiskPlace,
    digests: DeviceDigests,
    tmp: String,
    file: Rc<dyn File>,
    checksum: Checksum,
    block_checksums: BlockChecksums,
    buffered: BytesMut,
    len: u64,
}

impl Upload {
    pub(super) async fn begin(
        store: &ObjectStore,
        place: &DiskPlace,
        checksum: Checksum,
    ) -> Result<Self, NodeError> {
        let tmp = place.device.upload_path(place.hash);
        let file = place.device.disk.create(&tmp).await.map_err(place.disk_error())?;
        Ok(Self {
            place: place.clone(),
            digests: Rc::clone(&store.digests),
            tmp,
            file,
            checksum,
            block_checksums: BlockChecksums::default(),
            buffered: BytesMut::new(),
            len: 0,
        })
    }

    /// Bytes so far.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Takes in the next bytes.
    pub(super) async fn push(&mut self, data: Bytes) -> Result<(), NodeError> {
        self.len += data.len() as u64;
        self.checksum.update(&data);
        self.block_checksums.update(&data);
        self.buffered.extend_from_slice(&data);
        if self.buffered.len() < WRITE_BYTES { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<(), NodeError> {
        if self.buffered.is_empty() {
            return Ok(());
        }
        let data = self.buffered.split().freeze();
        self.file.append(data).await.map_err(self.place.disk_error())
    }

    /// MD5 of the bytes so far.
    pub(super) fn etag(&self) -> String {
        hex(&self.checksum.clone().sum())
    }

    /// Makes it the object, durably, if it may replace what is there by then.
    pub(super) async fn commit(
        &mut self,
        metadata: &ObjectMetadata,
        replaces: Replaces,
    ) -> Result<(), NodeError> {
        assert_eq!(metadata.length, self.len, "metadata has the length of the upload");
        self.flush().await?;
        let checksums = std::mem::take(&mut self.block_checksums).finish();
        let trailer = trailer::encode_with(metadata, self.len, &checksums);
        self.seal(trailer).await.map_err(self.place.disk_error())?;
        let name = FileName { timestamp: metadata.timestamp, kind: FileKind::Data };
        let _locked = self.place.device.lock(self.place.hash).await;
        let before = object_files(&self.place).await?;
        check_put(&self.place, &before, metadata.timestamp)?;
        if !replaces.allows(before.data) {
            return Err(self.place.condition_failed("If-None-Match"));
        }
        self.rename_to(name, &before).await
    }

    /// Appends the last bytes and syncs the file.
    pub(super) async fn seal(&self, trailer: Bytes) -> Result<(), DiskError> {
        self.file.append(trailer).await?;
        self.file.sync().await
    }

    /// Moves the file to `path`, which is not durable yet.
    pub(super) async fn rename(&self, path: &str) -> Result<(), DiskError> {
        self.place.device.disk.rename(&self.tmp, path).await
    }

    /// Gives the file its name, durably, and removes the files that it makes obsolete; `before` are
    /// those that counted. The caller holds the lock of the name.
    pub(super) async fn rename_to(
        &self,
        name: FileName,
        before: &ObjectFiles,
    ) -> Result<(), NodeError> {
        let (disk, dir) = (&self.place.device.disk, hash_dir(&self.place));
        let change = self.digests[&self.place.device].begin_change(self.place.partition);
        self.rename(&format!("{dir}/{name}")).await.map_err(self.place.disk_error())?;
        disk.sync_dir(&dir).await.map_err(self.place.disk_error())?;
        // Not synced: a file that comes back after a loss of power is obsolete still.
        let after = object_files(&self.place).await?;
        for obsolete in &after.obsolete {
            let removed = disk.remove(&format!("{dir}/{obsolete}")).await;
            removed.map_err(self.place.disk_error())?;
        }
        change.commit(self.place.hash, before, &after);
        Ok(())
    }

    /// Removes the bytes. A disk that cannot do that loses them at the next start.
    pub(super) async fn abandon(self) {
        let _removed = self.place.device.disk.remove(&self.tmp).await;
    }
}

/// Refuses a put of `timestamp` where something newer is, or data as new: data precedes a tombstone
/// of its own time.
pub(super) fn check_put(
    place: &DiskPlace,
    files: &ObjectFiles,
    timestamp: Timestamp,
) -> Result<(), NodeError> {
    let newer_data = files.data.filter(|has| *has >= timestamp);
    let newer_tombstone = files.tombstone.filter(|has| *has > timestamp);
    match newer_data.max(newer_tombstone) {
        Some(has) => Err(place.newer(has, timestamp)),
        None => Ok(()),
    }
}
