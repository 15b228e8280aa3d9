//! A scenario's faults in the world's terms.

use stayput_sim::cluster::Cluster;
use stayput_sim::host::Time;
use stayput_sim::world::fault::FaultKind as WorldKind;
use stayput_sim::world::{Fault as WorldFault, FaultId, HostKey, Place as Spot, World};

use super::{RunError, unfit};
use crate::report::FaultEffect;
use crate::scenario::{Fault, FaultKind, Place};

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
        let fault = WorldFault { at: start + fault.at, lasts: fault.for_, kind };
        scheduled.push(world.schedule(fault).map_err(|e| unfit("fault", &e.to_string()))?);
    }
    Ok(scheduled)
}

/// What each of `faults` has done.
pub(super) fn effects(
    world: &dyn World,
    faults: &[Fault],
    scheduled: &[FaultId],
) -> Vec<FaultEffect> {
    let effect = |(fault, id): (&Fault, &FaultId)| {
        let effects = world.effects(*id);
        let counts = effects.counts().iter();
        FaultEffect {
            what: fault.to_string(),
            effect: counts.map(|(what, count)| ((*what).to_owned(), *count)).collect(),
            bit: effects.bit(),
        }
    };
    faults.iter().zip(scheduled).map(effect).collect()
}

fn kind(cluster: &Cluster, kind: &FaultKind) -> Result<WorldKind, RunError> {
    let one = |place: &Place| match hosts(cluster, *place).as_slice() {
        [host] => Ok(*host),
        several => {
            let why = format!("{place} is {} hosts: name a single one", several.len());
            Err(unfit("fault", &why))
        }
    };
    Ok(match kind {
        FaultKind::Partition { side, others, one_way } => {
            let from = hosts_of(cluster, side);
            let to = match others {
                Some(others) => hosts_of(cluster, others),
                None => all(cluster).filter(|host| !from.contains(host)).collect(),
            };
            WorldKind::Partition { from, to, one_way: *one_way }
        }
        FaultKind::Crash(place) => WorldKind::Crash(one(place)?),
        FaultKind::Power(place) => WorldKind::Power(one(place)?),
    })
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
            Spot::Zone { region, zone } => wanted(region, zone),
            Spot::Workers | Spot::Clients => false,
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
