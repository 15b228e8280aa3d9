//! Faults on the fabric: events that trouble links, disks and hosts, and others that mend that.

use std::rc::Rc;

use stayput_host::topology::HostKey;
use stayput_host::{Span, SpanKind};

use super::Room;
use crate::clock::Clock;
use crate::disk::{SimDisk, Trouble};
use crate::fault::FaultKind;
use crate::net::rule::Rule;
use crate::{Fault, FaultError, FaultId, TraceEvent};

pub(super) fn schedule(room: &Rc<Room>, fault: Fault) -> Result<FaultId, FaultError> {
    check(room, &fault)?;
    let id = FaultId(room.faults.replace_with(|made| *made + 1));
    come(room, id, &Rc::new(fault), 0);
    Ok(id)
}

fn check(room: &Room, fault: &Fault) -> Result<(), FaultError> {
    let hosts = room.net.hosts();
    if let Some(host) = fault.kind.hosts().into_iter().find(|host| host.0 as usize >= hosts) {
        return Err(FaultError::NoSuchHost { host, hosts });
    }
    if let Some((host, disk)) = fault.kind.disk()
        && disks(room, host, disk).is_empty()
    {
        let has = room.machinery(host).disks.len();
        let (host, disk) = (room.net.name(host), disk.map(str::to_owned));
        return Err(FaultError::NoSuchDisk { host, disk, has });
    }
    match fault.repeat {
        Some(repeat) if repeat.every < fault.lasts => {
            Err(FaultError::OverlapsItself { lasts: fault.lasts, every: repeat.every })
        }
        _ => Ok(()),
    }
}

/// Lets the fault come for the time numbered `nth`, and then for those after it.
fn come(room: &Rc<Room>, id: FaultId, fault: &Rc<Fault>, nth: u32) {
    let Some(begin) = fault.begins(nth) else { return };
    let (beginning, begins) = (Rc::clone(room), Rc::clone(fault));
    room.executor.at(begin, move || {
        show(&beginning, &begins);
        begin_fault(&beginning, id, &begins.kind);
    });
    let (ending, ends) = (Rc::clone(room), Rc::clone(fault));
    room.executor.at(begin + fault.lasts, move || {
        end_fault(&ending, id, &ends.kind);
        come(&ending, id, &ends, nth + 1);
    });
}

fn begin_fault(room: &Room, id: FaultId, kind: &FaultKind) {
    note(room, "begins", kind);
    rules(kind).into_iter().for_each(|rule| room.net.impose(id, rule));
    if let (Some((host, disk)), Some(trouble)) = (kind.disk(), trouble(kind)) {
        for disk in disks(room, host, disk) {
            disk.trouble(id, trouble, room.disk_effects.clone());
        }
    }
    match kind {
        FaultKind::Crash(host) => {
            let connections = room.net.crash(id, *host);
            room.net.add_effect(id, "reset_connections", connections);
            kill(room, id, *host);
        }
        FaultKind::Power(host) => {
            let connections = room.net.power_off(id, *host);
            room.net.add_effect(id, "silenced_connections", connections);
            kill(room, id, *host);
            let lost: u64 =
                room.machinery(*host).disks.values().map(|disk| disk.lose_power()).sum();
            room.net.add_effect(id, "lost_unsynced", lost);
        }
        _ => {}
    }
}

/// What a fault imposes on the network.
fn rules(kind: &FaultKind) -> Vec<Rule> {
    let ways = |from: &Vec<HostKey>, to: &Vec<HostKey>, one_way: bool| {
        let there = (from.clone(), to.clone());
        let back = (!one_way).then(|| (to.clone(), from.clone()));
        std::iter::once(there).chain(back)
    };
    match kind {
        FaultKind::Partition { from, to, one_way } => {
            ways(from, to, *one_way).map(|(from, to)| Rule::Cut { from, to }).collect()
        }
        FaultKind::Delay { from, to, one_way, added } => ways(from, to, *one_way)
            .map(|(from, to)| Rule::Delay { from, to, added: *added })
            .collect(),
        FaultKind::Loss { from, to, one_way, chance } => ways(from, to, *one_way)
            .map(|(from, to)| Rule::Lose { from, to, chance: *chance })
            .collect(),
        FaultKind::ThrottleCard { host, rate } => {
            vec![Rule::SlowCard { host: *host, rate: *rate }]
        }
        FaultKind::ThrottleTrunk { between, rate } => {
            vec![Rule::SlowTrunk { between: *between, rate: *rate }]
        }
        _ => Vec::new(),
    }
}

/// What a fault does to a disk.
fn trouble(kind: &FaultKind) -> Option<Trouble> {
    match kind {
        FaultKind::SlowDisk { factor, .. } => Some(Trouble::Slow(*factor)),
        FaultKind::FullDisk { .. } => Some(Trouble::Full),
        FaultKind::ReadErrors { chance, .. } => Some(Trouble::ReadErrors(*chance)),
        FaultKind::StopDisk { point, .. } => Some(Trouble::Stop(*point)),
        FaultKind::TornWrites { .. } => Some(Trouble::Torn),
        _ => None,
    }
}

/// The disks of that name that a host has; all of them if `None`.
fn disks(room: &Room, host: HostKey, wanted: Option<&str>) -> Vec<SimDisk> {
    let machinery = room.machinery(host);
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let named = machinery.disks.iter().filter(|(name, _)| is_wanted(name));
    named.map(|(_, disk)| disk.share()).collect()
}

fn kill(room: &Room, id: FaultId, host: HostKey) {
    let tasks = room.executor.kill(host);
    room.net.add_effect(id, "killed_tasks", tasks);
}

fn end_fault(room: &Room, id: FaultId, kind: &FaultKind) {
    note(room, "ends", kind);
    room.net.lift(id);
    if let Some((host, disk)) = kind.disk() {
        disks(room, host, disk).iter().for_each(|disk| disk.mend(id));
    }
    if let FaultKind::Crash(host) | FaultKind::Power(host) = kind
        && room.net.bring_up(id, *host)
    {
        room.start(*host);
    }
}

/// Tells the timeline of a fault that begins: how long it holds is known by then.
fn show(room: &Room, fault: &Fault) {
    if room.timeline.is_on() {
        let now = room.executor.now();
        let what = fault.kind.describe(|host| room.net.name(host));
        room.timeline.add(None, Span::new(SpanKind::Fault, what, now, now + fault.lasts));
    }
}

fn note(room: &Room, does: &str, kind: &FaultKind) {
    let what = format!("{} {does}", kind.describe(|host| room.net.name(host)));
    room.trace.note(room.executor.now(), &TraceEvent::Fault { what: &what });
}
