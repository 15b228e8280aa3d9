//! A scenario's faults in the world's terms.

use stayput_cluster::{Cluster, device_name};
use stayput_host::Time;
use stayput_host::topology::{HostKey, HostPlace};
use stayput_world::fault::FaultKind as WorldKind;
use stayput_world::{Fault as WorldFault, FaultId, World};

use super::{RunError, unfit};
use crate::record::FaultEffect;
use crate::scenario::{Fault, FaultKind, Place, Sides};

/// Schedules `faults`, whose times count from `start`.
pub(super) fn schedule(
    world: &mut dyn World,
    cluster: &Cluster,
    faults: &[Fault],
    start: Time,
) -> Result<Vec<FaultId>, RunError> {
    let mut scheduled = Vec::new();
    for fault in faults {
        let kind = kind(cluster, &fault.kind)?;
        let fault =
            WorldFault { at: start + fault.at, lasts: fault.for_, repeat: fault.repeat, kind };
        scheduled.push(world.schedule(fault).map_err(|e| unfit("fault", &e.to_string()))?);
    }
    Ok(scheduled)
}

/// The effect of each scheduled fault so far.
pub(super) fn effects(world: &dyn World, scheduled: &[FaultId]) -> Vec<FaultEffect> {
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

fn kind(cluster: &Cluster, kind: &FaultKind) -> Result<WorldKind, RunError> {
    Ok(match kind {
        FaultKind::Partition(sides) => {
            let (from, to) = both(cluster, sides);
            WorldKind::Partition { from, to, one_way: sides.one_way }
        }
        FaultKind::Latency { sides, added } => {
            let (from, to) = both(cluster, sides);
            WorldKind::Delay { from, to, one_way: sides.one_way, added: *added }
        }
        FaultKind::Loss { sides, chance } => {
            let (from, to) = both(cluster, sides);
            WorldKind::Loss { from, to, one_way: sides.one_way, chance: *chance }
        }
        FaultKind::ThrottleCard { place, rate } => {
            WorldKind::ThrottleCard { host: one(cluster, *place)?, rate: *rate }
        }
        FaultKind::ThrottleTrunk { between: [a, b], rate } => {
            let between = [spot(cluster, *a)?, spot(cluster, *b)?];
            WorldKind::ThrottleTrunk { between, rate: *rate }
        }
        FaultKind::Crash(place) => WorldKind::Crash(one(cluster, *place)?),
        FaultKind::Power(place) => WorldKind::Power(one(cluster, *place)?),
        FaultKind::SlowDisk { place, factor } => {
            let (host, disk) = disk(cluster, *place)?;
            WorldKind::SlowDisk { host, disk, factor: *factor }
        }
        FaultKind::FullDisk(place) => {
            let (host, disk) = disk(cluster, *place)?;
            WorldKind::FullDisk { host, disk }
        }
        FaultKind::ReadErrors { place, chance } => {
            let (host, disk) = disk(cluster, *place)?;
            WorldKind::ReadErrors { host, disk, chance: *chance }
        }
    })
}

fn one(cluster: &Cluster, place: Place) -> Result<HostKey, RunError> {
    match hosts(cluster, place).as_slice() {
        [host] => Ok(*host),
        several => {
            let why = format!("{place} is {} hosts: name a single one", several.len());
            Err(unfit("fault", &why))
        }
    }
}

/// The hosts of both sides.
fn both(cluster: &Cluster, sides: &Sides) -> (Vec<HostKey>, Vec<HostKey>) {
    let from = hosts_of(cluster, &sides.side);
    let to = match &sides.others {
        Some(others) => hosts_of(cluster, others),
        None => all(cluster).filter(|host| !from.contains(host)).collect(),
    };
    (from, to)
}

/// Where a place's hosts stand: of a region, the first zone.
fn spot(cluster: &Cluster, place: Place) -> Result<HostPlace, RunError> {
    let first = hosts(cluster, place).first().copied();
    let spot = first.map(|host| cluster.places[host.0 as usize]);
    spot.ok_or_else(|| unfit("fault", &format!("{place} has no hosts: name another place")))
}

/// A disk, or all of a node's.
fn disk(cluster: &Cluster, place: Place) -> Result<(HostKey, Option<String>), RunError> {
    let host = one(cluster, place)?;
    let name = match place {
        Place::Device(number) => Some(device_name((number - 1) % cluster.devices_per_node)),
        _ => None,
    };
    Ok((host, name))
}

fn all(cluster: &Cluster) -> impl Iterator<Item = HostKey> {
    (0..cluster.places.len()).map(|index| HostKey(u32::try_from(index).unwrap_or(u32::MAX)))
}

fn hosts_of(cluster: &Cluster, places: &[Place]) -> Vec<HostKey> {
    let mut found: Vec<HostKey> = places.iter().flat_map(|place| hosts(cluster, *place)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn hosts(cluster: &Cluster, place: Place) -> Vec<HostKey> {
    let one = |list: &[HostKey], number: u32| {
        list.get(number as usize - 1).copied().into_iter().collect()
    };
    let at = |wanted: &dyn Fn(u32, u32) -> bool| {
        let standing = |host: &HostKey| match cluster.places[host.0 as usize] {
            HostPlace::Zone { region, zone } => wanted(region, zone),
            HostPlace::Workers | HostPlace::Clients => false,
        };
        all(cluster).filter(standing).collect()
    };
    match place {
        Place::Region(number) => at(&|region, _| region == number),
        Place::Zone(number) => at(&|_, zone| zone == number),
        Place::Node(number) => one(&cluster.nodes, number),
        Place::Device(number) => {
            let per_node = cluster.devices_per_node;
            one(&cluster.nodes, (number - 1) / per_node + 1)
        }
        Place::Proxy(number) => one(&cluster.proxies, number),
        Place::Worker(number) => one(&cluster.workers, number),
        Place::Client(number) => one(&cluster.clients, number),
    }
}
