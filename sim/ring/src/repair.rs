//! Required moves: devices for replicas whose device is gone, moves away from drained devices, and
//! moves apart where the topology allows more distance.
//!
//! The order of aims: never two replicas on one device; distinct regions, then zones, then hosts;
//! then the weights. At most one replica of a partition moves by choice, and only if the partition
//! has rested; a replica without a device is placed at once, since it has nowhere to stay.

use super::keyed;
use super::spread::DomainIndex;

/// Mark of a replica without a device.
pub(super) const UNASSIGNED: usize = usize::MAX;

/// Assignment under change.
pub(super) struct Plan<'ring> {
    pub(super) domains: &'ring DomainIndex,
    /// Devices of nonzero weight.
    pub(super) active: Vec<usize>,
    /// Device of each replica, by partition, then replica.
    pub(super) table: Vec<Vec<usize>>,
    /// Replicas on each device.
    pub(super) load: Vec<u64>,
    /// Replicas that each device shall have.
    pub(super) quota: Vec<u64>,
    /// True for partitions of which a replica may move by choice.
    pub(super) movable: Vec<bool>,
    /// True for partitions of which a replica was assigned.
    pub(super) touched: Vec<bool>,
    pub(super) moved_parts: u64,
    pub(super) seed: u64,
}

impl Plan<'_> {
    /// Replicas that a device lacks; negative if it has too many.
    pub(super) fn need(&self, device: usize) -> i64 {
        self.quota[device] as i64 - self.load[device] as i64
    }

    /// Assigns a replica to a device; the partition then rests.
    pub(super) fn put(&mut self, partition: usize, replica: usize, device: usize) {
        let before = std::mem::replace(&mut self.table[partition][replica], device);
        if before != UNASSIGNED {
            self.load[before] -= 1;
        }
        self.load[device] += 1;
        self.movable[partition] = false;
        self.touched[partition] = true;
        self.moved_parts += 1;
    }

    /// Devices of the other replicas of a partition, without unassigned ones.
    pub(super) fn others(&self, partition: usize, replica: usize) -> Vec<usize> {
        let row = self.table[partition].iter().enumerate();
        let others = row.filter(|&(at, &device)| at != replica && device != UNASSIGNED);
        others.map(|(_, &device)| device).collect()
    }

    /// Device farthest from `others`; among equals the one that lacks most replicas.
    fn best_beside(&self, others: &[usize], partition: usize) -> Option<usize> {
        let free = self.active.iter().copied().filter(|device| !others.contains(device));
        free.max_by_key(|&device| {
            let tie = keyed(self.seed, "beside", partition as u64, device as u64);
            (self.domains.novelty(others, device), self.need(device), tie)
        })
    }

    /// Assigns every replica that has no device.
    pub(super) fn assign_unassigned(&mut self) {
        for partition in 0..self.table.len() {
            for replica in 0..self.table[partition].len() {
                if self.table[partition][replica] == UNASSIGNED {
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

    /// Moves one replica of each partition that could lie farther apart. Such a move always exists:
    /// a replica that shares a domain while another stands empty can go there and loses none.
    pub(super) fn spread_out(&mut self) {
        for partition in 0..self.table.len() {
            let now = self.domains.spread(&self.table[partition]);
            if !self.movable[partition] || now == self.domains.full() {
                continue;
            }
            let mut best = None;
            for (replica, &from) in self.table[partition].iter().enumerate() {
                let others = self.others(partition, replica);
                let Some(to) = self.best_beside(&others, partition) else { continue };
                let then = self.domains.spread(&[&others[..], &[to]].concat());
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
