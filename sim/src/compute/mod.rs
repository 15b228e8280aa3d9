//! A worker outside the store: download-then-compute, the baseline that Stayput is measured against.
//!
//! A client posts it the same job as a proxy. It gets module and inputs through the proxies, runs the same session in the same
//! runtime, stores outputs through the proxies and answers the client. A session computes on what has come of its inputs
//! while the rest is still coming, as a node's does on what the disk has read. All sessions of a job run here, beside each other;
//! copies would have no other host to run on, so that each runs once. Leaves out a cache.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::header::CONTENT_TYPE as CONTENT_TYPE_HEADER;
use stayput_runtime::device::{DeviceFault, DeviceSpec, SIZE_UNKNOWN};
use stayput_runtime::limits::Limits;
use stayput_runtime::pipe::room_of;
use stayput_runtime::session::SessionSpec;

use crate::client::{Client, ClientError, Incoming, NewContent};
use crate::config::{FuelRate, MachineConfig, SessionsConfig};
use crate::host::{Host, LocalFuture, Purpose, SpanKind, TaskGuard};
use crate::http::{self, Method, Request, Response, StatusCode};
use crate::jobs::answer::{Circumstances, Session, answer};
use crate::jobs::executor::session_entropy;
use crate::jobs::lookup::{Lookup, NAMES_MAX, as_lines, plan};
use crate::jobs::memo::SessionMemo;
use crate::jobs::message::{ModuleSource, Role};
use crate::jobs::pipe::Pipe;
use crate::jobs::plan::{
    JobPlan, Plan, PlannedDevice, PlannedImage, PlannedModule, PlannedPath, Planning,
};
use crate::jobs::posted::{Posted, Reception};
use crate::jobs::prepare::{Prepared, Preparer, Wanted};
use crate::jobs::run::{Ran, Source, run};
use crate::jobs::service::{CONTENT_TYPE, filled_up};
use crate::jobs::slots::Slots;
use crate::jobs::system_images::SystemImages;
use crate::proxy::{ListedObject, Refusal};
use crate::swift::header::{X_AUTH_TOKEN, X_TIMESTAMP, X_ZEROVM_EXECUTE, text, timestamp};
use crate::swift::{Path, Timestamp, WORKER_PORT, decode_path};

/// A worker of one account.
pub struct Worker {
    host: Host,
    store: Client,
    fuel_per_second: FuelRate,
    sessions: SessionsConfig,
    images: SystemImages,
    preparer: Preparer,
    memo: Option<SessionMemo>,
    slots: Slots,
}

/// Serves [`WORKER_PORT`] of `host` until the host ends. `store` is how it reaches the store, `images` are installed on it.
///
/// # Errors
/// The port is taken.
pub fn start(
    host: &Host,
    store: Client,
    machine: &MachineConfig,
    images: SystemImages,
    memo: Option<SessionMemo>,
) -> io::Result<()> {
    let worker = Rc::new(Worker {
        host: host.clone(),
        store,
        fuel_per_second: machine.fuel_per_second,
        sessions: machine.sessions,
        preparer: Preparer::new(images.clone()),
        memo,
        images,
        slots: Slots::new(&machine.sessions),
    });
    http::serve(host, WORKER_PORT, move |request| {
        let worker = Rc::clone(&worker);
        async move { worker.answer(request).await.unwrap_or_else(Refusal::into_response) }
    })
}

/// A job whose input was replaced or broke off while it ran begins anew so often.
const ATTEMPTS_MAX: u32 = 3;
/// Downloads that are waited for at a time until it is known what comes.
const DOWNLOADS_BEGUN_AT_ONCE: usize = 32;

/// An object on its way to the worker.
struct Download {
    path: Path,
    version: Timestamp,
    size: u64,
    incoming: Rc<Incoming>,
    /// Brings it; ends with this.
    _task: TaskGuard,
}

