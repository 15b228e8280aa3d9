//! Connections that are kept for the next request to the same address.
//!
//! One goes back when its answer's body has been read to the end and its request has been sent whole; an answer that is
//! dropped earlier closes it. One that ends while nobody uses it leaves at once.
//!
//! A kept connection may be dead without anybody having been told: its other end lost power, or died behind a cut link. So only
//! requests that do no harm when they come twice (GET and HEAD, with a body that is at hand) go over one, and once more over
//! a fresh one if it breaks before an answer. All others open a connection of their own: what is sent there is never sent again,
//! and the buffers that have grown with its body go with it.
//!
//! Leaves out pipelining, and resending changes: a node says of one that it has seen already that something newer is there.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::{Method, Request};
use stayput_host::{Host, Time, TimedOut};

use super::body::{Body, IncomingBody};
use super::client::{Connection, IncomingResponse, SendError, Timeouts};

/// Idle connections to one address.
pub(super) const IDLE_PER_ADDRESS_MAX: usize = 8;
/// Idle connections of a pool.
pub(super) const IDLE_MAX: usize = 1024;
/// How long a connection may be idle and be used again: less than after what either end gives it up.
pub(super) const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Between two looks for connections that have been idle too long.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Keeps connections. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct ConnectionPool(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Host,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of each address, the one that was used last at the end.
    idle: BTreeMap<SocketAddr, VecDeque<Idle>>,
    /// The address of each idle connection, the one that has been idle longest first.
    by_age: BTreeMap<u64, SocketAddr>,
    returns: u64,
    opened: u64,
    sweeping: bool,
}

#[derive(Debug)]
struct Idle {
    /// Counts returns to the pool, so that it orders them.
    age: u64,
    since: Time,
    id: u64,
    connection: Connection,
}

/// A connection in use for an answer whose body is on its way.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Connection,
    /// Where it goes back to, as what; `None` if it is for one request.
    home: Option<(ConnectionPool, u64)>,
}

impl Lease {
    pub(super) const fn single(connection: Connection) -> Self {
        Self { connection, home: None }
    }

    /// The answer has been read to its end.
    pub(super) fn give_back(self) {
        if let Some((pool, id)) = self.home {
            pool.put(id, self.connection);
        }
    }
}

