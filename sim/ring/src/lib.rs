//! The ring: which devices hold the replicas of a partition, as OpenStack Swift places them.
//!
//! Everything here is pure: no clock, no network, no disk. A [`RingBuilder`] plans the placement, a
//! [`Ring`] is the finished table that proxies and nodes read, [`check`] judges a finished table
//! without knowing how it was made.
//!
//! Left out on purpose: fractional replica counts, Swift's `overload`, composite rings, growing the
//! part power, changing the replica count of a ring, and Swift's own ring and builder files.

mod builder;
pub mod check;
mod device;
mod error;
mod file;
mod fresh;
mod handoff;
mod path;
mod repair;
mod spread;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod weigh;

pub use builder::{Rebalance, RingBuilder};
pub use device::{Device, DeviceId, DeviceName, NewDevice, Region, Weight, Zone};
pub use error::{RingError, RingFileError, RingValueError};
pub use path::{HashSecret, PathHash};
pub use table::Ring;
pub use units::{PartPower, Partition, Replicas};

/// A pseudo-random number that depends on nothing but its arguments, so that a choice for one
/// partition never shifts the choice for another.
fn keyed(seed: u64, purpose: &str, first: u64, second: u64) -> u64 {
    let mut bytes = Vec::with_capacity(16 + purpose.len());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&second.to_le_bytes());
    bytes.extend_from_slice(purpose.as_bytes());
    xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, seed)
}
