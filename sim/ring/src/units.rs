//! Numbers of a ring: part power, partition, replica count. Parsed once, never out of range.
//!
//! Leaves out weights and names, which are a device's.

use std::fmt;
use std::str::FromStr;

use super::error::RingValueError;

/// Number of leading hash bits that choose the partition: 1 to 32, so 2 to 2³² partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartPower(u8);

impl PartPower {
    /// Checks the range.
    ///
    /// # Errors
    /// [`RingValueError::PartPower`] outside 1 to 32.
    pub fn new(power: u32) -> Result<Self, RingValueError> {
        match u8::try_from(power) {
            Ok(power @ 1..=32) => Ok(Self(power)),
            _ => Err(RingValueError::PartPower(power.to_string())),
        }
    }

    /// Power of a ring whose hashes are shifted right by `shift` bits; `None` above 31.
    pub(super) fn from_shift(shift: u8) -> Option<Self> {
        (shift <= 31).then(|| Self(32 - shift))
    }

    /// The power itself.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Number of partitions.
    pub fn partitions(self) -> u64 {
        1 << self.0
    }

    /// Swift's `part_shift`: bits by which the first 32 bits of a hash are shifted to the right.
    pub fn shift(self) -> u8 {
        32 - self.0
    }
}

impl FromStr for PartPower {
    type Err = RingValueError;

    fn from_str(text: &str) -> Result<Self, RingValueError> {
        let power = text.parse().map_err(|_| RingValueError::PartPower(text.to_owned()))?;
        Self::new(power)
    }
}

/// Replica count of each partition: 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replicas(u8);

impl Replicas {
    /// The most replicas a ring may have, in memory and in files.
    pub const MAX: usize = 32;

    /// Checks the range.
    ///
    /// # Errors
    /// [`RingValueError::Replicas`] outside 1 to 32.
    pub fn new(replicas: u32) -> Result<Self, RingValueError> {
        match u8::try_from(replicas) {
            Ok(count @ 1..=32) => Ok(Self(count)),
            _ => Err(RingValueError::Replicas(replicas.to_string())),
        }
    }

    /// The count itself.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl FromStr for Replicas {
    type Err = RingValueError;

    fn from_str(text: &str) -> Result<Self, RingValueError> {
        let replicas = text.parse().map_err(|_| RingValueError::Replicas(text.to_owned()))?;
        Self::new(replicas)
    }
}

/// Partition: a slice of the hash space that is assigned, moved and replicated as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition(pub u32);

impl Partition {
    /// Column in the ring's tables.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
