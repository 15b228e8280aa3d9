//! A storage node: the object, container and account services on its devices, the updater
//! between them, and the expirer.
//!
//! ```text
//! request → answer (limit, errors) → object::service | container | account
//!                                      object::store   index::Broker            → disk
//!                                      updater: container and account servers hear of changes
//!                                      replicator: the other devices of a partition get what they lack
//! ```
//! What is decided (who is newer, what is listed, what settles an update) is in pure functions; the
//! rest sequences them. A node keeps nothing that matters in memory: after a crash, [`start`] goes
//! on from the disks.
//!
//! Leaves out auditing of what nobody reads, and jobs.

mod account;
mod container;
mod device;
pub mod error;
mod expirer;
mod index;
pub mod object;
mod replicator;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod updater;

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use self::device::{Devices, NameHash, Place};
pub use self::error::NodeError;
use self::error::Waited;
use self::index::{Broker, ContainerEntry, ObjectEntry};
pub use self::object::{Metadata, ObjectStore, OpenObject};
pub use self::replicator::ReplicationConfig;
use stayput_host::Host;

use self::request::DevicePath;
use crate::http;
use crate::http::{Method, Request, Response};
use crate::swift::{Path, Service};

/// The ring's hash of a path.
pub type NameHasher = Rc<dyn Fn(&Path) -> [u8; 16]>;

/// Swift's limit on one object.
const UPLOAD_BYTES_MAX: u64 = 5 << 30;
/// A request that takes longer is given up: something in this node does not answer.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// As [`REQUEST_MAX`], for uploads: the largest object at 1.5 MB/s. Each piece has a limit of its
/// own.
const UPLOAD_MAX: Duration = Duration::from_secs(3_600);

/// What a storage node is told when it starts.
#[derive(Clone)]
pub struct NodeConfig {
    /// The names of its devices, as rings have them.
    pub devices: Vec<String>,
    /// The object service's port; the others follow ([`Service::port`]).
    pub ring_port: u16,
    /// The ring's hash of a path, which names its directory and its rows.
    pub name_hash: NameHasher,
    /// How long an object server waits for a container server before it makes its update a pending
    /// one.
    pub update_limit: Duration,
    /// How long the updater rests between two rounds.
    pub update_interval: Duration,
    /// How long the expirer rests between two rounds.
    pub expire_interval: Duration,
    /// The longest object that is taken, in bytes.
    pub upload_bytes_max: u64,
    /// How replicas are kept the same; `None` leaves to readers and writers what each replica has.
    pub replication: Option<ReplicationConfig>,
}

impl NodeConfig {
    /// The usual limits: 1 s for an update, 2 s between rounds of updates and a minute between those of the expirer, 5 GiB for an
    /// object; no replication.
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

/// A port of the node is taken.
#[derive(Debug, thiserror::Error)]
#[error("the {service:?} service cannot have port {port}: {source}")]
pub struct PortTaken {
    /// The service.
    pub service: Service,
    /// The port.
    pub port: u16,
    /// What the host said.
    pub source: std::io::Error,
}

/// A storage node, recovered from its disks.
pub struct StorageNode {
    host: Host,
    config: NodeConfig,
    devices: Rc<Devices>,
    objects: Rc<ObjectStore>,
    containers: Broker<ObjectEntry>,
    accounts: Broker<ContainerEntry>,
}

/// Recovers the node from what its disks kept and serves until the host ends.
///
/// # Panics
/// When a port is taken: on a host that starts, nothing else listens. Where that may happen, use
/// [`StorageNode`].
pub async fn start(host: Host, config: NodeConfig) {
    let node = StorageNode::recover(host, config).await;
    if let Err(taken) = node.serve().await {
        panic!("{taken}");
    }
}

impl StorageNode {
    /// The node, once uploads that a crash cut off are removed. A device whose disk fails at that
    /// is kept: it may recover, and what it cannot do it says request by request.
    pub async fn recover(host: Host, config: NodeConfig) -> Rc<Self> {
        let devices = Rc::new(Devices::of(&host, &config.devices));
        for device in devices.iter() {
            if config.replication.is_some() {
                // One that cannot be read now keeps nothing, and its first round tells of everything.
                let recovered = device.telling.recover(&*device.disk);
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
        let name_hash = Rc::clone(&config.name_hash);
        let objects = Rc::new(ObjectStore::new(Rc::clone(&devices), name_hash));
        Rc::new(Self {
            host,
            config,
            devices,
            objects,
            containers: Broker::new(updater::counts_outbox),
            accounts: Broker::new(|_, _, _| {}),
        })
    }

    /// The node's objects, for what runs beside its services.
    #[must_use]
    pub fn objects(&self) -> Rc<ObjectStore> {
        Rc::clone(&self.objects)
    }

    /// Serves the three services and sends pending updates, until the host ends.
    ///
    /// # Errors
    /// [`PortTaken`], at once.
    pub async fn serve(self: Rc<Self>) -> Result<(), PortTaken> {
        self.listen()?.await;
        Ok(())
    }

    /// Serves the three services; what it gives sends pending updates, until the host ends.
    ///
    /// # Errors
    /// [`PortTaken`].
    pub fn listen(self: Rc<Self>) -> Result<impl Future<Output = ()>, PortTaken> {
        for service in [Service::Object, Service::Container, Service::Account] {
            let (node, port) = (Rc::clone(&self), service.port(self.config.ring_port));
            http::serve(&self.host, port, move |request| {
                answer(Rc::clone(&node), service, request)
            })
            .map_err(|source| PortTaken { service, port, source })?;
        }
        self.host.spawn(Rc::clone(&self).expire_for_ever());
        if let Some(replication) = self.config.replication.clone() {
            self.host.spawn(Rc::clone(&self).replicate_for_ever(replication));
        }
        Ok(async move { self.update_for_ever().await })
    }

    fn place(&self, device: &str, partition: u32, path: &Path) -> Result<Place, NodeError> {
        let device = self.devices.get(device, path)?;
        let hash = NameHash((self.config.name_hash)(path));
        Ok(Place { device, partition, hash, path: path.clone() })
    }
}

/// Answers one request in a task of its own: what a client has begun to change is brought to an
/// end, or cleaned up, when the client leaves.
async fn answer(node: Rc<StorageNode>, service: Service, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let upload = service == Service::Object && request.method() == Method::PUT;
    let limit = if upload { UPLOAD_MAX } else { REQUEST_MAX };
    let too_slow = NodeError::TooSlow { path, what: Waited::Node, limit };
    let (sender, receiver) = oneshot::channel();
    let host = node.host.clone();
    host.clone().spawn(async move {
        let answered = host.timeout(limit, route(node, service, request)).await;
        let _client_left = sender.send(answered);
    });
    let answered = receiver.await;
    let answered = answered.ok().and_then(Result::ok).unwrap_or(Err(too_slow));
    answered.unwrap_or_else(|error| {
        error.log();
        error.into_response()
    })
}

async fn route(
    node: Rc<StorageNode>,
    service: Service,
    request: Request,
) -> Result<Response, NodeError> {
    if request.method().as_str() == replicator::REPLICATE {
        return Box::pin(replicator::handle(node, service, request)).await;
    }
    let target = DevicePath::parse(request.uri().path())?;
    match service {
        Service::Object => object::service::handle(node, target, request).await,
        // Boxed: they need several times the room of a reading of an object.
        Service::Container => Box::pin(container::handle(node, target, request)).await,
        Service::Account => Box::pin(account::handle(node, target, request)).await,
    }
}
