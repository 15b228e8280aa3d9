//! The job service of a storage node: runs sessions on the node's own copies of objects.
//!
//! So many sessions run and a few wait ([`SessionSlots`]); more are sent to the next replica. Leaves out who may run what: only
//! proxies reach a node, and they have checked it.

mod pipe_registry;
mod pipe_transport;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join, join_all};
use stayput_host::config::{FuelRate, MachineConfig, SessionsConfig};
use stayput_host::{Host, LocalFuture, Purpose};
use stayput_runtime::device::{DeviceSpec, SIZE_UNKNOWN};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::outcome::EndReason;
use stayput_runtime::pipe::PIPE_BYTES;
use stayput_runtime::session::SessionSpec;
use stayput_store::http;
use stayput_store::http::{Body, ConnectionPool, Method, Request, Response, StatusCode};
use stayput_store::node::{NodeError, ObjectStore, error_status};
use stayput_store::proxy::Refusal;
use stayput_store::swift::job_port;

use self::pipe_registry::PipeRegistry;
use crate::memo::SessionMemo;
use crate::message::{
    DeviceSource, LocalObject, OrderedDevice, PEER_LOST, PartHead, PartRole, SessionOrder,
    SessionReport, decode, encode, status_path,
};
use crate::session::driver::{Ran, SessionEnd, Source, run};
use crate::session::pipe::SessionPipe;
use crate::session::prepare::{CodeRequest, PreparedSession, Preparer};
use crate::session::slots::{SessionSlots, session_runs, waiting};
use crate::session::verified_replica::VerifiedReplica;
use crate::system_images::SystemImages;

/// The longest order: what is pushed with it is held whole.
pub const ORDER_BYTES_MAX: u64 = 320 << 20;

/// What runs sessions on a node.
pub struct NodeExecutor {
    host: Host,
    objects: Rc<ObjectStore>,
    fuel_per_second: FuelRate,
    sessions: SessionsConfig,
    preparer: Preparer,
    memo: Option<SessionMemo>,
    slots: SessionSlots,
    running: RefCell<BTreeSet<String>>,
    pipes: PipeRegistry,
    /// Connections to the nodes of peers.
    pool: ConnectionPool,
}

type Senders<'a> = Vec<LocalFuture<'a, Result<(), String>>>;

/// Counts a session as running until it is dropped.
struct Running<'a>(&'a NodeExecutor, String);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.borrow_mut().remove(&self.1);
    }
}

/// Serves the job port of a node, whose object port is `ring_port`, until the host ends.
///
/// # Errors
/// The port is taken.
pub fn serve(
    host: &Host,
    ring_port: u16,
    objects: Rc<ObjectStore>,
    machine: &MachineConfig,
    images: SystemImages,
    memo: Option<SessionMemo>,
) -> io::Result<()> {
    let executor = Rc::new(NodeExecutor {
        host: host.clone(),
        objects,
        fuel_per_second: machine.fuel_per_second,
        sessions: machine.sessions,
        preparer: Preparer::new(images),
        memo,
        slots: SessionSlots::new(&machine.sessions),
        running: RefCell::default(),
        pipes: PipeRegistry::default(),
        pool: ConnectionPool::new(host.clone()),
    });
    http::serve(host, job_port(ring_port), move |request| {
        let executor = Rc::clone(&executor);
        async move { executor.answer(request).await.unwrap_or_else(Refusal::into_response) }
    })
}

impl NodeExecutor {
    async fn answer(&self, mut request: Request) -> Result<Response, Refusal> {
        if request.method() == Method::GET {
            return Ok(self.status(request.uri().path()));
        }
        if pipe_transport::is_path(request.uri().path()) {
            let room = pipe_transport::room(&request);
            let pipe = self.pipes.enter(request.uri().path(), room, self.host.now());
            return Ok(pipe_transport::receive(&self.host, &pipe, request).await);
        }
        let bad = |why: String| Refusal::new(StatusCode::BAD_REQUEST, why);
        // Known from the first byte on: a long order is no lost session.
        let path = request.uri().path().to_owned();
        if !self.running.borrow_mut().insert(path.clone()) {
            return Err(bad(format!("{path} runs already")));
        }
        let _running = Running(self, path.clone());
        let body = request.body_mut().collect(ORDER_BYTES_MAX).await;
        let body = body.map_err(|broken| bad(broken.to_string()))?;
        let (order, parts) =
            decode::<SessionOrder>(body).map_err(|error| bad(error.to_string()))?;
        if status_path(&order.id, order.attempt) != path {
            return Err(bad(format!("{path} is not the path of the order that it brings")));
        }
        let _slot = match order.gang.is_empty() {
            true => self.slots.take(|| waiting(&self.host)).await?,
            false => self.slots.take_now()?,
        };
        let _counted = session_runs(&self.host);
        let ran = self.execute(&order, parts).await?;
        self.report(order, ran)
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
        parts: Vec<(PartRole, Bytes)>,
    ) -> Result<Ran, Refusal> {
        let local = match &order.local {
            Some(object) => Some(self.open(object).await?),
            None => None,
        };
        let (devices, sources, senders) = self.devices(order, &parts, local.as_ref())?;
        let running = self.run(order, &parts, devices, &sources);
        let (ran, sent) = join(running, join_all(senders)).await;
        if let Some(why) = sent.into_iter().find_map(Result::err) {
            // Not the guest's doing: the whole gang has to begin anew.
            return Err(Refusal::new(PEER_LOST, why));
        }
        if let Some(local) = local.filter(|_| ran.end != SessionEnd::OutOfTime) {
            // What the guest made of a damaged copy is worth nothing, whatever it was.
            local.finish().await.map_err(refuse)?;
        }
        if let SessionEnd::Guest(end @ EndReason::DeviceFailed { device, .. }) = &ran.end {
            // Not the guest's doing: another replica may do better, or other peers.
            let is_pipe = |it: &OrderedDevice| matches!(it.source, DeviceSource::Pipe { .. });
            let is_peers = order.devices.iter().any(|it| it.name == *device && is_pipe(it));
            let status = if is_peers { PEER_LOST } else { StatusCode::INSUFFICIENT_STORAGE };
            return Err(Refusal::new(status, end.to_string()));
        }
        Ok(ran)
    }

