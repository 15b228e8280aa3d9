//! Initial assignment of all partitions, exact in weights and in spread.
//!
//! Partition by partition, each domain gives the whole part of what it still owes per remaining
//! partition, and a weighted draw decides who rounds up. Whatever the draws, a domain's
//! debt stays within its bounds, so the last partition comes out even.

use super::keyed;
use super::tree::Tree;

/// Assigns every partition; device indexes by partition, then replica.
pub(super) fn assign(
    tree: &Tree,
    quotas: Vec<u64>,
    partitions: usize,
    seed: u64,
) -> Vec<Vec<usize>> {
    let mut dealer = Dealer { tree, owed: quotas, seed };
    let mut placed = Vec::with_capacity(partitions);
    for partition in 0..partitions {
        let mut devices = Vec::new();
        let left = (partitions - partition) as u64;
        let replicas = dealer.owed[0] / left;
        dealer.deal(0, replicas, left, partition as u64, &mut devices);
        // Otherwise replica 0 would always lie in the first region.
        devices.sort_by_key(|&id| keyed(seed, "order", partition as u64, id as u64));
        placed.push(devices);
    }
    assert!(dealer.owed.iter().all(|&owed| owed == 0), "quotas left over");
    placed
}

struct Dealer<'tree> {
    tree: &'tree Tree,
    owed: Vec<u64>,
    seed: u64,
}

impl Dealer<'_> {
    fn deal(&mut self, at: usize, count: u64, left: u64, partition: u64, out: &mut Vec<usize>) {
        self.owed[at] -= count;
        let node = &self.tree.nodes[at];
        if let Some(device) = node.device {
            assert!(count <= 1, "{count} replicas of {partition} on device {device}");
            out.extend((count == 1).then_some(device));
            return;
        }
        let children = &node.children;
        let mut counts: Vec<u64> = children.iter().map(|&child| self.owed[child] / left).collect();
        let mut rests: Vec<u64> = children.iter().map(|&child| self.owed[child] % left).collect();
        let whole: u64 = counts.iter().sum();
        for draw in whole..count {
            let key = keyed(self.seed, "deal", partition << 16 | draw, at as u64);
            let total: u64 = rests.iter().sum();
            assert!(total > 0, "domain {at} cannot give {count} of partition {partition}");
            let chosen = pick(&rests, key % total);
            counts[chosen] += 1;
            rests[chosen] = 0;
        }
        for (&child, count) in children.iter().zip(counts) {
            if count > 0 {
                self.deal(child, count, left, partition, out);
            }
        }
    }
}

/// Index of the number whose interval of the running sum holds `point`.
fn pick(numbers: &[u64], point: u64) -> usize {
    let mut end = 0;
    numbers
        .iter()
        .take_while(|&&number| {
            end += number;
            end <= point
        })
        .count()
}
