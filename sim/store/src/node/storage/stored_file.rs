//! Files of objects on a device: opening one by its footer, and putting a damaged one aside.
//!
//! Leaves out the names of files and the kinds of metadata in them.

use std::rc::Rc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use stayput_host::{DiskError, File};

use super::error::NodeError;
use super::place::DiskPlace;
use super::trailer::{FOOTER_LEN, FileDamage, Footer};

/// End of a file that is read at once; most metadata fits in it.
const TAIL_BYTES: u64 = 4 << 10;

/// An open file and the metadata at its end.
pub(crate) struct StoredFile<T> {
    pub(crate) file: Rc<dyn File>,
    pub(crate) metadata: T,
    /// Bytes before the metadata and the checksums of blocks.
    pub(crate) body_len: u64,
    /// Presence of checksums of blocks, between body and metadata.
    pub(crate) has_checksums: bool,
    /// Bytes that were read of its end.
    pub(crate) tail: Bytes,
}

/// Opens the file at `file_path` and reads the metadata at its end.
pub(crate) async fn open<T: DeserializeOwned>(
    place: &DiskPlace,
    file_path: &str,
) -> Result<StoredFile<T>, NodeError> {
    let file = place.device.disk.open(file_path).await.map_err(place.disk_error())?;
    let file_len = file.len();
    let read_end = |len: u64| file.read_at(file_len.saturating_sub(len), len.min(file_len));
    if file_len < FOOTER_LEN {
        return Err(place.damaged(FileDamage::NoFooter));
    }
    let mut tail = read_end(TAIL_BYTES).await.map_err(place.disk_error())?;
    let footer = Footer::decode(&tail, file_len).map_err(|damage| place.damaged(damage))?;
    if footer.trailer_len() > tail.len() as u64 {
        tail = read_end(footer.trailer_len()).await.map_err(place.disk_error())?;
    }
    let metadata = footer.metadata(&tail).map_err(|damage| place.damaged(damage))?;
    let (body_len, has_checksums) = (footer.body_len(), footer.has_checksums());
    Ok(StoredFile { file, metadata, body_len, has_checksums, tail })
}

/// Moves a damaged file to `quarantined/`: no reader finds it there, and it can be looked at.
pub(crate) async fn quarantine(
    place: &DiskPlace,
    directory: &str,
    file_name: &str,
) -> Result<(), NodeError> {
    let (disk, hash) = (&place.device.disk, place.hash.hex());
    let aside = format!("quarantined/{hash}-{file_name}");
    match disk.rename(&format!("{directory}/{file_name}"), &aside).await {
        // Another reader put it aside, or a newer version took its place.
        Err(DiskError::NotFound { .. }) => Ok(()),
        renamed => renamed.map_err(place.disk_error()),
    }?;
    disk.sync_dir(directory).await.map_err(place.disk_error())
}
