//! Inventory of a device: the digest of each partition with objects, which replicas compare.
//!
//! Leaves out the arithmetic of digests, which is `digests`'.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::files::ObjectFiles;
use super::hash_dir::{hash_dir, hashes, object_files, partitions};
use super::store::ObjectStore;
use crate::node::storage::{Device, DiskPlace, NameHash, NodeError};

/// Counts in a row of a partition that changes all the time; then it waits for the next round.
const COUNTS: usize = 3;

impl ObjectStore {
    /// Digest of each partition with objects on the device, but for partitions that change all the
    /// time.
    pub(crate) async fn inventory(
        &self,
        device: &Rc<Device>,
    ) -> Result<BTreeMap<u32, u64>, NodeError> {
        let (digests, mut inventory) = (&self.digests[device], BTreeMap::new());
        for partition in partitions(device).await? {
            let mut counts = 0;
            while digests.of(partition).is_none() && counts < COUNTS {
                let _counter = digests.counter().await;
                // It may have been counted during the wait.
                if digests.of(partition).is_none() {
                    self.count(device, partition, |_, _| {}).await?;
                }
                counts += 1;
            }
            if let Some(digest) = digests.of(partition).filter(|digest| *digest != 0) {
                inventory.insert(partition, digest);
            }
        }
        Ok(inventory)
    }

    /// Scans a partition, which counts it as well, and passes each of its objects to `visit`.
    pub(crate) async fn scan(
        &self,
        device: &Rc<Device>,
        partition: u32,
        visit: impl FnMut(NameHash, &ObjectFiles),
    ) -> Result<(), NodeError> {
        let _counter = self.digests[device].counter().await;
        self.count(device, partition, visit).await
    }

    async fn count(
        &self,
        device: &Rc<Device>,
        partition: u32,
        mut visit: impl FnMut(NameHash, &ObjectFiles),
    ) -> Result<(), NodeError> {
        let digests = &self.digests[device];
        let counting = digests.begin_count(partition);
        for hash in hashes(device, partition).await? {
            let place = DiskPlace::nameless(device, partition, hash);
            let _locked = device.lock(hash).await;
            let files = object_files(&place).await?;
            digests.count(counting, hash, &files);
            visit(hash, &files);
        }
        digests.end_count(counting);
        Ok(())
    }

    /// Removes all files of an object, unless they are not `files` any more.
    pub(crate) async fn remove(
        &self,
        place: &DiskPlace,
        files: &ObjectFiles,
    ) -> Result<(), NodeError> {
        let (disk, dir) = (&place.device.disk, hash_dir(place));
        let _locked = place.device.lock(place.hash).await;
        if object_files(place).await? != *files {
            return Ok(());
        }
        let change = self.digests[&place.device].begin_change(place.partition);
        for name in disk.list(&dir).await.map_err(place.disk_error())? {
            disk.remove(&format!("{dir}/{name}")).await.map_err(place.disk_error())?;
        }
        change.commit(place.hash, files, &ObjectFiles::default());
        Ok(())
    }
}
