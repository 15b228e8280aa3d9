//! An object that is open for reading, and the files that its metadata comes from.
//!
//! Leaves out ranges and conditions, which are HTTP's, and removing expired objects.

use std::rc::Rc;

use bytes::Bytes;
use stayput_host::{Checksum, File};

use super::digests::DeviceDigests;
use super::files::{FileKind, FileName};
use super::hash_dir::hash_dir;
use super::metadata::{ObjectMetadata, PostedMetadata, Tombstoned};
use crate::node::storage::block_checksums::{self, CHECKSUM_BYTES};
use crate::node::storage::stored_file::{self, StoredFile};
use crate::node::storage::{DiskPlace, FileDamage, NodeError, hex};
use crate::swift::Timestamp;

/// Bytes that are read at a time.
pub(super) const READ_BYTES: u64 = 256 << 10;

/// One version of an object, open for reading; it stays readable when it is replaced or deleted.
pub struct OpenObject {
    metadata: ObjectMetadata,
    changed: Timestamp,
    place: DiskPlace,
    name: FileName,
    file: Rc<dyn File>,
    /// End of the file, which was read for the metadata: a small object is in it.
    tail: Bytes,
    has_checksums: bool,
    digests: DeviceDigests,
}

impl OpenObject {
    /// Opens the data file `name`, with the metadata of the POST at `posted`. A damaged file is put
    /// aside.
    pub(super) async fn open(
        digests: &DeviceDigests,
        place: &DiskPlace,
        name: FileName,
        posted: Option<Timestamp>,
    ) -> Result<Self, NodeError> {
        let opened = Self::open_unguarded(digests, place, name, posted).await;
        if matches!(opened, Err(NodeError::Damaged { .. })) {
            // Damaged metadata takes its object with it: older metadata would be a silent lie,
            // and the other replicas have the right one.
            quarantine(digests, place, name).await?;
        }
        opened
    }

    async fn open_unguarded(
        digests: &DeviceDigests,
        place: &DiskPlace,
        name: FileName,
        posted: Option<Timestamp>,
    ) -> Result<Self, NodeError> {
        let StoredFile { file, mut metadata, body_len, has_checksums, tail } =
            stored_file::open::<ObjectMetadata>(place, &path_of(place, name)).await?;
        if metadata.length != body_len {
            let damage = FileDamage::Length { json_len: metadata.length, file_len: file.len() };
            return Err(place.damaged(damage));
        }
        if let Some(timestamp) = posted {
            let read = posted_metadata(place, timestamp).await;
            if matches!(read, Err(NodeError::Damaged { .. })) {
                let meta = FileName { timestamp, kind: FileKind::Meta };
                quarantine(digests, place, meta).await?;
            }
            metadata.apply(read?);
        }
        let changed = posted.unwrap_or(metadata.timestamp);
        let (place, digests) = (place.clone(), Rc::clone(digests));
        Ok(Self { metadata, changed, place, name, file, tail, has_checksums, digests })
    }

    /// Stored metadata; the headers are those of the last POST, if there was one.
    #[must_use]
    pub const fn metadata(&self) -> &ObjectMetadata {
        &self.metadata
    }

    /// Time of its PUT, or of the last POST to it.
    #[must_use]
    pub const fn changed(&self) -> Timestamp {
        self.changed
    }

    /// Checks that this is the version that was put at `want`.
    ///
    /// # Errors
    /// [`NodeError::OtherVersion`] if not.
    pub fn is_version(&self, want: Timestamp) -> Result<(), NodeError> {
        let has = self.metadata.timestamp;
        if has == want {
            return Ok(());
        }
        Err(NodeError::OtherVersion { path: self.place.path.to_string(), has, wants: want })
    }

    /// Reads at most `len` bytes of the object at `offset`: fewer only at its end. Nothing is
    /// verified.
    ///
    /// # Errors
    /// [`NodeError::Disk`].
    pub async fn read_at(&self, offset: u64, len: u64) -> Result<Bytes, NodeError> {
        self.read_raw(offset, len.min(self.metadata.length.saturating_sub(offset))).await
    }

