//! Stop of a disk at one of its changes. For tests only: it has no scenario key.

use crate::fault::description::FaultDescription;
use crate::fault::disk::{DiskFault, StopPoint};

/// Stop of a disk at one of its changes: nothing of it comes to its end until the fault ends.
/// With a crash or a loss of power meanwhile, its host crashes at that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopDisk {
    /// The change.
    pub point: StopPoint,
}

impl FaultDescription for StopDisk {
    fn name(&self) -> &'static str {
        "stop_disk"
    }

    fn phrase(&self, place: &str) -> String {
        format!("stopped disk {place}")
    }

    fn parameters(&self) -> String {
        format!("at {:?}", self.point)
    }
}

impl DiskFault for StopDisk {
    fn stop_point(&self) -> Option<StopPoint> {
        Some(self.point)
    }
}