impl Worker {
    async fn answer(&self, mut request: Request) -> Result<Response, Refusal> {
        let posted_to = self.admit(&request)?;
        let reception = Reception {
            host: &self.host,
            account: &self.store.account,
            posted_to: &posted_to,
            store: self,
        };
        let posted = reception.receive(&mut request).await?;
        let planning = Planning { account: &self.store.account, system_images: &self.images };
        let plan = plan(&planning, &posted.job, self).await?;
        // A job of many sessions is one job: they share the worker's cores as those of several jobs do.
        let _slot = self.slots.take(|| self.host.span(SpanKind::Queue, "slot")).await?;
        for _attempt in 0..ATTEMPTS_MAX {
            if let Some((sessions, inputs)) = self.attempt(&plan, &posted).await? {
                self.store_outputs(&plan, &sessions).await?;
                let around = Circumstances { policy: "download", inputs };
                return Ok(answer(&plan, &sessions, &around));
            }
        }
        let why = "its inputs changed or broke off each time it ran: try again later";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    /// Lets in who has the worker's own right to the store, and nobody else: it would lend its right to them.
    fn admit(&self, request: &Request) -> Result<Path, Refusal> {
        if request.method() != Method::POST || !request.headers().contains_key(X_ZEROVM_EXECUTE) {
            let why = "a worker takes jobs: POST with X-Zerovm-Execute";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why));
        }
        if text(request.headers(), &X_AUTH_TOKEN) != Some(self.store.token.as_str()) {
            let why = "X-Auth-Token is missing or not known: send your token with it";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, why));
        }
        let path = request.uri().path().strip_prefix("/v1").unwrap_or_default();
        match decode_path(path) {
            Ok(path) if path.account() == self.store.account => Ok(path),
            _ => {
                let why = format!("this token is for the account {}", self.store.account);
                Err(Refusal::new(StatusCode::FORBIDDEN, why))
            }
        }
    }

    /// Downloads and computes once; `None` if what was computed on was not whole.
    async fn attempt(
        &self,
        plan: &JobPlan,
        posted: &Posted,
    ) -> Result<Option<(Vec<Session>, Vec<(Path, Timestamp)>)>, Refusal> {
        let mut downloads = Vec::new();
        for paths in plan.reads().chunks(DOWNLOADS_BEGUN_AT_ONCE) {
            let begin = |path: &Path| {
                let is_code = plan.is_code(path);
                let purpose = if is_code { Purpose::JobCode } else { Purpose::ObjectData };
                self.download(path.clone(), purpose)
            };
            for download in join_all(paths.iter().map(begin)).await {
                downloads.push(download?);
            }
        }
        let mut listings = BTreeMap::new();
        for container in plan.listings() {
            let rows = self.objects(&container, "").await?;
            let lines = as_lines(&container, &rows)?;
            listings.insert(container, lines);
        }
        let room = room_of(plan.pipes.len());
        let pipes = plan.pipes.iter().map(|_| Rc::new(Pipe::new(room))).collect();
        let inputs = Inputs { downloads, listings, pipes, posted };
        let sessions = join_all(plan.sessions.iter().map(|plan| self.run(plan, &inputs))).await;
        for download in &inputs.downloads {
            if !download.incoming.finished().await {
                return Ok(None);
            }
        }
        let versions = inputs.downloads.into_iter().map(|it| (it.path, it.version)).collect();
        Ok(Some((sessions, versions)))
    }

    /// Begins a download; returns when it is known what comes.
    async fn download(&self, path: Path, purpose: Purpose) -> Result<Download, Refusal> {
        let incoming = Rc::new(Incoming::default());
        let failure = Rc::new(RefCell::new(None));
        let (store, into, told) = (self.store.clone(), Rc::clone(&incoming), Rc::clone(&failure));
        let wanted = path.clone();
        let task = self.host.spawn_guarded(async move {
            let received = store.receive_object(&wanted, purpose, &into).await;
            *told.borrow_mut() = received.err();
        });
        let Some((size, headers)) = incoming.begun().await else {
            // Its task says why in the same step in which it says that it ended.
            let refusal = failure.borrow().as_ref().map(refuse);
            return Err(refusal.unwrap_or_else(|| {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{path} cannot be had"))
            }));
        };
        let version = timestamp(&headers, &X_TIMESTAMP).unwrap_or_default();
        Ok(Download { path, version, size, incoming, _task: task })
    }

    async fn run(&self, plan: &Plan, inputs: &Inputs<'_>) -> Session {
        let (devices, sources): (Vec<DeviceSpec>, Vec<Source>) =
            plan.devices.iter().map(|device| inputs.device(device)).unzip();
        let (parts, module) = inputs.code(plan).await;
        let wanted =
            Wanted { module: &module, system_images: &plan.system_images, args: &plan.args };
        let ran = match self.preparer.prepare(wanted, &parts) {
            Err(refused) => Ran::refused(refused, &devices, &sources),
            Ok(Prepared { images, module, args, compiled_bytes }) => {
                let spec = SessionSpec {
                    module,
                    args,
                    env: plan.env.clone(),
                    devices,
                    images,
                    limits: Limits::default(),
                    entropy: session_entropy(&self.host, &plan.session),
                };
                let startup = self.sessions.startup(compiled_bytes);
                run(&self.host, spec, &sources, startup, self.memo.as_ref()).await
            }
        };
        let core = Duration::from_nanos(self.fuel_per_second.nanos_for(ran.fuel));
        Session::of(&plan.session, ran, core, &plan.devices)
    }

    async fn store_outputs(&self, plan: &JobPlan, sessions: &[Session]) -> Result<(), Refusal> {
        let ended =
            plan.sessions.iter().zip(sessions).filter(|(_, it)| it.end.exit_code().is_some());
        for (of, session) in ended {
            for device in &of.devices {
                let Some(path) = device.written_object() else { continue };
                let output = NewContent {
                    content: filled_up(session.output(&device.name), device),
                    content_type: device.content_type.as_deref().unwrap_or(CONTENT_TYPE),
                    meta: &device.meta,
                    purpose: Purpose::JobResult,
                };
                self.store.put_content(path, output).await.map_err(|error| refuse(&error))?;
            }
        }
        Ok(())
    }
}

