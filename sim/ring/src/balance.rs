//! Moves towards the weights: from devices over their quota to devices under it, never bringing the
//! replicas of a partition closer together.
//!
//! First single moves. Where none fits, chains: a device over its quota gives to one that in turn
//! gives to another, the shortest chain first. Chains of single moves are not always the least
//! number of moves; what they leave is reported as pending.

use std::collections::{BTreeMap, VecDeque};

use super::keyed;
use super::repair::Plan;

/// Chains of one rebalance; the rest waits for the next.
const CHAINS_MAX: usize = 4096;
/// Orders in which the search for a chain tries partitions. A chain may use a partition only once,
/// so the first path found to a device can block one that another path leaves open.
const ORDERS_MAX: u64 = 8;
/// Candidate moves that the search for chains considers in one rebalance.
const LOOKS_MAX: u64 = 20_000_000;

/// A possible move of a chain.
#[derive(Clone, Copy)]
struct Hop {
    from: usize,
    partition: usize,
    replica: usize,
}

impl Plan<'_> {
    /// Moves replicas until the loads are the quotas, or nothing that may move helps.
    pub(super) fn follow_weights(&mut self) {
        self.move_directly();
        let mut looks = 0;
        for _ in 0..CHAINS_MAX {
            let mut chains = (0..ORDERS_MAX).map(|order| self.shortest_chain(order, &mut looks));
            let Some(chain) = chains.find_map(|chain| chain) else { break };
            for (hop, to) in chain {
                self.put(hop.partition, hop.replica, to);
            }
        }
    }

    /// Replicas on devices beyond their quota.
    pub(super) fn pending_parts(&self) -> u64 {
        (0..self.load.len())
            .map(|device| self.load[device].saturating_sub(self.quota[device]))
            .sum()
    }

    fn may_move(&self, partition: usize, replica: usize, to: usize) -> bool {
        if self.table[partition].contains(&to) {
            return false;
        }
        let mut then = self.others(partition, replica);
        then.push(to);
        self.domains.spread(&then) >= self.domains.spread(&self.table[partition])
    }

    fn move_directly(&mut self) {
        let mut needy: Vec<usize> =
            self.active.iter().copied().filter(|&device| self.need(device) > 0).collect();
        let mut order: Vec<usize> = (0..self.table.len()).filter(|&p| self.movable[p]).collect();
        order.sort_by_key(|&partition| keyed(self.seed, "weigh", partition as u64, 0));
        for partition in order {
            let mut best = None;
            for (replica, &from) in self.table[partition].iter().enumerate() {
                if self.need(from) >= 0 {
                    continue;
                }
                let fitting = needy.iter().filter(|&&to| self.may_move(partition, replica, to));
                let offers = fitting.map(|&to| (self.need(to) - self.need(from), replica, to));
                best = best.max(offers.max());
            }
            if let Some((_, replica, to)) = best {
                self.put(partition, replica, to);
                needy.retain(|&device| self.need(device) > 0);
            }
        }
    }

    /// Shortest chain from any device over its quota to any under it, as moves from end to start.
    fn shortest_chain(&self, order: u64, looks: &mut u64) -> Option<Vec<(Hop, usize)>> {
        let over = (0..self.load.len()).filter(|&device| self.need(device) < 0);
        let mut queue: VecDeque<usize> = over.collect();
        let mut unseen: Vec<usize> =
            self.active.iter().copied().filter(|&device| self.need(device) >= 0).collect();
        if queue.is_empty() || unseen.iter().all(|&device| self.need(device) == 0) {
            return None;
        }
        let held = self.movable_by_device(order);
        let mut reached: BTreeMap<usize, Hop> = BTreeMap::new();
        while let Some(from) = queue.pop_front() {
            for &(partition, replica) in &held[from] {
                let hop = Hop { from, partition, replica };
                if trace(&reached, from).iter().any(|(hop, _)| hop.partition == partition) {
                    continue;
                }
                *looks += unseen.len() as u64;
                if *looks > LOOKS_MAX {
                    return None;
                }
                let (found, rest): (Vec<usize>, Vec<usize>) =
                    unseen.iter().partition(|&&to| self.may_move(partition, replica, to));
                unseen = rest;
                for to in found {
                    reached.insert(to, hop);
                    if self.need(to) > 0 {
                        return Some(trace(&reached, to));
                    }
                    queue.push_back(to);
                }
            }
        }
        None
    }

    /// Replicas that may move, by their device: by number in order 0, shuffled in the others.
    fn movable_by_device(&self, order: u64) -> Vec<Vec<(usize, usize)>> {
        let mut held = vec![Vec::new(); self.load.len()];
        let mut rested: Vec<usize> = (0..self.table.len()).filter(|&p| self.movable[p]).collect();
        if order > 0 {
            rested.sort_by_key(|&partition| keyed(self.seed, "chain", partition as u64, order));
        }
        for partition in rested {
            for (replica, &device) in self.table[partition].iter().enumerate() {
                held[device].push((partition, replica));
            }
        }
        held
    }
}

/// Hops that lead to a device, last first, each with its target.
fn trace(reached: &BTreeMap<usize, Hop>, mut to: usize) -> Vec<(Hop, usize)> {
    let mut hops = Vec::new();
    while let Some(&hop) = reached.get(&to) {
        hops.push((hop, to));
        to = hop.from;
    }
    hops
}
