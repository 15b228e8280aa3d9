//! What a simulated cluster is made of: counts, rates and latencies, already validated.
//!
//! Leaves out how people write them (the `stayput` crate parses scenario files into these types)
//! and what runs on them.

use std::time::Duration;

/// A rate in bytes per second, never zero.
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

    /// How long `bytes` take, in nanoseconds, rounded up.
    #[must_use]
    pub fn nanos_for(self, bytes: u64) -> u64 {
        let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// A rate of computing in units of fuel per second of one core, never zero.
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

    /// How long `fuel` takes on one core, in nanoseconds, rounded up.
    #[must_use]
    pub fn nanos_for(self, fuel: u64) -> u64 {
        let ns = (u128::from(fuel) * 1_000_000_000).div_ceil(u128::from(self.0));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// A probability as an exact ratio, in parts per billion: what it decides is the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);
    /// Parts of the whole.
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

    /// Whether it happens, given 64 random bits.
    #[must_use]
    pub fn hits(self, bits: u64) -> bool {
        (u128::from(bits) * u128::from(Self::BILLION)) >> 64 < u128::from(self.0)
    }
}

/// How many of each there are, and how the ring is built. All counts are at least 1
/// unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Regions.
    pub regions: u32,
    /// Zones in each region.
    pub zones: u32,
    /// Storage nodes in each zone.
    pub nodes_per_zone: u32,
    /// Disks in each storage node.
    pub devices_per_node: u32,
    /// Copies of everything that is stored.
    pub replicas: u32,
    /// The ring has two to this power partitions: 1 to 32.
    pub part_power: u8,
    /// Proxies, placed in the zones in turn.
    pub proxies: u32,
    /// Compute hosts outside the store; may be 0 when no policy wants one.
    pub workers: u32,
    /// The zone (counted from 1 over all regions) that workers sit in; outside the store if `None`.
    pub workers_zone: Option<u32>,
    /// Clients outside.
    pub clients: u32,
    /// How long replicators rest between two rounds; without one each replica has what came to it.
    pub replicate: Option<Duration>,
}

/// A machine: a storage node, a proxy, a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineConfig {
    /// Cores that run jobs.
    pub cores: u32,
    /// How fast one core computes.
    pub fuel_per_second: FuelRate,
    /// Bandwidth of the network card, each way.
    pub nic: ByteRate,
    /// Each of its disks.
    pub disk: DiskConfig,
    /// How it runs sessions of jobs.
    pub sessions: SessionsConfig,
}

/// How a storage node or a worker runs sessions, and what starting one costs beside fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsConfig {
    /// How many run at a time.
    pub running: u32,
    /// How many wait for one of those to end; more are refused.
    pub queued: u32,
    /// Time of a core before a session's first step.
    pub start: Duration,
    /// How fast a core compiles a module that the host has not compiled yet.
    pub compile: ByteRate,
}

impl SessionsConfig {
    /// Time of a core before the first step of a session for which so many bytes had to be compiled.
    #[must_use]
    pub fn startup(&self, compiled_bytes: u64) -> Duration {
        self.start + Duration::from_nanos(self.compile.nanos_for(compiled_bytes))
    }
}

impl Default for SessionsConfig {
    /// Ten at a time and three that wait, as in ZeroCloud. wasmi starts a session of a cached small module in 2 to 8 µs and
    /// compiles one of 30 kB in 0.35 ms.
    fn default() -> Self {
        Self {
            running: 10,
            queued: 3,
            start: Duration::from_micros(5),
            compile: ByteRate(100_000_000),
        }
    }
}

/// A disk, first come, first served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// Sequential reading.
    pub read: ByteRate,
    /// Sequential writing.
    pub write: ByteRate,
    /// What an access costs that does not go on where the last one ended.
    pub seek: Duration,
    /// Bytes that files and tables may hold; unlimited if `None`.
    pub capacity: Option<u64>,
}

/// What comes on top of a link's latency, drawn for each chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Nothing.
    #[default]
    None,
    /// All values from zero to `max` alike.
    Uniform {
        /// The most.
        max: Duration,
    },
    /// Exponentially distributed, cut at 20 times its mean.
    Exponential {
        /// The mean.
        mean: Duration,
    },
}

/// A class of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// One way.
    pub latency: Duration,
    /// On top of it.
    pub jitter: Jitter,
    /// How likely a segment is lost.
    pub loss: Chance,
    /// Bandwidth that all flows between two zones (or two regions, or the outside and a zone)
    /// share, each way; unlimited if `None`.
    pub trunk: Option<ByteRate>,
}

impl LinkConfig {
    /// A link of constant latency that loses nothing.
    #[must_use]
    pub const fn new(latency: Duration, trunk: Option<ByteRate>) -> Self {
        Self { latency, jitter: Jitter::None, loss: Chance::NEVER, trunk }
    }
}

/// Latency and trunks by where the two ends are.
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
    /// Whether connections begin with ten segments and open their window as acknowledgements come (RFC 6928, RFC 5681).
    pub slow_start: bool,
}

impl NetworkConfig {
    /// One whose links are all alike: of constant latency, without trunks and losses.
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
