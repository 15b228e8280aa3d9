//! Room for sessions on a host: so many run, a few wait, more are refused.
//!
//! Nodes and workers have the same. Leaves out priorities: who came first goes first.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::host::{Host, SpanKind};
use crate::http::StatusCode;
use crate::proxy::Refusal;

/// Sessions that run on a host at a time, as in ZeroCloud.
pub const SLOTS: usize = 10;
/// Sessions that wait for one of the slots.
pub const QUEUE_MAX: usize = 3;

/// The slots of a host.
pub struct Slots {
    free: Semaphore,
    waiting: Cell<usize>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { free: Semaphore::new(SLOTS), waiting: Cell::new(0) }
    }
}

/// Counts a session as waiting until it is dropped.
struct Waiting<'a>(&'a Cell<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Slots {
    /// A slot of `host`, at once or after those that came before.
    ///
    /// # Errors
    /// 503 when enough wait already.
    pub async fn take(&self, host: &Host) -> Result<SemaphorePermit<'_>, Refusal> {
        let full = || {
            let why = format!("{SLOTS} sessions run here and {QUEUE_MAX} wait: ask another host");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        };
        if let Ok(slot) = self.free.try_acquire() {
            return Ok(slot);
        }
        if self.waiting.get() >= QUEUE_MAX {
            return Err(full());
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = Waiting(&self.waiting);
        let _queued = host.span(SpanKind::Queue, "slot");
        self.free.acquire().await.map_err(|_closed| full())
    }
}
