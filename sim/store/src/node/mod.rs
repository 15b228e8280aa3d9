//! A storage node: the object, container and account services on its devices, the updater between
//! them, the expirer and the replicator.
//!
//! ```text
//! request → handle (time limit, errors) → object::ObjectService   → ObjectStore → disk
//!                                         listings::ListingService → index::Broker → disk
//!                                         updater: updates of container and account servers
//!                                         replicator: what other devices of a partition lack
//! ```
//! The folders are layers, each of which uses those before it: `storage`, `protocol`, `index`,
//! `updater`, `listings` and `object`, `replicator`. Each keeps its own state of each device.
//! Decisions (what is newer, what is listed, what settles an update) are in pure functions; the
//! rest sequences them. A node keeps nothing that matters in memory: after a crash,
//! [`StorageNode::recover`] goes on from the disks.
//!
//! Leaves out auditing of what nobody reads, and jobs.

mod index;
mod listings;
mod object;
mod protocol;
mod replicator;
mod storage;
#[cfg(test)]
mod tests;
mod updater;

use std::rc::Rc;
use std::time::Duration;

use stayput_host::{Host, HostStartError};
use tokio::sync::oneshot;

use self::index::{Broker, ContainerEntry, ObjectEntry};
use self::listings::ListingService;
use self::object::{Expirer, ObjectService};
pub use self::object::{ObjectMetadata, ObjectStore, OpenObject};
use self::protocol::DevicePath;
pub use self::protocol::response::error_status;
use self::protocol::response::{error_response, log_error};
pub use self::replicator::ReplicationConfig;
use self::replicator::Replicator;
use self::storage::{Devices, PerDevice};
pub use self::storage::{FileDamage, NameHasher, NodeError, RequestFlaw, SlowParty};
use self::updater::Updater;
use crate::http;
use crate::http::{Method, Request, Response};
use crate::swift::Service;

/// Swift's limit on one object.
const UPLOAD_BYTES_MAX: u64 = 5 << 30;
/// Time limit of a request: one that takes longer waits for something that does not answer.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// Time limit of an upload: the largest object at 1.5 MB/s. Each piece has a limit of its own.
const UPLOAD_MAX: Duration = Duration::from_secs(3_600);

/// Configuration of a storage node.
#[derive(Clone)]
pub struct NodeConfig {
    /// Names of its devices, as rings have them.
    pub devices: Vec<String>,
    /// Port of the object service; the others follow ([`Service::port`]).
    pub ring_port: u16,
    /// Hash of a path by the ring, which names its directory and its rows.
    pub name_hash: NameHasher,
    /// Longest wait of an object server for a container server, before an update becomes pending.
    pub update_limit: Duration,
    /// Rest of the updater between two rounds.
    pub update_interval: Duration,
    /// Rest of the expirer between two rounds.
    pub expire_interval: Duration,
    /// Longest object that is taken, in bytes.
    pub upload_bytes_max: u64,
    /// Replication; `None` leaves each replica as its readers and writers left it.
    pub replication: Option<ReplicationConfig>,
}

impl NodeConfig {
    /// The usual limits: 1 s for an update, 2 s between rounds of updates and a minute between
    /// those of the expirer, 5 GiB for an object; no replication.
    #[must_use]
    pub fn new(devices: Vec<String>, ring_port: u16, name_hash: NameHasher) -> Self {
        Self {
            devices,
            ring_port,
            name_hash,
            update_limit: Duration::from_secs(1),
            update_interval: Duration::from_secs(2),
            expire_interval: Duration::from_secs(60),
            upload_bytes_max: UPLOAD_BYTES_MAX,
            replication: None,
        }
    }
}

/// A storage node, recovered from its disks.
pub struct StorageNode {
    host: Host,
    config: NodeConfig,
    objects: ObjectService,
    containers: ListingService<ObjectEntry>,
    accounts: ListingService<ContainerEntry>,
    replicator: Rc<Replicator>,
}

impl StorageNode {
    /// Recovers the node: removes uploads that a crash cut off. A device whose disk fails at that
    /// is used all the same: it may recover, and its errors are answered request by request.
    pub async fn recover(host: Host, config: NodeConfig) -> Rc<Self> {
        let name_hash = Rc::clone(&config.name_hash);
        let devices = Rc::new(Devices::open(&host, &config.devices, name_hash));
        let limit = config.update_limit;
        let updater = Rc::new(Updater::new(host.clone(), Rc::clone(&devices), limit));
        for device in devices.iter() {
            if config.replication.is_some() {
                // A watermark that cannot be read stays at zero: all updates are sent again.
                let recovered = updater.watermark(device).recover(&*device.disk);
                let _recovered = host.timeout(REQUEST_MAX, recovered).await;
            }
            let removed = host.timeout(REQUEST_MAX, device.remove_uploads()).await;
            let device = device.name.as_str();
            match removed {
                Ok(Ok(uploads_removed)) => {
                    tracing::info!(device, uploads_removed, "a device has recovered");
                }
                Ok(Err(error)) => tracing::error!(device, %error, "a device did not recover"),
                Err(error) => tracing::error!(device, %error, "a device did not recover"),
            }
        }
        Rc::new(Self::assemble(host, config, devices, updater))
    }

