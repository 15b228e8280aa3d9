//! Writing objects: uploads, tombstones, posted metadata, and the end of what has expired.
//!
//! Decisions (who is newer) are made on the names in the object's directory, under the lock of its
//! name; the slow part of an upload happens before that, in `tmp/`.
//!
//! Leaves out telling the container, which is the service's.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use stayput_host::{Checksum, File};

use super::files::{FileName, Kind, Winners};
use super::open::{Buried, Metadata, Posted};
use super::store::{ObjectStore, directory, winners};
use super::sums::Sums;
use super::trailer;
use crate::node::device::{Place, hex};
use crate::node::error::NodeError;
use crate::swift::Timestamp;

/// Uploads go to the disk in pieces of at least so many bytes.
const WRITE_BYTES: usize = 256 << 10;

/// What an upload may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaces {
    /// Whatever is there.
    Anything,
    /// Nothing but an object that had expired when the upload began, and was put then.
    Nothing(Option<Timestamp>),
}

impl Replaces {
    /// Whether it may take the place of an object that was put then, if there is one.
    fn takes(self, data: Option<Timestamp>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing(expired) => data.is_none() || data == expired,
        }
    }
}

/// An upload under way. One that is not committed must be abandoned.
pub(super) struct Upload {
    place: Place,
    tmp: String,
    file: Rc<dyn File>,
    checksum: Checksum,
    sums: Sums,
    waiting: BytesMut,
    len: u64,
}

impl Upload {
    pub(super) async fn begin(place: &Place, checksum: Checksum) -> Result<Self, NodeError> {
        let tmp = place.device.upload_path(place.hash);
        let file = place.device.disk.create(&tmp).await.map_err(place.failed())?;
        let (sums, waiting) = (Sums::default(), BytesMut::new());
        Ok(Self { place: place.clone(), tmp, file, checksum, sums, waiting, len: 0 })
    }

    /// How many bytes came so far.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) async fn push(&mut self, data: Bytes) -> Result<(), NodeError> {
        self.len += data.len() as u64;
        self.checksum.update(&data);
        self.sums.update(&data);
        self.waiting.extend_from_slice(&data);
        if self.waiting.len() < WRITE_BYTES { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<(), NodeError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let data = self.waiting.split().freeze();
        self.file.append(data).await.map_err(self.place.failed())
    }

    /// The MD5 of what came so far.
    pub(super) fn etag(&self) -> String {
        hex(&self.checksum.clone().sum())
    }

    /// Makes it the object that is there, durably, if it may take the place of what is there by then.
    pub(super) async fn commit(
        &mut self,
        metadata: &Metadata,
        replaces: Replaces,
    ) -> Result<(), NodeError> {
        assert_eq!(metadata.length, self.len, "metadata tells the length of what was uploaded");
        self.flush().await?;
        let sums = std::mem::take(&mut self.sums).finish();
        self.seal(trailer::encode_with(metadata, self.len, &sums)).await?;
        let name = FileName { timestamp: metadata.timestamp, kind: Kind::Data };
        let _alone = self.place.device.lock(self.place.hash).await;
        let found = winners(&self.place).await?;
        check_put(&self.place, &found, metadata.timestamp)?;
        if !replaces.takes(found.data) {
            let (path, condition) = (self.place.path.to_string(), "If-None-Match");
            return Err(NodeError::Precondition { path, condition });
        }
        self.name(name, &found).await
    }

    async fn seal(&self, trailer: Bytes) -> Result<(), NodeError> {
        self.file.append(trailer).await.map_err(self.place.failed())?;
        self.file.sync().await.map_err(self.place.failed())
    }

    /// Gives the file its name, durably, and removes what it makes obsolete of what was `found`.
    async fn name(&self, name: FileName, found: &Winners) -> Result<(), NodeError> {
        let (disk, dir) = (&self.place.device.disk, directory(&self.place));
        let changing = self.place.device.digests.change(self.place.partition);
        let named = format!("{dir}/{name}");
        disk.rename(&self.tmp, &named).await.map_err(self.place.failed())?;
        disk.sync_dir(&dir).await.map_err(self.place.failed())?;
        // Not synced: a file that comes back after a loss of power is obsolete still.
        let now = winners(&self.place).await?;
        for obsolete in &now.obsolete {
            disk.remove(&format!("{dir}/{obsolete}")).await.map_err(self.place.failed())?;
        }
        changing.to(self.place.hash, found, &now);
        Ok(())
    }

    /// Removes what was written. A disk that cannot do that loses it at the next start.
    pub(super) async fn abandon(self) {
        let _removed = self.place.device.disk.remove(&self.tmp).await;
    }
}

/// Refuses a put of `timestamp` where something newer is, or data as new: data counts more than a tombstone of its own time.
pub(super) fn check_put(
    place: &Place,
    winners: &Winners,
    timestamp: Timestamp,
) -> Result<(), NodeError> {
    let newer_data = winners.data.filter(|has| *has >= timestamp);
    let newer_tombstone = winners.tombstone.filter(|has| *has > timestamp);
    match newer_data.max(newer_tombstone) {
        Some(has) => Err(newer(place, has, timestamp)),
        None => Ok(()),
    }
}

