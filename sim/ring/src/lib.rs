//! The ring of OpenStack Swift: which devices hold the replicas of a partition.
//!
//! Usable by itself: it depends on no other crate of Stayput, and every crate may depend on it. It
//! is pure: it reads no clock, no network and no disk. A [`RingBuilder`] assigns replicas to
//! devices, a [`Ring`] is the finished table that proxies and nodes read, and [`check`] judges a
//! finished ring without sharing code with the builder.
//!
//! ```
//! use stayput_ring::{
//!     DeviceName, HashSecret, NewDevice, PartPower, Region, Replicas, Ring, RingBuilder, Weight,
//!     Zone, check,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = RingBuilder::new(PartPower::new(8)?, Replicas::new(3)?, 1)?;
//! for zone in 1..=4 {
//!     builder.add_device(NewDevice {
//!         region: Region(1),
//!         zone: Zone(zone),
//!         ip: format!("10.0.0.{zone}").parse()?,
//!         port: 6200,
//!         device: DeviceName::new("sdb1")?,
//!         weight: Weight::new(100.0)?,
//!         meta: String::new(),
//!     })?;
//! }
//! let (now_hours, seed) = (0, 7);
//! builder.rebalance(now_hours, seed)?;
//! let ring = builder.ring()?;
//!
//! // A lookup: three primaries in three zones, and the fourth device as a handoff.
//! let secret = HashSecret::new("", "changeme");
//! let partition = ring.partition(&secret, "AUTH_test", Some("demo"), Some("logfile.txt"));
//! assert_eq!(ring.primaries(partition).len(), 3);
//! assert_eq!(ring.handoffs(partition).count(), 1);
//!
//! // A ring file, with Swift's keys, and the naive checker.
//! let read = Ring::from_json(&ring.to_json()?)?;
//! assert_eq!(read, ring);
//! let tolerance_parts = 1;
//! assert_eq!(check::check(&read, tolerance_parts), []);
//! # Ok(())
//! # }
//! ```
//!
//! Leaves out fractional replica counts, Swift's `overload`, composite rings, growing the part
//! power, changing the replica count of a ring, and Swift's own ring and builder files.

mod balance;
mod builder;
pub mod check;
mod device;
mod error;
mod field;
mod file;
mod handoff;
mod initial;
mod path;
mod repair;
mod spread;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod units;

pub use builder::{Rebalance, RingBuilder, RingError};
pub use device::{Device, DeviceId, DeviceName, NewDevice, Region, Weight, Zone};
pub use error::RingValueError;
pub use file::RingFileError;
pub use path::{HashSecret, PathHash};
pub use table::Ring;
pub use units::{PartPower, Partition, Replicas};

/// Pseudo-random number that depends on its arguments alone, so that a choice for one partition
/// never shifts the choice for another.
fn keyed(seed: u64, purpose: &str, first: u64, second: u64) -> u64 {
    let mut bytes = Vec::with_capacity(16 + purpose.len());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&second.to_le_bytes());
    bytes.extend_from_slice(purpose.as_bytes());
    xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, seed)
}
