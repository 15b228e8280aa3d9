//! Spread of a partition's replicas over regions, zones and hosts.
//!
//! Leaves out weights, which come after the spread.

use std::collections::BTreeMap;

use super::device::Device;

/// Distinct regions, zones and hosts of some devices, in that order of importance. Counting stops
/// at what the topology allows, so a full spread is the greatest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spread([usize; 3]);

/// Failure domains of all devices as small numbers, by device index.
pub(super) struct DomainIndex {
    domains: Vec<[usize; 3]>,
    full: [usize; 3],
}

impl DomainIndex {
    /// Numbers the domains; those of nonzero weight define the full spread.
    pub(super) fn new(devs: &[Option<Device>], replicas: usize) -> Self {
        let mut numbers = BTreeMap::new();
        let mut number = |device: &Device| {
            let (region, zone, ip) = device.host_key();
            [(region, None, None), (region, Some(zone), None), (region, Some(zone), Some(ip))].map(
                |domain| {
                    let next = numbers.len();
                    *numbers.entry(domain).or_insert(next)
                },
            )
        };
        let mut domains = vec![[usize::MAX; 3]; devs.len()];
        for device in devs.iter().flatten() {
            domains[device.id.index()] = number(device);
        }
        let active = devs.iter().flatten().filter(|device| !device.weight.is_zero());
        let active: Vec<usize> = active.map(|device| device.id.index()).collect();
        let mut index = Self { domains, full: [replicas; 3] };
        index.full = [0, 1, 2].map(|level| index.distinct(level, &active).min(replicas));
        index
    }

    fn distinct(&self, level: usize, devices: &[usize]) -> usize {
        let mut seen: Vec<usize> = devices.iter().map(|&id| self.domains[id][level]).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    }

    /// Spread of a partition that these devices hold.
    pub(super) fn spread(&self, devices: &[usize]) -> Spread {
        Spread([0, 1, 2].map(|level| self.distinct(level, devices).min(self.full[level])))
    }

    /// Spread of a partition that lies as far apart as it can.
    pub(super) fn full(&self) -> Spread {
        Spread(self.full)
    }

    /// Gain of a device for a partition on `others`: 3 for a new region, 2 for a new zone, 1 for a
    /// new host, else 0.
    pub(super) fn novelty(&self, others: &[usize], device: usize) -> usize {
        let new = |level: &usize| {
            let domain = self.domains[device][*level];
            others.iter().all(|&other| self.domains[other][*level] != domain)
        };
        [0, 1, 2].iter().position(new).map_or(0, |level| 3 - level)
    }
}
