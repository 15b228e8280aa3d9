//! A server as the backend of a run: real sockets, real disks and this machine's cores behind the
//! seam, in real time.
//!
//! Hosts are spread over threads, as many as the machine has cores; local ones run on the caller's.
//! Every connection between two hosts is a pair of sockets on the loopback. Disks are directories
//! of a temporary one, which goes with the backend. Work of all hosts computes on one pool of as
//! many threads again. Hosts keep their addresses of the scenario, which mean something within the
//! backend only, so that backends side by side never meet.
//!
//! Leaves out what a scenario says of links, cards, disks' rates, cores and fuel rates, and faults:
//! those are the simulated machine room's. Nothing here is deterministic but what is drawn from the
//! seed.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, HostMain, HostStartError, LocalMain, RunEnd, Seed, Time};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::clock::ServerClock;
use super::disk::{DiskPool, RealDisk};
use super::loopback::Loopback;
use super::machine;
use super::server::{Server, ServerParts};
use super::start::{Actor, OpenDisk, StartError, Starting};
use super::switchboard::Carrier;
use super::thread::Reactor;

/// Threads that wait for the disks.
const DISK_THREADS: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// Calls that wait for one of them.
const DISK_CALLS_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// Connections of clients from outside: there are none.
const CONNECTIONS_MAX: usize = 0;
/// Between two looks whether a run is done because of what hosts on other threads did.
const LOOK: Duration = Duration::from_millis(5);

/// Error of a [`LoopbackServer`] that did not start.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The server.
    #[error(transparent)]
    Server(#[from] StartError),
    /// The system has no socket, thread or reactor to give, or no directory for disks.
    #[error("the system has no room for hosts on real sockets and disks: {0}")]
    System(#[from] io::Error),
}

/// A server on real sockets of the loopback, whose hosts are added one by one.
pub struct LoopbackServer {
    // The tasks go first, the directory of the disks last.
    reactor: Reactor,
    /// `None` only while it is dropped.
    server: Option<Server>,
    panics: UnboundedReceiver<Box<dyn Any + Send>>,
    hosts: u32,
    /// Hosts on threads that may not have begun yet.
    starting: Vec<Starting>,
    has_threads: bool,
    pool: DiskPool,
    root: TempDir,
}

impl LoopbackServer {
    /// A backend without hosts. Its time begins now; `seed` is that of all draws.
    ///
    /// # Errors
    /// The system has no room.
    pub fn new(seed: Seed) -> Result<Self, LoopbackError> {
        let (sender, panics) = unbounded_channel();
        let carrier = Carrier::Loopback(Loopback::new()?);
        let parts = ServerParts::of(ServerClock::from_zero());
        let parts = ServerParts { carrier, panics: Some(sender), ..parts };
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            reactor: Reactor::new()?,
            server: Some(Server::with((threads, CONNECTIONS_MAX), seed, parts)?),
            panics,
            hosts: 0,
            starting: Vec::new(),
            has_threads: false,
            pool: DiskPool::new(DISK_THREADS, DISK_CALLS_MAX)?,
            root: TempDir::with_prefix("stayput-")?,
        })
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        self.server().shared.clock
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it is there until this is dropped")
    }

    fn next_key(&mut self) -> HostKey {
        self.hosts += 1;
        HostKey(self.hosts - 1)
    }

    /// The disks of a host, in directories of their own.
    fn disks(&self, spec: &HostSpec) -> BTreeMap<String, OpenDisk> {
        let open = |name: &String| {
            let (root, pool) = (self.root.path().join(&spec.name).join(name), self.pool.clone());
            let failed = |error| HostStartError::Disk(Box::new(error));
            let open: OpenDisk = Box::new(move || RealDisk::open(&root, &pool).map_err(failed));
            (name.clone(), open)
        };
        spec.disks.iter().map(open).collect()
    }

    /// Waits until the hosts on threads have begun.
    fn await_starts(&mut self) {
        for starting in self.starting.drain(..) {
            let Err(error) = starting.wait() else { continue };
            // A panic is sent after what its task held was dropped.
            let panic = match &error {
                StartError::Actor { source: HostStartError::Panicked, .. } => {
                    self.panics.blocking_recv()
                }
                _ => None,
            };
            panic.map_or_else(|| panic!("{error}"), resume_unwind)
        }
    }
}

impl Backend for LoopbackServer {
    fn add_host(&mut self, spec: HostSpec, main: HostMain) -> HostKey {
        let key = self.next_key();
        let (name, ip, disks) = (spec.name.clone(), IpAddr::V4(spec.ip), self.disks(&spec));
        let actor = Actor { name, ip, disks, doors: BTreeMap::new(), main };
        let starting = self.server().start(usize::try_from(key.0).unwrap_or(usize::MAX), actor);
        self.starting.push(starting);
        self.has_threads = true;
        key
    }

    fn add_local_host(&mut self, spec: HostSpec, main: LocalMain) -> HostKey {
        let key = self.next_key();
        let (name, ip, disks) = (spec.name.clone(), IpAddr::V4(spec.ip), self.disks(&spec));
        let shared = Arc::clone(&self.server().shared);
        let running = {
            let shared = Arc::clone(&shared);
            async move {
                let host = machine::host(shared, ip, disks, BTreeMap::new());
                main(host.unwrap_or_else(|error| panic!("{name} did not start: {error}"))).await;
            }
        };
        self.reactor.spawn(shared.reporting(Box::pin(running)));
        key
    }

    /// Hosts that were added with [`Backend::add_host`] have begun when local ones go on. The limit
    /// is one of real time. Hosts whose tasks all sleep or wait for each other are waited for until
    /// then, as are those on other threads.
    ///
    /// # Panics
    /// With the panic of a host's task, or if a host cannot begin.
    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd {
        self.await_starts();
        if done() {
            return RunEnd::Done;
        }
        let (clock, has_threads) = (self.clock(), self.has_threads);
        let mut limit = clock.sleep_until(limit);
        let mut look = clock.sleep_until(clock.now() + LOOK);
        let panics = &mut self.panics;
        self.reactor.run_until(|cx, ended| {
            if let Poll::Ready(Some(panic)) = panics.poll_recv(cx) {
                resume_unwind(panic);
            }
            if done() {
                return Poll::Ready(RunEnd::Done);
            }
            if ended && !has_threads {
                return Poll::Ready(RunEnd::Stuck);
            }
            while has_threads && look.as_mut().poll(cx).is_ready() {
                look = clock.sleep_until(clock.now() + LOOK);
            }
            limit.as_mut().poll(cx).map(|()| RunEnd::TimeLimit)
        })
    }

    fn now(&self) -> Time {
        self.clock().now()
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        // Its threads end before the disks' directory goes.
        let _cut_off = self.server.take().map(|server| server.stop(Duration::ZERO));
    }
}
