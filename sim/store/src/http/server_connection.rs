//! State of a server's connection: pending requests, and since when it has been idle or stalled.
//!
//! Between requests a client may be idle for long, but it must finish a head that it has begun, and
//! read the responses to its requests: else it would hold a connection for nothing. Leaves out
//! request bodies, whose readers have limits of their own.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::{Host, Time};
use tokio::sync::Notify;

/// Time limit for the head of a request, from its first byte to its last.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(30);

/// Time limit for a client that reads nothing of a response, after which its connection makes room
/// for another, or is closed when the server shuts down: enough for a network to send again what it
/// lost, and not more.
pub(super) const STALL_MAX: Duration = Duration::from_secs(5);

/// Wait that lets a connection make room for another, in the order in which they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConnectionWait {
    /// For a request, since that time.
    ForRequest(Time),
    /// For the client to read, since that time.
    ForReader(Time),
}

/// State of a connection.
#[derive(Debug)]
pub(super) struct ServerConnection {
    host: Host,
    peer: SocketAddr,
    /// Requests whose response has not been sent to its end.
    pending: Cell<u32>,
    idle_since: Cell<Time>,
    /// Time of the first byte of an unfinished head.
    head_began: Cell<Option<Time>>,
    /// Time of the last write that has not progressed since.
    stalled_since: Cell<Option<Time>>,
    /// True if the server is shutting down.
    is_shutting_down: Cell<bool>,
    end: Notify,
}

impl ServerConnection {
    pub(super) fn new(host: &Host, peer: SocketAddr) -> Self {
        let (pending, head_began) = (Cell::new(0), Cell::new(None));
        Self {
            host: host.clone(),
            peer,
            pending,
            idle_since: Cell::new(host.now()),
            head_began,
            stalled_since: Cell::new(None),
            is_shutting_down: Cell::new(false),
            end: Notify::new(),
        }
    }

    /// Address of the client.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Wait that may make room for another connection; `None` while a response is made or read.
    pub(super) fn wait(&self) -> Option<ConnectionWait> {
        if let Some(since) = self.stalled_since.get() {
            return (self.host.now() >= since + STALL_MAX)
                .then_some(ConnectionWait::ForReader(since));
        }
        (self.pending.get() == 0).then(|| ConnectionWait::ForRequest(self.idle_since.get()))
    }

    /// Records the end of a request's head.
    pub(super) fn request_received(this: &Rc<Self>) -> PendingRequest {
        this.pending.set(this.pending.get() + 1);
        this.head_began.set(None);
        PendingRequest(Rc::clone(this))
    }

    /// Records that bytes came.
    pub(super) fn bytes_received(&self) {
        if self.pending.get() == 0 && self.head_began.get().is_none() {
            self.head_began.set(Some(self.host.now()));
        }
    }

    /// Time limit of an unfinished head.
    pub(super) fn head_deadline(&self) -> Option<Time> {
        self.head_began.get().map(|began| began + HEAD_MAX)
    }

    /// Records that a write does not progress.
    pub(super) fn write_stalled(&self) {
        if self.stalled_since.get().is_none() {
            self.stalled_since.set(Some(self.host.now()));
        }
    }

    /// Records that a write progressed.
    pub(super) fn write_progressed(&self) {
        self.stalled_since.set(None);
    }

    /// Records that the server is shutting down.
    pub(super) fn shut_down(&self) {
        self.is_shutting_down.set(true);
    }

    /// Time limit of a client that reads nothing, if the server is shutting down.
    pub(super) fn stall_deadline(&self) -> Option<Time> {
        let since = self.stalled_since.get().filter(|_| self.is_shutting_down.get());
        since.map(|since| since + STALL_MAX)
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        self.end.notify_one();
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.end.notified().await;
    }
}

/// Request whose response is pending until this is dropped.
#[derive(Debug)]
pub(super) struct PendingRequest(Rc<ServerConnection>);

impl Drop for PendingRequest {
    fn drop(&mut self) {
        self.0.pending.set(self.0.pending.get().saturating_sub(1));
        self.0.idle_since.set(self.0.host.now());
    }
}
