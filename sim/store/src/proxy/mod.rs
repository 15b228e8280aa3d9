//! A Swift-like proxy: answers clients' requests by requests to the nodes that the ring names.
//!
//! Stateless but for its connections and short-lived caches. Writes go to all primaries at once,
//! with handoffs for those that do not answer, and are acknowledged by a majority; reads go from
//! one replica to the next, also in the middle of a body. Modules from the top:
//!
//! ```text
//! api        requests by resource and method     slo     static large objects
//! object     one object on its replicas          index   accounts and containers on theirs
//! auth       tokens, users and access lists      backend, quorum, replica_nodes
//! error      failures by what happened           error_response   their HTTP statuses
//! ```
//! Leaves out caches of data, rate limits, dynamic large objects, versions, and a memory of failed
//! devices (Swift's `error_suppression_limit`): a lookup of the newest version must not skip one
//! that may be back.

mod api;
mod auth;
mod backend;
mod date_header;
mod error;
mod error_response;
mod headers;
mod index;
mod job_access;
pub mod limits;
mod listing;
mod listing_format;
mod metadata;
mod object;
mod observer;
mod query;
mod quorum;
mod replica_nodes;
mod request;
mod slo;
mod timestamps;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hyper::header::HeaderValue;
use rand::{Rng, RngExt};
use stayput_host::{Host, HostStartError, LocalFuture};

use crate::http;
use crate::http::{ConnectionPool, Request, Response};
use crate::swift::{PROXY_PORT, Path, RingLookup, Timestamp};
use date_header::DateHeader;
use replica_nodes::{ReplicaCandidate, ReplicaNodes};
use timestamps::Timestamps;

pub use auth::{
    Authenticator, BadStorageUrl, BadTokenLife, BadUser, ClusterSecret, FixedTokens,
    SECRET_BYTES_MIN, ShortSecret, StorageUrl, TempAuth, TokenLife, UrlScheme, UserEntry, UserFlaw,
    UserKey, UserTable,
};
pub use error_response::ErrorResponse;
pub use job_access::{JobAccess, JobPoster};
pub use listing::{ListError, ListedObject};
pub use object::{
    FetchError, FetchEvent, LocateError, LocatedObject, NewObject, StoreError, StoreFailure,
    StoredObject,
};
pub use observer::{CompletedJob, CompletedRequest, RequestKind, RequestObserver, ResponseEnd};
pub use timestamps::ProxyIndex;

/// Configuration of a proxy.
pub struct ProxyConfig {
    /// Unique name of the proxy, from which transaction ids are drawn.
    pub name: String,
    /// Index among the proxies of the cluster.
    pub index: ProxyIndex,
    /// Ring that names the nodes of a path.
    pub ring: Rc<dyn RingLookup>,
    /// Authentication of callers.
    pub auth: Authenticator,
    /// Service that runs jobs, if any.
    pub jobs: Option<Rc<dyn JobService>>,
    /// Receiver of reports on requests, if any.
    pub observer: Option<Arc<dyn RequestObserver>>,
}

/// Job as it was posted, by a caller who may do all in the account.
#[derive(Debug)]
pub struct JobRequest {
    /// Account that it was posted to, all of which the job may access.
    pub account: String,
    /// Caller who posted it.
    pub poster: JobPoster,
    /// Path that it was posted to.
    pub path: Path,
    /// Id of the job.
    pub trans_id: String,
    /// Request without the headers that clients may not set.
    pub request: Request,
}

/// Service that runs jobs.
pub trait JobService {
    /// Runs a posted job to its response. The future is dropped when the client leaves.
    fn run(&self, proxy: Proxy, job: JobRequest) -> LocalFuture<'static, Response>;
}

/// Handle of a running proxy. Clones share its state.
#[derive(Clone)]
pub struct Proxy(Rc<Inner>);

struct Inner {
    host: Host,
    config: ProxyConfig,
    /// Connections to nodes.
    pool: ConnectionPool,
    timestamps: Timestamps,
    dates: DateHeader,
    requests: Cell<u64>,
    /// Number of reads of each partition: each draws the replica to start from.
    reads: RefCell<BTreeMap<u32, u64>>,
    acls: RefCell<auth::AclCache>,
}

/// Serves [`PROXY_PORT`] of `host` until the host ends.
///
/// # Errors
/// [`HostStartError::Port`].
pub fn start(host: Host, config: ProxyConfig) -> Result<Proxy, HostStartError> {
    let index = config.index;
    let proxy = Proxy(Rc::new(Inner {
        host: host.clone(),
        config,
        pool: ConnectionPool::new(host.clone()),
        timestamps: Timestamps::new(index),
        dates: DateHeader::default(),
        requests: Cell::new(0),
        reads: RefCell::default(),
        acls: RefCell::default(),
    }));
    let serving = proxy.clone();
    http::serve(&host, PROXY_PORT, move |request| api::handle(serving.clone(), request))?;
    Ok(proxy)
}

impl Proxy {
    /// Host that it runs on.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Connections to nodes.
    #[must_use]
    pub fn pool(&self) -> &ConnectionPool {
        &self.0.pool
    }

    /// Timestamp for a change, later than all before from this proxy.
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

    fn acls(&self) -> &RefCell<auth::AclCache> {
        &self.0.acls
    }

    fn nodes(&self, path: &Path) -> ReplicaNodes {
        ReplicaNodes::of(&*self.0.config.ring, path)
    }

    /// Devices that may hold `path`, in the order of the replicas, from a random one on.
    fn candidates(&self, path: &Path, nodes: &ReplicaNodes) -> Vec<ReplicaCandidate> {
        let attempt = {
            let mut reads = self.0.reads.borrow_mut();
            let count = reads.entry(nodes.partition).or_default();
            *count += 1;
            *count
        };
        let mut entropy = self.0.host.entropy("replica", path.encoded().as_bytes(), attempt);
        nodes.candidates(entropy.random_range(0..nodes.primaries.len()))
    }

    /// Value of the header `Date`.
    fn date(&self) -> Option<HeaderValue> {
        self.0.dates.at(self.0.host.now())
    }

    /// Id of the next request, in Swift's form: 21 random digits and ten of the time.
    fn next_trans_id(&self) -> String {
        let number = self.0.requests.get();
        self.0.requests.set(number + 1);
        let name = self.0.config.name.as_bytes();
        let mut entropy = self.0.host.entropy("trans-id", name, number);
        let seconds = Timestamp::at(self.0.host.now()).unix_seconds();
        let (first, last) = (entropy.next_u64(), entropy.random_range(0..1_u64 << 20));
        format!("tx{first:016x}{last:05x}-{seconds:010x}")
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("name", &self.0.config.name).finish_non_exhaustive()
    }
}
