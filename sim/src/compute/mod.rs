//! A worker outside the store: download-then-compute, the baseline that Stayput is measured against.
//!
//! A client posts it the same job as a proxy. It gets module and inputs through the proxies, runs the same session in the same
//! runtime, stores outputs through the proxies and answers the client. A session computes on what has come of its inputs
//! while the rest is still coming, as a node's does on what the disk has read. Leaves out a cache.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::client::{Client, ClientError, Incoming, NewContent};
use crate::config::{FuelRate, MachineConfig, SessionsConfig};
use crate::host::{Host, Purpose, SpanKind, TaskGuard};
use crate::http::{self, Method, Request, Response, StatusCode};
use crate::jobs::answer::{Circumstances, Session, answer};
use crate::jobs::executor::session_entropy;
use crate::jobs::message::{ModuleSource, Role};
use crate::jobs::plan::{Plan, PlannedDevice, PlannedModule, plan};
use crate::jobs::prepare::{Prepared, Preparer, Wanted};
use crate::jobs::run::{Ran, Source, run};
use crate::jobs::service::description_of;
use crate::jobs::slots::Slots;
use crate::jobs::system_images::SystemImages;
use crate::proxy::Refusal;
use crate::swift::header::{X_AUTH_TOKEN, X_TIMESTAMP, X_ZEROVM_EXECUTE, text, timestamp};
use crate::swift::{Path, Timestamp, WORKER_PORT, decode_path};
use bytes::Bytes;
use stayput_runtime::device::{DeviceFault, DeviceSpec};
use stayput_runtime::limits::Limits;
use stayput_runtime::session::SessionSpec;

/// A worker of one account.
pub struct Worker {
    host: Host,
    store: Client,
    fuel_per_second: FuelRate,
    sessions: SessionsConfig,
    images: SystemImages,
    preparer: Preparer,
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
) -> io::Result<()> {
    let worker = Rc::new(Worker {
        host: host.clone(),
        store,
        fuel_per_second: machine.fuel_per_second,
        sessions: machine.sessions,
        preparer: Preparer::new(images.clone()),
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
        self.admit(&request)?;
        let description = description_of(&mut request).await?;
        let plan = plan(&description, &self.store.account, &self.images)?;
        let _slot = self.slots.take(|| self.host.span(SpanKind::Queue, "slot")).await?;
        for _attempt in 0..ATTEMPTS_MAX {
            if let Some((session, inputs)) = self.attempt(&plan).await? {
                if session.end.exit_code().is_some() {
                    self.store_outputs(&plan, &session).await?;
                }
                let around = Circumstances { policy: "download", colocated: false, inputs };
                return Ok(answer(&plan.devices, &session, &around));
            }
        }
        let why = "its inputs changed or broke off each time it ran: try again later";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    /// Lets in who has the worker's own right to the store, and nobody else: it would lend its right to them.
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        if request.method() != Method::POST || !request.headers().contains_key(X_ZEROVM_EXECUTE) {
            let why = "a worker takes jobs: POST with X-Zerovm-Execute";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why));
        }
        if text(request.headers(), &X_AUTH_TOKEN) != Some(self.store.token.as_str()) {
            let why = "X-Auth-Token is missing or not known: send your token with it";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, why));
        }
        let path = request.uri().path().strip_prefix("/v1").unwrap_or_default();
        let account = decode_path(path).map(|path| path.account().to_owned());
        if account.as_deref() != Ok(self.store.account.as_str()) {
            let why = format!("this token is for the account {}", self.store.account);
            return Err(Refusal::new(StatusCode::FORBIDDEN, why));
        }
        Ok(())
    }

    /// Downloads and computes once; `None` if what was computed on was not whole.
    async fn attempt(
        &self,
        plan: &Plan,
    ) -> Result<Option<(Session, Vec<(Path, Timestamp)>)>, Refusal> {
        let mut downloads = Vec::new();
        for path in plan.reads() {
            let purpose = if plan.is_code(&path) { Purpose::JobCode } else { Purpose::ObjectData };
            downloads.push(self.download(path, purpose).await?);
        }
        let ran = self.run(plan, &downloads).await;
        for download in &downloads {
            if !download.incoming.finished().await {
                return Ok(None);
            }
        }
        let core = Duration::from_nanos(self.fuel_per_second.nanos_for(ran.fuel));
        let session = Session::of(&plan.session, ran, core, &plan.devices);
        let inputs = downloads.into_iter().map(|download| (download.path, download.version));
        Ok(Some((session, inputs.collect())))
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

    async fn run(&self, plan: &Plan, downloads: &[Download]) -> Ran {
        let of = |path: &Path| downloads.iter().find(|download| download.path == *path);
        let mut parts: Vec<(Role, Bytes)> = Vec::new();
        for path in &plan.images {
            parts.push((Role::Image, whole(of(path)).await));
        }
        let module = match &plan.module {
            PlannedModule::Object(path) => {
                parts.push((Role::Module, whole(of(path)).await));
                ModuleSource::Pushed
            }
            PlannedModule::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        let wanted =
            Wanted { module: &module, system_images: &plan.system_images, args: &plan.args };
        let Prepared { images, module, args, compiled_bytes } =
            match self.preparer.prepare(wanted, &parts) {
                Ok(prepared) => prepared,
                Err(refused) => return Ran::refused(refused, plan.devices.len()),
            };
        let read = |device: &PlannedDevice| {
            device.path.as_ref().filter(|_| device.kind.is_readable()).and_then(of)
        };
        let sources: Vec<Source> = plan
            .devices
            .iter()
            .map(|device| read(device).map_or(Source::Written, |it| reader(&it.incoming)))
            .collect();
        let devices = plan.devices.iter().map(|device| DeviceSpec {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            size: read(device).map_or(0, |download| download.size),
        });
        let spec = SessionSpec {
            module,
            args,
            env: plan.env.clone(),
            devices: devices.collect(),
            images,
            limits: Limits::default(),
            entropy: session_entropy(&self.host, &plan.session),
        };
        run(&self.host, spec, &sources, self.sessions.startup(compiled_bytes)).await
    }

    async fn store_outputs(&self, plan: &Plan, session: &Session) -> Result<(), Refusal> {
        for device in plan.devices.iter().filter(|device| device.kind.is_writable()) {
            let Some(path) = &device.path else { continue };
            let content_type = device.content_type.as_deref();
            let output = NewContent {
                content: session.output(&device.name),
                content_type: content_type.unwrap_or("application/octet-stream"),
                meta: &device.meta,
                purpose: Purpose::JobResult,
            };
            self.store.put_content(path, output).await.map_err(|error| refuse(&error))?;
        }
        Ok(())
    }
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
