//! Listeners within the process: connections to such an address never touch the network.
//!
//! Those that come from other processes are handed to the same listeners. Leaves out how they come,
//! which is `peers`'s.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use super::meters::Meters;
use super::peers::Peer;
use super::pipe::{PipeEnd, pipe};

/// Connections to a listener that it has not accepted yet; further ones are refused.
const BACKLOG: usize = 1024;

/// A connection that is to be accepted.
#[derive(Debug)]
pub(super) enum Arrival {
    /// From within the process, and from where.
    Within(PipeEnd, SocketAddr),
    /// From another one.
    Peer(Peer),
}

/// That a listener has room for another connection.
#[derive(Debug)]
pub(super) struct Room(OwnedPermit<Arrival>);

impl Room {
    /// Takes it.
    pub(super) fn send(self, arrival: Arrival) {
        let _sender = self.0.send(arrival);
    }
}

/// The listeners of a process.
#[derive(Debug, Default)]
pub(super) struct Switchboard {
    listeners: Mutex<BTreeMap<SocketAddr, Sender<Arrival>>>,
    meters: Arc<Meters>,
}

impl Switchboard {
    pub(super) fn new(meters: Arc<Meters>) -> Self {
        Self { listeners: Mutex::default(), meters }
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
    /// Too many wait to be accepted.
    pub(super) fn connect(&self, from: SocketAddr, to: SocketAddr) -> Option<io::Result<PipeEnd>> {
        let listener = self.lock().get(&to)?.clone();
        let (own, theirs) = pipe(&self.meters);
        let arrives = listener.try_send(Arrival::Within(theirs, from));
        Some(arrives.map(|()| own).map_err(|_full| ErrorKind::ConnectionRefused.into()))
    }

    /// Room for a connection from another process to `to`; `None` if nobody listens there or too
    /// many wait to be accepted.
    pub(super) fn room_at(&self, to: SocketAddr) -> Option<Room> {
        let listener = self.lock().get(&to)?.clone();
        listener.try_reserve_owned().ok().map(Room)
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
