//! Runs a case on the fabric: loads, schedules the faults, lets the clients go, waits for quiet, and looks at what is left.
//!
//! Leaves out judging it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use stayput_sim::backend::fabric::Fabric;
use stayput_sim::cluster::{Cluster, ClusterSpec};
use stayput_sim::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig, SessionsConfig,
};
use stayput_sim::host::{Seed, Time};
use stayput_sim::world::fault::FaultKind;
use stayput_sim::world::{Fault, HostKey, RunEnd, Trace, World};

use super::case::{Case, HORIZON_MS, Kind};
use super::drive::{Drive, Phase, path};
use super::history::{Commit, History};
use crate::support::network;

/// After the last fault and the last step: longer than a server waits for what does not come.
const QUIET: Duration = Duration::from_secs(60);
/// For a part of a run.
const PART_MAX: Duration = Duration::from_secs(3_600 * 4);

/// Runs `case`.
pub(crate) fn run(case: &Case) -> History {
    let trace = Trace::keeping_lines();
    let mut world = Fabric::new(Seed(case.seed), network(), trace.clone());
    let drive = Rc::new(Drive::new(case));
    let spec =
        ClusterSpec { counts: counts(case), node: machine(), worker: machine(), seed: case.seed };
    let cluster =
        Cluster::assemble(&mut world, &spec, &drive.client_main()).expect("every case has a ring");
    let mut ends = Vec::new();
    let loading = part(&mut world, &mut || drive.is_loaded());
    ends.push(("loading", loading));
    let start = world.now();
    for fault in faults(case, &cluster, start) {
        world.schedule(fault).expect("the hosts exist and the fabric has all kinds");
    }
    if loading == RunEnd::Done {
        drive.begin(Phase::Steps);
        ends.push(("steps", part(&mut world, &mut || drive.all_rest())));
        let mended = start + Duration::from_millis(u64::from(HORIZON_MS));
        let quiet = world.now().max(mended) + QUIET;
        if world.run(&mut || false, quiet) == RunEnd::Livelock {
            ends.push(("quiet", RunEnd::Livelock));
        }
        drive.begin(Phase::Last);
        ends.push(("last look", part(&mut world, &mut || drive.all_rest())));
    }
    let trace = String::from_utf8_lossy(&trace.take_lines()).into_owned();
    History {
        records: drive.records(),
        ends,
        ledger: world.ledger(),
        in_flight: world.in_flight(),
        replicas: counts(case).replicas as usize,
        commits: commits(case, &cluster, &trace),
        trace,
    }
}

fn commits(case: &Case, cluster: &Cluster, trace: &str) -> Vec<Commit> {
    let hex = |hash: [u8; 16]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let objects: BTreeMap<String, u32> =
        (0..case.objects()).map(|object| (hex(cluster.ring.hash(&path(object))), object)).collect();
    let object_of = |hash: &str| objects.get(hash).copied();
    trace.lines().filter_map(|line| Commit::parse(line, object_of)).collect()
}

fn part(world: &mut Fabric, done: &mut dyn FnMut() -> bool) -> RunEnd {
    let limit = world.now() + PART_MAX;
    world.run(done, limit)
}

fn counts(case: &Case) -> ClusterConfig {
    ClusterConfig {
        regions: case.regions,
        zones: case.zones,
        nodes_per_zone: case.nodes_per_zone,
        devices_per_node: case.devices,
        replicas: case.replicas.min(case.nodes() * case.devices),
        part_power: 4,
        proxies: case.proxies,
        workers: 1,
        workers_zone: None,
        clients: u32::try_from(case.clients.len()).expect("a few clients"),
    }
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

fn faults(case: &Case, cluster: &Cluster, start: Time) -> Vec<Fault> {
    let servers: Vec<HostKey> = [&cluster.nodes, &cluster.proxies, &cluster.workers]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let all: Vec<HostKey> = servers.iter().chain(&cluster.clients).copied().collect();
    let pick = |hosts: &[HostKey], number: u32| hosts[number as usize % hosts.len()];
    let one = |fault: &super::case::Fault| {
        let kind = match &fault.kind {
            Kind::Crash(host) => FaultKind::Crash(pick(&servers, *host)),
            Kind::Power(host) => FaultKind::Power(pick(&servers, *host)),
            Kind::Partition { from, to, one_way } => {
                let from = distinct(from.iter().map(|host| pick(&all, *host)));
                let to = if to.is_empty() {
                    all.clone()
                } else {
                    distinct(to.iter().map(|host| pick(&all, *host)))
                };
                let to = to.into_iter().filter(|host| !from.contains(host)).collect();
                FaultKind::Partition { from, to, one_way: *one_way }
            }
        };
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        Fault::once(start + ms(fault.at_ms), ms(fault.for_ms), kind)
    };
    case.faults.iter().map(one).collect()
}

fn distinct(hosts: impl Iterator<Item = HostKey>) -> Vec<HostKey> {
    let mut hosts: Vec<HostKey> = hosts.collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}
