//! A guest's wait for clocks in `poll_oneoff`, and the events that answer it.
//!
//! Leaves out the subscriptions, which [`poll`](super::poll) reads.

use super::errno::Errno;
use super::guest::Guest;

pub(super) const EVENT_BYTES: usize = 32;
pub(super) const TAG_CLOCK: u8 = 0;

/// Suspended `poll_oneoff` of a guest that waits for clocks only.
pub(crate) struct Sleep {
    /// Time of the first alarm, in nanoseconds since the Unix epoch.
    pub(crate) until: u64,
    pub(super) alarms: Vec<Alarm>,
    pub(super) events_at: u32,
    pub(super) count_at: u32,
}

/// Subscription to a clock.
pub(super) struct Alarm {
    pub(super) userdata: [u8; 8],
    pub(super) at: u64,
}

impl Sleep {
    /// Writes the events of the alarms that are due into the guest's memory.
    pub(crate) fn wake(&self, guest: &mut Guest<'_>, now: u64) {
        let mut events = Vec::new();
        put_rung(&self.alarms, now, &mut events);
        put_events(guest, self.events_at, self.count_at, &events)
            .expect("the place of the events was checked when the call began");
    }
}

/// Appends the events of the alarms that are due.
pub(super) fn put_rung(alarms: &[Alarm], now: u64, events: &mut Vec<u8>) {
    for alarm in alarms.iter().filter(|alarm| alarm.at <= now) {
        events.extend_from_slice(&event(alarm.userdata, TAG_CLOCK, Errno::Success, 0));
    }
}

pub(super) fn put_events(
    guest: &mut Guest<'_>,
    at: u32,
    count_at: u32,
    events: &[u8],
) -> Result<(), Errno> {
    guest.put(at, events)?;
    guest.put_u32(count_at, (events.len() / EVENT_BYTES) as u32)
}

pub(super) fn event(
    userdata: [u8; 8],
    tag: u8,
    errno: Errno,
    ready_bytes: u64,
) -> [u8; EVENT_BYTES] {
    let mut event = [0; EVENT_BYTES];
    event[..8].copy_from_slice(&userdata);
    event[8..10].copy_from_slice(&(errno.code() as u16).to_le_bytes());
    event[10] = tag;
    event[16..24].copy_from_slice(&ready_bytes.to_le_bytes());
    event
}
