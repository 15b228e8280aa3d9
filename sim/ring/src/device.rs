//! Device record of a ring, with Swift's fields: failure domains, address, name and weight.
//!
//! Left out: separate replication addresses, and Swift's `parts` and `parts_wanted` counters, which
//! belong to its builder files.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::error::RingValueError;
use super::field;

/// Index of a device in the ring; never given to another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub u16);

impl DeviceId {
    /// The most devices of a ring. The last 16-bit number is Swift's mark for "no device".
    pub const COUNT_MAX: usize = 65_535;

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Region: the widest failure domain, such as a town.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(pub u32);

/// Zone of a region, such as a room with its own power. Zone 1 of two regions are two zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zone(pub u32);

/// Share of a device in the data, relative to the others; 0 drains it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

impl Weight {
    /// Weight of a device that takes no data and gives up its replicas.
    pub const ZERO: Self = Self(0.0);

    /// Checks the range.
    ///
    /// # Errors
    /// [`RingValueError::Weight`] unless it is 0 or from 0.001 to 10⁹.
    pub fn new(weight: f64) -> Result<Self, RingValueError> {
        if weight == 0.0 {
            // Minus zero becomes zero, so that equal rings are equal bytes.
            return Ok(Self::ZERO);
        }
        if (0.001..=1e9).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(RingValueError::Weight(weight))
        }
    }

    /// The weight as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// True if the device shall hold nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0.0
    }
}

impl TryFrom<f64> for Weight {
    type Error = RingValueError;

    fn try_from(weight: f64) -> Result<Self, RingValueError> {
        Self::new(weight)
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

/// Name of a device on its host, such as `sdb1`. It names a directory, so it can lead nowhere
/// else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// Checks length and letters.
    ///
    /// # Errors
    /// [`RingValueError::DeviceName`] unless it is 1 to 64 of letters, digits, `-`, `_`, `.`, and
    /// neither `.` nor `..`.
    pub fn new(name: impl Into<String>) -> Result<Self, RingValueError> {
        let name = name.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fine = (1..=64).contains(&name.len()) && name.bytes().all(plain);
        if fine && name != "." && name != ".." {
            Ok(Self(name))
        } else {
            Err(RingValueError::DeviceName(name))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceName {
    type Error = RingValueError;

    fn try_from(name: String) -> Result<Self, RingValueError> {
        Self::new(name)
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

/// A device record of a ring, with Swift's field names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Index in the ring.
    #[serde(deserialize_with = "field::id")]
    pub id: DeviceId,
    /// Region.
    #[serde(deserialize_with = "field::region")]
    pub region: Region,
    /// Zone within the region.
    #[serde(deserialize_with = "field::zone")]
    pub zone: Zone,
    /// IP address of its host's object service. Devices of one zone and address share a host.
    #[serde(deserialize_with = "field::ip")]
    pub ip: IpAddr,
    /// Port of that service.
    #[serde(deserialize_with = "field::port")]
    pub port: u16,
    /// Name on the host.
    #[serde(deserialize_with = "field::device")]
    pub device: DeviceName,
    /// Share of the data, relative to the others.
    #[serde(deserialize_with = "field::weight")]
    pub weight: Weight,
    /// Operator's note.
    #[serde(default, deserialize_with = "field::meta")]
    pub meta: String,
}

impl Device {
    /// The zone as a failure domain of its own.
    pub(super) fn zone_key(&self) -> (Region, Zone) {
        (self.region, self.zone)
    }

    /// The host as a failure domain of its own.
    pub(super) fn host_key(&self) -> (Region, Zone, IpAddr) {
        (self.region, self.zone, self.ip)
    }
}

/// Device record without an id, for [`RingBuilder::add_device`](super::RingBuilder::add_device).
#[derive(Clone, Debug, PartialEq)]
pub struct NewDevice {
    /// Region.
    pub region: Region,
    /// Zone within the region.
    pub zone: Zone,
    /// IP address of its host's object service.
    pub ip: IpAddr,
    /// Port of that service.
    pub port: u16,
    /// Name on the host.
    pub device: DeviceName,
    /// Share of the data, relative to the others.
    pub weight: Weight,
    /// Operator's note.
    pub meta: String,
}

impl NewDevice {
    /// Device record under a new id.
    pub(super) fn with_id(self, id: DeviceId) -> Device {
        let Self { region, zone, ip, port, device, weight, meta } = self;
        Device { id, region, zone, ip, port, device, weight, meta }
    }
}
