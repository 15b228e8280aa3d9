//! The seam on real sockets: the loopback, and tokio's clock and local tasks, for one host.
//!
//! A connection holds a real port at each end, the connecting one for a minute after its close if
//! it closed first (TCP's TIME_WAIT): some 28,000 of them a minute are what a machine gives by
//! default, and then connecting fails.
#![expect(
    clippy::disallowed_types,
    reason = "sockets and the wall clock are what the seam stands for here"
)]

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::topology::HostKey;
use stayput_host::{
    BoxStream, ComputeWork, Disk, Label, Listener, LocalFuture, Machine, Recorder, Seed, Time,
};
use tokio::net::{TcpListener, TcpSocket};

use super::Shared;
use super::clock::RealClock;
use super::stream::{Books, SocketStream};
use crate::clock::Clock;
use crate::cpu::Cpu;
use crate::ledger::LedgerWayKey;

/// Any free port of the loopback.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Requested socket buffer in each direction. Systems that adjust buffers by
/// themselves go up to tens of MiB, and a slow reader would stop its writer late.
const BUFFER_BYTES: u32 = 256 << 10;
/// Connections to a listener that it has not accepted yet; systems allow 128 to 4,096.
const BACKLOG: u32 = 4096;
/// Before a listener tries again when the system had no connection to give, being out of file
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

pub(super) struct TcpMachine {
    pub(super) key: HostKey,
    pub(super) ip: IpAddr,
    pub(super) seed: Seed,
    pub(super) shared: Rc<Shared>,
    pub(super) clock: Rc<RealClock>,
    pub(super) cpu: Cpu,
    pub(super) disks: BTreeMap<String, Rc<dyn Disk>>,
    pub(super) recorder: Rc<dyn Recorder>,
}

impl Machine for TcpMachine {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.clock.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.shared.handles.borrow_mut().spawn_local(task);
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        let at = SocketAddr::new(self.ip, port);
        let directory = &mut *self.shared.directory.borrow_mut();
        if directory.listening.contains_key(&at) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let listener = socket()?.listen(BACKLOG)?;
        directory.listening.insert(at, listener.local_addr()?.port());
        let shared = Rc::clone(&self.shared);
        Ok(Box::new(SocketListener { listener, at, key: self.key, shared }))
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        Box::pin(connect(Rc::clone(&self.shared), self.key, to))
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.disks.get(device).cloned()
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.cpu.compute(work)
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        Some(Rc::clone(&self.recorder))
    }
}

/// A socket that has a port already.
fn socket() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    // Small messages are answers that somebody waits for.
    socket.set_nodelay(true)?;
    socket.bind(LOOPBACK)?;
    Ok(socket)
}

async fn connect(shared: Rc<Shared>, from: HostKey, to: SocketAddr) -> io::Result<BoxStream> {
    let peer = shared.host_at(to.ip()).ok_or(ErrorKind::HostUnreachable)?;
    let real = shared.directory.borrow().listening.get(&to).copied();
    let real = real.ok_or(ErrorKind::ConnectionRefused)?;
    let socket = socket()?;
    let announced = Announced::new(&shared, socket.local_addr()?.port(), from, to);
    let stream = socket.connect(SocketAddr::new(LOOPBACK.ip(), real)).await?;
    announced.leave_to_acceptor();
    let way = shared.way(from, peer);
    Ok(Box::new(SocketStream::new(stream, Rc::new(OnTheWay { way, shared }))))
}

/// The books of one end of a connection.
struct OnTheWay {
    /// From this end to the other; `None` from a host to itself.
    way: Option<LedgerWayKey>,
    shared: Rc<Shared>,
}

impl Books for OnTheWay {
    fn sent(&self, label: Label, bytes: u64) {
        if let Some(way) = self.way {
            self.shared.ledger.borrow_mut().sent(way, label, bytes);
        }
    }

    fn close(&self, closing: LocalFuture<'static, ()>) {
        self.shared.closing.borrow_mut().push(closing);
    }
}

/// Tells the acceptor whose a connection is. Taken back if it does not come about or is given up.
struct Announced<'a> {
    shared: &'a Shared,
    port: Option<u16>,
}

impl<'a> Announced<'a> {
    fn new(shared: &'a Shared, port: u16, from: HostKey, to: SocketAddr) -> Self {
        shared.directory.borrow_mut().arriving.insert(port, (from, to));
        Self { shared, port: Some(port) }
    }

    fn leave_to_acceptor(mut self) {
        self.port = None;
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        if let Some(port) = self.port {
            self.shared.directory.borrow_mut().arriving.remove(&port);
        }
    }
}

struct SocketListener {
    listener: TcpListener,
    /// Address in the world.
    at: SocketAddr,
    key: HostKey,
    shared: Rc<Shared>,
}

impl Listener for SocketListener {
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            loop {
                let Ok((stream, real)) = self.listener.accept().await else {
                    let again = tokio::time::Instant::now() + ACCEPT_PAUSE;
                    tokio::time::sleep_until(again).await;
                    continue;
                };
                let arrived = self.shared.directory.borrow_mut().arriving.remove(&real.port());
                // Who is not announced is from outside the world, or has given up: the connection
                // is closed.
                let Some((from, _)) = arrived else { continue };
                stream.set_nodelay(true)?;
                let Some(peer) = self.shared.specs.borrow().get(from.0 as usize).map(|s| s.ip)
                else {
                    continue;
                };
                let (way, shared) = (self.shared.way(self.key, from), Rc::clone(&self.shared));
                let stream = SocketStream::new(stream, Rc::new(OnTheWay { way, shared }));
                let peer = SocketAddr::new(IpAddr::V4(peer), real.port());
                return Ok((Box::new(stream) as BoxStream, peer));
            }
        })
    }
}

impl Drop for SocketListener {
    fn drop(&mut self) {
        let directory = &mut *self.shared.directory.borrow_mut();
        directory.listening.remove(&self.at);
        // Nobody accepts these any more; the system resets them.
        directory.arriving.retain(|_, (_, to)| *to != self.at);
    }
}
