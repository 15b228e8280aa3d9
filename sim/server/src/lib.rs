//! The cluster's actors on threads of a real machine: a server.
//!
//! ```text
//! accept   one socket for clients → the proxy with fewest connections
//! threads   each a current-thread runtime with some of the actors, which stay there
//!           switchboard, pipe   actors reach each other in memory
//! peers   actors of other processes, through one port of each process, by those who know the
//!         cluster's secret
//! cores   job steps, on threads of their own
//! ```
//! Nothing above the seam knows the difference. Actors are started one by one, so that proxies
//! begin when nodes have recovered. Leaves out who the actors are: that is `cluster`'s.

mod accept;
mod clock;
mod cores;
#[cfg(unix)]
pub mod disk;
mod machine;
mod meters;
mod peers;
mod pipe;
pub mod served;
mod shutdown;
mod switchboard;
#[cfg(test)]
mod tests;
mod tls;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

pub use self::accept::Door;
pub use self::clock::BeforeItsTime;
use self::clock::ServerClock;
use self::cores::Cores;
use self::machine::ServerMachine;
pub use self::meters::Meters;
pub use self::peers::{PeerSecret, Peers};
use self::shutdown::Ending;
use self::switchboard::Switchboard;
pub use self::tls::{BadTls, Tls};
use stayput_host::{Disk, Host, HostMain, HostStartError, Seed, Serving};

/// Time limit of a name lookup of another process.
const LOOK_FOR_PEER_MAX: Duration = Duration::from_secs(2);
/// Names of other processes that each thread looks up at a time.
const LOOK_UPS_MAX: usize = 8;
/// Between two looks whether the last connection has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Error of a server, or an actor of it, that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The clock.
    #[error(transparent)]
    Clock(#[from] BeforeItsTime),
    /// No thread or no reactor.
    #[error("the system has no thread to give: {0}")]
    Thread(io::Error),
    /// The address cannot be had.
    #[error(
        "{at} cannot be listened at: {source} (is another server running there? choose another address)"
    )]
    Address {
        /// The address.
        at: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// An actor cannot begin.
    #[error("{name} did not start: {source}")]
    Actor {
        /// The actor.
        name: String,
        /// Its error.
        source: HostStartError,
    },
}

/// State shared by all threads of a server.
struct Shared {
    clock: ServerClock,
    seed: Seed,
    meters: Arc<Meters>,
    switchboard: Arc<Switchboard>,
    cores: Cores,
    /// Of clients, on each thread.
    connections_max: usize,
    ending: Arc<Ending>,
    /// The other processes of the cluster, if there are any.
    peers: Option<Peers>,
    /// That actors whom other processes reach are to take no more connections.
    peers_ending: Ending,
}

/// Opens a disk, on the thread that will use it.
pub type OpenDisk = Box<dyn FnOnce() -> Result<Rc<dyn Disk>, HostStartError> + Send>;

/// A node, a proxy or a worker that is to run.
pub struct Actor {
    /// Name in errors.
    pub name: String,
    /// Its address, which means something within the process.
    pub ip: IpAddr,
    /// Its disks by name.
    pub disks: BTreeMap<String, OpenDisk>,
    /// Ports that are open to clients.
    pub doors: BTreeMap<u16, Arc<Door>>,
    /// Main function.
    pub main: HostMain,
}

/// An actor that begins.
#[derive(Debug)]
pub struct Starting {
    name: String,
    begun: mpsc::Receiver<Result<(), HostStartError>>,
}

impl Starting {
    /// Waits until it has begun.
    ///
    /// # Errors
    /// It could not.
    pub fn wait(self) -> Result<(), StartError> {
        let begun = self.begun.recv();
        let begun = begun.unwrap_or(Err(HostStartError::Panicked));
        begun.map_err(|source| StartError::Actor { name: self.name, source })
    }
}

/// Something that a thread is to do with its tasks.
type Order = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
struct Thread {
    /// Dropped, it ends the thread.
    orders: UnboundedSender<Order>,
    handle: JoinHandle<()>,
}

