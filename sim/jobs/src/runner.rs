//! Fetches what a job reads to the host that runs it, and computes on what has come while the rest is still coming.
//!
//! As a node does on what its disk has read. All sessions of a job run here, beside each other; copies would have no other host to run
//! on, so that each runs once. Leaves out where the bytes come from ([`JobStore`]) and storing outputs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::config::{FuelRate, MachineConfig, SessionsConfig};
use stayput_host::{AttemptKind, Host, LocalFuture, Purpose, TaskGuard};
use stayput_runtime::device::{DeviceFault, DeviceSpec, SIZE_UNKNOWN};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::pipe::pipe_capacity;
use stayput_runtime::session::SessionSpec;
use stayput_store::client::ObjectDownload;
use stayput_store::http::StatusCode;
use stayput_store::proxy::Refusal;
use stayput_store::swift::header::{X_TIMESTAMP, timestamp};
use stayput_store::swift::{Path, Timestamp};
use tokio::sync::SemaphorePermit;

use crate::answer::SessionResult;
use crate::memo::SessionMemo;
use crate::message::{ModuleSource, PartRole};
use crate::node::session_entropy;
use crate::plan::lookup::{StoreLookup, as_lines};
use crate::plan::{JobPlan, PlannedDevice, PlannedImage, PlannedModule, PlannedPath, SessionPlan};
use crate::posted::PostedJob;
use crate::session::driver::{Ran, Source, run};
use crate::session::pipe::SessionPipe;
use crate::session::prepare::{CodeRequest, PreparedSession, Preparer};
use crate::session::slots::{SessionSlots, session_runs, waiting};
use crate::system_images::SystemImages;

/// Where what a job reads comes from.
pub trait JobStore: StoreLookup {
    /// Brings an object into `into`, from which sessions read meanwhile, and says there how it ended; its bytes are counted as
    /// `purpose`. The headers that it begins with name its version as `X-Timestamp`.
    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), Refusal>>;
}

/// What runs whole jobs on a host.
pub struct JobRunner {
    host: Host,
    fuel_per_second: FuelRate,
    sessions: SessionsConfig,
    preparer: Preparer,
    memo: Option<SessionMemo>,
    slots: SessionSlots,
}

/// A job whose sessions have ended. It has its slot until this is dropped.
pub struct FinishedJob<'a> {
    /// The sessions, in the order of the plan.
    pub sessions: Vec<SessionResult>,
    /// What they read, in which version.
    pub inputs: Vec<(Path, Timestamp)>,
    /// The slot.
    pub slot: SemaphorePermit<'a>,
}

/// A job whose input was replaced or broke off while it ran begins anew so often.
const ATTEMPTS_MAX: u32 = 3;
/// Downloads that are waited for at a time until it is known what comes.
const DOWNLOADS_BEGUN_AT_ONCE: usize = 32;

/// An object on its way to the host.
struct Download {
    path: Path,
    version: Timestamp,
    size: u64,
    incoming: Rc<ObjectDownload>,
    /// Brings it; ends with this.
    _task: TaskGuard,
}

impl JobRunner {
    /// One for `host`, with the cores and slots of `machine`; `images` are installed on it. It does not compute
    /// again what `memo` knows.
    #[must_use]
    pub fn new(
        host: &Host,
        machine: &MachineConfig,
        images: &SystemImages,
        memo: Option<SessionMemo>,
    ) -> Self {
        Self {
            host: host.clone(),
            fuel_per_second: machine.fuel_per_second,
            sessions: machine.sessions,
            preparer: Preparer::new(images.clone()),
            memo,
            slots: SessionSlots::new(&machine.sessions),
        }
    }

    /// Runs a job when there is room.
    ///
    /// # Errors
    /// 503 when there is none, when something cannot be had, or when inputs changed or broke off each time; and what the store
    /// says of what it has not.
    pub async fn run(
        &self,
        plan: &JobPlan,
        posted: &PostedJob,
        store: &dyn JobStore,
    ) -> Result<FinishedJob<'_>, Refusal> {
        // A job of many sessions is one job: they share the host's cores as those of several jobs do.
        let slot = self.slots.take(|| waiting(&self.host)).await?;
        let _counted = session_runs(&self.host);
        for _attempt in 0..ATTEMPTS_MAX {
            let mut trying = self.host.attempt(AttemptKind::Job, "run");
            if let Some((sessions, inputs)) = self.attempt(plan, posted, store).await? {
                return Ok(FinishedJob { sessions, inputs, slot });
            }
            trying.failed();
        }
        let why = "its inputs changed or broke off each time it ran: try again later";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    /// Downloads and computes once; `None` if what was computed on was not whole.
    async fn attempt(
        &self,
        plan: &JobPlan,
        posted: &PostedJob,
        store: &dyn JobStore,
    ) -> Result<Option<(Vec<SessionResult>, Vec<(Path, Timestamp)>)>, Refusal> {
        let mut downloads = Vec::new();
        for paths in plan.reads().chunks(DOWNLOADS_BEGUN_AT_ONCE) {
            let begin = |path: &Path| {
                let is_code = plan.is_code(path);
                let purpose = if is_code { Purpose::JobCode } else { Purpose::ObjectData };
                self.download(path.clone(), purpose, store)
            };
            for download in join_all(paths.iter().map(begin)).await {
                downloads.push(download?);
            }
        }
        let mut listings = BTreeMap::new();
        for container in plan.listings() {
            let rows = store.objects(&container, "").await?;
            let lines = as_lines(&container, &rows)?;
            listings.insert(container, lines);
        }
        let room = pipe_capacity(plan.pipes.len());
        let pipes = plan.pipes.iter().map(|_| Rc::new(SessionPipe::new(room))).collect();
        let inputs = Inputs { downloads, listings, pipes, posted };
        let sessions = join_all(plan.sessions.iter().map(|plan| self.session(plan, &inputs))).await;
        for download in &inputs.downloads {
            if !download.incoming.finished().await {
                return Ok(None);
            }
        }
        let versions = inputs.downloads.into_iter().map(|it| (it.path, it.version)).collect();
        Ok(Some((sessions, versions)))
    }

