//! Errors: impossible values, builder requests that cannot be met, and ring files that lie. Each
//! names the field or the object, and the fix.
//!
//! Leaves out flaws of a finished ring, which are [`check`](super::check)'s violations.

use super::device::DeviceId;
use super::units::Partition;

/// Value that no ring can have.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RingValueError {
    /// The part power is out of range.
    #[error("part power {0}: use a whole number from 1 to 32")]
    PartPower(String),
    /// The replica count is out of range.
    #[error("replicas {0}: use a whole number from 1 to 32")]
    Replicas(String),
    /// The weight is negative, not finite or out of scale.
    #[error("weight {0}: use 0 (drained) or a number from 0.001 to 1e9")]
    Weight(f64),
    /// The name could not be a directory of its own.
    #[error("device name {0:?}: use 1 to 64 of letters, digits, '-', '_', '.', but no '.' or '..'")]
    DeviceName(String),
}

/// Request that a [`RingBuilder`](super::RingBuilder) cannot meet. The builder is unchanged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RingError {
    /// There is no device of that id, or it was removed before.
    #[error("device {0} is not in the ring: add it first")]
    UnknownDevice(DeviceId),
    /// Another device has the same address and name.
    #[error(
        "{ip} port {port} device {device} is device {known}: set its weight, or remove it and rebalance"
    )]
    DuplicateDevice {
        /// IP address.
        ip: std::net::IpAddr,
        /// Port.
        port: u16,
        /// Device name.
        device: String,
        /// The device that has them.
        known: DeviceId,
    },
    /// All ids are taken; an id is never given twice.
    #[error("all {0} device ids were used: build a new ring")]
    TooManyDevices(usize),
    /// Two replicas of a partition would share a device.
    #[error("{replicas} replicas need {replicas} devices of nonzero weight, there are {devices}")]
    TooFewDevices {
        /// Replicas of each partition.
        replicas: usize,
        /// Devices that may take data.
        devices: usize,
    },
    /// The table is larger than a builder plans.
    #[error(
        "{entries} table entries (partitions x replicas), at most {entries_max}: lower part power"
    )]
    TooLarge {
        /// Partitions times replicas.
        entries: u64,
        /// The bound.
        entries_max: u64,
    },
    /// No replica is assigned yet.
    #[error("the ring has no assignment yet: call rebalance first")]
    NotBalanced,
}

/// Flaw of a ring file.
#[derive(Debug, thiserror::Error)]
pub enum RingFileError {
    /// Invalid JSON, or a field of the wrong type; the message begins with the field.
    #[error("ring file: {0}")]
    Json(#[from] serde_json::Error),
    /// `part_shift` is no shift of a 32-bit number to a part power of 1 to 32.
    #[error("ring file: part_shift {0}: use 0 to 31")]
    PartShift(u8),
    /// `devs` is longer than ids can count.
    #[error("ring file: devs has {devices} entries, at most {devices_max}")]
    TooManyDevices {
        /// Entries found.
        devices: usize,
        /// The bound.
        devices_max: usize,
    },
    /// A device does not stand at its own id.
    #[error("ring file: devs[{index}].id is {id}: it must be its own index")]
    DeviceIndex {
        /// Index in `devs`.
        index: usize,
        /// Stated id.
        id: DeviceId,
    },
    /// Two devices have the same ip, port and name.
    #[error("ring file: devs[{index}] has the ip, port and device of devs[{known}]")]
    DuplicateDevice {
        /// The second one.
        index: usize,
        /// The first one.
        known: usize,
    },
    /// The table has no rows or too many.
    #[error("ring file: replica2part2dev_id has {0} rows (replicas), use 1 to 32")]
    Replicas(usize),
    /// A row does not hold each partition once.
    #[error(
        "ring file: replica2part2dev_id[{replica}] has {found} entries, part_shift wants {expected}"
    )]
    RowLength {
        /// The row.
        replica: usize,
        /// Length of the row.
        found: usize,
        /// Partitions by `part_shift`.
        expected: u64,
    },
    /// An entry names no device.
    #[error("ring file: replica2part2dev_id[{replica}][{partition}] is {device}, which devs lacks")]
    UnknownDevice {
        /// The row.
        replica: usize,
        /// The column.
        partition: Partition,
        /// The entry.
        device: DeviceId,
    },
    /// Two replicas of a partition lie on one device.
    #[error("ring file: replica2part2dev_id gives partition {partition} to device {device} twice")]
    SharedDevice {
        /// The column.
        partition: Partition,
        /// The device.
        device: DeviceId,
    },
}
