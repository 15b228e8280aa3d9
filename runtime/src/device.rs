//! The devices that a guest finds under `/dev`, as the driver of a session describes them.
//!
//! A device is only a name, a direction and a size here: its bytes stay with the driver, which
//! answers each read and takes each write.

use serde::{Deserialize, Serialize};

/// The size of a readable device whose length nobody knows in advance, such as a pipe from
/// another session. Its reads deliver what there is instead of waiting for the whole buffer.
pub const SIZE_UNKNOWN: u64 = u64::MAX;

/// A device's place in [`SessionSpec::devices`](crate::session::SessionSpec::devices).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceIndex(pub usize);

impl DeviceIndex {
    /// The index into the list of devices.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Which way a device's bytes flow and whether the guest may choose the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DeviceKind {
    /// Read from front to back; all openings share one position.
    SequentialRead,
    /// Written from front to back; every write goes to the end.
    SequentialWrite,
    /// Read anywhere; each opening has its own position.
    RandomRead,
    /// Written anywhere up to the channel's limit.
    RandomWrite,
}

impl DeviceKind {
    /// Whether the guest may read from it.
    pub fn is_readable(self) -> bool {
        matches!(self, Self::SequentialRead | Self::RandomRead)
    }

    /// Whether the guest may write to it.
    pub fn is_writable(self) -> bool {
        !self.is_readable()
    }

    /// Whether the guest may seek in it.
    pub fn is_random(self) -> bool {
        matches!(self, Self::RandomRead | Self::RandomWrite)
    }
}

/// What `stat` reports of a device, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceMode {
    /// A regular file.
    File,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A pipe. WASI has no such type, so that it shows as "unknown".
    Pipe,
}

/// One device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// Its name under `/dev`: `stdin`, `input`, `in/mapper-1` and so on.
    pub name: String,
    /// Its direction and access.
    pub kind: DeviceKind,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// Bytes that can be read, [`SIZE_UNKNOWN`] if nobody knows; 0 for a writable device.
    pub size: u64,
}

/// Why the driver could not serve a read or a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFault {
    /// There is no room for more: the guest sees `EDQUOT` and goes on.
    Quota,
    /// Who wrote to the pipe was stopped by a trap or a limit: the guest sees `EIO` and goes on.
    PeerDied,
    /// The device is gone or broken: the session ends as
    /// [`EndReason::DeviceFailed`](crate::outcome::EndReason::DeviceFailed).
    Failed {
        /// What went wrong, for the report.
        reason: String,
    },
}
