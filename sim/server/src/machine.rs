//! The seam for one host of a server: its thread's clock and tasks, the process's cores and
//! listeners, real disks.
//!
//! Leaves out spans: a server has counters instead.
#![expect(
    clippy::disallowed_types,
    reason = "sockets and local tasks are what the seam stands for here"
)]

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use stayput_host::{
    BoxStream, ComputeWork, Disk, Host, HostMetric, HostStartError, Listener, LocalFuture, Machine,
    Seed, Time,
};
use tokio::net::TcpStream;

use super::accept::{AcceptedQueue, Door};
use super::peers;
use super::shared::Shared;
use super::start::OpenDisk;
use super::stream::SocketStream;
use super::switchboard::Arrivals;
use super::tls::Tls;

/// Source port of connections within the process: any port.
const OWN_PORT: u16 = 0;

struct ServerMachine {
    ip: IpAddr,
    shared: Arc<Shared>,
    /// Ports that are open to clients.
    doors: BTreeMap<u16, Arc<Door>>,
    disks: BTreeMap<String, Rc<dyn Disk>>,
}

/// The host at `ip` of the server, on this thread.
///
/// # Errors
/// A disk cannot be opened.
pub(super) fn host(
    shared: Arc<Shared>,
    ip: IpAddr,
    disks: BTreeMap<String, OpenDisk>,
    doors: BTreeMap<u16, Arc<Door>>,
) -> Result<Host, HostStartError> {
    let open = |(name, open): (String, OpenDisk)| Ok((name, open()?));
    let disks = disks.into_iter().map(open).collect::<Result<_, HostStartError>>()?;
    Ok(Host::new(Rc::new(ServerMachine { ip, shared, doors, disks })))
}

impl Machine for ServerMachine {
    fn now(&self) -> Time {
        self.shared.clock.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.shared.clock.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.shared.spawn(task);
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        if let Some(door) = self.doors.get(&port) {
            let (accepted, shared) = (door.listen(), Arc::clone(&self.shared));
            return Ok(Box::new(ClientListener { accepted, tls: door.tls().cloned(), shared }));
        }
        let arrivals = self.shared.switchboard.listen(SocketAddr::new(self.ip, port))?;
        Ok(Box::new(HostListener { arrivals, shared: Arc::clone(&self.shared) }))
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        let from = SocketAddr::new(self.ip, OWN_PORT);
        if let Some(connected) = self.shared.switchboard.connect(from, to) {
            return Box::pin(std::future::ready(connected));
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

/// Listener for other hosts, of the process or of another one.
struct HostListener {
    arrivals: Arrivals,
    shared: Arc<Shared>,
}

impl Listener for HostListener {
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            loop {
                let next = self.shared.peer_shutdown.unless_sent(self.arrivals.next()).await;
                let arrival = next.ok_or(ErrorKind::NotConnected)??;
                // One that is broken already is nobody's.
                if let Ok(accepted) = arrival.into_stream(&self.shared.meters) {
                    return Ok(accepted);
                }
            }
        })
    }
}

/// Listener for clients.
struct ClientListener {
    accepted: AcceptedQueue,
    tls: Option<Tls>,
    shared: Arc<Shared>,
}

impl Listener for ClientListener {
    fn connections_max(&self) -> usize {
        self.shared.connections_max
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            loop {
                let next = self.shared.shutdown.unless_sent(self.accepted.next()).await.flatten();
                let ((stream, from), open) = next.ok_or(ErrorKind::NotConnected)?;
                // One that is broken already is nobody's.
                let Ok(stream) = TcpStream::from_std(stream) else { continue };
                let meters = Arc::clone(&self.shared.meters);
                let guards = (meters.client_connection(), open);
                let stream: BoxStream = match &self.tls {
                    Some(tls) => Box::new(SocketStream::new(tls.on(stream), meters, guards)),
                    None => Box::new(SocketStream::new(stream, meters, guards)),
                };
                return Ok((stream, from));
            }
        })
    }
}
