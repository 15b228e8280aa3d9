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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes at (device, offset, length, byte), as a list of bytes for each device takes them.
    fn by_bytes(writes: &[(usize, usize, usize, u8)]) -> [Vec<u8>; 3] {
        let mut devices: [Vec<u8>; 3] = Default::default();
        for (device, offset, len, byte) in writes {
            for at in *offset..offset + len {
                while devices[*device].len() <= at {
                    devices[*device].push(0);
                }
                devices[*device][at] = *byte;
            }
        }
        devices
    }

    proptest! {
        #[test]
        fn writes_land_where_they_are_put_and_gaps_are_zeros(
            writes in prop::collection::vec((0_usize..3, 0_usize..50, 1_usize..20, 1_u8..), 0..20),
        ) {
            let mut staged = StagedOutputs::new(3);
            for (device, offset, len, byte) in &writes {
                let written = staged.write(DeviceIndex(*device), *offset as u64, &vec![*byte; *len]);
                prop_assert_eq!(written, Ok(()));
            }
            let outputs: Vec<Bytes> = staged.into_bytes().collect();
            prop_assert_eq!(outputs, by_bytes(&writes).map(Bytes::from));
        }
    }

    fn outputs(staged: StagedOutputs) -> Vec<usize> {
        staged.into_bytes().map(|output| output.len()).collect()
    }

    #[test]
    fn the_quota_is_for_all_devices_together_and_what_is_over_it_is_left_out_whole() {
        let most = STAGED_BYTES_MAX;
        let mut staged = StagedOutputs::new(2);
        assert_eq!(staged.write(DeviceIndex(0), most - 3, b"x"), Ok(()));
        assert_eq!(staged.write(DeviceIndex(1), 0, b"abc"), Err(DeviceFault::Quota));
        assert_eq!(staged.write(DeviceIndex(1), 0, b"ab"), Ok(()));
        assert_eq!(staged.write(DeviceIndex(1), 2, b"c"), Err(DeviceFault::Quota));
        assert_eq!(staged.write(DeviceIndex(1), 0, b"cd"), Ok(()), "it grows nothing");
        assert_eq!(outputs(staged), [64 * 1024 * 1024 - 2, 2]);
    }

    #[test]
    fn a_write_at_the_end_of_all_offsets_is_over_the_quota_and_takes_no_memory() {
        let mut staged = StagedOutputs::new(1);
        for offset in [u64::MAX, u64::MAX - 1, 1 << 40, STAGED_BYTES_MAX] {
            assert_eq!(staged.write(DeviceIndex(0), offset, b"x"), Err(DeviceFault::Quota));
        }
        assert_eq!(outputs(staged), [0]);
    }
}
