//! Ring files: JSON with Swift's keys `devs`, `replica2part2dev_id` and `part_shift`.
//!
//! A file is hostile until checked. Memory stays in proportion to its length: nothing is sized by a
//! number that it states. Left out: Swift's own gzipped formats.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::device::{Device, DeviceId};
use super::field;
use super::table::Ring;
use super::units::{PartPower, Partition, Replicas};

/// Unchecked contents of a ring file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    #[serde(deserialize_with = "field::devs")]
    devs: Vec<Option<Device>>,
    #[serde(deserialize_with = "field::replica2part2dev_id")]
    replica2part2dev_id: Vec<Vec<u16>>,
    #[serde(deserialize_with = "field::part_shift")]
    part_shift: u8,
}

impl Ring {
    /// Reads a ring file.
    ///
    /// # Errors
    /// [`RingFileError`], naming the field.
    pub fn from_json(json: &[u8]) -> Result<Self, RingFileError> {
        Self::try_from(serde_json::from_slice::<RingFile>(json)?)
    }

    /// Writes a ring file; equal rings give equal bytes.
    ///
    /// # Errors
    /// Error of the JSON writer, which no ring causes.
    pub fn to_json(&self) -> Result<Vec<u8>, RingFileError> {
        Ok(serde_json::to_vec(self)?)
    }
}

impl<'de> Deserialize<'de> for Ring {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(RingFile::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<RingFile> for Ring {
    type Error = RingFileError;

    fn try_from(file: RingFile) -> Result<Self, RingFileError> {
        let power = PartPower::from_shift(file.part_shift)
            .ok_or(RingFileError::PartShift(file.part_shift))?;
        check_devices(&file.devs)?;
        check_table(&file, power)?;
        Ok(Self::from_checked(file.devs, file.replica2part2dev_id, power))
    }
}

fn check_devices(devs: &[Option<Device>]) -> Result<(), RingFileError> {
    let (devices, devices_max) = (devs.len(), DeviceId::COUNT_MAX);
    if devices > devices_max {
        return Err(RingFileError::TooManyDevices { devices, devices_max });
    }
    let mut places = BTreeMap::new();
    for (index, device) in devs.iter().enumerate() {
        let Some(device) = device else { continue };
        if device.id.index() != index {
            return Err(RingFileError::DeviceIndex { index, id: device.id });
        }
        if let Some(known) = places.insert((device.ip, device.port, &device.device), index) {
            return Err(RingFileError::DuplicateDevice { index, known });
        }
    }
    Ok(())
}

fn check_table(file: &RingFile, power: PartPower) -> Result<(), RingFileError> {
    let rows = &file.replica2part2dev_id;
    if !(1..=Replicas::MAX).contains(&rows.len()) {
        return Err(RingFileError::Replicas(rows.len()));
    }
    let expected = power.partitions();
    for (replica, row) in rows.iter().enumerate() {
        if row.len() as u64 != expected {
            return Err(RingFileError::RowLength { replica, found: row.len(), expected });
        }
    }
    for partition in (0..=u32::MAX >> file.part_shift).map(Partition) {
        for (replica, row) in rows.iter().enumerate() {
            let device = DeviceId(row[partition.index()]);
            if file.devs.get(device.index()).is_none_or(Option::is_none) {
                return Err(RingFileError::UnknownDevice { replica, partition, device });
            }
            if rows[..replica].iter().any(|row| row[partition.index()] == device.0) {
                return Err(RingFileError::SharedDevice { partition, device });
            }
        }
    }
    Ok(())
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
