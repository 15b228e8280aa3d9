//! Setup and execution of a set of hosts: the part of a backend that does not depend on what it
//! simulates.
//!
//! Leaves out faults and meters, which are traits of their own in the crates that have them.

use std::error::Error;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::topology::{HostKey, HostSpec};
use crate::{Host, LocalFuture, Time};

/// Main function of a host, in two phases: it begins (recovers its disks, listens) or fails, and
/// returns the future that serves until the host ends. Called when the host starts and whenever it
/// restarts, on the thread that runs the host.
pub type HostMain =
    Arc<dyn Fn(Host) -> LocalFuture<'static, Result<Serving, HostStartError>> + Send + Sync>;

/// Second phase of a [`HostMain`].
pub type Serving = LocalFuture<'static, ()>;

/// Main function of a host on the thread that runs the backend: that of a client or of a test,
/// which shares state with its caller.
pub type LocalMain = Rc<dyn Fn(Host) -> LocalFuture<'static, ()>>;

/// Error of a host that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum HostStartError {
    /// A port cannot be listened on.
    #[error("port {port} cannot be listened on: {source}")]
    Port {
        /// The port.
        port: u16,
        /// Error of the host.
        source: io::Error,
    },
    /// A disk cannot be opened.
    #[error(transparent)]
    Disk(Box<dyn Error + Send + Sync>),
    /// The main function panicked.
    #[error("its thread panicked")]
    Panicked,
}

/// Reason for the end of [`Backend::run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The condition that it was to run until holds.
    Done,
    /// No task and no event is left that could change anything.
    Stuck,
    /// The time limit was reached.
    TimeLimit,
    /// Tasks woke each other so often that time stood still.
    Livelock,
}

/// A set of machines that run code of the seam.
pub trait Backend {
    /// Adds a host and starts it. Hosts are numbered from zero in the order of these calls and of
    /// those of [`Backend::add_local_host`].
    ///
    /// A backend that runs all hosts on the caller's thread keeps this implementation: both phases
    /// run one after the other, and the host's task panics if it cannot begin.
    fn add_host(&mut self, spec: HostSpec, main: HostMain) -> HostKey {
        let name = spec.name.clone();
        let local = move |host| {
            let (begun, name) = (main(host), name.clone());
            let running: Serving = Box::pin(async move {
                match begun.await {
                    Ok(serving) => serving.await,
                    Err(error) => panic!("{name} did not start: {error}"),
                }
            });
            running
        };
        self.add_local_host(spec, Rc::new(local))
    }

    /// Adds a host and starts it, on the thread that calls [`Backend::run`].
    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey;

    /// Runs until `done` returns true, which is called whenever something may have changed, at most
    /// to `limit`.
    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd;

    /// The time now.
    fn now(&self) -> Time;
}
