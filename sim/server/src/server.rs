//! A server: threads with hosts, and the ports of this machine that lead to them.
//!
//! Leaves out which hosts there are.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use stayput_host::Seed;

use super::accept::{self, Door};
use super::clock::ServerClock;
use super::cores::Cores;
use super::machine;
use super::meters::Meters;
use super::peers::{self, PeerError, PeerPort, Peers};
use super::shared::{PanicSender, Shared};
use super::shutdown::ShutdownSignal;
use super::start::{Actor, StartError, Starting};
use super::switchboard::{Carrier, Switchboard};
use super::thread::Thread;
use super::tls::Tls;

/// Time limit of a name lookup of another process.
const LOOK_FOR_PEER_MAX: Duration = Duration::from_secs(2);
/// Between two looks whether the last connection has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A server. Dropping it ends it at once; what was acknowledged is on disks.
#[derive(Debug)]
pub struct Server {
    threads: Vec<Thread>,
    pub(super) shared: Arc<Shared>,
    /// True if other processes reach its actors.
    has_port: Cell<bool>,
}

/// Parts in which servers differ.
pub(super) struct ServerParts {
    pub(super) clock: ServerClock,
    pub(super) carrier: Carrier,
    pub(super) peers: Option<Peers>,
    pub(super) panics: Option<PanicSender>,
}

impl ServerParts {
    /// Those of a server that is a cluster by itself, by that clock.
    pub(super) fn of(clock: ServerClock) -> Self {
        Self { clock, carrier: Carrier::Memory, peers: None, panics: None }
    }
}

impl Server {
    /// One without actors: `threads` for those, and as many again for what jobs compute. `seed` is
    /// what its decisions are drawn from, and should be another one each time. Of `connections_max`
    /// connections of clients each thread has its share; further ones take the place of those that
    /// have been idle longest.
    ///
    /// # Errors
    /// The system has no threads, or its clock is unset.
    pub fn new(threads: usize, connections_max: usize, seed: Seed) -> Result<Self, StartError> {
        let clock = ServerClock::by_calendar()?;
        Self::with((threads, connections_max), seed, ServerParts::of(clock))
    }

    /// The same for some of the actors of a cluster, of which `peers` has the others.
    ///
    /// # Errors
    /// As of [`Server::new`].
    pub fn among(
        threads: usize,
        connections_max: usize,
        seed: Seed,
        peers: Peers,
    ) -> Result<Self, StartError> {
        let parts = ServerParts::of(ServerClock::by_calendar()?);
        let parts = ServerParts { peers: Some(peers), ..parts };
        Self::with((threads, connections_max), seed, parts)
    }

    pub(super) fn with(
        (threads, connections_max): (usize, usize),
        seed: Seed,
        parts: ServerParts,
    ) -> Result<Self, StartError> {
        let threads = threads.max(1);
        let meters = Arc::new(Meters::default());
        let shared = Arc::new(Shared {
            clock: parts.clock,
            seed,
            switchboard: Arc::new(Switchboard::new(parts.carrier, Arc::clone(&meters))),
            cores: Cores::new(threads, Arc::clone(&meters)).map_err(StartError::Thread)?,
            meters,
            connections_max: (connections_max / threads).max(1),
            shutdown: Arc::default(),
            peers: parts.peers,
            peer_shutdown: ShutdownSignal::default(),
            panics: parts.panics,
        });
        let threads = (0..threads).map(Thread::start).collect::<io::Result<Vec<_>>>();
        let threads = threads.map_err(StartError::Thread)?;
        Ok(Self { threads, shared, has_port: Cell::new(false) })
    }

    /// Threads for actors.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Its counters.
    #[must_use]
    pub fn meters(&self) -> Arc<Meters> {
        Arc::clone(&self.shared.meters)
    }

