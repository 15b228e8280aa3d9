//! A port for clients: one socket, whose connections are handed to the proxy that has fewest.
//!
//! Proxies on several threads so share a port, and none is left to chance with most of the
//! connections. Leaves out their protocol, and limits on how many there are, which are the
//! listeners'.
#![expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::shutdown::ShutdownSignal;
use super::tls::Tls;

/// Connections that a listener was handed and has not taken yet.
const QUEUED_MAX: usize = 1024;
/// Connections that the system holds until they are taken; where it holds fewer at most, as many as
/// those.
const BACKLOG: i32 = 4096;
/// Before the next try when the system had no connection to give, being out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A connection on its way from the thread that accepted it to the one that serves it.
pub(super) type AcceptedSocket = (std::net::TcpStream, SocketAddr);

/// A port for clients, which several listeners share.
#[derive(Debug, Default)]
pub struct Door {
    listeners: Mutex<Vec<SharedListener>>,
    tls: Option<Tls>,
    overrun: AtomicU64,
}

/// One of the listeners that share a port.
#[derive(Debug)]
struct SharedListener {
    sender: Sender<AcceptedSocket>,
    open: Arc<AtomicUsize>,
}

/// Queue of connections for one listener.
#[derive(Debug)]
pub(super) struct AcceptedQueue {
    receiver: Receiver<AcceptedSocket>,
    open: Arc<AtomicUsize>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<AtomicUsize>);

impl OpenConnection {
    fn of(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AcceptedQueue {
    /// The next one; `None` when the door is gone.
    pub(super) async fn next(&mut self) -> Option<(AcceptedSocket, OpenConnection)> {
        let accepted = self.receiver.recv().await?;
        Some((accepted, OpenConnection::of(&self.open)))
    }
}

impl Door {
    /// A port without listeners, for clients that speak TLS if it is given.
    pub(super) fn new(tls: Option<Tls>) -> Self {
        Self { tls, ..Self::default() }
    }

    /// Protocol of its clients: plain, or TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SharedListener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections so far that were closed because the queues of all listeners were full.
    #[must_use]
    pub fn overrun(&self) -> u64 {
        self.overrun.load(Ordering::Relaxed)
    }

    /// Adds a listener, which gets a share of the connections.
    pub(super) fn listen(&self) -> AcceptedQueue {
        let (sender, receiver) = channel(QUEUED_MAX);
        let open = Arc::new(AtomicUsize::new(0));
        self.lock().push(SharedListener { sender, open: Arc::clone(&open) });
        AcceptedQueue { receiver, open }
    }

    /// Hands a connection to the listener with fewest, those in its queue included. Without
    /// listeners it is closed.
    fn hand_over(&self, accepted: AcceptedSocket) {
        let mut listeners = self.lock();
        listeners.retain(|listener| !listener.sender.is_closed());
        let load = |listener: &&SharedListener| {
            let queued = listener.sender.max_capacity() - listener.sender.capacity();
            listener.open.load(Ordering::Relaxed) + queued
        };
        if let Some(least) = listeners.iter().min_by_key(load) {
            // If its queue is full, so are all: the client sees the connection closed.
            if least.sender.try_send(accepted).is_err() {
                self.overrun.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Accepts connections to `listener` until the server ends.
pub(super) async fn attend(door: Arc<Door>, listener: TcpListener, shutdown: Arc<ShutdownSignal>) {
    while let Some(accepted) = shutdown.unless_sent(listener.accept()).await {
        let accepted = accepted.and_then(|(stream, from)| {
            stream.set_nodelay(true)?;
            Ok((stream.into_std()?, from))
        });
        match accepted {
            Ok(accepted) => door.hand_over(accepted),
            Err(_) => {
                let again = tokio::time::Instant::now() + ACCEPT_PAUSE;
                tokio::time::sleep_until(again).await;
            }
        }
    }
}

/// A socket that takes connections at `at`, of which port 0 is any that is free.
pub(super) fn bind(at: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(at)?;
    // The standard library asks for as few as 128, and lets nobody say otherwise: asked again, the
    // system changes it.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
