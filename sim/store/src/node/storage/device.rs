//! A device of a storage node: its disk, the locks of the names on it, and its uploads.
//!
//! Leaves out the state that other parts of the node keep for each device: see `PerDevice`.

use std::cell::Cell;
use std::rc::Rc;

use stayput_host::{Disk, DiskError};
use tokio::sync::{Mutex, MutexGuard};

use super::error::NodeError;
use super::name_hash::NameHash;
use crate::swift::Path;

/// Locks of a device: writers of names that share one wait for each other.
const LOCKS: usize = 256;

/// Directory of uploads that have no name yet.
const UPLOADS: &str = "tmp";

/// A mounted disk of the node, by the name that rings have for it.
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) disk: Rc<dyn Disk>,
    /// Position among the node's devices.
    pub(super) position: usize,
    locks: Vec<Mutex<()>>,
    /// Uploads begun since the start.
    uploads: Cell<u64>,
}

impl Device {
    pub(super) fn new(name: &str, position: usize, disk: Rc<dyn Disk>) -> Self {
        let locks = std::iter::repeat_with(|| Mutex::new(())).take(LOCKS).collect();
        Self { name: name.to_owned(), disk, position, locks, uploads: Cell::new(0) }
    }

    /// Waits for the lock of the name with this hash. The caller's request has a time limit.
    pub(crate) async fn lock(&self, hash: NameHash) -> MutexGuard<'_, ()> {
        self.locks[usize::from(hash.0[0]) % LOCKS].lock().await
    }

    /// Path of a new upload, unique since the start.
    pub(crate) fn upload_path(&self, hash: NameHash) -> String {
        let number = self.uploads.get();
        self.uploads.set(number + 1);
        format!("{UPLOADS}/{}-{number}", hash.hex())
    }

    /// Removes uploads that a crash left; returns their number.
    pub(crate) async fn remove_uploads(&self) -> Result<usize, DiskError> {
        let names = self.disk.list(UPLOADS).await?;
        for name in &names {
            self.disk.remove(&format!("{UPLOADS}/{name}")).await?;
        }
        Ok(names.len())
    }

    /// Adds the path and the device to a disk error.
    pub(crate) fn disk_error<'a>(&'a self, path: &'a Path) -> impl Fn(DiskError) -> NodeError + 'a {
        move |source| NodeError::Disk { path: path.to_string(), device: self.name.clone(), source }
    }

    /// Adds the device, and a directory or key in the place of a path, to a disk error.
    pub(crate) fn disk_error_at(&self, at: &str, source: DiskError) -> NodeError {
        NodeError::Disk { path: at.to_owned(), device: self.name.clone(), source }
    }
}