/// A server. Dropping it ends it at once; what was acknowledged is on disks.
#[derive(Debug)]
pub struct Server {
    threads: Vec<Thread>,
    shared: Arc<Shared>,
    /// True if other processes reach its actors.
    has_port: Cell<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
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
        Self::of_cluster(threads, connections_max, seed, None)
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
        Self::of_cluster(threads, connections_max, seed, Some(peers))
    }

    fn of_cluster(
        threads: usize,
        connections_max: usize,
        seed: Seed,
        peers: Option<Peers>,
    ) -> Result<Self, StartError> {
        let threads = threads.max(1);
        let meters = Arc::new(Meters::default());
        let shared = Arc::new(Shared {
            clock: ServerClock::starting_now()?,
            seed,
            switchboard: Arc::new(Switchboard::new(Arc::clone(&meters))),
            cores: Cores::new(threads, Arc::clone(&meters)).map_err(StartError::Thread)?,
            meters,
            connections_max: (connections_max / threads).max(1),
            ending: Arc::default(),
            peers,
            peers_ending: Ending::default(),
        });
        let threads = (0..threads).map(start_thread).collect::<io::Result<Vec<_>>>();
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
        let (door, ending) = (Arc::clone(&opened), Arc::clone(&self.shared.ending));
        self.attend(listener, move |listener| accept::attend(door, listener, ending))
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
        let shared = Arc::clone(&self.shared);
        self.attend(listener, move |listener| peers::attend(shared, peers, listener))
            .map_err(failed)?;
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
        self.order(0, move || {
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
    pub fn look_for_peers(&self) -> Vec<(Arc<str>, Result<(), String>)> {
        let (sender, found) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        self.order(0, move || {
            let processes = shared.peers.iter().flat_map(Peers::processes);
            for (ip, way) in processes {
                let (shared, way, sender) = (Arc::clone(&shared), Arc::clone(way), sender.clone());
                let looking = async move {
                    let Some(peers) = &shared.peers else { return };
                    let look = peers::look(peers, &way, SocketAddr::new(ip, 0));
                    #[expect(clippy::disallowed_methods, reason = "the clock here is tokio's")]
                    let looked = tokio::time::timeout(LOOK_FOR_PEER_MAX, look).await;
                    let found = looked.unwrap_or_else(|_| Err("it does not answer".to_owned()));
                    // Nobody waits for it any more if the server is gone.
                    let _told = sender.send((Arc::clone(&way), found));
                };
                #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
                drop(tokio::task::spawn_local(looking));
            }
        });
        let mut found: Vec<_> = found.iter().collect();
        found.sort();
        found
    }

    /// Starts `actor` on the thread of that number, counted round.
    pub fn start(&self, thread: usize, actor: Actor) -> Starting {
        let (sender, begun) = mpsc::channel();
        let (name, shared) = (actor.name.clone(), Arc::clone(&self.shared));
        self.order(thread, move || {
            let running = async move {
                // Whoever waits for it may be gone.
                match begin(actor, shared).await {
                    Ok(serving) => {
                        let _sent = sender.send(Ok(()));
                        serving.await;
                    }
                    Err(error) => {
                        let _sent = sender.send(Err(error));
                    }
                }
            };
            #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
            drop(tokio::task::spawn_local(running));
        });
        Starting { name, begun }
    }

    fn order(&self, thread: usize, order: impl FnOnce() + Send + 'static) {
        // A thread that is gone drops what whoever asked waits on, so it is heard of.
        let _gone = self.threads[thread % self.threads.len()].orders.send(Box::new(order));
    }

    /// Takes no more connections, lets requests that run end within `limit`, then ends. Says how
    /// many connections it cut off.
    #[must_use]
    pub fn stop(self, limit: Duration) -> u64 {
        self.shared.ending.begin();
        if self.has_port.get() {
            self.shared.peers_ending.begin();
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
        for Thread { orders, handle } in self.threads {
            drop(orders);
            // What it panicked with, the panic hook has told.
            let _ended = handle.join();
        }
        left
    }
}

async fn begin(actor: Actor, shared: Arc<Shared>) -> Result<Serving, HostStartError> {
    let mut disks = BTreeMap::new();
    for (name, open) in actor.disks {
        disks.insert(name, open()?);
    }
    let (ip, doors) = (actor.ip, actor.doors);
    let host = Host::new(Rc::new(ServerMachine { ip, shared, doors, disks }));
    (actor.main)(host).await
}

fn start_thread(number: usize) -> io::Result<Thread> {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_io().enable_time().max_blocking_threads(LOOK_UPS_MAX);
    let runtime = runtime.build()?;
    let (orders, waiting) = unbounded_channel();
    let name = format!("stayput-{}", number + 1);
    let handle = std::thread::Builder::new().name(name).spawn(move || {
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, carry_out(waiting));
        // The tasks go before the reactor of their sockets.
        drop(tasks);
        // Names that are still being looked up are waited for by nobody.
        runtime.shutdown_background();
    })?;
    Ok(Thread { orders, handle })
}

async fn carry_out(mut waiting: UnboundedReceiver<Order>) {
    while let Some(order) = waiting.recv().await {
        order();
    }
}
