//! The place of an object or a listing: a device of this node, a partition, and the name's hash.
//!
//! Leaves out paths of files and keys of rows, which are their owners'.

use std::rc::Rc;

use stayput_host::DiskError;

use super::device::Device;
use super::error::NodeError;
use super::name_hash::NameHash;
use super::trailer::FileDamage;
use crate::swift::{Path, Timestamp};

/// Place of an object, a container or an account on a device.
#[derive(Clone)]
pub(crate) struct DiskPlace {
    pub(crate) device: Rc<Device>,
    pub(crate) partition: u32,
    pub(crate) hash: NameHash,
    pub(crate) path: Path,
}

impl DiskPlace {
    /// Place of something whose name is not known: in errors its hash stands for the name.
    #[expect(clippy::expect_used, reason = "32 digits are a name that Swift takes")]
    pub(crate) fn nameless(device: &Rc<Device>, partition: u32, hash: NameHash) -> Self {
        let path = Path::account_only(&hash.hex()).expect("digits are a name");
        Self { device: Rc::clone(device), partition, hash, path }
    }

    /// Adds the path and the device to a disk error.
    pub(crate) fn disk_error(&self) -> impl Fn(DiskError) -> NodeError {
        self.device.disk_error(&self.path)
    }

    /// Error for a file or row here that is damaged.
    pub(crate) fn damaged(&self, damage: FileDamage) -> NodeError {
        let (path, device) = (self.path.to_string(), self.device.name.clone());
        NodeError::Damaged { path, device, damage }
    }

    /// Error for something that is not here, with the time of its deletion if that is known.
    pub(crate) fn not_found(&self, deleted: Option<Timestamp>) -> NodeError {
        NodeError::NotFound { path: self.path.to_string(), deleted }
    }

    /// Error for a change that is not newer than what is here.
    pub(crate) fn newer(&self, has: Timestamp, wants: Timestamp) -> NodeError {
        NodeError::Newer { path: self.path.to_string(), has, wants }
    }

    /// Error for a condition of the request that does not hold here.
    pub(crate) fn condition_failed(&self, condition: &'static str) -> NodeError {
        NodeError::ConditionFailed { path: self.path.to_string(), condition }
    }
}
