//! Who listens where within the process: connections to such an address never touch the network.
//!
//! Leaves out sockets, which are `machine`'s.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::meters::Meters;
use super::pipe::{PipeEnd, pipe};

/// Connections to a listener that it has not accepted yet; further ones are refused.
const BACKLOG: usize = 1024;

/// A connection that is to be accepted, and where it comes from.
type Arrival = (PipeEnd, SocketAddr);

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
        let arrives = listener.try_send((theirs, from));
        Some(arrives.map(|()| own).map_err(|_full| ErrorKind::ConnectionRefused.into()))
    }

    /// Whether somebody in this process listens there.
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