impl Lookup for Worker {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, Refusal>> {
        Box::pin(async move {
            let rows = self.store.list(container, prefix, NAMES_MAX + 1).await;
            at_most(rows.map_err(|error| refuse(&error))?, container)
        })
    }

    fn containers<'a>(&'a self, prefix: &'a str) -> LocalFuture<'a, Result<Vec<String>, Refusal>> {
        Box::pin(async move {
            let names = self.store.list_containers(prefix, NAMES_MAX + 1).await;
            at_most(names.map_err(|error| refuse(&error))?, &self.store.account)
        })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), Refusal>> {
        Box::pin(async move {
            let object = self.store.get_object_for(object, purpose).await;
            let object = object.map_err(|error| refuse(&error))?;
            if object.content.len() as u64 > bytes_max {
                let why = format!("it has over {bytes_max} bytes");
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
            }
            let content_type = text(&object.headers, &CONTENT_TYPE_HEADER).unwrap_or_default();
            Ok((object.content, content_type.to_owned()))
        })
    }
}

fn at_most<T>(names: Vec<T>, of: impl Display) -> Result<Vec<T>, Refusal> {
    if names.len() <= NAMES_MAX {
        return Ok(names);
    }
    let why = format!("{of} has more than {NAMES_MAX} names that the wildcard could mean");
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why))
}

/// What the sessions of a job read.
struct Inputs<'a> {
    downloads: Vec<Download>,
    listings: BTreeMap<Path, Bytes>,
    pipes: Vec<Rc<Pipe>>,
    posted: &'a Posted,
}

impl Inputs<'_> {
    fn download(&self, path: &Path) -> Option<&Download> {
        self.downloads.iter().find(|download| download.path == *path)
    }

    /// A device of a session and where its bytes come from.
    fn device(&self, device: &PlannedDevice) -> (DeviceSpec, Source) {
        let (source, size) = match (&device.path, device.kind.is_readable()) {
            (PlannedPath::Pipe(pipe), is_read) => (
                Source::Pipe(Rc::clone(&self.pipes[*pipe])),
                if is_read { SIZE_UNKNOWN } else { 0 },
            ),
            (_, false) => (Source::Written, 0),
            (PlannedPath::Object(path), true) => match self.download(path) {
                Some(download) => (reader(&download.incoming), download.size),
                None => (Source::Memory(Bytes::new()), 0),
            },
            (PlannedPath::Listing(path), true) => in_memory(self.listings.get(path)),
            (PlannedPath::Client, true) => in_memory(self.posted.body.as_ref()),
        };
        let (name, kind, mode) = (device.name.clone(), device.kind, device.mode);
        (DeviceSpec { name, kind, mode, size }, source)
    }

    /// The images and the module of a session, when they have come.
    async fn code(&self, plan: &Plan) -> (Vec<(Role, Bytes)>, ModuleSource) {
        let mut parts: Vec<(Role, Bytes)> = Vec::new();
        for image in &plan.images {
            let tar = match image {
                PlannedImage::Object(path) => whole(self.download(path)).await,
                PlannedImage::Posted => self.posted.image.clone().unwrap_or_default(),
            };
            parts.push((Role::Image, tar));
        }
        let module = match &plan.module {
            PlannedModule::Object(path) => {
                parts.push((Role::Module, whole(self.download(path)).await));
                ModuleSource::Pushed
            }
            PlannedModule::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        (parts, module)
    }
}

fn in_memory(data: Option<&Bytes>) -> (Source, u64) {
    let data = data.cloned().unwrap_or_default();
    let size = data.len() as u64;
    (Source::Memory(data), size)
}

/// All of a download; what has come of one that broke off is found out by [`Incoming::finished`].
async fn whole(download: Option<&Download>) -> Bytes {
    let Some(download) = download else { return Bytes::new() };
    download.incoming.read_at(0, download.size).await.unwrap_or_default()
}

fn reader(incoming: &Rc<Incoming>) -> Source {
    let incoming = Rc::clone(incoming);
    Source::Reader(Rc::new(move |offset, len| {
        let incoming = Rc::clone(&incoming);
        Box::pin(async move {
            let read = incoming.read_at(offset, len).await;
            read.map_err(|broken| DeviceFault::Failed { reason: broken.to_string() })
        })
    }))
}

fn refuse(error: &ClientError) -> Refusal {
    let status = match error {
        ClientError::Refused { status, .. } => *status,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.to_string())
}
