//! A worker outside the store: download-then-compute, the baseline that Stayput is measured against.
//!
//! A client posts it the same job as a proxy. It gets module and inputs through the proxies, runs the same session in the same
//! runtime, stores outputs through the proxies and answers the client. Leaves out a cache, and computing while the
//! download goes on: an input is there whole before the session begins.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_runtime::device::DeviceSpec;
use stayput_runtime::limits::Limits;
use stayput_runtime::session::SessionSpec;
use tokio::sync::Semaphore;

use crate::client::{Client, ClientError, Object};
use crate::config::FuelRate;
use crate::host::{Host, Purpose};
use crate::http::{self, Request, Response, StatusCode};
use crate::jobs::answer::{Circumstances, Session, answer};
use crate::jobs::executor::{SLOTS, prepare, session_entropy};
use crate::jobs::message::{ModuleSource, Role};
use crate::jobs::modules::Modules;
use crate::jobs::plan::{Plan, PlannedModule, plan};
use crate::jobs::run::{Ran, Source, run};
use crate::jobs::service::description_of;
use crate::proxy::Refusal;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, X_TIMESTAMP, timestamp};
use crate::swift::{Path, Timestamp, WORKER_PORT};

/// A worker of one account.
pub struct Worker {
    host: Host,
    store: Client,
    fuel_per_second: FuelRate,
    modules: Modules,
    slots: Semaphore,
}

/// Serves [`WORKER_PORT`] of `host` until the host ends. `store` is how it reaches the store.
///
/// # Errors
/// The port is taken.
pub fn start(host: &Host, store: Client, fuel_per_second: FuelRate) -> io::Result<()> {
    let worker = Rc::new(Worker {
        host: host.clone(),
        store,
        fuel_per_second,
        modules: Modules::default(),
        slots: Semaphore::new(SLOTS),
    });
    http::serve(host, WORKER_PORT, move |request| {
        let worker = Rc::clone(&worker);
        async move { worker.answer(request).await.unwrap_or_else(Refusal::into_response) }
    })
}

/// An object that was downloaded.
struct Download {
    path: Path,
    version: Timestamp,
    content: Bytes,
}

impl Worker {
    async fn answer(&self, mut request: Request) -> Result<Response, Refusal> {
        let description = description_of(&mut request).await?;
        let plan = plan(&description, &self.store.account)?;
        let _slot = self.slots.acquire().await.map_err(|_closed| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the worker is stopping")
        })?;
        let mut downloads = Vec::new();
        for path in plan.reads() {
            let purpose = if plan.is_code(&path) { Purpose::JobCode } else { Purpose::ObjectData };
            downloads.push(self.download(path, purpose).await?);
        }
        let ran = self.run(&plan, &downloads).await?;
        let core = Duration::from_nanos(self.fuel_per_second.nanos_for(ran.fuel));
        let session = Session::of(&plan.session, ran, core, &plan.devices);
        if session.end.exit_code().is_some() {
            self.store_outputs(&plan, &session).await?;
        }
        let inputs = downloads.into_iter().map(|download| (download.path, download.version));
        let around =
            Circumstances { policy: "download", colocated: false, inputs: inputs.collect() };
        Ok(answer(&plan.devices, &session, &around))
    }

    async fn download(&self, path: Path, purpose: Purpose) -> Result<Download, Refusal> {
        let object = self.store.get_object_for(&path, purpose).await;
        let Object { headers, content, .. } = object.map_err(|error| refuse(&error))?;
        let version = timestamp(&headers, &X_BACKEND_DATA_TIMESTAMP)
            .or_else(|| timestamp(&headers, &X_TIMESTAMP))
            .unwrap_or_default();
        Ok(Download { path, version, content })
    }

    async fn run(&self, plan: &Plan, downloads: &[Download]) -> Result<Ran, Refusal> {
        let content = |path: &Path| {
            let found = downloads.iter().find(|download| download.path == *path);
            found.map(|download| download.content.clone()).unwrap_or_default()
        };
        let mut parts: Vec<(Role, Bytes)> =
            plan.images.iter().map(|path| (Role::Image, content(path))).collect();
        let module = match &plan.module {
            PlannedModule::Object(path) => {
                parts.push((Role::Module, content(path)));
                ModuleSource::Pushed
            }
            PlannedModule::InImage(path) => ModuleSource::InImage(path.clone()),
        };
        let (images, module) = match prepare(&self.modules, &module, &parts) {
            Ok(prepared) => prepared,
            Err(why) => return Ok(Ran::refused(why, plan.devices.len())),
        };
        let sources: Vec<Source> = plan
            .devices
            .iter()
            .map(|device| match &device.path {
                Some(path) if device.kind.is_readable() => Source::Memory(content(path)),
                _ => Source::Written,
            })
            .collect();
        let devices = plan.devices.iter().zip(&sources).map(|(device, source)| DeviceSpec {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            size: if let Source::Memory(data) = source { data.len() as u64 } else { 0 },
        });
        let spec = SessionSpec {
            module,
            args: plan.args.clone(),
            env: plan.env.clone(),
            devices: devices.collect(),
            images,
            limits: Limits::default(),
            entropy: session_entropy(&self.host, &plan.session),
        };
        Ok(run(&self.host, spec, &sources).await)
    }

    async fn store_outputs(&self, plan: &Plan, session: &Session) -> Result<(), Refusal> {
        for device in plan.devices.iter().filter(|device| device.kind.is_writable()) {
            let Some(path) = &device.path else { continue };
            let content_type = device.content_type.as_deref();
            self.store
                .put_object(
                    path,
                    session.output(&device.name),
                    content_type.unwrap_or("application/octet-stream"),
                )
                .await
                .map_err(|error| refuse(&error))?;
        }
        Ok(())
    }
}

fn refuse(error: &ClientError) -> Refusal {
    let status = match error {
        ClientError::Refused { status, .. } => *status,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.to_string())
}
