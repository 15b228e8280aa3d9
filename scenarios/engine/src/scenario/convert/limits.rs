//! Limits of a scenario: a machine of modest memory can simulate any within them.

/// A scenario file.
pub const MAX_SCENARIO_BYTES: u64 = 1 << 20;
/// A job description, as in ZeroCloud.
pub const MAX_JOB_BYTES: u64 = 64 << 10;
/// All objects of a scenario together, before replication: each replica is held in memory.
pub const MAX_DATA_BYTES: u64 = 4 << 30;
/// All objects of a scenario.
pub const MAX_OBJECTS: usize = 100_000;
/// Groups of work.
pub const MAX_WORK: usize = 100;
/// The objects of all groups of work together, each counted in each group that draws it.
pub const MAX_DRAWABLE: usize = 1_000_000;
/// All jobs of a scenario.
pub const MAX_JOBS: u64 = 1_000_000;
/// Storage nodes, and each other kind of host.
pub const MAX_HOSTS: u64 = 10_000;
/// Disks in one node.
pub const MAX_DEVICES_PER_NODE: u32 = 64;
/// Copies of everything.
pub const MAX_REPLICAS: u32 = 16;
/// The ring's partitions, as a power of two.
pub const MAX_PART_POWER: u32 = 24;
/// Replicas times partitions: the entries of a ring's tables.
pub const MAX_RING_ENTRIES: u64 = 1 << 26;
/// Cores of a machine.
pub const MAX_CORES: u32 = 1024;
/// Faults.
pub const MAX_FAULTS: usize = 1_000;
/// Faults whose times the seed decides, all sections together.
pub const MAX_DRAWN_FAULTS: usize = 1_000;
/// Occurrences of one fault.
pub const MAX_FAULT_TIMES: u32 = 100_000;
/// Sessions that run on a host, and as many that wait.
pub const MAX_SESSIONS: u32 = 10_000;
/// Any one time in a scenario, in seconds: a day.
pub const MAX_TIME_S: u64 = 86_400;
/// The exponent of a zipf pick.
pub const MAX_ZIPF_EXPONENT: u32 = 8;
/// Jobs per second.
pub const MAX_JOBS_PER_SECOND: u64 = 1_000_000;
/// Sizes that are drawn from a distribution without an end, unless `size_max` says otherwise.
pub const DEFAULT_SIZE_MAX_BYTES: u64 = 64 << 20;
/// The sigma of a lognormal size.
pub const MAX_SIGMA: u32 = 8;
/// The alpha of a pareto size.
pub const MAX_ALPHA: u32 = 100;
/// Jobs of one burst.
pub const MAX_BURST: u32 = 100_000;
/// Descriptions in one section of work, and the weight of one of them.
pub const MAX_DESCRIPTIONS: usize = 100;
/// The weight of a description.
pub const MAX_WEIGHT: u32 = 1_000_000;
/// Sections of load.
pub const MAX_LOADS: usize = 20;
