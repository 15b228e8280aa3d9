//! The seam for one actor of a server: its thread's clock and tasks, the process's cores and
//! listeners, real disks.
//!
//! Leaves out who records spans: a server has counters instead.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "sockets and local tasks are what the seam stands for here"
)]

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use stayput_host::{
    BoxStream, ComputeWork, Disk, HostMetric, Label, Listener, LocalFuture, Machine, Seed, Time,
};
use stayput_world::tcp::stream::{Books, SocketStream};
use tokio::net::TcpStream;

use super::accept::{Callers, Door, OpenCall};
use super::meters::Meters;
use super::switchboard::{Arrival, Arrivals};
use super::tls::Tls;
use super::{Shared, peers};

/// Source port of connections within the process: any port.
const OWN_PORT: u16 = 0;

pub(super) struct ServerMachine {
    pub(super) ip: IpAddr,
    pub(super) shared: Arc<Shared>,
    /// Ports that are open to clients.
    pub(super) doors: BTreeMap<u16, Arc<Door>>,
    pub(super) disks: BTreeMap<String, Rc<dyn Disk>>,
}

impl Machine for ServerMachine {
    fn now(&self) -> Time {
        self.shared.clock.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.shared.clock.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        // Its thread's set owns it. What it panics with, the panic hook has told.
        drop(tokio::task::spawn_local(task));
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        if let Some(door) = self.doors.get(&port) {
            let (callers, shared) = (door.listen(), Arc::clone(&self.shared));
            return Ok(Box::new(AtDoor { callers, tls: door.tls().cloned(), shared }));
        }
        let arrivals = self.shared.switchboard.listen(SocketAddr::new(self.ip, port))?;
        Ok(Box::new(Within { arrivals, shared: Arc::clone(&self.shared) }))
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        let from = SocketAddr::new(self.ip, OWN_PORT);
        if let Some(within) = self.shared.switchboard.connect(from, to) {
            return Box::pin(std::future::ready(within.map(|end| Box::new(end) as BoxStream)));
        }
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let others = shared.peers.as_ref();
            let way = others.and_then(|peers| Some((peers, peers.way(to.ip())?)));
            let Some((others, way)) = way else { return Err(ErrorKind::ConnectionRefused.into()) };
            peers::dial(others, Arc::clone(&shared.meters), way, from, to).await
        })
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.disks.get(device).cloned()
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.shared.cores.compute(work)
    }

    fn seed(&self) -> Seed {
        self.shared.seed
    }

    fn count(&self, count: HostMetric, change: i64) {
        self.shared.meters.count(count, change);
    }
}

/// Takes connections of other actors, of the process or of another one.
struct Within {
    arrivals: Arrivals,
    shared: Arc<Shared>,
}

impl Listener for Within {
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            loop {
                let next = self.shared.peers_ending.unless_ended(self.arrivals.next()).await;
                match next.ok_or(ErrorKind::NotConnected)?? {
                    Arrival::Within(end, from) => return Ok((Box::new(end) as BoxStream, from)),
                    Arrival::Peer(peer) => match peer.into_stream() {
                        Ok(arrived) => return Ok(arrived),
                        // One that is broken already is nobody's.
                        Err(_) => continue,
                    },
                }
            }
        })
    }
}

/// Takes connections of clients.
struct AtDoor {
    callers: Callers,
    tls: Option<Tls>,
    shared: Arc<Shared>,
}

impl Listener for AtDoor {
    fn connections_max(&self) -> usize {
        self.shared.connections_max
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            loop {
                let next = self.shared.ending.unless_ended(self.callers.next()).await.flatten();
                let ((stream, from), open) = next.ok_or(ErrorKind::NotConnected)?;
                // One that is broken already is nobody's.
                let Ok(stream) = TcpStream::from_std(stream) else { continue };
                let books = Rc::new(AtTheDoor::new(&self.shared.meters, open));
                let stream: BoxStream = match &self.tls {
                    Some(tls) => Box::new(SocketStream::new(tls.on(stream), books)),
                    None => Box::new(SocketStream::new(stream, books)),
                };
                return Ok((stream, from));
            }
        })
    }
}

/// The books of a client's connection.
struct AtTheDoor {
    meters: Arc<Meters>,
    _open: OpenCall,
}

impl AtTheDoor {
    fn new(meters: &Arc<Meters>, open: OpenCall) -> Self {
        meters.accepted();
        Self { meters: Arc::clone(meters), _open: open }
    }
}

impl Books for AtTheDoor {
    fn sent(&self, label: Label, bytes: u64) {
        self.meters.sent(label, bytes);
    }

    fn close(&self, closing: LocalFuture<'static, ()>) {
        peers::see_through(&self.meters, closing);
    }
}

impl Drop for AtTheDoor {
    fn drop(&mut self) {
        self.meters.closed();
    }
}
