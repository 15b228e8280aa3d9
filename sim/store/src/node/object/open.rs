//! An object that is open for reading.
//!
//! Leaves out ranges and conditions, which are HTTP's, and removing what has expired.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stayput_host::{Checksum, File};

use super::files::{FileName, Kind};
use super::store::directory;
use super::sums::{self, SUM_BYTES};
use super::trailer::{Damage, FOOTER_LEN, Footer};
use crate::node::device::{Place, hex};
use crate::node::error::NodeError;
use crate::node::updater::Change;
use crate::swift::{Timestamp, header};

/// What is read at a time.
pub(super) const READ_BYTES: u64 = 256 << 10;
/// The end of a file that is read at once; most metadata is in it.
const TAIL_BYTES: u64 = 4 << 10;

/// What is stored with an object's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `/account/container/object`, decoded.
    pub name: String,
    /// When the object was put.
    pub timestamp: Timestamp,
    /// How many bytes it has.
    pub length: u64,
    /// Their MD5, in hexadecimal.
    pub etag: String,
    /// Its content type.
    pub content_type: String,
    /// `x-object-meta-*` and the system headers that are kept, in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Metadata {
    /// What the object's container is to hear.
    pub(super) fn as_change(&self) -> Change {
        let (etag, content_type) = (self.listed_etag(), self.content_type.clone());
        Change::ObjectPut { timestamp: self.timestamp, size: self.length, etag, content_type }
    }

    /// The same once a POST has given it that content type.
    pub(super) fn as_typed(&self, said: &str, typed: Timestamp) -> Change {
        let bytes = self.headers.get(header::X_SLO_SIZE.as_str());
        let content_type = match bytes {
            Some(bytes) => format!("{said};swift_bytes={bytes}"),
            None => said.to_owned(),
        };
        let (timestamp, size, etag) = (self.timestamp, self.length, self.listed_etag());
        Change::ObjectType { timestamp, size, etag, content_type, typed }
    }

    /// Of a large object the container hears both ETags, as in Swift.
    fn listed_etag(&self) -> String {
        match self.large_etag() {
            Some(large) => format!("{}; slo_etag={large}", self.etag),
            None => self.etag.clone(),
        }
    }

    /// The ETag of the large object that this is the manifest of, if it is one.
    pub(super) fn large_etag(&self) -> Option<&str> {
        self.headers.get(header::X_SLO_ETAG.as_str()).map(String::as_str)
    }

    /// Whether it was to be gone by `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        let at = self.headers.get(header::X_DELETE_AT.as_str());
        let at = at.and_then(|at| at.parse::<u64>().ok());
        at.is_some_and(|at| at <= now.unix_seconds())
    }

    /// Puts what a POST said in the place of what it can say. What makes an object a large one stays.
    fn replace(&mut self, posted: Posted) {
        let stays = |name: &String, _: &mut String| {
            name.starts_with(header::OBJECT_SYSMETA_PREFIX)
                || *name == header::X_STATIC_LARGE_OBJECT.as_str()
        };
        self.headers = self.headers.extract_if(.., stays).collect();
        self.headers.extend(posted.headers);
        if let Some(content_type) = posted.content_type {
            self.content_type = content_type;
        }
    }
}

/// What a POST put in the place of [`Metadata::headers`], and of the content type if it named one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Posted {
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
}

/// What a tombstone holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buried {
    /// `/account/container/object`, decoded.
    pub(super) name: String,
}

/// One version of an object, open for reading; it stays readable when it is replaced or deleted.
pub struct OpenObject {
    metadata: Metadata,
    changed: Timestamp,
    place: Place,
    name: FileName,
    file: Rc<dyn File>,
    /// The file's end, which was read for the metadata: a small object is in it.
    tail: Bytes,
    has_sums: bool,
}

impl OpenObject {
    pub(super) async fn open(
        place: &Place,
        name: FileName,
        posted: Option<Timestamp>,
    ) -> Result<Self, NodeError> {
        let opened = Self::open_unguarded(place, name, posted).await;
        if matches!(opened, Err(NodeError::Damaged { .. })) {
            // Damaged metadata takes its object with it: older metadata would be a silent lie,
            // and the other replicas have the right one.
            quarantine(place, name).await?;
        }
        opened
    }

    async fn open_unguarded(
        place: &Place,
        name: FileName,
        posted: Option<Timestamp>,
    ) -> Result<Self, NodeError> {
        let Opened { file, mut metadata, body_len, has_sums, tail } =
            read_file::<Metadata>(place, name).await?;
        if metadata.length != body_len {
            let damage = Damage::Length { json_len: metadata.length, file_len: file.len() };
            return Err(damaged(place, damage));
        }
        if let Some(timestamp) = posted {
            let meta = FileName { timestamp, kind: Kind::Meta };
            let read = read_file::<Posted>(place, meta).await;
            if matches!(read, Err(NodeError::Damaged { .. })) {
                quarantine(place, meta).await?;
            }
            metadata.replace(read?.metadata);
        }
        let changed = posted.unwrap_or(metadata.timestamp);
        Ok(Self { metadata, changed, place: place.clone(), name, file, tail, has_sums })
    }

