//! Room that is kept free: below it a disk says that it is full, while what frees room still works.
//!
//! Leaves out what is being written at the same time: the reserve is for that, too.

use std::path::{Path, PathBuf};

use stayput_host::DiskError;

use super::names::failed;

/// The reserve of a disk.
pub(super) struct Room {
    at: PathBuf,
    reserve_bytes: u64,
}

impl Room {
    pub(super) fn new(at: &Path, reserve_bytes: u64) -> Self {
        Self { at: at.to_owned(), reserve_bytes }
    }

    /// True if so many bytes more leave the reserve free.
    ///
    /// # Errors
    /// [`DiskError::NoSpace`] if not, [`DiskError::Failed`] if the system does not say.
    pub(super) fn check(&self, bytes: u64) -> Result<(), DiskError> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        let space = rustix::fs::statvfs(&self.at);
        let space = space.map_err(|error| failed("ask for room on", "it")(error.into()))?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let wanted = self.reserve_bytes.saturating_add(bytes);
        if free < wanted { Err(DiskError::NoSpace) } else { Ok(()) }
    }
}
