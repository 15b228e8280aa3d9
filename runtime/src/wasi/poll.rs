//! `poll_oneoff`: sleeping, and files, which are always ready.
//!
//! Leaves out the wait itself, which is the driver's.

use super::Stop;
use super::context::{Context, Interrupt};
use super::errno::Errno;
use super::guest::Guest;
use super::sleep::{Alarm, EVENT_BYTES, Sleep, TAG_CLOCK, event, put_events, put_rung};
use crate::limits::SUBSCRIPTIONS_MAX;

const SUBSCRIPTION_BYTES: u32 = 48;
const TAG_WRITE: u8 = 2;
const CLOCK_IS_ABSOLUTE: u16 = 1;

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
        match context.read_clock(u32::from_le_bytes(array(raw, 16))) {
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
    put_rung(&alarms, context.now, &mut events);
    Ok(put_events(guest, events_at, count_at, &events)?)
}

fn array<const N: usize>(raw: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&raw[at..at + N]);
    bytes
}
