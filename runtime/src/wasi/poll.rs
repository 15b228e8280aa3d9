//! `poll_oneoff`: sleeping, and files, which are always ready.

use super::Stop;
use super::context::{Context, Interrupt};
use super::environment::read_clock;
use super::errno::Errno;
use super::guest::Guest;
use crate::limits::SUBSCRIPTIONS_MAX;

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: usize = 32;
const TAG_CLOCK: u8 = 0;
const TAG_WRITE: u8 = 2;
const CLOCK_IS_ABSOLUTE: u16 = 1;

/// A guest that waits for clocks only.
pub(crate) struct Sleep {
    pub(crate) until: u64,
    alarms: Vec<Alarm>,
    events_at: u32,
    count_at: u32,
}

struct Alarm {
    userdata: [u8; 8],
    at: u64,
}

pub(super) fn poll_oneoff(
    guest: &mut Guest<'_>,
    context: &mut Context,
    subscriptions: u32,
    events_at: u32,
    count: u32,
    count_at: u32,
) -> Result<(), Stop> {
    if count == 0 || count > SUBSCRIPTIONS_MAX {
        return Err(Errno::Inval.into());
    }
    guest.bytes(count_at, 4)?;
    guest.bytes(events_at, count * EVENT_BYTES as u32)?;
    let list = guest.bytes(subscriptions, count * SUBSCRIPTION_BYTES)?;
    let (mut events, mut alarms) = (Vec::new(), Vec::new());
    for raw in list.chunks_exact(SUBSCRIPTION_BYTES as usize) {
        let userdata = array(raw, 0);
        let tag = raw[8];
        if tag > TAG_WRITE {
            return Err(Errno::Inval.into());
        }
        if tag != TAG_CLOCK {
            let fd = u32::from_le_bytes(array(raw, 16));
            let errno = context.fds.get(fd).err().unwrap_or(Errno::Success);
            events.extend_from_slice(&event(userdata, tag, errno, 1));
            continue;
        }
        let timeout = u64::from_le_bytes(array(raw, 24));
        let flags = u16::from_le_bytes(array(raw, 40));
        match read_clock(context, u32::from_le_bytes(array(raw, 16))) {
            Err(errno) => events.extend_from_slice(&event(userdata, tag, errno, 0)),
            Ok(now) if flags & CLOCK_IS_ABSOLUTE != 0 => {
                let at = context.now.saturating_add(timeout.saturating_sub(now));
                alarms.push(Alarm { userdata, at });
            }
            Ok(_) => alarms.push(Alarm { userdata, at: context.now.saturating_add(timeout) }),
        }
    }
    if !alarms.is_empty() {
        context.clock_reads += 1;
    }
    let until = alarms.iter().map(|alarm| alarm.at).min().unwrap_or(0);
    if events.is_empty() && until > context.now {
        let sleep = Sleep { until, alarms, events_at, count_at };
        return Err(Stop::Interrupt(Interrupt::Sleep(sleep)));
    }
    ring(&alarms, context.now, &mut events);
    Ok(put_events(guest, events_at, count_at, &events)?)
}

impl Sleep {
    /// Tells the guest which of its clocks have come.
    pub(crate) fn wake(&self, guest: &mut Guest<'_>, now: u64) {
        let mut events = Vec::new();
        ring(&self.alarms, now, &mut events);
        put_events(guest, self.events_at, self.count_at, &events)
            .expect("the place of the events was checked when the call began");
    }
}

fn ring(alarms: &[Alarm], now: u64, events: &mut Vec<u8>) {
    for alarm in alarms.iter().filter(|alarm| alarm.at <= now) {
        events.extend_from_slice(&event(alarm.userdata, TAG_CLOCK, Errno::Success, 0));
    }
}

fn put_events(guest: &mut Guest<'_>, at: u32, count_at: u32, events: &[u8]) -> Result<(), Errno> {
    guest.put(at, events)?;
    guest.put_u32(count_at, (events.len() / EVENT_BYTES) as u32)
}

fn event(userdata: [u8; 8], tag: u8, errno: Errno, ready_bytes: u64) -> [u8; EVENT_BYTES] {
    let mut event = [0; EVENT_BYTES];
    event[..8].copy_from_slice(&userdata);
    event[8..10].copy_from_slice(&(errno.code() as u16).to_le_bytes());
    event[10] = tag;
    event[16..24].copy_from_slice(&ready_bytes.to_le_bytes());
    event
}

fn array<const N: usize>(raw: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&raw[at..at + N]);
    bytes
}
