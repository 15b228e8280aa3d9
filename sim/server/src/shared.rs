//! State that all threads of a server share, and the tasks of a thread.
//!
//! Leaves out the threads themselves.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use stayput_host::{LocalFuture, Seed};
use tokio::sync::mpsc::UnboundedSender;

use super::clock::ServerClock;
use super::cores::Cores;
use super::meters::Meters;
use super::peers::Peers;
use super::shutdown::ShutdownSignal;
use super::switchboard::Switchboard;

/// State shared by all threads of a server.
pub(super) struct Shared {
    pub(super) clock: ServerClock,
    pub(super) seed: Seed,
    pub(super) meters: Arc<Meters>,
    pub(super) switchboard: Arc<Switchboard>,
    pub(super) cores: Cores,
    /// Of clients, on each thread.
    pub(super) connections_max: usize,
    pub(super) shutdown: Arc<ShutdownSignal>,
    /// The other processes of the cluster, if there are any.
    pub(super) peers: Option<Peers>,
    /// That actors whom other processes reach are to take no more connections.
    pub(super) peer_shutdown: ShutdownSignal,
    /// Gets the panics of tasks, if somebody asks for them.
    pub(super) panics: Option<PanicSender>,
}

/// Sends what tasks panicked with.
pub(super) type PanicSender = UnboundedSender<Box<dyn Any + Send>>;

impl Shared {
    /// Runs `task` on this thread until it or the server ends.
    pub(super) fn spawn(&self, task: LocalFuture<'static, ()>) {
        #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
        drop(tokio::task::spawn_local(self.reporting(task)));
    }

    /// `task`, whose panic whoever asks for panics gets. The panic hook reports it in any case.
    pub(super) fn reporting(&self, task: LocalFuture<'static, ()>) -> LocalFuture<'static, ()> {
        let Some(panics) = self.panics.clone() else { return task };
        Box::pin(async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                // Nobody asks for it any more if the server is gone.
                let _gone = panics.send(panic);
            }
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
