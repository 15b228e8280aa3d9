//! Signal to all threads of a server that it is to end.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};
use tokio::sync::Notify;

/// Signal that is sent once.
#[derive(Debug, Default)]
pub(super) struct ShutdownSignal {
    sent: AtomicBool,
    waiting: Notify,
}

impl ShutdownSignal {
    /// Sends it, to those who wait for it later as well.
    pub(super) fn send(&self) {
        self.sent.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    /// Output of `future`, or `None` if the signal comes first.
    pub(super) async fn unless_sent<F: Future>(&self, future: F) -> Option<F::Output> {
        // Waited for before it is looked at, so that nothing falls in between.
        let sent = self.waiting.notified();
        if self.sent.load(Ordering::SeqCst) {
            return None;
        }
        match select(pin!(future), pin!(sent)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}
