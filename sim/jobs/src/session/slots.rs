//! Room for sessions on a host: so many run, a few wait, more are refused.
//!
//! Nodes and workers have the same. Leaves out priorities: who came first goes first.

use std::cell::Cell;

use stayput_host::config::SessionsConfig;
use stayput_host::{CountGuard, Host, HostMetric, OpenSpan, SpanKind};
use stayput_store::http::StatusCode;
use stayput_store::proxy::Refusal;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::placement::NodeLoad;

/// The slots of a host.
pub struct SessionSlots {
    free: Semaphore,
    running_max: u32,
    waiting: Cell<u32>,
    waiting_max: u32,
}

/// Counts a session as waiting until it is dropped.
struct Waiting<'a>(&'a Cell<u32>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl SessionSlots {
    /// As many as `sessions` says, all free.
    #[must_use]
    pub fn new(sessions: &SessionsConfig) -> Self {
        let free = usize::try_from(sessions.running).unwrap_or(usize::MAX);
        Self {
            free: Semaphore::new(free.min(Semaphore::MAX_PERMITS)),
            running_max: sessions.running,
            waiting: Cell::new(0),
            waiting_max: sessions.queued,
        }
    }

    /// A slot, if one is free: sessions of a gang do not wait for each other in queues.
    ///
    /// # Errors
    /// 503 when none is.
    pub fn take_now(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.free.try_acquire().map_err(|_none| {
            let why = format!("{} sessions run here: ask another host", self.running_max);
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        })
    }

    /// Who has slots and who waits, without the one who asks and has one.
    #[must_use]
    pub fn load_beside(&self) -> NodeLoad {
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        let taken = self.running_max.saturating_sub(free);
        NodeLoad { running: taken.saturating_sub(1), waiting: self.waiting.get() }
    }

    /// A slot, at once or after those that came before; what `wait` gives is kept as long as a wait lasts.
    ///
    /// # Errors
    /// 503 when enough wait already.
    pub async fn take<W>(&self, wait: impl FnOnce() -> W) -> Result<SemaphorePermit<'_>, Refusal> {
        let full = || {
            let (running, waiting) = (self.running_max, self.waiting_max);
            let why = format!("{running} sessions run here and {waiting} wait: ask another host");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        };
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

/// The wait for a slot of `host`, as its timeline and its counts have it.
pub(crate) fn waiting(host: &Host) -> (OpenSpan, CountGuard) {
    (host.span(SpanKind::Queue, "slot"), host.counted(HostMetric::SessionsWaiting))
}

/// A session that runs on `host` until this is dropped.
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
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refusal.why.contains("2 sessions run here and 1 wait"), "{}", refusal.why);
        drop(first);
        assert!(third.as_mut().now_or_never().expect("there is room now").is_ok());
    }
}
