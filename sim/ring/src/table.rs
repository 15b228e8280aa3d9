//! Finished ring: the device records and the replica-to-partition-to-device table, with Swift's
//! names and meaning. It only answers questions; [`RingBuilder`](super::RingBuilder) makes it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use super::device::{Device, DeviceId, Region, Zone};
use super::path::HashSecret;
use super::units::{PartPower, Partition};

/// Assignment of replicas to devices that every proxy and node of a cluster reads.
///
/// Every entry of the table names a device, and no partition has two replicas on one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ring {
    pub(super) devs: Vec<Option<Device>>,
    pub(super) replica2part2dev_id: Vec<Vec<u16>>,
    part_shift: u8,
    #[serde(skip)]
    power: PartPower,
    #[serde(skip)]
    pub(super) domains: Domains,
}

/// Failure domains that take data, so that a walk over handoffs knows when it has seen them all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Domains {
    pub(super) regions: BTreeSet<Region>,
    pub(super) zones: BTreeSet<(Region, Zone)>,
    pub(super) hosts: BTreeSet<(Region, Zone, IpAddr)>,
}

impl Domains {
    pub(super) fn add(&mut self, device: &Device) {
        self.regions.insert(device.region);
        self.zones.insert(device.zone_key());
        self.hosts.insert(device.host_key());
    }
}

impl Ring {
    /// A ring of parts that the caller has checked: the builder by construction, the file by
    /// validation.
    pub(super) fn from_checked(
        devs: Vec<Option<Device>>,
        replica2part2dev_id: Vec<Vec<u16>>,
        power: PartPower,
    ) -> Self {
        let mut domains = Domains::default();
        devs.iter().flatten().filter(|d| !d.weight.is_zero()).for_each(|d| domains.add(d));
        Self { devs, replica2part2dev_id, part_shift: power.shift(), power, domains }
    }

    /// Partition of `/account`, `/account/container` or `/account/container/object`.
    ///
    /// # Panics
    /// If an object comes without a container.
    pub fn partition(
        &self,
        secret: &HashSecret,
        account: &str,
        container: Option<&str>,
        object: Option<&str>,
    ) -> Partition {
        secret.hash_path(account, container, object).partition(self.power)
    }

    /// Devices that hold the partition, in replica order.
    ///
    /// # Panics
    /// If the partition is not of this ring.
    pub fn primaries(&self, partition: Partition) -> Vec<&Device> {
        let row = |ids: &Vec<u16>| DeviceId(ids[partition.index()]);
        self.replica2part2dev_id.iter().filter_map(|ids| self.device(row(ids))).collect()
    }

    /// Device of that id.
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devs.get(id.index())?.as_ref()
    }

    /// All devices, by id.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devs.iter().flatten()
    }

    /// The ring's part power.
    pub fn part_power(&self) -> PartPower {
        self.power
    }

    /// All partitions in order.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        // The last one is counted, not the end: 2³² itself does not fit.
        let last = u32::MAX >> self.part_shift;
        (0..=last).map(Partition)
    }

    /// Replica count of each partition.
    pub fn replica_count(&self) -> usize {
        self.replica2part2dev_id.len()
    }
}
