//! Hash directories, as Swift calls them: the directory of an object's files, and the directories
//! of a device's partitions.
//!
//! Leaves out the content of files.

use stayput_host::DiskError;

use super::files::{FileName, ObjectFiles};
use crate::node::storage::{Device, DiskPlace, NameHash, NodeError, hex};

/// Directory of all partitions.
const OBJECTS: &str = "objects";

/// Path of an object's directory.
pub(super) fn hash_dir(place: &DiskPlace) -> String {
    let (partition, hash) = (place.partition, place.hash);
    let suffix = hex(&hash.0[14..]);
    // Swift's suffix is the last three of the hash's digits.
    format!("{OBJECTS}/{partition}/{}/{}", &suffix[1..], hash.hex())
}

/// Files of an object that count now. Names that are none of the store's are left alone.
pub(crate) async fn object_files(place: &DiskPlace) -> Result<ObjectFiles, NodeError> {
    let names = place.device.disk.list(&hash_dir(place)).await.map_err(place.disk_error())?;
    let files: Vec<FileName> = names.iter().filter_map(|name| name.parse().ok()).collect();
    Ok(ObjectFiles::among(&files))
}

/// Makes an object's files durable: they may come from a process that crashed before it had synced
/// them, and others are to count on them.
pub(crate) async fn make_durable(place: &DiskPlace) -> Result<(), NodeError> {
    place.device.disk.sync_dir(&hash_dir(place)).await.map_err(place.disk_error())
}

/// Partitions that have a directory on the device.
pub(crate) async fn partitions(device: &Device) -> Result<Vec<u32>, NodeError> {
    Ok(list(device, OBJECTS).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Hashes of a partition's objects, deleted ones included.
pub(crate) async fn hashes(device: &Device, partition: u32) -> Result<Vec<NameHash>, NodeError> {
    let (dir, mut hashes) = (format!("{OBJECTS}/{partition}"), Vec::new());
    for suffix in list(device, &dir).await? {
        let names = list(device, &format!("{dir}/{suffix}")).await?;
        hashes.extend(names.iter().filter_map(|name| NameHash::parse(name)));
    }
    Ok(hashes)
}

async fn list(device: &Device, dir: &str) -> Result<Vec<String>, NodeError> {
    let failed = |source: DiskError| device.disk_error_at(dir, source);
    device.disk.list(dir).await.map_err(failed)
}
