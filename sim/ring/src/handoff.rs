//! Handoffs: devices that stand in for a primary, after Swift's `get_more_nodes`.
//!
//! The walk goes over the ring's own table from a place that the partition's hash chooses, so a
//! device comes early about as often as its weight says. It computes no further than it is asked.

use md5::{Digest, Md5};

use super::device::{Device, DeviceId};
use super::path::PathHash;
use super::table::{Domains, Ring};
use super::units::Partition;

impl Ring {
    /// Devices to ask when primaries do not answer, in an order that is fixed for the
    /// partition: first those in regions that hold no replica yet, then new zones, then new hosts,
    /// then the other devices, drained ones last. Every device that is no primary comes exactly
    /// once.
    ///
    /// # Panics
    /// If the partition is not of this ring.
    pub fn handoffs(&self, partition: Partition) -> impl Iterator<Item = &Device> {
        Handoffs::new(self, partition)
    }
}

/// Requirement on a device in the present round of the walk.
#[derive(Clone, Copy, PartialEq)]
enum Round {
    NewRegion,
    NewZone,
    NewHost,
    NewDevice,
    Drained,
    Over,
}

impl Round {
    fn next(self) -> Self {
        match self {
            Self::NewRegion => Self::NewZone,
            Self::NewZone => Self::NewHost,
            Self::NewHost => Self::NewDevice,
            Self::NewDevice => Self::Drained,
            Self::Drained | Self::Over => Self::Over,
        }
    }
}

/// Walk over a partition's handoffs.
pub(super) struct Handoffs<'ring> {
    ring: &'ring Ring,
    start: usize,
    round: Round,
    step: usize,
    used: Domains,
    taken: Vec<bool>,
}

impl<'ring> Handoffs<'ring> {
    pub(super) fn new(ring: &'ring Ring, partition: Partition) -> Self {
        let mut used = Domains::default();
        let mut taken = vec![false; ring.devs.len()];
        for device in ring.primaries(partition) {
            used.add(device);
            taken[device.id.index()] = true;
        }
        let start = start(ring, partition);
        Self { ring, start, round: Round::NewRegion, step: 0, used, taken }
    }

    /// Device at a step: the whole table first, then every device by id, for those of small
    /// weight that the table lacks.
    fn at(&self, step: usize) -> Option<&'ring Device> {
        let rows = &self.ring.replica2part2dev_id;
        let (column, replica) = (step / rows.len(), step % rows.len());
        let columns = rows[0].len();
        if column < columns {
            self.ring.device(DeviceId(rows[replica][(self.start + column) % columns]))
        } else {
            self.ring.devs[step - columns * rows.len()].as_ref()
        }
    }

    fn steps(&self) -> usize {
        let rows = &self.ring.replica2part2dev_id;
        rows.len() * rows[0].len() + self.ring.devs.len()
    }

    /// True if the round can find nothing more, which spares most walks the whole table.
    fn is_exhausted(&self) -> bool {
        let all = &self.ring.domains;
        match self.round {
            Round::NewRegion => all.regions.is_subset(&self.used.regions),
            Round::NewZone => all.zones.is_subset(&self.used.zones),
            Round::NewHost => all.hosts.is_subset(&self.used.hosts),
            Round::NewDevice | Round::Drained => self.step == self.steps(),
            Round::Over => false,
        }
    }

    fn wants(&self, device: &Device) -> bool {
        if self.taken[device.id.index()]
            || device.weight.is_zero() != (self.round == Round::Drained)
        {
            return false;
        }
        match self.round {
            Round::NewRegion => !self.used.regions.contains(&device.region),
            Round::NewZone => !self.used.zones.contains(&device.zone_key()),
            Round::NewHost => !self.used.hosts.contains(&device.host_key()),
            Round::NewDevice | Round::Drained => true,
            Round::Over => false,
        }
    }
}

impl<'ring> Iterator for Handoffs<'ring> {
    type Item = &'ring Device;

    fn next(&mut self) -> Option<&'ring Device> {
        while self.round != Round::Over {
            if self.is_exhausted() {
                (self.round, self.step) = (self.round.next(), 0);
                continue;
            }
            let found = self.at(self.step);
            self.step += 1;
            if let Some(device) = found.filter(|device| self.wants(device)) {
                self.used.add(device);
                self.taken[device.id.index()] = true;
                return Some(device);
            }
        }
        None
    }
}

/// Start column of the walk: Swift hashes the partition's decimal number as if it were a path.
fn start(ring: &Ring, partition: Partition) -> usize {
    let hash = PathHash(Md5::digest(partition.to_string()).into());
    hash.partition(ring.part_power()).index()
}
