//! Builder of rings: holds the devices and the assignment, and rebalances after changes.
//!
//! A rebalance aims, in this order, at: no two replicas of a partition on one device; replicas in
//! distinct regions, then zones, then hosts, as the topology of nonzero weights allows; loads that
//! follow the weights as far as that leaves them free. It moves what these aims need and no more
//! than one replica of a partition per min-part-hours. Only a removed device overrides that, since
//! its replicas have nowhere to stay.

use std::collections::BTreeSet;

use super::device::{Device, DeviceId, NewDevice, Weight};
use super::initial;
use super::repair::{Plan, UNASSIGNED};
use super::spread::DomainIndex;
use super::table::Ring;
use super::tree::Tree;
use super::units::{PartPower, Replicas};

/// Most table entries (partitions × replicas) that a builder plans: 128 MiB as a ring.
const ENTRIES_MAX: u64 = 1 << 26;
/// Swift's balance of a device that holds data and should not.
const BALANCE_DRAINED: f64 = 999.99;

/// Result of a rebalance, and quality of the ring after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rebalance {
    /// Replicas assigned to another device; in the first rebalance, all replicas.
    pub moved_parts: u64,
    /// Replicas still on devices that should hold fewer; a later rebalance may move them.
    pub pending_parts: u64,
    /// Deviation of the worst device from the share of its weight, in percent. A drained device
    /// that holds data counts as 999.99. Spread comes before weights, so 0 is not always possible.
    pub balance: f64,
    /// Share of partitions whose replicas could lie farther apart, in percent.
    pub dispersion: f64,
}

/// Builder of a ring, which outlives any one [`Ring`] made from it.
///
/// It assigns the replicas of partitions to devices, and keeps the time of each partition's last
/// move.
#[derive(Clone, Debug)]
pub struct RingBuilder {
    power: PartPower,
    replicas: Replicas,
    min_part_hours: u64,
    devs: Vec<Option<Device>>,
    removed: BTreeSet<DeviceId>,
    /// Device of each replica, by partition, then replica; empty before the first rebalance.
    table: Vec<Vec<usize>>,
    moved_hours: Vec<u64>,
}

impl RingBuilder {
    /// Builder without devices.
    ///
    /// # Errors
    /// [`RingError::TooLarge`] if the table would exceed 2²⁶ entries.
    pub fn new(
        power: PartPower,
        replicas: Replicas,
        min_part_hours: u64,
    ) -> Result<Self, RingError> {
        let (entries, entries_max) = (power.partitions() * replicas.get() as u64, ENTRIES_MAX);
        if entries > entries_max {
            return Err(RingError::TooLarge { entries, entries_max });
        }
        let (devs, removed) = (Vec::new(), BTreeSet::new());
        let (table, moved_hours) = (Vec::new(), Vec::new());
        Ok(Self { power, replicas, min_part_hours, devs, removed, table, moved_hours })
    }

    /// Adds a device, which gets the next id. It takes data at the next rebalance. The address and
    /// name of a removed device are free after one.
    ///
    /// # Errors
    /// [`RingError::DuplicateDevice`] if ip, port and name are taken,
    /// [`RingError::TooManyDevices`].
    pub fn add_device(&mut self, device: NewDevice) -> Result<DeviceId, RingError> {
        let same = |known: &&Device| {
            (known.ip, known.port, &known.device) == (device.ip, device.port, &device.device)
        };
        if let Some(known) = self.devs.iter().flatten().find(same) {
            let (ip, port, known) = (device.ip, device.port, known.id);
            let device = device.device.into();
            return Err(RingError::DuplicateDevice { ip, port, device, known });
        }
        let next = u16::try_from(self.devs.len()).ok().map(DeviceId);
        let id = next.filter(|id| id.index() < DeviceId::COUNT_MAX);
        let id = id.ok_or(RingError::TooManyDevices(DeviceId::COUNT_MAX))?;
        self.devs.push(Some(device.with_id(id)));
        Ok(id)
    }

    /// Removes a device. The next rebalance gives its replicas to others, whatever min-part-hours
    /// says.
    ///
    /// # Errors
    /// [`RingError::UnknownDevice`].
    pub fn remove_device(&mut self, id: DeviceId) -> Result<(), RingError> {
        self.known(id)?.weight = Weight::ZERO;
        self.removed.insert(id);
        Ok(())
    }

    /// Sets a device's weight. Zero drains it at the pace of min-part-hours.
    ///
    /// # Errors
    /// [`RingError::UnknownDevice`].
    pub fn set_weight(&mut self, id: DeviceId, weight: Weight) -> Result<(), RingError> {
        self.known(id)?.weight = weight;
        Ok(())
    }

    fn known(&mut self, id: DeviceId) -> Result<&mut Device, RingError> {
        let there = !self.removed.contains(&id);
        let device = self.devs.get_mut(id.index()).and_then(Option::as_mut);
        device.filter(|_| there).ok_or(RingError::UnknownDevice(id))
    }