impl ConnectionPool {
    /// One without connections, for requests from `host`.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self(Rc::new(Inner { host, state: RefCell::default() }))
    }

    /// How many connections are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.state.borrow().by_age.len()
    }

    /// Sends `request` to `to` and waits for the head of the answer. Of a kept connection that stays silent for half of
    /// `limits.connect`, it is made sure that the other side still takes connections.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(
        &self,
        to: SocketAddr,
        request: Request<Body>,
        limits: Timeouts,
    ) -> Result<IncomingResponse, SendError> {
        let Some(second) = copy(&request) else {
            let (_, connection) = Box::pin(self.open(to, limits.connect)).await?;
            return self.exchange(None, connection, request, limits.answer).await;
        };
        let mut request = request;
        if let Some((id, connection)) = self.take(to) {
            match self.send_over_kept(id, connection, request, limits).await {
                // Others that were kept are as old.
                Err(SendError::Broken { .. }) => self.forget(to, |_| true),
                answer => return answer,
            }
            request = second;
        }
        // Boxed, like what follows silence: most requests go over a kept connection and need neither.
        let (id, connection) = Box::pin(self.open(to, limits.connect)).await?;
        self.exchange(Some(id), connection, request, limits.answer).await
    }

    async fn send_over_kept(
        &self,
        id: u64,
        connection: Connection,
        request: Request<Body>,
        limits: Timeouts,
    ) -> Result<IncomingResponse, SendError> {
        let to = connection.to();
        let exchange = pin!(self.exchange(Some(id), connection, request, limits.answer));
        let exchange = match select(exchange, self.0.host.sleep(limits.connect / 2)).await {
            Either::Left((answer, _)) => return answer,
            Either::Right(((), exchange)) => exchange,
        };
        // Slow, or without power: a connection that comes about tells which.
        match select(exchange, Box::pin(self.open(to, limits.connect))).await {
            Either::Left((answer, _)) => answer,
            Either::Right((Ok((id, fresh)), exchange)) => {
                self.put(id, fresh);
                exchange.await
            }
            Either::Right((Err(_), _)) => {
                self.forget(to, |_| true);
                let limit = limits.connect / 2 + limits.connect;
                Err(SendError::TimedOut { to, source: TimedOut { limit } })
            }
        }
    }

    /// Sends a request; its connection is kept as `id` afterwards, if it has one.
    async fn exchange(
        &self,
        id: Option<u64>,
        connection: Connection,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<IncomingResponse, SendError> {
        let (answer, connection) = connection.exchange(&self.0.host, request, limit).await?;
        let home = id.map(|id| (self.clone(), id));
        let lease = Lease { connection, home };
        let (head, incoming) = answer.into_parts();
        let body = IncomingBody::new(incoming, Some(lease));
        Ok(IncomingResponse { status: head.status, headers: head.headers, body })
    }

    async fn open(&self, to: SocketAddr, limit: Duration) -> Result<(u64, Connection), SendError> {
        let id = {
            let state = &mut *self.0.state.borrow_mut();
            state.opened += 1;
            state.opened
        };
        let pool = Rc::downgrade(&self.0);
        let ended = move || {
            if let Some(pool) = pool.upgrade() {
                Self(pool).forget(to, |idle| idle.id == id);
            }
        };
        Ok((id, Connection::open(&self.0.host, to, limit, ended).await?))
    }

    /// The connection to `to` that was used last, if it can be used again.
    fn take(&self, to: SocketAddr) -> Option<(u64, Connection)> {
        let now = self.0.host.now();
        let state = &mut *self.0.state.borrow_mut();
        let waiting = state.idle.get_mut(&to)?;
        while let Some(idle) = waiting.pop_back() {
            state.by_age.remove(&idle.age);
            if idle.is_young(now) && idle.connection.is_ready() {
                return Some((idle.id, idle.connection));
            }
        }
        None
    }

    /// Keeps a connection, in the place of an older one if there are too many.
    fn put(&self, id: u64, connection: Connection) {
        if !connection.is_ready() {
            return;
        }
        let state = &mut *self.0.state.borrow_mut();
        let to = connection.to();
        let age = state.returns;
        state.returns += 1;
        let waiting = state.idle.entry(to).or_default();
        waiting.push_back(Idle { age, since: self.0.host.now(), id, connection });
        if waiting.len() > IDLE_PER_ADDRESS_MAX
            && let Some(oldest) = waiting.pop_front()
        {
            state.by_age.remove(&oldest.age);
        }
        state.by_age.insert(age, to);
        if state.by_age.len() > IDLE_MAX {
            state.close_oldest();
        }
        assert!(state.by_age.len() <= IDLE_MAX, "{} idle connections", state.by_age.len());
        if !std::mem::replace(&mut state.sweeping, true) {
            self.0.host.spawn(sweep(self.0.host.clone(), Rc::downgrade(&self.0)));
        }
    }

    /// Closes the idle connections to `to` that are `gone`.
    fn forget(&self, to: SocketAddr, gone: impl Fn(&Idle) -> bool) {
        let state = &mut *self.0.state.borrow_mut();
        let Some(waiting) = state.idle.get_mut(&to) else { return };
        let by_age = &mut state.by_age;
        waiting.retain(|idle| {
            let is_gone = gone(idle);
            if is_gone {
                by_age.remove(&idle.age);
            }
            !is_gone
        });
    }
}

impl Idle {
    fn is_young(&self, now: Time) -> bool {
        now.since(self.since) < IDLE_TIME_MAX
    }
}

impl State {
    fn close_oldest(&mut self) {
        // The oldest of all is the oldest of its address.
        if let Some((_, to)) = self.by_age.pop_first()
            && let Some(waiting) = self.idle.get_mut(&to)
        {
            waiting.pop_front();
        }
    }

    fn close_old(&mut self, now: Time) {
        let is_old = |state: &Self| {
            let to = state.by_age.first_key_value().map(|(_, to)| to)?;
            Some(!state.idle.get(to)?.front()?.is_young(now))
        };
        while is_old(self) == Some(true) {
            self.close_oldest();
        }
    }
}

/// Closes what has been idle too long, until nothing is idle.
async fn sweep(host: Host, pool: Weak<Inner>) {
    loop {
        host.sleep(SWEEP_INTERVAL).await;
        let Some(pool) = pool.upgrade() else { return };
        let state = &mut *pool.state.borrow_mut();
        state.close_old(host.now());
        if state.by_age.is_empty() {
            state.idle.clear();
            state.sweeping = false;
            return;
        }
    }
}

/// The request once more, if it does no harm when it comes twice and its body is at hand.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let mut copy = Request::new(request.body().copy()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}
