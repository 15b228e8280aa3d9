//! Small clusters of machines that compute slowly.
//!
//! Leaves out what goes wrong: the tests schedule it.

use std::time::Duration;

use stayput_cluster::ClusterSpec;
use stayput_host::config::{ByteRate, ClusterConfig, DiskConfig, MachineConfig, SessionsConfig};
use stayput_testkit::cluster;

/// Nodes with a disk each in three zones, and three replicas.
pub(super) const fn counts(nodes_per_zone: u32) -> ClusterConfig {
    ClusterConfig { nodes_per_zone, ..cluster::counts() }
}

/// A cluster of machines that compute slowly, so that jobs last, and run so many sessions at a
/// time.
pub(super) fn spec(counts: ClusterConfig, seed: u64, running: u32) -> ClusterSpec {
    let rate = |bytes| ByteRate::new(bytes).expect("not zero");
    let seek = Duration::from_micros(500);
    let machine = MachineConfig {
        nic: rate(12_500_000),
        disk: DiskConfig {
            read: rate(200_000_000),
            write: rate(100_000_000),
            seek,
            capacity: None,
        },
        sessions: SessionsConfig { running, ..SessionsConfig::default() },
        ..cluster::machine()
    };
    ClusterSpec { seed, ..cluster::spec(counts, machine) }
}
