//! The cores that jobs compute on: a bounded pool of threads beside those that serve.
//!
//! Work queues for a thread, first come, first served. How much can queue is bounded by the
//! sessions that nodes take. A computation whose host is gone runs to its end, and its result is
//! dropped. Leaves out priorities.

use std::io;
use std::sync::Arc;

use stayput_host::{ComputeWork, LocalFuture};
use tokio::runtime::{Builder, Handle, Runtime};

use super::meters::Meters;

/// The pool.
#[derive(Debug)]
pub(super) struct Cores {
    runtime: Option<Runtime>,
    meters: Arc<Meters>,
}

impl Cores {
    pub(super) fn new(threads: usize, meters: Arc<Meters>) -> io::Result<Self> {
        // A reactor that nobody polls: its blocking pool is the bounded pool of threads.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads.max(1))
            .thread_name("stayput-job")
            .build()?;
        Ok(Self { runtime: Some(runtime), meters })
    }

    fn handle(&self) -> Option<Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// See [`stayput_host::Host::compute`].
    pub(super) fn compute(
        &self,
        mut work: Box<dyn ComputeWork>,
    ) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        let (handle, meters) = (self.handle(), Arc::clone(&self.meters));
        Box::pin(async move {
            let Some(handle) = handle else { std::future::pending().await };
            let done = handle.spawn_blocking(move || {
                meters.computed(work.run());
                work
            });
            match done.await {
                Ok(work) => work,
                // A broken invariant of the interpreter panics where the work was asked for.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The server ends.
                    Err(_) => std::future::pending().await,
                },
            }
        })
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A job may have minutes of fuel left.
            runtime.shutdown_background();
        }
    }
}
