//! Slots for sessions on a host: so many run, a few wait in a queue, more are refused.
//!
//! Leaves out priorities: first come, first served.

use std::cell::Cell;

use stayput_host::config::SessionsConfig;
use stayput_host::{CountGuard, Host, HostMetric, OpenSpan, SpanKind};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::placement::NodeLoad;

/// Absence of a slot for a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSlot {
    /// All slots are taken, and the session may not wait.
    #[error("{running} sessions run here: ask another host")]
    AllTaken {
        /// Number of slots.
        running: u32,
    },
    /// All slots are taken, and the queue is full.
    #[error("{running} sessions run here and {waiting} wait: ask another host")]
    QueueFull {
        /// Number of slots.
        running: u32,
        /// Length of the queue.
        waiting: u32,
    },
}

/// Slots of a host.
pub(crate) struct SessionSlots {
    free: Semaphore,
    running_max: u32,
    waiting: Cell<u32>,
    waiting_max: u32,
}

/// A session that counts as waiting until this is dropped.
struct Waiting<'a>(&'a Cell<u32>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl SessionSlots {
    /// As many slots as `sessions` says, all free.
    #[must_use]
    pub(crate) fn new(sessions: &SessionsConfig) -> Self {
        let free = usize::try_from(sessions.running).unwrap_or(usize::MAX);
        Self {
            free: Semaphore::new(free.min(Semaphore::MAX_PERMITS)),
            running_max: sessions.running,
            waiting: Cell::new(0),
            waiting_max: sessions.queued,
        }
    }

    /// Takes a slot if one is free: sessions of a gang do not wait for each other in queues.
    ///
    /// # Errors
    /// None is.
    pub(crate) fn take_now(&self) -> Result<SemaphorePermit<'_>, NoSlot> {
        self.free.try_acquire().map_err(|_none| NoSlot::AllTaken { running: self.running_max })
    }

    /// Load of the host without the session that asks, which has a slot.
    #[must_use]
    pub(crate) fn load_beside(&self) -> NodeLoad {
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        let taken = self.running_max.saturating_sub(free);
        NodeLoad { running: taken.saturating_sub(1), waiting: self.waiting.get() }
    }

    /// Takes a slot, at once or after those that came before; the value of `wait` is kept as long
    /// as a wait lasts.
    ///
    /// # Errors
    /// As many wait as may.
    pub(crate) async fn take<W>(
        &self,
        wait: impl FnOnce() -> W,
    ) -> Result<SemaphorePermit<'_>, NoSlot> {
        let full = || NoSlot::QueueFull { running: self.running_max, waiting: self.waiting_max };
        if let Ok(slot) = self.free.try_acquire() {
            return Ok(slot);
        }
        if self.waiting.get() >= self.waiting_max {
            return Err(full());
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = Waiting(&self.waiting);
        let _wait = wait();
        self.free.acquire().await.map_err(|_closed| full())
    }
}

/// A wait for a slot of `host`, on its timeline and in its counts.
pub(crate) fn waiting(host: &Host) -> (OpenSpan, CountGuard) {
    (host.span(SpanKind::Queue, "slot"), host.counted(HostMetric::SessionsWaiting))
}

/// A session that counts as running on `host` until this is dropped.
pub(crate) fn session_runs(host: &Host) -> CountGuard {
    host.count(HostMetric::SessionsBegun, 1);
    host.counted(HostMetric::SessionsRunning)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn so_many_run_and_wait_as_the_machine_says_and_more_are_refused() {
        let sessions = SessionsConfig { running: 2, queued: 1, ..SessionsConfig::default() };
        let slots = SessionSlots::new(&sessions);
        let take = || slots.take(|| OpenSpan::DISABLED).now_or_never();
        let (Some(Ok(first)), Some(Ok(_second))) = (take(), take()) else { panic!("two run") };
        let mut third = Box::pin(slots.take(|| OpenSpan::DISABLED));
        assert!(third.as_mut().now_or_never().is_none(), "one waits");
        assert_eq!(slots.load_beside(), NodeLoad { running: 1, waiting: 1 });
        let refusal = slots
            .take(|| OpenSpan::DISABLED)
            .now_or_never()
            .expect("at once")
            .expect_err("no more");
        assert_eq!(refusal, NoSlot::QueueFull { running: 2, waiting: 1 });
        assert!(refusal.to_string().starts_with("2 sessions run here and 1 wait"));
        drop(first);
        assert!(third.as_mut().now_or_never().expect("there is room now").is_ok());
    }

    #[test]
    fn a_session_of_a_gang_does_not_wait() {
        let sessions = SessionsConfig { running: 1, queued: 9, ..SessionsConfig::default() };
        let slots = SessionSlots::new(&sessions);
        let first = slots.take_now().expect("it is free");
        assert_eq!(slots.take_now().err(), Some(NoSlot::AllTaken { running: 1 }));
        assert_eq!(slots.load_beside(), NodeLoad { running: 0, waiting: 0 });
        drop(first);
        assert!(slots.take_now().is_ok());
    }

    #[test]
    fn who_gives_up_waiting_makes_room_in_the_queue() {
        let sessions = SessionsConfig { running: 1, queued: 1, ..SessionsConfig::default() };
        let slots = SessionSlots::new(&sessions);
        let _first = slots.take_now().expect("it is free");
        let mut second = Box::pin(slots.take(|| OpenSpan::DISABLED));
        assert!(second.as_mut().now_or_never().is_none(), "it waits");
        drop(second);
        let mut third = Box::pin(slots.take(|| OpenSpan::DISABLED));
        assert!(third.as_mut().now_or_never().is_none(), "it waits in the place of the second");
    }
}
