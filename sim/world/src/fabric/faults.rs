//! Faults on the fabric: events that begin and end them.
//!
//! Leaves out what a fault does, which is its kind's.

use std::rc::Rc;

use stayput_host::topology::HostKey;
use stayput_host::{Span, SpanKind};

use super::Room;
use crate::clock::Clock;
use crate::disk::SimDisk;
use crate::fault::{FaultKind, HostControl};
use crate::{Fault, FaultError, FaultId, TraceEvent};

pub(super) fn schedule(room: &Rc<Room>, fault: Fault) -> Result<FaultId, FaultError> {
    check(room, &fault)?;
    let id = FaultId(room.faults.replace_with(|made| *made + 1));
    schedule_nth(room, id, &Rc::new(fault), 0);
    Ok(id)
}

fn check(room: &Room, fault: &Fault) -> Result<(), FaultError> {
    let hosts = room.net.hosts();
    if let Some(host) = fault.kind.hosts().into_iter().find(|host| host.0 as usize >= hosts) {
        return Err(FaultError::NoSuchHost { host, hosts });
    }
    if let FaultKind::Disk { host, disk, .. } = &fault.kind
        && disks(room, *host, disk.as_deref()).is_empty()
    {
        let has = room.machinery(*host).parts.disks().len();
        return Err(FaultError::NoSuchDisk { host: room.net.name(*host), disk: disk.clone(), has });
    }
    match fault.repeat {
        Some(repeat) if repeat.every < fault.lasts => {
            Err(FaultError::OverlapsItself { lasts: fault.lasts, every: repeat.every })
        }
        Some(_) | None => Ok(()),
    }
}

/// Schedules the beginning and end numbered `nth`; the end schedules the next.
fn schedule_nth(room: &Rc<Room>, id: FaultId, fault: &Rc<Fault>, nth: u32) {
    let Some(begin) = fault.begins(nth) else { return };
    let (beginning, begins) = (Rc::clone(room), Rc::clone(fault));
    room.executor.at(begin, move || {
        add_span(&beginning, &begins);
        begin_fault(&beginning, id, &begins.kind);
    });
    let (ending, ends) = (Rc::clone(room), Rc::clone(fault));
    room.executor.at(begin + fault.lasts, move || {
        end_fault(&ending, id, &ends.kind);
        schedule_nth(&ending, id, &ends, nth + 1);
    });
}

fn begin_fault(room: &Rc<Room>, id: FaultId, kind: &FaultKind) {
    note(room, "begins", kind);
    match kind {
        FaultKind::Network { target, rule } => room.net.impose(id, target, rule),
        FaultKind::Disk { host, disk, fault } => {
            for disk in disks(room, *host, disk.as_deref()) {
                disk.faults().begin(room.disk_effects.counter(id), fault.clone());
            }
        }
        FaultKind::Process { host, fault } => fault.begin(&FaultedHost { room, id, host: *host }),
    }
}

fn end_fault(room: &Rc<Room>, id: FaultId, kind: &FaultKind) {
    note(room, "ends", kind);
    match kind {
        FaultKind::Network { .. } => room.net.lift(id),
        FaultKind::Disk { host, disk, .. } => {
            disks(room, *host, disk.as_deref()).iter().for_each(|disk| disk.faults().end(id));
        }
        FaultKind::Process { host, fault } => fault.end(&FaultedHost { room, id, host: *host }),
    }
}

/// The disks of that name that a host has; all of them if `None`.
fn disks(room: &Room, host: HostKey, wanted: Option<&str>) -> Vec<SimDisk> {
    let machinery = room.machinery(host);
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let named = machinery.parts.disks().iter().filter(|(name, _)| is_wanted(name));
    named.map(|(_, disk)| disk.share()).collect()
}

/// A host as a fault of its process controls it.
struct FaultedHost<'a> {
    room: &'a Rc<Room>,
    id: FaultId,
    host: HostKey,
}

impl FaultedHost<'_> {
    fn kill_tasks(&self) {
        let tasks = self.room.executor.kill(self.host);
        self.room.net.add_effect(self.id, "killed_tasks", tasks);
    }
}

impl HostControl for FaultedHost<'_> {
    fn kill_process(&self) {
        let connections = self.room.net.crash(self.id, self.host);
        self.room.net.add_effect(self.id, "reset_connections", connections);
        self.kill_tasks();
    }

    fn cut_power(&self) {
        let connections = self.room.net.power_off(self.id, self.host);
        self.room.net.add_effect(self.id, "silenced_connections", connections);
        self.kill_tasks();
        let machinery = self.room.machinery(self.host);
        let lost: u64 = machinery.parts.disks().values().map(SimDisk::lose_power).sum();
        self.room.net.add_effect(self.id, "lost_unsynced", lost);
    }

    fn restore(&self) {
        if self.room.net.bring_up(self.id, self.host) {
            self.room.start(self.host);
        }
    }
}

/// Adds the fault to the timeline when it begins: its length is known by then.
fn add_span(room: &Room, fault: &Fault) {
    if room.records.timeline.is_on() {
        let now = room.executor.now();
        let span = Span::new(SpanKind::Fault, describe(room, &fault.kind), now, now + fault.lasts);
        room.records.timeline.add(None, span);
    }
}

fn note(room: &Room, does: &str, kind: &FaultKind) {
    let what = format!("{} {does}", describe(room, kind));
    room.records.trace.note(room.executor.now(), &TraceEvent::Fault { what: &what });
}

fn describe(room: &Room, kind: &FaultKind) -> String {
    kind.describe(&|host| room.net.name(host), &|host| room.net.place(host))
}