/// Makes durable what a write is refused for: it may come from a process that crashed before it had
/// synced it, and the refusal tells its writer that it is there.
pub(super) async fn make_durable(place: &Place) -> Result<(), NodeError> {
    place.device.disk.sync_dir(&directory(place)).await.map_err(place.failed())
}

fn newer(place: &Place, has: Timestamp, wants: Timestamp) -> NodeError {
    NodeError::Newer { path: place.path.to_string(), has, wants }
}

/// What a deletion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleted {
    /// There was data; now there is a tombstone.
    Data,
    /// There was none; there is a tombstone now.
    Nothing,
    /// There was a tombstone as new as this one, or newer. Nothing was changed.
    Before(Timestamp),
}

/// Writes a tombstone, durably, unless what is there is newer.
pub(super) async fn delete(place: &Place, timestamp: Timestamp) -> Result<Deleted, NodeError> {
    let _alone = place.device.lock(place.hash).await;
    let found = winners(place).await?;
    if let Some(has) = found.data.filter(|has| *has >= timestamp) {
        return Err(newer(place, has, timestamp));
    }
    if let Some(has) = found.tombstone.filter(|has| *has >= timestamp) {
        return Ok(Deleted::Before(has));
    }
    let name = FileName { timestamp, kind: Kind::Tombstone };
    write_small(place, name, &found, buried(place)).await?;
    Ok(if found.data.is_some() { Deleted::Data } else { Deleted::Nothing })
}

/// Removes an object that has expired by `now`, durably, and says when it was put, or when what is gone already was
/// deleted. A tombstone of the same time stays: it outdates older copies elsewhere. `None` if what is there has not expired.
pub(in crate::node) async fn expire(
    objects: &ObjectStore,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Timestamp>, NodeError> {
    let _alone = place.device.lock(place.hash).await;
    let object = match objects.open_at(place).await {
        Ok(object) => object,
        // Perhaps an earlier round's, whose container has not heard of it.
        Err(NodeError::NotFound { deleted, .. }) => return Ok(deleted),
        Err(error) => return Err(error),
    };
    let timestamp = object.metadata().timestamp;
    if !object.metadata().has_expired(now) {
        return Ok(None);
    }
    let (disk, dir) = (&place.device.disk, directory(place));
    let upload = Upload::begin(place, Checksum::default()).await?;
    let named = format!("{dir}/{}", FileName { timestamp, kind: Kind::Tombstone });
    // Nothing says what came of it: the partition is counted anew.
    let _changing = place.device.digests.change(place.partition);
    let written = async {
        upload.file.append(buried(place)).await?;
        upload.file.sync().await?;
        disk.rename(&upload.tmp, &named).await
    };
    if let Err(failed) = written.await {
        upload.abandon().await;
        return Err(place.failed()(failed));
    }
    // Data wins over a tombstone of its own time, so that a crash before this leaves the object as it was.
    for name in disk.list(&dir).await.map_err(place.failed())? {
        let old = name.parse::<FileName>().is_ok_and(|file| file.kind != Kind::Tombstone);
        if old {
            disk.remove(&format!("{dir}/{name}")).await.map_err(place.failed())?;
        }
    }
    disk.sync_dir(&dir).await.map_err(place.failed())?;
    Ok(Some(timestamp))
}

/// Puts `posted` in the place of the object's headers, durably.
pub(super) async fn post(
    place: &Place,
    timestamp: Timestamp,
    posted: &Posted,
) -> Result<(), NodeError> {
    let _alone = place.device.lock(place.hash).await;
    let found = winners(place).await?;
    if found.data.is_none() {
        return Err(place.not_found(found.tombstone));
    }
    if let Some(has) = found.changed().filter(|has| *has >= timestamp) {
        return Err(newer(place, has, timestamp));
    }
    let mut posted = posted.clone();
    if let (None, Some(before)) = (&posted.content_type, found.meta) {
        // It takes the place of headers, and a content type stays until another is named.
        posted.content_type = match super::open::posted(place, before).await {
            Ok(before) => before.content_type,
            Err(NodeError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
    }
    let name = FileName { timestamp, kind: Kind::Meta };
    write_small(place, name, &found, trailer::encode(&posted, 0)).await
}

/// What a tombstone holds: the object's name, which its directory does not tell.
fn buried(place: &Place) -> Bytes {
    trailer::encode(&Buried { name: place.path.to_string() }, 0)
}

/// Writes a file that is known whole beside those `found`. The caller holds the lock of the name.
async fn write_small(
    place: &Place,
    name: FileName,
    found: &Winners,
    content: Bytes,
) -> Result<(), NodeError> {
    let upload = Upload::begin(place, Checksum::default()).await?;
    let written = async {
        upload.file.append(content).await.map_err(place.failed())?;
        upload.file.sync().await.map_err(place.failed())?;
        upload.name(name, found).await
    };
    let written = written.await;
    if written.is_err() {
        upload.abandon().await;
    }
    written
}