    /// Opens a door for clients at `at`, of which port 0 is any that is free, and says where it is.
    /// They speak TLS if there is one to speak it by, else in the clear.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn open_door(
        &self,
        at: SocketAddr,
        tls: Option<Tls>,
    ) -> Result<(Arc<Door>, SocketAddr), StartError> {
        let failed = |source| StartError::Address { at, source };
        let listener = accept::bind(at).map_err(failed)?;
        let found = listener.local_addr().map_err(failed)?;
        let opened = Arc::new(Door::new(tls));
        let (door, shutdown) = (Arc::clone(&opened), Arc::clone(&self.shared.shutdown));
        self.attend(listener, move |listener| accept::attend(door, listener, shutdown))
            .map_err(failed)?;
        Ok((opened, found))
    }

    /// Opens the port at `at` for the other processes of the cluster: they reach all actors of this
    /// one from now on. When the server is told to stop, those actors end as those behind doors do.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn open_port(&self, at: SocketAddr) -> Result<SocketAddr, StartError> {
        let failed = |source| StartError::Address { at, source };
        let listener = accept::bind(at).map_err(failed)?;
        let found = listener.local_addr().map_err(failed)?;
        let Some(peers) = self.shared.peers.clone() else {
            return Err(failed(io::Error::other("this server has no other processes")));
        };
        let port = PeerPort {
            peers,
            switchboard: Arc::clone(&self.shared.switchboard),
            shutdown: Arc::clone(&self.shared.shutdown),
            meters: self.meters(),
        };
        self.attend(listener, move |listener| port.accept(listener)).map_err(failed)?;
        self.has_port.set(true);
        Ok(found)
    }

    /// Lets the first thread do what `attending` does with a listener.
    #[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
    fn attend<A: Future<Output = ()> + 'static>(
        &self,
        listener: std::net::TcpListener,
        attending: impl FnOnce(tokio::net::TcpListener) -> A + Send + 'static,
    ) -> io::Result<()> {
        let (sender, begun) = mpsc::channel();
        self.call(0, move || {
            let listener = tokio::net::TcpListener::from_std(listener);
            let attended = listener.map(|listener| {
                #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
                drop(tokio::task::spawn_local(attending(listener)));
            });
            // Nobody waits for it any more if the server is gone.
            let _told = sender.send(attended);
        });
        begun.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Looks for each other process of the cluster: where it is, and what is wrong if it cannot be
    /// reached.
    #[must_use]
    pub fn look_for_peers(&self) -> Vec<(Arc<str>, Result<(), PeerError>)> {
        let (sender, found) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        self.call(0, move || {
            let processes = shared.peers.iter().flat_map(Peers::processes);
            for (ip, way) in processes {
                let (shared, way, sender) = (Arc::clone(&shared), Arc::clone(way), sender.clone());
                let looking = async move {
                    let Some(peers) = &shared.peers else { return };
                    let look = peers::look(peers, &way, SocketAddr::new(ip, 0));
                    #[expect(clippy::disallowed_methods, reason = "the clock here is tokio's")]
                    let looked = tokio::time::timeout(LOOK_FOR_PEER_MAX, look).await;
                    let found = looked.unwrap_or(Err(PeerError::NoAnswer));
                    // Nobody waits for it any more if the server is gone.
                    let _told = sender.send((Arc::clone(&way), found));
                };
                #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
                drop(tokio::task::spawn_local(looking));
            }
        });
        let mut found: Vec<_> = found.iter().collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    /// Starts `actor` on the thread of that number, counted round.
    pub fn start(&self, thread: usize, actor: Actor) -> Starting {
        let (sender, begun) = mpsc::channel();
        let (name, shared) = (actor.name.clone(), Arc::clone(&self.shared));
        self.call(thread, move || {
            let of_thread = Arc::clone(&shared);
            let running = async move {
                let Actor { ip, disks, doors, main, .. } = actor;
                let begun = match machine::host(shared, ip, disks, doors) {
                    Ok(host) => main(host).await,
                    Err(error) => Err(error),
                };
                // Whoever waits for it may be gone.
                match begun {
                    Ok(serving) => {
                        let _sent = sender.send(Ok(()));
                        serving.await;
                    }
                    Err(error) => {
                        let _sent = sender.send(Err(error));
                    }
                }
            };
            of_thread.spawn(Box::pin(running));
        });
        Starting { name, begun }
    }

    fn call(&self, thread: usize, task: impl FnOnce() + Send + 'static) {
        // A thread that is gone drops what whoever asked waits on, so it is heard of.
        self.threads[thread % self.threads.len()].call(task);
    }

    /// Takes no more connections, lets requests that run end within `limit`, then ends. Says how
    /// many connections it cut off.
    #[must_use]
    pub fn stop(self, limit: Duration) -> u64 {
        self.shared.shutdown.send();
        if self.has_port.get() {
            self.shared.peer_shutdown.send();
        }
        let meters = &self.shared.meters;
        let open = || meters.open_connections() + meters.peer_connections();
        let mut waited = Duration::ZERO;
        // The last answer of one that is being closed may be on its way; nobody holds it, so it is
        // not cut off.
        while open() + meters.closing_connections() > 0 && waited < limit {
            #[expect(clippy::disallowed_methods, reason = "a real server's end takes real time")]
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
        let left = open();
        self.threads.into_iter().for_each(Thread::end);
        left
    }
}
