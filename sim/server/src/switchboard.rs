//! Listeners within the process, and connections to them: in memory, or over sockets of the
//! loopback where bytes are to pass through the system.
//!
//! Connections from other processes are handed to the same listeners. Leaves out how they come,
//! which is `peers`'s.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stayput_host::BoxStream;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use super::loopback::Loopback;
use super::meters::{GaugeGuard, Meters};
use super::pipe::{PipeEnd, pipe};
use super::stream::SocketStream;

/// Connections to a listener that it has not accepted yet; further ones are refused.
const BACKLOG: usize = 1024;

/// Carrier of the connections within the process.
#[derive(Debug)]
pub(super) enum Carrier {
    /// The process's memory.
    Memory,
    /// Sockets.
    Loopback(Loopback),
}

/// A connection that is to be accepted.
#[derive(Debug)]
pub(super) enum Arrival {
    /// In memory.
    Pipe {
        /// The listener's end.
        end: PipeEnd,
        /// Address of the other end.
        from: SocketAddr,
    },
    /// Over a socket, from this process or another one.
    Socket {
        /// The listener's end.
        stream: std::net::TcpStream,
        /// Address of the other end.
        from: SocketAddr,
        /// Gauge in which it counts.
        open: Option<GaugeGuard>,
    },
}

impl Arrival {
    /// Stream of the thread that calls this, and the address of the other end.
    ///
    /// # Errors
    /// The connection is broken already.
    pub(super) fn into_stream(self, meters: &Arc<Meters>) -> io::Result<(BoxStream, SocketAddr)> {
        Ok(match self {
            Self::Pipe { end, from } => (Box::new(end), from),
            Self::Socket { stream, from, open } => (over_socket(stream, meters, open)?, from),
        })
    }
}

/// Stream over a socket that changes threads.
#[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
fn over_socket(
    stream: std::net::TcpStream,
    meters: &Arc<Meters>,
    open: Option<GaugeGuard>,
) -> io::Result<BoxStream> {
    let stream = tokio::net::TcpStream::from_std(stream)?;
    Ok(Box::new(SocketStream::new(stream, Arc::clone(meters), open)))
}

/// Permit to send a connection to a listener, which has room for it.
#[derive(Debug)]
pub(super) struct ArrivalPermit(OwnedPermit<Arrival>);

impl ArrivalPermit {
    /// Sends the connection.
    pub(super) fn send(self, arrival: Arrival) {
        let _sender = self.0.send(arrival);
    }
}

/// The listeners of a process.
#[derive(Debug)]
pub(super) struct Switchboard {
    listeners: Mutex<BTreeMap<SocketAddr, Sender<Arrival>>>,
    carrier: Carrier,
    meters: Arc<Meters>,
}

impl Switchboard {
    pub(super) fn new(carrier: Carrier, meters: Arc<Meters>) -> Self {
        Self { listeners: Mutex::default(), carrier, meters }
    }

    /// Takes connections to `at`.
    ///
    /// # Errors
    /// Somebody has the address.
    pub(super) fn listen(self: &Arc<Self>, at: SocketAddr) -> io::Result<Arrivals> {
        let mut listeners = self.lock();
        if listeners.contains_key(&at) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let (sender, receiver) = channel(BACKLOG);
        listeners.insert(at, sender);
        Ok(Arrivals { at, receiver, board: Arc::clone(self) })
    }

    /// A connection to `to`, or `None` if nobody in this process listens there.
    ///
    /// # Errors
    /// Too many wait to be accepted, or the system has no sockets to give.
    pub(super) fn connect(
        &self,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<io::Result<BoxStream>> {
        let listener = self.lock().get(&to)?.clone();
        let Ok(permit) = listener.try_reserve_owned().map(ArrivalPermit) else {
            return Some(Err(ErrorKind::ConnectionRefused.into()));
        };
        let connected = self.link(from).map(|(own, arrival)| {
            permit.send(arrival);
            own
        });
        Some(connected)
    }

    /// Both ends of a connection from `from`.
    fn link(&self, from: SocketAddr) -> io::Result<(BoxStream, Arrival)> {
        Ok(match &self.carrier {
            Carrier::Memory => {
                let (own, end) = pipe(&self.meters);
                (Box::new(own), Arrival::Pipe { end, from })
            }
            Carrier::Loopback(loopback) => {
                let (own, stream) = loopback.connect()?;
                let own = over_socket(own, &self.meters, None)?;
                (own, Arrival::Socket { stream, from, open: None })
            }
        })
    }

    /// Permit for a connection from another process to `to`; `None` if nobody listens there or too
    /// many wait to be accepted.
    pub(super) fn permit_at(&self, to: SocketAddr) -> Option<ArrivalPermit> {
        let listener = self.lock().get(&to)?.clone();
        listener.try_reserve_owned().ok().map(ArrivalPermit)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Sender<Arrival>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener's arrivals. Dropping it gives the address back.
#[derive(Debug)]
pub(super) struct Arrivals {
    at: SocketAddr,
    receiver: Receiver<Arrival>,
    board: Arc<Switchboard>,
}

impl Arrivals {
    pub(super) async fn next(&mut self) -> io::Result<Arrival> {
        self.receiver.recv().await.ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.board.lock().remove(&self.at);
    }
}
