//! Connection pool: idle connections are used again for requests to the same address.
//!
//! A connection returns once its response has been read to the end and its request has been sent
//! whole; a response that is dropped earlier closes it. One that closes while idle is removed at
//! once.
//!
//! Leaves out which requests use it: see `pooled_request`.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use stayput_host::{Host, Time};

use super::client_connection::{ClientConnection, SendError};

/// Idle connections to one address, at most.
pub(super) const IDLE_PER_ADDRESS_MAX: usize = 8;
/// Idle connections of a pool, at most.
pub(super) const IDLE_MAX: usize = 1024;
/// Idle time of a connection that may be used again: less than the limit of either end.
pub(super) const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Interval of the search for connections that have been idle too long.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Pool of connections. Clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionPool(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Host,
    state: RefCell<PoolState>,
}

#[derive(Debug, Default)]
struct PoolState {
    /// Idle connections of each address, the one that was used last at the end.
    idle: BTreeMap<SocketAddr, VecDeque<IdleConnection>>,
    /// Address of each idle connection, the one that has been idle longest first.
    by_age: BTreeMap<u64, SocketAddr>,
    returns: u64,
    opened: u64,
    sweeping: bool,
}

#[derive(Debug)]
struct IdleConnection {
    /// Number of its return to the pool, which orders connections by age.
    age: u64,
    since: Time,
    id: u64,
    connection: ClientConnection,
}

/// Connection in use by a response whose body is on its way.
#[derive(Debug)]
pub(super) struct Lease {
    connection: ClientConnection,
    /// Pool to return to, and its id there; `None` if it is for one request.
    home: Option<(ConnectionPool, u64)>,
}

impl Lease {
    /// Connection for one request.
    pub(super) const fn single(connection: ClientConnection) -> Self {
        Self { connection, home: None }
    }

    /// Connection that returns to `pool` as `id`.
    pub(super) const fn pooled(
        connection: ClientConnection,
        pool: ConnectionPool,
        id: u64,
    ) -> Self {
        Self { connection, home: Some((pool, id)) }
    }

    /// Returns the connection, after its response was read to the end.
    pub(super) fn give_back(self) {
        if let Some((pool, id)) = self.home {
            pool.put(id, self.connection);
        }
    }
}

impl ConnectionPool {
    /// Empty pool for requests from `host`.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self(Rc::new(Inner { host, state: RefCell::default() }))
    }

    /// Host that the requests come from.
    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }

    /// Number of idle connections.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.0.state.borrow().by_age.len()
    }

    /// Opens a connection, and returns its id in the pool with it.
    pub(super) async fn open(
        &self,
        to: SocketAddr,
        limit: Duration,
    ) -> Result<(u64, ClientConnection), SendError> {
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
        Ok((id, ClientConnection::open(&self.0.host, to, limit, ended).await?))
    }

    /// Connection to `to` that was used last, if it can be used again.
    pub(super) fn take(&self, to: SocketAddr) -> Option<(u64, ClientConnection)> {
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

    /// Adds an idle connection, in the place of an older one if there are too many.
    pub(super) fn put(&self, id: u64, connection: ClientConnection) {
        if !connection.is_ready() {
            return;
        }
        let state = &mut *self.0.state.borrow_mut();
        let to = connection.to();
        let age = state.returns;
        state.returns += 1;
        let waiting = state.idle.entry(to).or_default();
        waiting.push_back(IdleConnection { age, since: self.0.host.now(), id, connection });
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

    /// Closes all idle connections to `to`.
    pub(super) fn close_idle(&self, to: SocketAddr) {
        self.forget(to, |_| true);
    }

    /// Closes idle connections to `to` for which `gone` holds.
    fn forget(&self, to: SocketAddr, gone: impl Fn(&IdleConnection) -> bool) {
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

impl IdleConnection {
    fn is_young(&self, now: Time) -> bool {
        now.since(self.since) < IDLE_TIME_MAX
    }
}

impl PoolState {
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

/// Closes connections that have been idle too long, until none is idle.
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
