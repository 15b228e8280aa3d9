//! A Swift-like proxy: takes clients' requests and does them on the nodes that the ring names.
//!
//! It keeps nothing but connections: what it must remember is on nodes. Writes go to all primaries at once, with handoffs for those that do
//! not answer, and are acknowledged by a majority; reads go from one replica to the next, also in the middle of a body.
//!
//! Leaves out caches of data, rate limits, dynamic large objects and versions, and remembering which devices were in
//! error (Swift's `error_suppression_limit`): a lookup of the newest version may not pass over one that may be back by now.

mod account;
mod answer;
mod auth;
mod backend;
mod borrow;
mod container;
mod dates;
mod formats;
mod info;
pub mod limits;
mod listing;
mod metadata;
mod object;
mod query;
mod quorum;
mod replica_nodes;
mod routing;
mod timestamps;
mod watch;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use hyper::header::HeaderValue;
use stayput_host::{Host, LocalFuture};

use crate::http;
use crate::http::{ConnectionPool, Request, Response};
use crate::swift::{PROXY_PORT, Path, RingLookup, Timestamp};
use replica_nodes::{ReplicaCandidate, ReplicaNodes};
use timestamps::Timestamps;

pub use answer::ErrorResponse;
pub use auth::{
    Authenticator, BadStorageUrl, BadTokenLife, BadUser, ClusterSecret, FixedTokens,
    SECRET_BYTES_MIN, ShortSecret, StorageUrl, TempAuth, TokenLife, UrlScheme, UserEntry, UserKey,
    UserTable,
};
pub use borrow::{JobAccess, JobPoster};
pub use listing::{ListError, ListedObject};
pub use object::{
    FetchError, FetchEvent, LocateError, LocatedObject, NewObject, StoreError, StoredObject,
};
pub use timestamps::ProxyIndex;
pub use watch::{CompletedJob, CompletedRequest, RequestKind, RequestObserver, ResponseEnd};

/// The former name of [`ErrorResponse`], until the job service has errors of its own.
pub type Refusal = ErrorResponse;

/// What a proxy is given.
pub struct ProxyConfig {
    /// Its name, no other proxy's: transaction ids are drawn from it.
    pub name: String,
    /// Which of the cluster's proxies it is.
    pub index: ProxyIndex,
    /// Where things belong.
    pub ring: Rc<dyn RingLookup>,
    /// How it finds out who asks.
    pub auth: Authenticator,
    /// What runs jobs, if anything does.
    pub jobs: Option<Rc<dyn JobService>>,
    /// Who is told what requests came to, if anybody is.
    pub observer: Option<Arc<dyn RequestObserver>>,
}

/// A job as it was posted; who asks has been let in, as one who may do all in the account.
#[derive(Debug)]
pub struct JobRequest {
    /// The account that it was posted to: what the job may reach without anybody's leave.
    pub account: String,
    /// Who posted it.
    pub poster: JobPoster,
    /// What it was posted to.
    pub path: Path,
    /// The id of the request.
    pub trans_id: String,
    /// The request, without the headers that clients may not set.
    pub request: Request,
}

/// What runs jobs.
pub trait JobService {
    /// Runs a posted job to its answer. Dropped when the client leaves.
    fn run(&self, proxy: Proxy, call: JobRequest) -> LocalFuture<'static, Response>;
}

/// A running proxy, for what works beside it on its host. Clones are the same proxy.
#[derive(Clone)]
pub struct Proxy(Rc<Inner>);

struct Inner {
    host: Host,
    config: ProxyConfig,
    /// Connections to nodes.
    pool: ConnectionPool,
    timestamps: Timestamps,
    dates: dates::Dates,
    requests: Cell<u64>,
    /// How often each partition was read: each reading begins at a replica of its own.
    reads: RefCell<BTreeMap<u32, u64>>,
    /// Access lists that were read lately.
    lists: RefCell<auth::ListsCache>,
}

/// Serves [`PROXY_PORT`] of `host` until the host ends.
///
/// # Errors
/// The port is taken.
pub fn start(host: Host, config: ProxyConfig) -> io::Result<Proxy> {
    let index = config.index;
    let proxy = Proxy(Rc::new(Inner {
        host: host.clone(),
        config,
        pool: ConnectionPool::new(host.clone()),
        timestamps: Timestamps::new(index),
        dates: dates::Dates::default(),
        requests: Cell::new(0),
        reads: RefCell::default(),
        lists: RefCell::default(),
    }));
    let serving = proxy.clone();
    http::serve(&host, PROXY_PORT, move |request| routing::handle(serving.clone(), request))?;
    Ok(proxy)
}

impl Proxy {
    /// The machine that it runs on.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Its connections to nodes.
    #[must_use]
    pub fn pool(&self) -> &ConnectionPool {
        &self.0.pool
    }

    /// A timestamp for a change: later than all that this proxy gave before.
    #[must_use]
    pub fn next_timestamp(&self) -> Timestamp {
        self.0.timestamps.next(self.0.host.now())
    }

    fn timestamp_after(&self, seen: Timestamp) -> Timestamp {
        self.0.timestamps.after(self.0.host.now(), seen)
    }

    fn config(&self) -> &ProxyConfig {
        &self.0.config
    }

    fn lists(&self) -> &RefCell<auth::ListsCache> {
        &self.0.lists
    }

    fn nodes(&self, path: &Path) -> ReplicaNodes {
        ReplicaNodes::of(&*self.0.config.ring, path)
    }

    /// The devices that may hold `path`, in the order of the replicas, from one that is drawn for this reading.
    fn candidates(&self, path: &Path, nodes: &ReplicaNodes) -> Vec<ReplicaCandidate> {
        let attempt = {
            let mut reads = self.0.reads.borrow_mut();
            let count = reads.entry(nodes.partition).or_default();
            *count += 1;
            *count
        };
        let mut entropy = self.0.host.entropy("replica", path.encoded().as_bytes(), attempt);
        let first = entropy.below(nodes.primaries.len() as u64);
        nodes.candidates(usize::try_from(first).unwrap_or(0))
    }

    /// The `Date` of an answer.
    fn date(&self) -> Option<HeaderValue> {
        self.0.dates.at(self.0.host.now())
    }

    /// The id of the next request, in Swift's form: 21 digits of chance and ten of the time.
    fn next_trans_id(&self) -> String {
        let number = self.0.requests.get();
        self.0.requests.set(number + 1);
        let name = self.0.config.name.as_bytes();
        let mut entropy = self.0.host.entropy("trans-id", name, number);
        let seconds = Timestamp::at(self.0.host.now()).unix_seconds();
        let (first, last) = (entropy.next_u64(), entropy.below(1 << 20));
        format!("tx{first:016x}{last:05x}-{seconds:010x}")
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("name", &self.0.config.name).finish_non_exhaustive()
    }
}
