//! Faults on the fabric: events that cut links and take hosts down, and others that mend that.

use std::rc::Rc;

use super::Room;
use crate::world::clock::Clock;
use crate::world::fault::FaultKind;
use crate::world::net::rule::Rule;
use crate::world::{Fault, FaultError, FaultId, HostKey, TraceEvent};

pub(super) fn schedule(room: &Rc<Room>, fault: Fault) -> Result<FaultId, FaultError> {
    let hosts = room.net.hosts();
    if let Some(host) = fault.kind.hosts().find(|host| host.0 as usize >= hosts) {
        return Err(FaultError::NoSuchHost { host, hosts });
    }
    let id = FaultId(room.faults.replace_with(|made| *made + 1));
    let (begin, end) = (fault.at, fault.at + fault.lasts);
    let (beginning, kind) = (Rc::clone(room), fault.kind.clone());
    room.executor.at(begin, move || begin_fault(&beginning, id, &kind));
    let (ending, kind) = (Rc::clone(room), fault.kind);
    room.executor.at(end, move || end_fault(&ending, id, &kind));
    Ok(id)
}

fn begin_fault(room: &Room, id: FaultId, kind: &FaultKind) {
    note(room, "begins", kind);
    match kind {
        FaultKind::Partition { from, to, one_way } => {
            room.net.impose(id, Rule::Cut { from: from.clone(), to: to.clone() });
            if !one_way {
                room.net.impose(id, Rule::Cut { from: to.clone(), to: from.clone() });
            }
        }
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
    }
}

fn kill(room: &Room, id: FaultId, host: HostKey) {
    let tasks = room.executor.kill(host);
    room.net.add_effect(id, "killed_tasks", tasks);
}

fn end_fault(room: &Room, id: FaultId, kind: &FaultKind) {
    note(room, "ends", kind);
    match kind {
        FaultKind::Partition { .. } => room.net.lift(id),
        FaultKind::Crash(host) | FaultKind::Power(host) => {
            if room.net.bring_up(id, *host) {
                room.start(*host);
            }
        }
    }
}

fn note(room: &Room, does: &str, kind: &FaultKind) {
    let named = match kind {
        FaultKind::Partition { .. } => kind.to_string(),
        FaultKind::Crash(host) | FaultKind::Power(host) => {
            format!("{} {}", kind.name(), room.net.name(*host))
        }
    };
    let what = format!("{named} {does}");
    room.trace.note(room.executor.now(), &TraceEvent::Fault { what: &what });
}
