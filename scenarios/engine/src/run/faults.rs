//! Faults of a scenario on the hosts of a world, and their effects.
//!
//! Leaves out what a fault does, which is its kind's.

use stayput_cluster::Cluster;
use stayput_host::Time;
use stayput_host::topology::{HostKey, HostPlace};
use stayput_world::fault::{ClusterPlace, FaultKind, NetworkTarget, Sides};
use stayput_world::{Fault, FaultId};

use super::world::RunWorld;
use super::{RunError, unfit};
use crate::record::FaultEffect;
use crate::scenario::ScenarioFault;

/// Schedules `faults`, whose times count from `start`.
pub(super) fn schedule(
    world: &mut RunWorld,
    cluster: &Cluster,
    faults: &[ScenarioFault],
    start: Time,
) -> Result<Vec<FaultId>, RunError> {
    let Some(first) = faults.first() else { return Ok(Vec::new()) };
    let Some(world) = world.faults() else {
        return Err(unfit(
            "fault",
            &format!("this network cannot have it: {first} (use the fabric)"),
        ));
    };
    let mut scheduled = Vec::new();
    for fault in faults {
        let kind = fault_on_hosts(cluster, &fault.kind)?;
        let fault = Fault { at: start + fault.at, lasts: fault.for_, repeat: fault.repeat, kind };
        scheduled.push(world.schedule(fault).map_err(|e| unfit("fault", &e.to_string()))?);
    }
    Ok(scheduled)
}

/// The effect of each scheduled fault so far.
pub(super) fn effects(world: &mut RunWorld, scheduled: &[FaultId]) -> Vec<FaultEffect> {
    let Some(world) = world.faults() else { return Vec::new() };
    let effect = |id: &FaultId| {
        let effects = world.effects(*id);
        let counts = effects.counts().iter();
        FaultEffect {
            effect: counts.map(|(what, count)| ((*what).to_owned(), *count)).collect(),
            bit: effects.bit(),
        }
    };
    scheduled.iter().map(effect).collect()
}

/// Fault of a scenario in terms of the hosts of a cluster that runs.
///
/// # Errors
/// A place has no hosts, or several where the fault hits one.
pub fn fault_on_hosts(
    cluster: &Cluster,
    kind: &FaultKind<ClusterPlace>,
) -> Result<FaultKind<HostKey>, RunError> {
    Ok(match kind {
        FaultKind::Network { target, rule } => {
            let target = match target {
                NetworkTarget::Ways(sides) => NetworkTarget::Ways(sides_of(cluster, sides)),
                NetworkTarget::Card(place) => NetworkTarget::Card(one(cluster, *place)?),
                NetworkTarget::Trunk([a, b]) => {
                    NetworkTarget::Trunk([first(cluster, *a)?, first(cluster, *b)?])
                }
            };
            FaultKind::Network { target, rule: rule.clone() }
        }
        FaultKind::Disk { host: place, disk: _, fault } => {
            let (host, disk) = disk(cluster, *place)?;
            FaultKind::Disk { host, disk, fault: fault.clone() }
        }
        FaultKind::Process { host, fault } => {
            FaultKind::Process { host: one(cluster, *host)?, fault: fault.clone() }
        }
    })
}

fn one(cluster: &Cluster, place: ClusterPlace) -> Result<HostKey, RunError> {
    match hosts(cluster, place).as_slice() {
        [host] => Ok(*host),
        several => {
            let why = format!("{place} is {} hosts: name a single one", several.len());
            Err(unfit("fault", &why))
        }
    }
}

/// Hosts of both sides.
fn sides_of(cluster: &Cluster, sides: &Sides<ClusterPlace>) -> Sides<HostKey> {
    let from = hosts_of(cluster, &sides.from);
    let to = sides.to.as_ref().map(|places| hosts_of(cluster, places));
    let sides = Sides { from, to, one_way: sides.one_way };
    Sides { to: Some(sides.others(all(cluster))), ..sides }
}

/// First host of a place, which stands for its zone.
fn first(cluster: &Cluster, place: ClusterPlace) -> Result<HostKey, RunError> {
    let none = || unfit("fault", &format!("{place} has no hosts: name another place"));
    hosts(cluster, place).first().copied().ok_or_else(none)
}

/// A disk, or all of a node's.
fn disk(cluster: &Cluster, place: ClusterPlace) -> Result<(HostKey, Option<String>), RunError> {
    let host = one(cluster, place)?;
    let name = match place {
        ClusterPlace::Device(number) => cluster.device(number).map(|(_, name)| name.to_owned()),
        _ => None,
    };
    Ok((host, name))
}

fn all(cluster: &Cluster) -> impl Iterator<Item = HostKey> {
    (0..cluster.hosts.len()).map(|index| HostKey(u32::try_from(index).unwrap_or(u32::MAX)))
}

fn hosts_of(cluster: &Cluster, places: &[ClusterPlace]) -> Vec<HostKey> {
    let mut found: Vec<HostKey> = places.iter().flat_map(|place| hosts(cluster, *place)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn hosts(cluster: &Cluster, place: ClusterPlace) -> Vec<HostKey> {
    let one = |list: &[HostKey], number: u32| {
        list.get(number as usize - 1).copied().into_iter().collect()
    };
    let at = |wanted: &dyn Fn(u32, u32) -> bool| {
        let standing = |host: &HostKey| match cluster.hosts[host.0 as usize].place {
            HostPlace::Zone { region, zone } => wanted(region, zone),
            HostPlace::Workers | HostPlace::Clients => false,
        };
        all(cluster).filter(standing).collect()
    };
    match place {
        ClusterPlace::Region(number) => at(&|region, _| region == number),
        ClusterPlace::Zone(number) => at(&|_, zone| zone == number),
        ClusterPlace::Node(number) => one(&cluster.nodes, number),
        ClusterPlace::Device(number) => {
            cluster.device(number).map(|(host, _)| host).into_iter().collect()
        }
        ClusterPlace::Proxy(number) => one(&cluster.proxies, number),
        ClusterPlace::Worker(number) => one(&cluster.workers, number),
        ClusterPlace::Client(number) => one(&cluster.clients, number),
    }
}