    /// What is stored with it; the headers are those of the last POST, if there was one.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// When it was put or its metadata last replaced.
    #[must_use]
    pub const fn changed(&self) -> Timestamp {
        self.changed
    }

    /// Whether this is the version that was put at `want`.
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

    /// Whether its blocks have checksums.
    pub(super) const fn has_sums(&self) -> bool {
        self.has_sums
    }

    /// Reads the stored checksums of at most `count` blocks from `first` on. Nothing is verified.
    pub(super) async fn read_sums(&self, first: u64, count: u64) -> Result<Bytes, NodeError> {
        let length = self.metadata.length;
        let count = count.min(sums::count(length).saturating_sub(first));
        self.read_raw(length + first * SUM_BYTES, count * SUM_BYTES).await
    }

    /// Reads of the file, within what comes before the metadata.
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
        self.file.read_at(offset, len).await.map_err(self.place.failed())
    }

    /// Reads all of it and compares its MD5 with the stored one. What fails is put aside.
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

    /// The same of all bytes at once.
    pub(super) async fn judge_whole(&self, data: &[u8]) -> Result<(), NodeError> {
        let mut checksum = Checksum::default();
        checksum.update(data);
        self.judge(checksum).await
    }

    /// Puts the file aside for a block that does not match its checksum.
    pub(super) async fn damaged_block(&self, number: u64) -> NodeError {
        match quarantine(&self.place, self.name).await {
            Ok(()) => damaged(&self.place, Damage::Block { number }),
            Err(failed) => failed,
        }
    }

    /// Compares the MD5 of all bytes with the stored one; puts the file aside if they differ.
    pub async fn judge(&self, checksum: Checksum) -> Result<(), NodeError> {
        let is = hex(&checksum.sum());
        if is == self.metadata.etag {
            return Ok(());
        }
        quarantine(&self.place, self.name).await?;
        let damage = Damage::Etag { is, said: self.metadata.etag.clone() };
        Err(damaged(&self.place, damage))
    }
}

/// The file of a POST.
pub(super) async fn posted(place: &Place, timestamp: Timestamp) -> Result<Posted, NodeError> {
    let name = FileName { timestamp, kind: Kind::Meta };
    Ok(read_file::<Posted>(place, name).await?.metadata)
}

/// The file of a deletion.
pub(super) async fn buried(place: &Place, timestamp: Timestamp) -> Result<Buried, NodeError> {
    let name = FileName { timestamp, kind: Kind::Tombstone };
    Ok(read_file::<Buried>(place, name).await?.metadata)
}

fn damaged(place: &Place, damage: Damage) -> NodeError {
    let (path, device) = (place.path.to_string(), place.device.name.clone());
    NodeError::Damaged { path, device, damage }
}

/// A file and what its end says.
struct Opened<T> {
    file: Rc<dyn File>,
    metadata: T,
    /// How many bytes come before the metadata.
    body_len: u64,
    /// Whether sums of their blocks are between them and it.
    has_sums: bool,
    /// What was read of its end.
    tail: Bytes,
}

/// Opens a file and reads its end.
async fn read_file<T: DeserializeOwned>(
    place: &Place,
    name: FileName,
) -> Result<Opened<T>, NodeError> {
    let path = format!("{}/{name}", directory(place));
    let file = place.device.disk.open(&path).await.map_err(place.failed())?;
    let file_len = file.len();
    let read_end = |len: u64| file.read_at(file_len.saturating_sub(len), len.min(file_len));
    if file_len < FOOTER_LEN {
        return Err(damaged(place, Damage::NoFooter));
    }
    let mut end = read_end(TAIL_BYTES).await.map_err(place.failed())?;
    let footer = Footer::decode(&end, file_len).map_err(|damage| damaged(place, damage))?;
    if footer.trailer_len() > end.len() as u64 {
        end = read_end(footer.trailer_len()).await.map_err(place.failed())?;
    }
    let metadata = footer.metadata(&end).map_err(|damage| damaged(place, damage))?;
    let (body_len, has_sums) = (footer.body_len(), footer.has_sums());
    Ok(Opened { file, metadata, body_len, has_sums, tail: end })
}

/// Puts a file aside, so that the next reader does not find it and somebody may look at it.
async fn quarantine(place: &Place, name: FileName) -> Result<(), NodeError> {
    // Nothing says what came of it: the partition is counted anew.
    let _changing = place.device.digests.change(place.partition);
    let (from, hash) = (directory(place), place.hash.hex());
    let disk = &place.device.disk;
    match disk.rename(&format!("{from}/{name}"), &format!("quarantined/{hash}-{name}")).await {
        // Somebody else put it aside, or a newer version took its place.
        Err(stayput_host::DiskError::NotFound { .. }) => Ok(()),
        renamed => renamed.map_err(place.failed()),
    }?;
    disk.sync_dir(&from).await.map_err(place.failed())
}
