//! Runs a case on the fabric: loads, schedules the faults, lets the clients go, waits for quiet,
//! and looks at what is left.
//!
//! Leaves out judging it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use stayput_cluster::{Cluster, ClusterPlan, ClusterSpec};
use stayput_host::config::{
    ByteRate, DiskConfig, FuelRate, Jitter, MachineConfig, NetworkConfig, SessionsConfig,
};
use stayput_host::{Backend, RunEnd, Seed};
use stayput_jobs::placement::{PlacementConfig, PlacementPolicy};
use stayput_jobs::system_images::SystemImages;
use stayput_world::executor::TaskOrder;
use stayput_world::fabric::Fabric;
use stayput_world::fault::FaultCatalog;
use stayput_world::{ExecutorMeters, FaultInjection, RunMeters, Trace, WireMeters};

use super::case::{Case, Links};
use super::clients::{ClientDriver, Phase, path};
use super::fault::{HORIZON_MS, in_world};
use super::history::{Commit, History};
use crate::world::network;

/// After the last fault and the last step: longer than a server waits for what does not come.
const QUIET: Duration = Duration::from_secs(60);
/// After the last look: longer than either end keeps a connection that nobody uses.
const SETTLED: Duration = Duration::from_secs(300);
/// Between two looks at whether nothing is on its way then, and how many looks there are.
const SETTLING_STEP: Duration = Duration::from_millis(100);
const SETTLING_LOOKS_MAX: u32 = 100;
/// For a part of a run.
const PART_MAX: Duration = Duration::from_secs(3_600 * 4);

/// Runs `case` with jobs placed by `policy` and faults of `catalog`.
pub(super) fn run(
    case: &Case,
    policy: &'static dyn PlacementPolicy,
    catalog: &FaultCatalog,
) -> History {
    let trace = Trace::keeping_lines();
    let order = case.shuffle.map_or(TaskOrder::Fixed, TaskOrder::Shuffled);
    let mut world = Fabric::in_order(order, Seed(case.seed), links(case), trace.clone());
    let driver = Rc::new(ClientDriver::new(case));
    let spec = ClusterSpec {
        counts: case.cluster.clone(),
        node: machine(),
        worker: machine(),
        images: SystemImages::default(),
        placement: PlacementConfig { policy, ..PlacementConfig::default() },
        seed: case.seed,
    };
    let plan = ClusterPlan::simulated(&spec).expect("every case has a ring");
    let cluster = Cluster::assemble(&mut world, plan, &driver.client_main());
    let mut ends = Vec::new();
    let loading = part(&mut world, &mut || driver.is_loaded());
    ends.push(("loading", loading));
    let start = world.now();
    let mut faults = Vec::new();
    for (kind, fault) in in_world(case, &cluster, start, catalog) {
        let id = world.schedule(fault).expect("the hosts exist and the fabric has all kinds");
        faults.push((kind.to_owned(), id));
    }
    if loading == RunEnd::Done {
        driver.begin(Phase::Steps);
        ends.push(("steps", part(&mut world, &mut || driver.all_rest())));
        let mended = start + Duration::from_millis(u64::from(HORIZON_MS));
        let quiet = world.now().max(mended) + QUIET;
        if world.run(&mut || false, quiet) == RunEnd::Livelock {
            ends.push(("quiet", RunEnd::Livelock));
        }
        driver.begin(Phase::Last);
        ends.push(("last look", part(&mut world, &mut || driver.all_rest())));
        settle(&mut world);
    }
    let trace = String::from_utf8_lossy(&trace.take_lines()).into_owned();
    History {
        records: driver.records(),
        ends,
        ledger: world.ledger(),
        in_flight: world.in_flight(),
        connections: world.connections(),
        schedule: world.schedule_hash(),
        effects: faults.into_iter().map(|(kind, id)| (kind, world.effects(id))).collect(),
        kinds: catalog.specs().map(|spec| spec.key).collect(),
        replicas: case.cluster.replicas as usize,
        commits: commits(case, &cluster, &trace),
        trace,
    }
}

/// Runs until nothing is on its way, if it comes to that: nodes look after each other now and then
/// for ever.
pub fn settle(world: &mut Fabric) {
    let mut until = world.now() + SETTLED;
    for _ in 0..SETTLING_LOOKS_MAX {
        world.run(&mut || false, until);
        if world.connections() == 0 {
            return;
        }
        until = until + SETTLING_STEP;
    }
}

fn commits(case: &Case, cluster: &Cluster, trace: &str) -> Vec<Commit> {
    let hex = |hash: [u8; 16]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let objects: BTreeMap<String, u32> =
        (0..case.objects()).map(|object| (hex(cluster.ring.hash(&path(object))), object)).collect();
    let object_of = |hash: &str| objects.get(hash).copied();
    trace.lines().filter_map(|line| Commit::parse(line, object_of)).collect()
}

fn links(case: &Case) -> NetworkConfig {
    let Links { jitter_us_mean, slow_start, .. } = case.links;
    let mean = Duration::from_micros(u64::from(jitter_us_mean));
    let mut network = NetworkConfig { slow_start, ..network() };
    for link in [
        &mut network.same_zone,
        &mut network.cross_zone,
        &mut network.cross_region,
        &mut network.client,
        &mut network.worker,
    ] {
        if !mean.is_zero() {
            link.jitter = Jitter::Exponential { mean };
        }
    }
    network
}

fn part(world: &mut Fabric, done: &mut dyn FnMut() -> bool) -> RunEnd {
    let limit = world.now() + PART_MAX;
    world.run(done, limit)
}

/// Slow enough for faults to come in the middle of bodies.
fn machine() -> MachineConfig {
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: ByteRate::new(4_000_000).expect("not zero"),
        disk: DiskConfig {
            read: ByteRate::new(200_000_000).expect("not zero"),
            write: ByteRate::new(100_000_000).expect("not zero"),
            seek: Duration::from_millis(4),
            capacity: None,
        },
        sessions: SessionsConfig::default(),
    }
}
