//! Staging of a session's outputs: they are held until the session has ended.
//!
//! Leaves out where they go then.

use bytes::Bytes;
use stayput_runtime::device::{DeviceFault, DeviceIndex};

use super::result::STAGED_BYTES_MAX;

/// Bytes that a session has written, by device.
pub(crate) struct StagedOutputs(Vec<Vec<u8>>);

impl StagedOutputs {
    /// Nothing yet, for so many devices.
    pub(crate) fn new(devices: usize) -> Self {
        Self(vec![Vec::new(); devices])
    }

    /// Writes at an offset; a gap before it is filled with zeros.
    ///
    /// # Errors
    /// [`DeviceFault::Quota`]: the outputs would have more than [`STAGED_BYTES_MAX`] together.
    pub(crate) fn write(
        &mut self,
        device: DeviceIndex,
        offset: u64,
        data: &[u8],
    ) -> Result<(), DeviceFault> {
        let end = offset.saturating_add(data.len() as u64);
        let others: u64 = self.0.iter().map(|staged| staged.len() as u64).sum::<u64>()
            - self.0[device.index()].len() as u64;
        if others.saturating_add(end) > STAGED_BYTES_MAX {
            return Err(DeviceFault::Quota);
        }
        let staged = &mut self.0[device.index()];
        let size = |bytes: u64| usize::try_from(bytes).map_err(|_| DeviceFault::Quota);
        let (start, end) = (size(offset)?, size(end)?);
        if staged.len() < end {
            staged.resize(end, 0);
        }
        staged[start..end].copy_from_slice(data);
        Ok(())
    }

    /// The outputs, in the order of the devices.
    pub(crate) fn into_bytes(self) -> impl Iterator<Item = Bytes> {
        self.0.into_iter().map(Bytes::from)
    }
}