    /// The devices of a session and where their bytes come from; and what carries its pipes to other nodes.
    fn devices<'a>(
        &'a self,
        order: &'a SessionOrder,
        parts: &[(PartRole, Bytes)],
        local: Option<&Rc<VerifiedReplica>>,
    ) -> Result<(Vec<DeviceSpec>, Vec<Source>, Senders<'a>), Refusal> {
        let (mut devices, mut sources, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for device in &order.devices {
            let (source, size) = match device.source {
                DeviceSource::Local => {
                    let object = Rc::clone(local.ok_or_else(|| missing("its local object"))?);
                    let size = object.len();
                    (Source::Reader(VerifiedReplica::reader(object)), size)
                }
                DeviceSource::Pushed => {
                    let role = PartRole::Device(device.name.clone());
                    let part = parts.iter().find(|(of, _)| *of == role);
                    let data = part.ok_or_else(|| missing(&device.name))?.1.clone();
                    let size = data.len() as u64;
                    (Source::Memory(data), size)
                }
                DeviceSource::Written => (Source::Written, 0),
                DeviceSource::Pipe { number, reader } => {
                    let path = pipe_transport::path_of(&order.gang, order.attempt, number);
                    let room = order.pipe_room.clamp(1, PIPE_BYTES);
                    let pipe = match reader.filter(|_| device.kind.is_writable()) {
                        None => self.pipes.enter(&path, room, self.host.now()),
                        Some(to) => {
                            let pipe = Rc::new(SessionPipe::new(room));
                            let sender = Rc::clone(&pipe);
                            let pool = &self.pool;
                            senders.push(Box::pin(async move {
                                pipe_transport::send(pool, to, &path, room, &sender).await
                            }) as LocalFuture<'a, _>);
                            pipe
                        }
                    };
                    let size = if device.kind.is_readable() { SIZE_UNKNOWN } else { 0 };
                    (Source::Pipe(pipe), size)
                }
            };
            let (name, kind, mode) = (device.name.clone(), device.kind, device.mode);
            devices.push(DeviceSpec { name, kind, mode, size });
            sources.push(source);
        }
        Ok((devices, sources, senders))
    }

    async fn run(
        &self,
        order: &SessionOrder,
        parts: &[(PartRole, Bytes)],
        devices: Vec<DeviceSpec>,
        sources: &[Source],
    ) -> Ran {
        let SessionOrder { module, system_images, args, .. } = order;
        let prepared = self.preparer.prepare(CodeRequest { module, system_images, args }, parts);
        let PreparedSession { images, module, args, compiled_bytes } = match prepared {
            Ok(prepared) => prepared,
            Err(refused) => return Ran::refused(refused, &devices, sources),
        };
        let spec = SessionSpec {
            module,
            args,
            env: order.env.clone(),
            devices,
            images,
            limits: SessionLimits::default(),
            entropy: session_entropy(&self.host, &order.session),
        };
        let startup = self.sessions.startup(compiled_bytes);
        run(&self.host, spec, sources, startup, self.memo.as_ref()).await
    }

    /// The node's own copy, if it is of the version that the order names.
    async fn open(&self, object: &LocalObject) -> Result<Rc<VerifiedReplica>, Refusal> {
        let opened = self
            .objects
            .open_version(&object.disk, object.partition, &object.path, object.version)
            .await;
        Ok(Rc::new(VerifiedReplica::new(&self.host, opened.map_err(refuse)?)))
    }

    fn report(&self, order: SessionOrder, ran: Ran) -> Result<Response, Refusal> {
        let written = order.devices.iter().zip(ran.outputs);
        let written = written.filter(|(device, _)| device.source == DeviceSource::Written);
        let (heads, parts): (Vec<PartHead>, Vec<(Purpose, Bytes)>) = written
            .map(|(device, output)| {
                let role = PartRole::Device(device.name.clone());
                let head = PartHead { role, bytes: output.len() as u64 };
                (head, (Purpose::JobResult, output))
            })
            .unzip();
        let core = Duration::from_nanos(self.fuel_per_second.nanos_for(ran.fuel));
        let report = SessionReport {
            id: order.id,
            attempt: order.attempt,
            end: ran.end,
            fuel: ran.fuel,
            core_us: micros(core),
            took_us: micros(ran.took),
            accounting: ran.accounting,
            parts: heads,
            load: order.wants_load.then(|| self.slots.load_beside()),
        };
        let body = encode(&report, parts)
            .map_err(|bad| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, bad.to_string()))?;
        Ok(Response::new(body))
    }
}

/// The seed of a session's randomness: the same wherever it runs, and at each attempt.
#[must_use]
pub fn session_entropy(host: &Host, session: &str) -> [u8; 32] {
    host.entropy("session", session.as_bytes(), 0).seed()
}

fn refuse(error: NodeError) -> Refusal {
    let why = error.to_string();
    Refusal::new(error_status(&error), why)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn missing(what: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("the order lacks {what}"))
}
