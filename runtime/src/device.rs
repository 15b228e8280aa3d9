//! Devices of a guest under `/dev`, as the driver of a session describes them.
//!
//! A device is only a name, a direction and a size here: its bytes stay with the driver, which
//! answers each read and takes each write.

use serde::{Deserialize, Serialize};

/// Size of a readable device of unknown length, such as a pipe from another session. Its reads
/// deliver the bytes at hand instead of waiting for the whole buffer.
pub const SIZE_UNKNOWN: u64 = u64::MAX;

/// Index of a device in [`SessionSpec::devices`](crate::session::SessionSpec::devices).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceIndex(pub usize);

impl DeviceIndex {
    /// Index into the list of devices.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Direction of a device, and sequential or random access.
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
    /// True if the guest may read from it.
    pub fn is_readable(self) -> bool {
        matches!(self, Self::SequentialRead | Self::RandomRead)
    }

    /// True if the guest may write to it.
    pub fn is_writable(self) -> bool {
        !self.is_readable()
    }

    /// True if the guest may seek in it.
    pub fn is_random(self) -> bool {
        matches!(self, Self::RandomRead | Self::RandomWrite)
    }
}

/// File type of a device for `stat`; it changes nothing else.
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

/// Device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// Name under `/dev`: `stdin`, `input`, `in/mapper-1` and so on.
    pub name: String,
    /// Direction and access.
    pub kind: DeviceKind,
    /// File type for `stat`.
    pub mode: DeviceMode,
    /// Readable bytes, or [`SIZE_UNKNOWN`]; 0 for a writable device.
    pub size: u64,
}

/// Failure of the driver to serve a read or a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFault {
    /// There is no room for more: the guest sees `EDQUOT` and goes on.
    Quota,
    /// The writer of the pipe was stopped by a trap or a limit: the guest sees `EIO` and goes on.
    PeerDied,
    /// The device is gone or broken: the session ends as
    /// [`EndReason::DeviceFailed`](crate::outcome::EndReason::DeviceFailed).
    Failed {
        /// Reason, for the report.
        reason: String,
    },
}
