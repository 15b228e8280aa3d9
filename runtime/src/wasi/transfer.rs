//! Device access of a suspended guest.
//!
//! Leaves out its beginning and its end, which [`read_write`](super::read_write) has.

use super::guest::Segments;
use crate::device::DeviceIndex;

/// Direction of a transfer, as the guest sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// Device access of a suspended guest, and its progress. Its outcome does not depend on the size of
/// the parts that the driver serves, as long as the device's size is known.
pub(crate) struct Transfer {
    pub(crate) device: DeviceIndex,
    pub(crate) direction: Direction,
    pub(crate) offset: u64,
    pub(crate) total: usize,
    pub(crate) done: usize,
    pub(crate) segments: Segments,
    /// Open file whose position moves along, unless the guest named the offset.
    pub(super) fd: Option<u32>,
    pub(super) result_at: u32,
}