    /// Presence of checksums of its blocks.
    pub(super) const fn has_checksums(&self) -> bool {
        self.has_checksums
    }

    /// Reads the stored checksums of at most `count` blocks from `first` on. Nothing is verified.
    pub(super) async fn read_checksums(&self, first: u64, count: u64) -> Result<Bytes, NodeError> {
        let length = self.metadata.length;
        let count = count.min(block_checksums::count(length).saturating_sub(first));
        self.read_raw(length + first * CHECKSUM_BYTES, count * CHECKSUM_BYTES).await
    }

    /// Reads bytes of the file before the metadata.
    async fn read_raw(&self, offset: u64, len: u64) -> Result<Bytes, NodeError> {
        if len == 0 {
            return Ok(Bytes::new());
        }
        let in_tail = offset.checked_sub(self.file.len() - self.tail.len() as u64);
        if let Some(begin) = in_tail.and_then(|begin| usize::try_from(begin).ok())
            && let Ok(len) = usize::try_from(len)
        {
            return Ok(self.tail.slice(begin..begin + len));
        }
        self.file.read_at(offset, len).await.map_err(self.place.disk_error())
    }

    /// Reads all of it and compares its MD5 with the stored one. A damaged file is put aside.
    ///
    /// # Errors
    /// [`NodeError::Damaged`] and [`NodeError::Disk`].
    pub async fn verify_etag(&self) -> Result<(), NodeError> {
        let (mut offset, mut checksum) = (0, Checksum::default());
        while offset < self.metadata.length {
            let data = self.read_at(offset, READ_BYTES).await?;
            if data.is_empty() {
                break;
            }
            offset += data.len() as u64;
            checksum.update(&data);
        }
        self.judge(checksum).await
    }

    /// Compares the MD5 of all its bytes, given at once, with the stored one.
    pub(super) async fn verify_whole(&self, data: &[u8]) -> Result<(), NodeError> {
        let mut checksum = Checksum::default();
        checksum.update(data);
        self.judge(checksum).await
    }

    /// Puts the file aside for a block that does not match its checksum.
    pub(super) async fn damaged_block(&self, number: u64) -> NodeError {
        match quarantine(&self.digests, &self.place, self.name).await {
            Ok(()) => self.place.damaged(FileDamage::Block { number }),
            Err(failed) => failed,
        }
    }

    /// Compares the MD5 of all bytes with the stored one; puts the file aside if they differ.
    ///
    /// # Errors
    /// [`NodeError::Damaged`] if they differ, [`NodeError::Disk`] if it cannot be put aside.
    pub async fn judge(&self, checksum: Checksum) -> Result<(), NodeError> {
        let actual = hex(&checksum.sum());
        if actual == self.metadata.etag {
            return Ok(());
        }
        quarantine(&self.digests, &self.place, self.name).await?;
        let stored = self.metadata.etag.clone();
        Err(self.place.damaged(FileDamage::Etag { actual, stored }))
    }
}

fn path_of(place: &DiskPlace, name: FileName) -> String {
    format!("{}/{name}", hash_dir(place))
}

/// Reads the file of a POST.
pub(super) async fn posted_metadata(
    place: &DiskPlace,
    timestamp: Timestamp,
) -> Result<PostedMetadata, NodeError> {
    let name = FileName { timestamp, kind: FileKind::Meta };
    Ok(stored_file::open(place, &path_of(place, name)).await?.metadata)
}

/// Reads a tombstone.
pub(super) async fn tombstone(
    place: &DiskPlace,
    timestamp: Timestamp,
) -> Result<Tombstoned, NodeError> {
    let name = FileName { timestamp, kind: FileKind::Tombstone };
    Ok(stored_file::open(place, &path_of(place, name)).await?.metadata)
}

async fn quarantine(
    digests: &DeviceDigests,
    place: &DiskPlace,
    name: FileName,
) -> Result<(), NodeError> {
    // Dropped without an outcome: the partition is counted anew.
    let _change = digests[&place.device].begin_change(place.partition);
    stored_file::quarantine(place, &hash_dir(place), &name.to_string()).await
}
