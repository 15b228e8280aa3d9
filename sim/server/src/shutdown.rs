//! That a server is to end, told to all its threads.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};
use tokio::sync::Notify;

/// True if the server is to end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    begun: AtomicBool,
    told: Notify,
}

impl Ending {
    /// From now on it is.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::SeqCst);
        self.told.notify_waiters();
    }

    /// Output of `future`, or `None` if the server is to end before.
    pub(super) async fn unless_ended<F: Future>(&self, future: F) -> Option<F::Output> {
        // Listened for before it is looked at, so that nothing falls in between.
        let told = self.told.notified();
        if self.begun.load(Ordering::SeqCst) {
            return None;
        }
        match select(pin!(future), pin!(told)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}
