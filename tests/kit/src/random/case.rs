//! Random cases: a small cluster, the operations of its clients, and the faults meanwhile.
//!
//! A case is plain data that can be written down in one line and pasted back. Leaves out the
//! parameters of machines, which are the same in all cases.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use stayput_host::config::ClusterConfig;
use stayput_world::fault::FaultCatalog;

use super::fault::{CaseFault, faults};
use super::workload::{
    CLIENTS_MAX, JobAt, OBJECTS_PER_CLIENT, Op, Step, TEXT_BYTES_MAX, workloads,
};
use crate::cluster;

/// A case: everything that a run follows from. Printed as JSON, it can be pasted back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Seed of the world, the ring and all draws.
    pub seed: u64,
    /// Size of the cluster, with a client for each list of steps.
    pub cluster: ClusterConfig,
    /// Steps of each client, one after the other.
    pub clients: Vec<Vec<Step>>,
    /// Faults, whose times count from the first step.
    pub faults: Vec<CaseFault>,
    /// Seed of the order in which ready tasks run; the fixed order if `None`.
    #[serde(default)]
    pub shuffle: Option<u64>,
    /// Jitter, losses and slow start of all links.
    #[serde(default)]
    pub links: Links,
}

/// Links without faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Mean of the exponential jitter, in microseconds; none if zero.
    pub jitter_us_mean: u32,
    /// Lost segments of a thousand, until all faults are over: where handshakes are lost, a handoff
    /// that alone has the newest version may not be heard.
    pub loss_per_mille: u32,
    /// TCP slow start.
    pub slow_start: bool,
}

impl Case {
    /// Objects that any client writes.
    #[must_use]
    pub fn objects(&self) -> u32 {
        self.cluster.clients * OBJECTS_PER_CLIENT
    }
}

/// Strategy for clusters: up to two regions of three zones of two nodes of two disks, up to three
/// replicas and two proxies, one worker; with replicators or without.
///
/// ```
/// use proptest::prelude::*;
/// use stayput_testkit::random::clusters;
///
/// proptest!(|(cluster in clusters())| {
///     let nodes = cluster.regions * cluster.zones * cluster.nodes_per_zone;
///     prop_assert!(cluster.replicas <= nodes * cluster.devices_per_node);
/// });
/// ```
pub fn clusters() -> impl Strategy<Value = ClusterConfig> {
    let places = (1_u32..=2, 1_u32..=3, 1_u32..=2, 1_u32..=2);
    let clients = 1..=u32::try_from(CLIENTS_MAX).unwrap_or(u32::MAX);
    (places, 1_u32..=3, 1_u32..=2, clients, of(1_000_u64..20_000)).prop_map(
        |((regions, zones, nodes_per_zone, devices_per_node), replicas, proxies, clients, rest)| {
            let devices = regions * zones * nodes_per_zone * devices_per_node;
            ClusterConfig {
                regions,
                zones,
                nodes_per_zone,
                devices_per_node,
                replicas: replicas.min(devices),
                proxies,
                clients,
                replicate: rest.map(Duration::from_millis),
                ..cluster::counts()
            }
        },
    )
}

/// Strategy for cases with faults of the kinds that `catalog` has. One in five has replicas of two
/// versions while reads break off.
pub fn cases(catalog: &FaultCatalog) -> impl Strategy<Value = Case> + use<> {
    prop_oneof![4 => any_cases(catalog), 1 => torn_cases()]
}

fn any_cases(catalog: &FaultCatalog) -> impl Strategy<Value = Case> + use<> {
    (any::<u16>(), clusters(), workloads(), faults(catalog), shuffle(), links()).prop_map(
        |(seed, cluster, clients, faults, shuffle, links)| Case {
            seed: u64::from(seed),
            cluster: for_clients(cluster, &clients),
            clients,
            faults,
            shuffle,
            links,
        },
    )
}

/// The cluster with a client for each list of steps.
fn for_clients(cluster: ClusterConfig, clients: &[Vec<Step>]) -> ClusterConfig {
    let clients = u32::try_from(clients.len()).expect("a few clients");
    ClusterConfig { clients, ..cluster }
}

/// Half of all cases run in an order of their own.
fn shuffle() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), any::<u16>().prop_map(|seed| Some(u64::from(seed)))]
}

/// Half of all cases have links that neither lose nor reorder time.
fn links() -> impl Strategy<Value = Links> {
    let worn = (0_u32..3_000, 0_u32..8, any::<bool>()).prop_map(
        |(jitter_us_mean, loss_per_mille, slow_start)| Links {
            jitter_us_mean,
            loss_per_mille,
            slow_start,
        },
    );
    prop_oneof![Just(Links::default()), worn]
}

/// A node misses a second version of a long text, and nodes crash while the text is read.
fn torn_cases() -> impl Strategy<Value = Case> {
    let bytes = || TEXT_BYTES_MAX / 2..=TEXT_BYTES_MAX;
    let bare = Op::Bare { object: 0, newest: false };
    let read = prop_oneof![
        3 => Just(bare),
        1 => Just(Op::Get { object: 0 }),
        1 => Just(Op::Job { object: 0, word: 0, at: JobAt::Worker }),
    ];
    let reads = vec((0_u32..50, read), 4..10);
    let crash = (3_000_u32..4_500, 1_u32..500, 0_u32..3);
    let cluster = (any::<u16>(), 2_u32..=3, 1_u32..=2, shuffle());
    (cluster, bytes(), bytes(), 0_u32..3, reads, vec(crash, 1..6)).prop_map(
        |((seed, zones, proxies, shuffle), first, second, misses, reads, crashes)| {
            let put = |after_ms, bytes| Step { after_ms, op: Op::Put { own: 0, bytes } };
            let mut reader: Vec<Step> =
                reads.into_iter().map(|(after_ms, op)| Step { after_ms, op }).collect();
            reader[0].after_ms += 3_000;
            let cut = CaseFault::new("partition", vec![misses]).during(1_000, 2_000);
            let crash =
                |(at_ms, for_ms, host)| CaseFault::new("crash", vec![host]).during(at_ms, for_ms);
            let clients = vec![vec![put(0, first), put(900, second)], reader];
            let cluster =
                ClusterConfig { zones, devices_per_node: 2, proxies, ..cluster::counts() };
            Case {
                seed: u64::from(seed),
                cluster: for_clients(cluster, &clients),
                clients,
                faults: [cut].into_iter().chain(crashes.into_iter().map(crash)).collect(),
                shuffle,
                links: Links::default(),
            }
        },
    )
}