    /// Devices that are not removed, by id.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devs.iter().flatten().filter(|device| !self.removed.contains(&device.id))
    }

    /// Assigns replicas without a device, and moves those that the changes since the last rebalance
    /// ask for. `now_hours` is any clock that does not go back; the seed decides only between
    /// equally good choices.
    ///
    /// # Errors
    /// [`RingError::TooFewDevices`] if fewer devices of nonzero weight are there than replicas.
    pub fn rebalance(&mut self, now_hours: u64, seed: u64) -> Result<Rebalance, RingError> {
        let active: Vec<&Device> = self.devices().filter(|d| !d.weight.is_zero()).collect();
        let (replicas, devices) = (self.replicas.get(), active.len());
        if devices < replicas {
            return Err(RingError::TooFewDevices { replicas, devices });
        }
        let tree = Tree::new(&active, replicas);
        let active = active.iter().map(|device| device.id.index()).collect();
        for id in std::mem::take(&mut self.removed) {
            self.devs[id.index()] = None;
        }
        let domains = DomainIndex::new(&self.devs, replicas);
        let partitions = self.power.partitions() as usize;
        let first = self.table.is_empty();
        if first {
            self.moved_hours = vec![now_hours; partitions];
            let quotas = tree.quotas(partitions as u64, &vec![0; self.devs.len()], seed);
            self.table = initial::assign(&tree, quotas, partitions, seed);
        }
        let mut plan = self.plan(&domains, active, &tree, now_hours, seed);
        if first {
            plan.moved_parts = (partitions * replicas) as u64;
        } else {
            plan.assign_unassigned();
            plan.drain();
            plan.spread_out();
            plan.follow_weights();
        }
        let Plan { table, load, touched, moved_parts, .. } = &plan;
        let spread_out = table.iter().filter(|row| domains.spread(row) == domains.full()).count();
        let report = Rebalance {
            moved_parts: *moved_parts,
            pending_parts: plan.pending_parts(),
            balance: self.balance(load),
            dispersion: 100.0 * (partitions - spread_out) as f64 / partitions as f64,
        };
        for (moved, _) in self.moved_hours.iter_mut().zip(touched).filter(|(_, touched)| **touched)
        {
            *moved = now_hours;
        }
        self.table = plan.table;
        Ok(report)
    }

    /// Plan that begins at the present assignment.
    fn plan<'ring>(
        &mut self,
        domains: &'ring DomainIndex,
        active: Vec<usize>,
        tree: &Tree,
        now_hours: u64,
        seed: u64,
    ) -> Plan<'ring> {
        let mut table = std::mem::take(&mut self.table);
        let mut load = vec![0; self.devs.len()];
        for device in table.iter_mut().flatten() {
            match self.devs[*device] {
                Some(_) => load[*device] += 1,
                None => *device = UNASSIGNED,
            }
        }
        let mut quota = vec![0; self.devs.len()];
        let quotas = tree.quotas(table.len() as u64, &load, seed);
        for (node, parts) in tree.nodes.iter().zip(quotas) {
            node.device.into_iter().for_each(|device| quota[device] = parts);
        }
        let rested = |&moved: &u64| now_hours.saturating_sub(moved) >= self.min_part_hours;
        let movable = self.moved_hours.iter().map(rested).collect();
        let touched = vec![false; table.len()];
        Plan { domains, active, table, load, quota, movable, touched, moved_parts: 0, seed }
    }

    fn balance(&self, load: &[u64]) -> f64 {
        let weights: f64 = self.devices().map(|device| device.weight.get()).sum();
        let entries: u64 = load.iter().sum();
        let off = self.devices().map(|device| {
            let held = load[device.id.index()] as f64;
            let share = entries as f64 * device.weight.get() / weights;
            match (device.weight.is_zero(), held > 0.0) {
                (true, true) => BALANCE_DRAINED,
                (true, false) => 0.0,
                (false, _) => 100.0 * (held - share).abs() / share,
            }
        });
        off.fold(0.0, f64::max)
    }

    /// Ring as of the last rebalance, with the devices' present weights. A device that was
    /// removed since is still in it, with weight zero.
    ///
    /// # Errors
    /// [`RingError::NotBalanced`] before the first rebalance.
    pub fn ring(&self) -> Result<Ring, RingError> {
        if self.table.is_empty() {
            return Err(RingError::NotBalanced);
        }
        let id = |row: &Vec<usize>, replica: usize| {
            u16::try_from(row[replica]).ok().ok_or(RingError::TooManyDevices(DeviceId::COUNT_MAX))
        };
        let rows = 0..self.replicas.get();
        let rows = rows.map(|replica| self.table.iter().map(|row| id(row, replica)).collect());
        let rows = rows.collect::<Result<Vec<Vec<u16>>, RingError>>()?;
        Ok(Ring::from_checked(self.devs.clone(), rows, self.power))
    }
}

/// Request that a [`RingBuilder`] cannot meet. The builder is unchanged.
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
