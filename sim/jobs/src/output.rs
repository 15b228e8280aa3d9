//! Objects that a session's devices write, as they are stored.
//!
//! Leaves out storing them: a proxy sends them to nodes, a worker to proxies.

use bytes::{Bytes, BytesMut};

use crate::plan::PlannedDevice;

/// Content type of an object for which the description names none.
pub const CONTENT_TYPE: &str = "application/octet-stream";

/// Output of a device, padded with zeros to the least size that the description asks for.
pub fn padded(output: Bytes, device: &PlannedDevice) -> Bytes {
    let least = usize::try_from(device.min_size).unwrap_or(usize::MAX);
    if output.len() >= least {
        return output;
    }
    let mut filled = BytesMut::from(&output[..]);
    filled.resize(least, 0);
    filled.freeze()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use stayput_runtime::device::{DeviceKind, DeviceMode};

    use super::*;
    use crate::fixtures::object;
    use crate::plan::PlannedPath;

    fn device(min_size: u64) -> PlannedDevice {
        PlannedDevice {
            name: "stdout".to_owned(),
            kind: DeviceKind::SequentialWrite,
            mode: DeviceMode::Pipe,
            path: PlannedPath::Object(object("o")),
            content_type: None,
            meta: BTreeMap::new(),
            min_size,
        }
    }

    proptest! {
        #[test]
        fn an_output_keeps_its_bytes_and_ends_in_zeros_up_to_its_least_size(
            output in prop::collection::vec(any::<u8>(), 0..20), least in 0_usize..40,
        ) {
            let mut expected = output.clone();
            while expected.len() < least {
                expected.push(0);
            }
            prop_assert_eq!(padded(Bytes::from(output), &device(least as u64)), expected);
        }
    }
}
