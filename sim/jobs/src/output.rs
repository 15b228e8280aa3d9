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
