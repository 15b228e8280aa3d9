//! The job service of a storage node: runs the sessions that proxies order, on the node's own
//! replicas.
//!
//! So many sessions run and a few wait for a slot; more are refused, and proxies order them from
//! the next replica. Leaves out who may run what: only proxies reach a node, and they have checked
//! it.

mod error;
mod pipe_registry;
mod pipe_transport;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join, join_all};
use stayput_host::config::MachineConfig;
use stayput_host::{Host, HostStartError, LocalFuture, Purpose};
use stayput_runtime::outcome::EndReason;
use stayput_runtime::pipe::PIPE_BYTES;
use stayput_store::http;
use stayput_store::http::{Body, ConnectionPool, Method, Request, Response, StatusCode};
use stayput_store::node::{NodeError, ObjectStore};
use stayput_store::swift::job_port;

use self::error::{OrderError, SessionError};
use self::pipe_registry::PipeRegistry;
use self::pipe_transport::PipeTransportError;
use crate::memo::SessionMemo;
use crate::message::{
    LocalObject, OrderedDevice, OrderedModule, OrderedSource, PartHead, PartRole, SessionOrder,
    SessionReport, decode, encode, status_path,
};
use crate::placement::NodeLoad;
use crate::session::driver::{ResolvedSession, SessionDriver};
use crate::session::pipe::SessionPipe;
use crate::session::prepare::ModuleSource;
use crate::session::result::{SessionEnd, SessionResult};
use crate::session::slots::{session_runs, waiting};
use crate::session::source::{InputSource, ResolvedDevice};
use crate::session::verified_replica::VerifiedReplica;
use crate::system_images::SystemImages;

/// Limit on the bytes of an order: what is pushed with it is held whole.
pub const ORDER_BYTES_MAX: u64 = 320 << 20;

/// Runner of the sessions that proxies order from a node.
struct NodeExecutor {
    host: Host,
    objects: Rc<ObjectStore>,
    driver: SessionDriver,
    running: RefCell<BTreeSet<String>>,
    pipes: PipeRegistry,
    /// Connections to the nodes of peers.
    pool: ConnectionPool,
}

type PipeSenders<'a> = Vec<LocalFuture<'a, Result<(), PipeTransportError>>>;

/// A session that counts as running until this is dropped.
struct Running<'a>(&'a NodeExecutor, String);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.borrow_mut().remove(&self.1);
    }
}

/// Serves the job port of a node, whose object port is `ring_port`, until the host ends.
///
/// # Errors
/// [`HostStartError::Port`].
pub fn serve(
    host: &Host,
    ring_port: u16,
    objects: Rc<ObjectStore>,
    machine: &MachineConfig,
    images: SystemImages,
    memo: Option<SessionMemo>,
) -> Result<(), HostStartError> {
    let executor = Rc::new(NodeExecutor {
        host: host.clone(),
        objects,
        driver: SessionDriver::new(host, machine, images, memo),
        running: RefCell::default(),
        pipes: PipeRegistry::default(),
        pool: ConnectionPool::new(host.clone()),
    });
    http::serve(host, job_port(ring_port), move |request| {
        let executor = Rc::clone(&executor);
        async move { executor.answer(request).await.unwrap_or_else(SessionError::into_response) }
    })
}

impl NodeExecutor {
    async fn answer(&self, request: Request) -> Result<Response, SessionError> {
        if request.method() == Method::GET {
            return Ok(self.status(request.uri().path()));
        }
        if pipe_transport::is_path(request.uri().path()) {
            let room = pipe_transport::room(&request);
            let pipe = self.pipes.enter(request.uri().path(), room, self.host.now());
            return Ok(pipe_transport::receive(&self.host, &pipe, request).await);
        }
        // Known from the first byte on: a long order is no lost session.
        let path = request.uri().path().to_owned();
        if !self.running.borrow_mut().insert(path.clone()) {
            return Err(OrderError::Running { path }.into());
        }
        let _running = Running(self, path.clone());
        let (order, parts) = receive(request, path).await?;
        let slots = self.driver.slots();
        let _slot = match order.gang.is_empty() {
            true => slots.take(|| waiting(&self.host)).await?,
            false => slots.take_now()?,
        };
        let _counted = session_runs(&self.host);
        let result = self.execute(&order, parts).await?;
        let load = order.wants_load.then(|| slots.load_beside());
        report(order, result, load)
    }