    fn assemble(
        host: Host,
        config: NodeConfig,
        devices: Rc<Devices>,
        updater: Rc<Updater>,
    ) -> Self {
        let objects = Rc::new(ObjectStore::new(Rc::clone(&devices)));
        let digests = Rc::new(PerDevice::new(&devices));
        let containers = Rc::new(Broker::new(updater::counts_outbox, Rc::clone(&digests)));
        let accounts = Rc::new(Broker::new(|_, _, _| {}, digests));
        let replicator = Replicator {
            host: host.clone(),
            devices: Rc::clone(&devices),
            objects: Rc::clone(&objects),
            containers: Rc::clone(&containers),
            accounts: Rc::clone(&accounts),
            updater: Rc::clone(&updater),
            config: config.replication.clone(),
        };
        Self {
            objects: ObjectService {
                host: host.clone(),
                objects,
                updater: Rc::clone(&updater),
                upload_bytes_max: config.upload_bytes_max,
            },
            containers: ListingService {
                host: host.clone(),
                devices: Rc::clone(&devices),
                broker: containers,
                updater: Rc::clone(&updater),
            },
            accounts: ListingService { host: host.clone(), devices, broker: accounts, updater },
            replicator: Rc::new(replicator),
            host,
            config,
        }
    }

    /// Objects of the node, for what runs beside its services.
    #[must_use]
    pub fn objects(&self) -> Rc<ObjectStore> {
        Rc::clone(&self.objects.objects)
    }

    /// Serves the three services; the returned future sends pending updates, until the host ends.
    ///
    /// # Errors
    /// [`HostStartError::Port`].
    pub fn listen(self: Rc<Self>) -> Result<impl Future<Output = ()>, HostStartError> {
        for service in [Service::Object, Service::Container, Service::Account] {
            let (node, port) = (Rc::clone(&self), service.port(self.config.ring_port));
            http::serve(&self.host, port, move |request| {
                handle(Rc::clone(&node), service, request)
            })?;
        }
        let (host, objects) = (self.host.clone(), self.objects());
        let updater = Rc::clone(&self.objects.updater);
        let expirer = Expirer { host, objects, updater: Rc::clone(&updater) };
        self.host.spawn(expirer.run(self.config.expire_interval));
        if self.config.replication.is_some() {
            self.host.spawn(Rc::clone(&self.replicator).run());
        }
        let interval = self.config.update_interval;
        Ok(async move { updater.run(interval).await })
    }
}

/// Handles one request in a task of its own: a change that a client has begun is finished, or
/// cleaned up, when the client leaves.
async fn handle(node: Rc<StorageNode>, service: Service, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let upload = service == Service::Object && request.method() == Method::PUT;
    let limit = if upload { UPLOAD_MAX } else { REQUEST_MAX };
    let too_slow = NodeError::TooSlow { path, party: SlowParty::Node, limit };
    let (sender, receiver) = oneshot::channel();
    let host = node.host.clone();
    host.clone().spawn(async move {
        let answered = host.timeout(limit, route(node, service, request)).await;
        let _client_left = sender.send(answered);
    });
    let answered = receiver.await;
    let answered = answered.ok().and_then(Result::ok).unwrap_or(Err(too_slow));
    answered.unwrap_or_else(|error| {
        log_error(&error);
        error_response(&error)
    })
}

async fn route(
    node: Rc<StorageNode>,
    service: Service,
    request: Request,
) -> Result<Response, NodeError> {
    if request.method().as_str() == replicator::REPLICATE {
        return Box::pin(node.replicator.answer(service, request)).await;
    }
    let target = DevicePath::parse(request.uri().path())?;
    match service {
        Service::Object => node.objects.handle(target, request).await,
        // Boxed: they need several times the room of a read of an object.
        Service::Container => {
            Box::pin(listings::container::handle(&node.containers, target, request)).await
        }
        Service::Account => {
            Box::pin(listings::account::handle(&node.accounts, target, request)).await
        }
    }
}
