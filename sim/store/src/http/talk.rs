//! How far a server's connection is: whether a request is being answered on it, and since when none is.
//!
//! Between requests a client may stay away for long, but a head that it has begun it must bring to an end soon: else it would keep a
//! connection for nothing. Nor may it ask and not take the answer. Leaves out bodies, whose readers have limits of their own.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::{Host, Time};
use tokio::sync::Notify;

/// How long the head of a request may take from its first byte to its last.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(30);

/// How long nothing of an answer may be taken before its connection makes room for another, or is waited for no more when the server is
/// to end: what a network may lose and send again, and not more.
pub(super) const STALL_MAX: Duration = Duration::from_secs(5);

/// What a connection waits for, those that make room first coming first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waits {
    /// For a request, since then.
    ForRequest(Time),
    /// For somebody to take what is written, since then.
    ForReader(Time),
}

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
    /// Since when what is written goes no further.
    stalled_since: Cell<Option<Time>>,
    /// Whether the server is to end.
    is_hurried: Cell<bool>,
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
            stalled_since: Cell::new(None),
            is_hurried: Cell::new(false),
            end: Notify::new(),
        }
    }

    /// Whom it is with.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What it waits for, if that can make room for another: `None` while an answer is made or taken.
    pub(super) fn waits(&self) -> Option<Waits> {
        if let Some(since) = self.stalled_since.get() {
            return (self.host.now() >= since + STALL_MAX).then_some(Waits::ForReader(since));
        }
        (self.asked.get() == 0).then(|| Waits::ForRequest(self.idle_since.get()))
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

    /// What is written goes no further.
    pub(super) fn stalled(&self) {
        if self.stalled_since.get().is_none() {
            self.stalled_since.set(Some(self.host.now()));
        }
    }

    /// What is written goes on.
    pub(super) fn flows(&self) {
        self.stalled_since.set(None);
    }

    /// The server is to end.
    pub(super) fn hurry(&self) {
        self.is_hurried.set(true);
    }

    /// When a reader that takes nothing is waited for no more, if the server is to end.
    pub(super) fn stall_ends(&self) -> Option<Time> {
        let since = self.stalled_since.get().filter(|_| self.is_hurried.get());
        since.map(|since| since + STALL_MAX)
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