    fn status(&self, path: &str) -> Response {
        let mut response = Response::new(Body::empty());
        if !self.running.borrow().contains(path) {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }

    async fn execute(
        &self,
        order: &SessionOrder,
        parts: OrderParts,
    ) -> Result<SessionResult, SessionError> {
        let local = match &order.local {
            Some(object) => Some(self.open(object).await?),
            None => None,
        };
        let (session, senders) = self.resolve(order, parts, local.as_ref())?;
        let (result, sent) = join(self.driver.run(session), join_all(senders)).await;
        if let Some(lost) = sent.into_iter().find_map(Result::err) {
            return Err(lost.into());
        }
        if let Some(local) = local.filter(|_| result.end != SessionEnd::OutOfTime) {
            // What the guest made of a damaged copy is worth nothing, whatever it was.
            local.finish().await?;
        }
        if let SessionEnd::Guest(end @ EndReason::DeviceFailed { device, .. }) = &result.end {
            // Not the guest's doing: another replica may do better, or other peers.
            let end = end.clone();
            let is_pipe = |it: &OrderedDevice| matches!(it.source, OrderedSource::Pipe { .. });
            return Err(match order.devices.iter().any(|it| it.name == *device && is_pipe(it)) {
                true => SessionError::PeerLost { end },
                false => SessionError::DeviceFailed { end },
            });
        }
        Ok(result)
    }

    /// The session of an order; and the senders of its pipes to other nodes.
    fn resolve<'a>(
        &'a self,
        order: &'a SessionOrder,
        parts: OrderParts,
        local: Option<&Rc<VerifiedReplica>>,
    ) -> Result<(ResolvedSession, PipeSenders<'a>), OrderError> {
        let missing = |what: &str| OrderError::Missing { what: what.to_owned() };
        let module = match &order.module {
            OrderedModule::Pushed => ModuleSource::Object(
                parts.first(&PartRole::Module).ok_or_else(|| missing("its module"))?,
            ),
            OrderedModule::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        let mut senders = Vec::new();
        let device = |device: &OrderedDevice| {
            let source = match device.source {
                OrderedSource::Local => {
                    let replica = local.ok_or_else(|| missing("its local object"))?;
                    InputSource::LocalReplica(Rc::clone(replica))
                }
                OrderedSource::Pushed => {
                    let data = parts.first(&PartRole::Device(device.name.clone()));
                    InputSource::Memory(data.ok_or_else(|| missing(&device.name))?)
                }
                OrderedSource::Written => InputSource::Staged,
                OrderedSource::Pipe { number, reader } => {
                    let reader = reader.filter(|_| device.kind.is_writable());
                    InputSource::Pipe(self.pipe(order, number, reader, &mut senders))
                }
            };
            let (name, kind, mode) = (device.name.clone(), device.kind, device.mode);
            Ok(ResolvedDevice { name, kind, mode, source })
        };
        let devices = order.devices.iter().map(device).collect::<Result<_, OrderError>>()?;
        let session = ResolvedSession {
            name: order.session.clone(),
            args: order.args.clone(),
            env: order.env.clone(),
            module,
            images: parts.all(&PartRole::Image),
            system_images: order.system_images.clone(),
            devices,
        };
        Ok((session, senders))
    }

    /// The pipe of that number; if its reader is on another node, with a sender to there.
    fn pipe<'a>(
        &'a self,
        order: &SessionOrder,
        number: u32,
        reader: Option<SocketAddr>,
        senders: &mut PipeSenders<'a>,
    ) -> Rc<SessionPipe> {
        let path = pipe_transport::path_of(&order.gang, order.attempt, number);
        let room = order.pipe_room.clamp(1, PIPE_BYTES);
        let Some(to) = reader else { return self.pipes.enter(&path, room, self.host.now()) };
        let pipe = Rc::new(SessionPipe::new(room));
        let sender = Rc::clone(&pipe);
        senders.push(Box::pin(async move {
            pipe_transport::send(&self.pool, to, &path, room, &sender).await
        }));
        pipe
    }

    /// The node's own replica, if it is of the version that the order names.
    async fn open(&self, object: &LocalObject) -> Result<Rc<VerifiedReplica>, NodeError> {
        let LocalObject { disk, partition, path, version } = object;
        let opened = self.objects.open_version(disk, *partition, path, *version).await?;
        Ok(Rc::new(VerifiedReplica::new(&self.host, opened)))
    }
}

/// Parts of an order, with their roles.
struct OrderParts(Vec<(PartRole, Bytes)>);

impl OrderParts {
    fn first(&self, role: &PartRole) -> Option<Bytes> {
        self.0.iter().find(|(of, _)| of == role).map(|(_, bytes)| bytes.clone())
    }

    fn all(&self, role: &PartRole) -> Vec<Bytes> {
        self.0.iter().filter(|(of, _)| of == role).map(|(_, bytes)| bytes.clone()).collect()
    }
}

/// Reads the order that is posted to `path`.
async fn receive(
    mut request: Request,
    path: String,
) -> Result<(SessionOrder, OrderParts), OrderError> {
    let body = request.body_mut().collect(ORDER_BYTES_MAX).await?;
    let (order, parts) = decode::<SessionOrder>(body)?;
    if status_path(&order.id, order.attempt) != path {
        return Err(OrderError::OtherPath { path });
    }
    Ok((order, OrderParts(parts)))
}

/// Reports a session to the proxy that ordered it.
fn report(
    order: SessionOrder,
    result: SessionResult,
    load: Option<NodeLoad>,
) -> Result<Response, SessionError> {
    let (heads, parts): (Vec<PartHead>, Vec<(Purpose, Bytes)>) = result
        .outputs
        .into_iter()
        .map(|(device, output)| {
            let head = PartHead { role: PartRole::Device(device), bytes: output.len() as u64 };
            (head, (Purpose::JobResult, output))
        })
        .unzip();
    let report = SessionReport {
        id: order.id,
        attempt: order.attempt,
        end: result.end,
        fuel: result.fuel,
        core_us: micros(result.core),
        took_us: micros(result.took),
        accounting: result.accounting,
        parts: heads,
        load,
    };
    Ok(Response::new(encode(&report, parts).map_err(SessionError::Report)?))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
