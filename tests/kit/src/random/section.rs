//! A scenario's section of a fault whose keys all have drawn values.
//!
//! Leaves out refusals: a key has a value of every form that a kind may read.

use std::ops::RangeInclusive;
use std::time::Duration;

use stayput_cluster::Cluster;
use stayput_host::config::{ByteRate, Chance};
use stayput_host::topology::HostKey;
use stayput_world::fault::{ClusterPlace, FaultKeyError, FaultSection, Sides};

use super::fault::CaseFault;

/// Times that a key has, in milliseconds: a fault that comes and goes does so 2,000 times at most.
const TIME_MS: RangeInclusive<u32> = 10..=2_000;
/// Rates that a key has, in kilobytes per second.
const RATE_KB: RangeInclusive<u32> = 20..=2_000;
/// Chance of a segment's loss at most, in billionths: where more is lost, senders give up and a
/// case is one of partitions.
const LOSS_MAX: u32 = 300_000_000;
/// Range of numbers above the least that a kind allows: a disk that is a million times slower is
/// busy for days after it is mended.
const NUMBERS: u32 = 98;

/// Section of a drawn fault in a cluster.
pub(super) struct DrawnSection<'a> {
    fault: &'a CaseFault,
    /// All nodes, proxies, workers and clients.
    places: Vec<ClusterPlace>,
    nodes: usize,
    clients: usize,
}

impl<'a> DrawnSection<'a> {
    pub(super) fn new(fault: &'a CaseFault, cluster: &Cluster) -> Self {
        let numbers = |hosts: &[HostKey]| (1_u32..).take(hosts.len());
        let places = numbers(&cluster.nodes).map(ClusterPlace::Node);
        let places = places.chain(numbers(&cluster.proxies).map(ClusterPlace::Proxy));
        let places = places.chain(numbers(&cluster.workers).map(ClusterPlace::Worker));
        let places = places.chain(numbers(&cluster.clients).map(ClusterPlace::Client));
        let (nodes, clients) = (cluster.nodes.len(), cluster.clients.len());
        Self { fault, places: places.collect(), nodes, clients }
    }

    /// The fault's first place, of the first `count` of all.
    fn first_of(&self, count: usize) -> ClusterPlace {
        let number = self.fault.on.first().map_or(0, |number| *number as usize);
        self.places[number % count]
    }

    fn all(&self, numbers: &[u32]) -> Vec<ClusterPlace> {
        let place = |number: &u32| self.places[*number as usize % self.places.len()];
        let mut places: Vec<ClusterPlace> = numbers.iter().map(place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Number in a range, as far from its start as the fault is large.
    fn sized(&self, range: RangeInclusive<u32>) -> u32 {
        let (min, max) = range.into_inner();
        let part = u64::from(max - min) * u64::from(self.fault.per_mille.min(1_000)) / 1_000;
        u32::try_from(part).map_or(max, |part| min + part)
    }
}

impl FaultSection for DrawnSection<'_> {
    fn has(&self, key: &str) -> bool {
        match key {
            "on" => self.fault.against.is_empty(),
            "between" => !self.fault.against.is_empty(),
            "one_way" => self.fault.one_way,
            _ => true,
        }
    }

    fn duration(&self, _key: &str, _example: &str) -> Result<Duration, FaultKeyError> {
        Ok(Duration::from_millis(u64::from(self.sized(TIME_MS))))
    }

    fn chance(&self, key: &str) -> Result<Chance, FaultKeyError> {
        let most = if key == "loss" { LOSS_MAX } else { Chance::BILLION };
        let chance = Chance::per_billion(self.sized(1..=most));
        chance.ok_or_else(|| FaultKeyError::new(key, "is more than all", "write less"))
    }

    fn byte_rate(&self, key: &str) -> Result<ByteRate, FaultKeyError> {
        let rate = ByteRate::new(u64::from(self.sized(RATE_KB)) * 1_000);
        rate.ok_or_else(|| FaultKeyError::new(key, "is zero", "write more"))
    }

    fn number(
        &self,
        _key: &str,
        bounds: RangeInclusive<u32>,
        _fix: &str,
    ) -> Result<u32, FaultKeyError> {
        let (min, max) = bounds.into_inner();
        Ok(self.sized(min..=max.min(min.saturating_add(NUMBERS))))
    }

    fn sides(&self, _key: &str) -> Result<Sides<ClusterPlace>, FaultKeyError> {
        let from = self.all(&self.fault.on);
        let against = &self.fault.against;
        let to = (!against.is_empty()).then(|| {
            let to = self.all(against).into_iter();
            to.filter(|place| !from.contains(place)).collect()
        });
        Ok(Sides { from, to, one_way: self.fault.one_way })
    }

    fn trunk(&self) -> Result<[ClusterPlace; 2], FaultKeyError> {
        let other = self.all(&self.fault.against).into_iter().next();
        let one = self.first_of(self.places.len());
        Ok([one, other.unwrap_or(one)])
    }

    fn card(&self, _key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.machine("")
    }

    fn machine(&self, _key: &str) -> Result<ClusterPlace, FaultKeyError> {
        Ok(self.first_of(self.places.len() - self.clients))
    }

    fn disk(&self, _key: &str) -> Result<ClusterPlace, FaultKeyError> {
        Ok(self.first_of(self.nodes))
    }
}
