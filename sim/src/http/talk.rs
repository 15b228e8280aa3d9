//! How far a server's connection is: whether a request is being answered on it, and since when none is.
//!
//! Between requests a client may stay away for long, but a head that it has begun it must bring to an end soon: else it would keep a
//! connection for nothing. Leaves out bodies, whose readers have limits of their own.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::host::{Host, Time};

/// How long the head of a request may take from its first byte to its last.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(30);

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Talk {
    host: Host,
    peer: SocketAddr,
    /// Requests that have been asked and not been answered to the end.
    asked: Cell<u32>,
    idle_since: Cell<Time>,
    /// When the first byte of a head came that is not whole yet.
    head_began: Cell<Option<Time>>,
    end: Notify,
}

impl Talk {
    pub(super) fn new(host: &Host, peer: SocketAddr) -> Self {
        let (asked, head_began) = (Cell::new(0), Cell::new(None));
        Self {
            host: host.clone(),
            peer,
            asked,
            idle_since: Cell::new(host.now()),
            head_began,
            end: Notify::new(),
        }
    }

    /// Whom it is with.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Since when no request is being answered; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Time> {
        (self.asked.get() == 0).then(|| self.idle_since.get())
    }

    /// A request's head has come.
    pub(super) fn asked(this: &Rc<Self>) -> Asked {
        this.asked.set(this.asked.get() + 1);
        this.head_began.set(None);
        Asked(Rc::clone(this))
    }

    /// Something has come.
    pub(super) fn heard(&self) {
        if self.asked.get() == 0 && self.head_began.get().is_none() {
            self.head_began.set(Some(self.host.now()));
        }
    }

    /// When the head that has begun must be whole.
    pub(super) fn head_ends(&self) -> Option<Time> {
        self.head_began.get().map(|began| began + HEAD_MAX)
    }

    /// Ends the connection.
    pub(super) fn end(&self) {
        self.end.notify_one();
    }

    /// Waits until somebody ends it.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Asked(Rc<Talk>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.asked.set(self.0.asked.get().saturating_sub(1));
        self.0.idle_since.set(self.0.host.now());
    }
}
