//! The moves that must be: places for replicas whose device is gone, away from drained devices,
//! and apart where the topology allows more distance.
//!
//! The order of aims: never two replicas on one device; distinct regions, then zones, then hosts;
//! then the weights. At most one replica of a partition moves by choice, and only if the partition
//! has rested; a replica without a device is placed at once, since it has nowhere to stay.

use super::keyed;
use super::spread::Places;

/// Mark of a replica that has no device.
pub(super) const NOWHERE: usize = usize::MAX;

/// A placement that is being changed.
pub(super) struct Plan<'ring> {
    pub(super) places: &'ring Places,
    /// Devices of nonzero weight.
    pub(super) active: Vec<usize>,
    /// By partition, then replica.
    pub(super) table: Vec<Vec<usize>>,
    /// Replicas on each device, and how many it shall have.
    pub(super) load: Vec<u64>,
    pub(super) quota: Vec<u64>,
    /// By partition: whether a replica may move by choice.
    pub(super) movable: Vec<bool>,
    /// By partition: whether a replica was placed.
    pub(super) touched: Vec<bool>,
    pub(super) moved_parts: u64,
    pub(super) seed: u64,
}

impl Plan<'_> {
    /// Parts that a device lacks; negative if it has too many.
    pub(super) fn need(&self, device: usize) -> i64 {
        self.quota[device] as i64 - self.load[device] as i64
    }

    /// Puts a replica on a device; the partition then rests.
    pub(super) fn put(&mut self, partition: usize, replica: usize, device: usize) {
        let before = std::mem::replace(&mut self.table[partition][replica], device);
        if before != NOWHERE {
            self.load[before] -= 1;
        }
        self.load[device] += 1;
        self.movable[partition] = false;
        self.touched[partition] = true;
        self.moved_parts += 1;
    }

    /// The devices of a partition but one replica's, and but those that are nowhere.
    pub(super) fn others(&self, partition: usize, replica: usize) -> Vec<usize> {
        let row = self.table[partition].iter().enumerate();
        let others = row.filter(|&(at, &device)| at != replica && device != NOWHERE);
        others.map(|(_, &device)| device).collect()
    }

    /// The device farthest from the others of its partition, among those the one that lacks most.
    fn best_beside(&self, others: &[usize], partition: usize) -> Option<usize> {
        let free = self.active.iter().copied().filter(|device| !others.contains(device));
        free.max_by_key(|&device| {
            let tie = keyed(self.seed, "beside", partition as u64, device as u64);
            (self.places.novelty(others, device), self.need(device), tie)
        })
    }

    /// Places every replica that has no device.
    pub(super) fn place_homeless(&mut self) {
        for partition in 0..self.table.len() {
            for replica in 0..self.table[partition].len() {
                if self.table[partition][replica] == NOWHERE {
                    self.replace(partition, replica);
                }
            }
        }
    }

    /// Moves replicas away from devices of weight zero.
    pub(super) fn drain(&mut self) {
        for partition in 0..self.table.len() {
            let drained = |device: &usize| self.active.binary_search(device).is_err();
            if !self.movable[partition] {
                continue;
            }
            if let Some(replica) = self.table[partition].iter().position(drained) {
                self.replace(partition, replica);
            }
        }
    }

    fn replace(&mut self, partition: usize, replica: usize) {
        let others = self.others(partition, replica);
        if let Some(device) = self.best_beside(&others, partition) {
            self.put(partition, replica, device);
        }
    }

    /// Moves one replica of each partition that could lie farther apart. The repair is always
    /// there: whoever shares a domain while another stands empty can go there and loses none.
    pub(super) fn spread_out(&mut self) {
        for partition in 0..self.table.len() {
            let now = self.places.spread(&self.table[partition]);
            if !self.movable[partition] || now == self.places.full() {
                continue;
            }
            let mut best = None;
            for (replica, &from) in self.table[partition].iter().enumerate() {
                let others = self.others(partition, replica);
                let Some(to) = self.best_beside(&others, partition) else { continue };
                let then = self.places.spread(&[&others[..], &[to]].concat());
                let gain = self.need(to) - self.need(from);
                let offer = (then, gain, replica, to);
                if then > now && best.is_none_or(|best| offer > best) {
                    best = Some(offer);
                }
            }
            if let Some((_, _, replica, to)) = best {
                self.put(partition, replica, to);
            }
        }
    }
}