    /// Begins a download; returns when it is known what comes.
    async fn download(
        &self,
        path: Path,
        purpose: Purpose,
        store: &dyn JobStore,
    ) -> Result<Download, Refusal> {
        let incoming = Rc::new(ObjectDownload::default());
        let failure = Rc::new(RefCell::new(None));
        let told = Rc::clone(&failure);
        let receiving = store.receive(&path, purpose, Rc::clone(&incoming));
        let task =
            self.host.spawn_guarded(async move { *told.borrow_mut() = receiving.await.err() });
        let Some((size, headers)) = incoming.begun().await else {
            // Its task says why in the same step in which it says that it ended.
            let refusal: Option<Refusal> = failure.borrow().clone();
            return Err(refusal.unwrap_or_else(|| {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{path} cannot be had"))
            }));
        };
        let version = timestamp(&headers, &X_TIMESTAMP).unwrap_or_default();
        Ok(Download { path, version, size, incoming, _task: task })
    }

    async fn session(&self, plan: &SessionPlan, inputs: &Inputs<'_>) -> SessionResult {
        let (devices, sources): (Vec<DeviceSpec>, Vec<Source>) =
            plan.devices.iter().map(|device| inputs.device(device)).unzip();
        let (parts, module) = inputs.code(plan).await;
        let wanted =
            CodeRequest { module: &module, system_images: &plan.system_images, args: &plan.args };
        let ran = match self.preparer.prepare(wanted, &parts) {
            Err(refused) => Ran::refused(refused, &devices, &sources),
            Ok(PreparedSession { images, module, args, compiled_bytes }) => {
                let spec = SessionSpec {
                    module,
                    args,
                    env: plan.env.clone(),
                    devices,
                    images,
                    limits: SessionLimits::default(),
                    entropy: session_entropy(&self.host, &plan.session),
                };
                let startup = self.sessions.startup(compiled_bytes);
                run(&self.host, spec, &sources, startup, self.memo.as_ref()).await
            }
        };
        let core = Duration::from_nanos(self.fuel_per_second.nanos_for(ran.fuel));
        SessionResult::of(&plan.session, ran, core, &plan.devices)
    }
}

/// What the sessions of a job read.
struct Inputs<'a> {
    downloads: Vec<Download>,
    listings: BTreeMap<Path, Bytes>,
    pipes: Vec<Rc<SessionPipe>>,
    posted: &'a PostedJob,
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
    async fn code(&self, plan: &SessionPlan) -> (Vec<(PartRole, Bytes)>, ModuleSource) {
        let mut parts: Vec<(PartRole, Bytes)> = Vec::new();
        for image in &plan.images {
            let tar = match image {
                PlannedImage::Object(path) => whole(self.download(path)).await,
                PlannedImage::Posted => self.posted.image.clone().unwrap_or_default(),
            };
            parts.push((PartRole::Image, tar));
        }
        let module = match &plan.module {
            PlannedModule::Object(path) => {
                parts.push((PartRole::Module, whole(self.download(path)).await));
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

/// All of a download; what has come of one that broke off is found out by [`ObjectDownload::finished`].
async fn whole(download: Option<&Download>) -> Bytes {
    let Some(download) = download else { return Bytes::new() };
    download.incoming.read_at(0, download.size).await.unwrap_or_default()
}

fn reader(incoming: &Rc<ObjectDownload>) -> Source {
    let incoming = Rc::clone(incoming);
    Source::Reader(Rc::new(move |offset, len| {
        let incoming = Rc::clone(&incoming);
        Box::pin(async move {
            let read = incoming.read_at(offset, len).await;
            read.map_err(|broken| DeviceFault::Failed { reason: broken.to_string() })
        })
    }))
}
