//! Configuration of a cluster and its machines: validated counts, rates and latencies.
//!
//! Leaves out the scenario files that are parsed into these types, and what runs on the machines.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Rate in bytes per second, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRate(u64);

impl ByteRate {
    /// The rate, or `None` for zero.
    #[must_use]
    pub const fn new(bytes_per_second: u64) -> Option<Self> {
        if bytes_per_second == 0 { None } else { Some(Self(bytes_per_second)) }
    }

    /// Bytes per second.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Time for `bytes`, in nanoseconds, rounded up.
    #[must_use]
    pub fn nanos_for(self, bytes: u64) -> u64 {
        let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// Computing rate of one core in units of fuel per second, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FuelRate(u64);

impl FuelRate {
    /// The rate, or `None` for zero.
    #[must_use]
    pub const fn new(fuel_per_second: u64) -> Option<Self> {
        if fuel_per_second == 0 { None } else { Some(Self(fuel_per_second)) }
    }

    /// Units of fuel per second.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Time for `fuel` on one core, in nanoseconds, rounded up.
    #[must_use]
    pub fn nanos_for(self, fuel: u64) -> u64 {
        let ns = (u128::from(fuel) * 1_000_000_000).div_ceil(u128::from(self.0));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// Probability as an exact ratio, in parts per billion, so that every machine decides the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Probability zero.
    pub const NEVER: Self = Self(0);
    /// Parts of the whole: probability one.
    pub const BILLION: u32 = 1_000_000_000;

    /// `parts` per billion, or `None` for more than all.
    #[must_use]
    pub const fn per_billion(parts: u32) -> Option<Self> {
        if parts > Self::BILLION { None } else { Some(Self(parts)) }
    }

    /// Parts per billion.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Decides by a draw; true with this probability.
    #[must_use]
    pub fn hits(self, rng: &mut impl Rng) -> bool {
        rng.random_ratio(self.0, Self::BILLION)
    }
}

/// Size and shape of a cluster, and the ring's parameters. Counts are at least 1 unless said
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClusterConfig {
    /// Regions.
    pub regions: u32,
    /// Zones in each region.
    pub zones: u32,
    /// Storage nodes in each zone.
    pub nodes_per_zone: u32,
    /// Disks in each storage node.
    pub devices_per_node: u32,
    /// Replicas of each object, container and account.
    pub replicas: u32,
    /// Part power of the ring, 1 to 32: it has two to this power partitions.
    pub part_power: u8,
    /// Proxies, placed in the zones in turn.
    pub proxies: u32,
    /// Compute hosts outside the store; may be 0 when no policy wants one.
    pub workers: u32,
    /// Zone of the workers, counted from 1 over all regions; `None` outside the store.
    pub workers_zone: Option<u32>,
    /// Clients, outside the store.
    pub clients: u32,
    /// Pause of replicators between two rounds; `None` without replicators.
    pub replicate: Option<Duration>,
}

/// Hardware of a storage node, a proxy or a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineConfig {
    /// Cores that run jobs.
    pub cores: u32,
    /// Computing rate of one core.
    pub fuel_per_second: FuelRate,
    /// Bandwidth of the network card, each way.
    pub nic: ByteRate,
    /// Each of its disks.
    pub disk: DiskConfig,
    /// Job slots and the cost of starting a session.
    pub sessions: SessionsConfig,
}

/// Job slots of a storage node or a worker, and the cost of starting a session beside its fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsConfig {
    /// Sessions that run at a time.
    pub running: u32,
    /// Sessions that wait for a slot; more are refused.
    pub queued: u32,
    /// Core time before a session's first step.
    pub start: Duration,
    /// Rate at which a core compiles a module that the host has not compiled yet.
    pub compile: ByteRate,
}

impl SessionsConfig {
    /// Core time before the first step of a session for which `compiled_bytes` had to be compiled.
    #[must_use]
    pub fn startup(&self, compiled_bytes: u64) -> Duration {
        self.start + Duration::from_nanos(self.compile.nanos_for(compiled_bytes))
    }
}

impl Default for SessionsConfig {
    /// Ten slots and a queue of three, as in ZeroCloud. wasmi starts a session of a cached small
    /// module in 2 to 8 µs and compiles one of 30 kB in 0.35 ms.
    fn default() -> Self {
        Self {
            running: 10,
            queued: 3,
            start: Duration::from_micros(5),
            compile: ByteRate(100_000_000),
        }
    }
}

/// Disk that serves accesses in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// Rate of sequential reading.
    pub read: ByteRate,
    /// Rate of sequential writing.
    pub write: ByteRate,
    /// Seek time of an access that does not continue the last one.
    pub seek: Duration,
    /// Bytes that files and the table may hold together; unlimited if `None`.
    pub capacity: Option<u64>,
}

/// Distribution of the delay on top of a link's latency, drawn for each chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// No jitter.
    #[default]
    None,
    /// Uniform from zero to `max`.
    Uniform {
        /// Largest delay.
        max: Duration,
    },
    /// Exponential, cut at 20 times its mean.
    Exponential {
        /// Mean delay.
        mean: Duration,
    },
}

/// Properties of a class of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// One-way latency.
    pub latency: Duration,
    /// Jitter on top of the latency.
    pub jitter: Jitter,
    /// Probability that a segment is lost.
    pub loss: Chance,
    /// Trunk bandwidth that all flows between two zones (or two regions, or the outside and a
    /// zone) share, each way; unlimited if `None`.
    pub trunk: Option<ByteRate>,
}

impl LinkConfig {
    /// Link of constant latency that loses nothing.
    #[must_use]
    pub const fn new(latency: Duration, trunk: Option<ByteRate>) -> Self {
        Self { latency, jitter: Jitter::None, loss: Chance::NEVER, trunk }
    }
}

/// Link classes by the places of the two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Both ends in one zone.
    pub same_zone: LinkConfig,
    /// Two zones of one region.
    pub cross_zone: LinkConfig,
    /// Two regions.
    pub cross_region: LinkConfig,
    /// A client and anything else.
    pub client: LinkConfig,
    /// A worker outside the store and anything but a client.
    pub worker: LinkConfig,
    /// TCP slow start: connections begin with ten segments and open their window as
    /// acknowledgements come (RFC 6928, RFC 5681).
    pub slow_start: bool,
}

impl NetworkConfig {
    /// Network of equal links of constant latency, without trunks and losses.
    #[must_use]
    pub const fn uniform(latency: Duration) -> Self {
        Self {
            same_zone: LinkConfig::new(latency, None),
            cross_zone: LinkConfig::new(latency, None),
            cross_region: LinkConfig::new(latency, None),
            client: LinkConfig::new(latency, None),
            worker: LinkConfig::new(latency, None),
            slow_start: false,
        }
    }
}
