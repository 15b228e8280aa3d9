//! A port that clients knock at: one socket, whose connections are handed to the proxy that has
//! fewest.
//!
//! Proxies on several threads so share a port, and none is left to chance with most of the
//! connections. Leaves out what is said on them, and limits on how many there are, which are the
//! listeners'.
#![expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::shutdown::Ending;
use super::tls::Tls;

/// Connections that a listener was handed and has not accepted yet.
const WAITING_MAX: usize = 1024;
/// Connections that the system holds until they are taken; where it holds fewer at most, as many as
/// those.
const BACKLOG: i32 = 4096;
/// Before the next try when the system had no connection to give, being out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A connection on its way from the thread that took it to the one that serves it.
pub(super) type Caller = (std::net::TcpStream, SocketAddr);

/// Servers behind a port.
#[derive(Debug, Default)]
pub struct Door {
    behind: Mutex<Vec<Behind>>,
    tls: Option<Tls>,
    overrun: AtomicU64,
}

#[derive(Debug)]
struct Behind {
    sender: Sender<Caller>,
    open: Arc<AtomicUsize>,
}

/// Queue of connections for one listener.
#[derive(Debug)]
pub(super) struct Callers {
    receiver: Receiver<Caller>,
    open: Arc<AtomicUsize>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(super) struct OpenCall(Arc<AtomicUsize>);

impl OpenCall {
    fn of(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Callers {
    /// The next one; `None` when the door is gone.
    pub(super) async fn next(&mut self) -> Option<(Caller, OpenCall)> {
        let caller = self.receiver.recv().await?;
        Some((caller, OpenCall::of(&self.open)))
    }
}

impl Door {
    /// One without anybody behind it, for clients who speak TLS if there is one to speak it by.
    pub(super) fn new(tls: Option<Tls>) -> Self {
        Self { tls, ..Self::default() }
    }

    /// Protocol of its clients: plain, or TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Behind>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections so far that were closed because all behind it were overrun.
    #[must_use]
    pub fn overrun(&self) -> u64 {
        self.overrun.load(Ordering::Relaxed)
    }

    /// Takes a share of the connections.
    pub(super) fn listen(&self) -> Callers {
        let (sender, receiver) = channel(WAITING_MAX);
        let open = Arc::new(AtomicUsize::new(0));
        self.lock().push(Behind { sender, open: Arc::clone(&open) });
        Callers { receiver, open }
    }

    /// Hands a connection to whoever has fewest, those that wait to be accepted included. Without
    /// anybody it is closed.
    fn hand_over(&self, caller: Caller) {
        let mut behind = self.lock();
        behind.retain(|listener| !listener.sender.is_closed());
        let load = |listener: &&Behind| {
            let waiting = listener.sender.max_capacity() - listener.sender.capacity();
            listener.open.load(Ordering::Relaxed) + waiting
        };
        if let Some(least) = behind.iter().min_by_key(load) {
            // One that has no room for another is overrun, and so are all: the client sees the
            // connection closed.
            if least.sender.try_send(caller).is_err() {
                self.overrun.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Takes connections to `listener` until the server ends.
pub(super) async fn attend(door: Arc<Door>, listener: TcpListener, ending: Arc<Ending>) {
    while let Some(accepted) = ending.unless_ended(listener.accept()).await {
        let taken = accepted.and_then(|(stream, from)| {
            stream.set_nodelay(true)?;
            Ok((stream.into_std()?, from))
        });
        match taken {
            Ok(caller) => door.hand_over(caller),
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
