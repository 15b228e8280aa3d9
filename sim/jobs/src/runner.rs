//! Whole jobs on one host, a proxy or a worker: it fetches what they read, and computes on what has
//! come while the rest is still coming, as a node does on what its disk has read.
//!
//! The sessions of a job run beside each other. Copies would have no other host to run on, so that
//! each session runs once. Leaves out who gives the bytes ([`JobStore`]), and storing outputs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::config::MachineConfig;
use stayput_host::{AttemptKind, Host, Purpose, TaskGuard};
use stayput_runtime::pipe::pipe_capacity;
use stayput_store::client::ObjectDownload;
use stayput_store::swift::header::{X_TIMESTAMP, timestamp};
use stayput_store::swift::{Path, Timestamp};
use tokio::sync::SemaphorePermit;

use crate::error::JobError;
use crate::memo::SessionMemo;
use crate::plan::{JobPlan, PlannedDevice, PlannedImage, PlannedPath, SessionPlan};
use crate::posted::PostedJob;
use crate::session::driver::{ResolvedSession, SessionDriver};
use crate::session::pipe::SessionPipe;
use crate::session::prepare::ModuleSource;
use crate::session::result::SessionResult;
use crate::session::slots::{session_runs, waiting};
use crate::session::source::{InputSource, ResolvedDevice};
use crate::store_access::{JobStore, StoreAccessError, as_lines};
use crate::system_images::SystemImages;

/// Runner of whole jobs on a host.
pub(crate) struct JobRunner {
    host: Host,
    driver: SessionDriver,
}

/// A job whose sessions have ended. It has its slot until this is dropped.
pub(crate) struct FinishedJob<'a> {
    /// Sessions, in the order of the plan.
    pub(crate) sessions: Vec<SessionResult>,
    /// Versions that they read.
    pub(crate) inputs: Vec<(Path, Timestamp)>,
    /// Its slot.
    pub(crate) slot: SemaphorePermit<'a>,
}

/// Attempts of a job whose inputs are replaced or break off while it runs.
const ATTEMPTS_MAX: u32 = 3;
/// Downloads whose beginnings are awaited at a time.
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
    /// A runner on `host`, with the cores and slots of `machine`, on which `images` are installed.
    /// Sessions that `memo` knows are not computed again.
    pub(crate) fn new(
        host: &Host,
        machine: &MachineConfig,
        images: &SystemImages,
        memo: Option<SessionMemo>,
    ) -> Self {
        let driver = SessionDriver::new(host, machine, images.clone(), memo);
        Self { host: host.clone(), driver }
    }

    /// Runs a job when there is a slot.
    ///
    /// # Errors
    /// No slot; an input that cannot be had; inputs that changed or broke off each time.
    pub(crate) async fn run(
        &self,
        plan: &JobPlan,
        posted: &PostedJob,
        store: &dyn JobStore,
    ) -> Result<FinishedJob<'_>, JobError> {
        // A job of many sessions is one job: they share the host's cores as those of several jobs
        // do.
        let slot = self.driver.slots().take(|| waiting(&self.host)).await?;
        let _counted = session_runs(&self.host);
        for _attempt in 0..ATTEMPTS_MAX {
            let mut trying = self.host.attempt(AttemptKind::Job, "run");
            if let Some((sessions, inputs)) = self.attempt(plan, posted, store).await? {
                return Ok(FinishedJob { sessions, inputs, slot });
            }
            trying.failed();
        }
        Err(JobError::InputsChanged)
    }

    /// Downloads and computes once; `None` if an input did not come whole.
    async fn attempt(
        &self,
        plan: &JobPlan,
        posted: &PostedJob,
        store: &dyn JobStore,
    ) -> Result<Option<(Vec<SessionResult>, Vec<(Path, Timestamp)>)>, JobError> {
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
            let rows = store.lookup().objects(&container, "").await?;
            let lines = as_lines(&container, &rows)?;
            listings.insert(container, lines);
        }
        let room = pipe_capacity(plan.pipes.len());
        let pipes = plan.pipes.iter().map(|_| Rc::new(SessionPipe::new(room))).collect();
        let inputs = FetchedInputs { downloads, listings, pipes, posted };
        let run = |session| {
            let inputs = &inputs;
            async move { self.driver.run(inputs.resolve(session).await).await }
        };
        let sessions = join_all(plan.sessions.iter().map(run)).await;
        for download in &inputs.downloads {
            if !download.incoming.finished().await {
                return Ok(None);
            }
        }
        let versions = inputs.downloads.into_iter().map(|it| (it.path, it.version)).collect();
        Ok(Some((sessions, versions)))
    }

    /// Begins a download; returns when version and size are known.
    async fn download(
        &self,
        path: Path,
        purpose: Purpose,
        store: &dyn JobStore,
    ) -> Result<Download, StoreAccessError> {
        let incoming = Rc::new(ObjectDownload::default());
        let failure = Rc::new(RefCell::new(None));
        let reported = Rc::clone(&failure);
        let receiving = store.receive(&path, purpose, Rc::clone(&incoming));
        let task =
            self.host.spawn_guarded(async move { *reported.borrow_mut() = receiving.await.err() });
        let Some((size, headers)) = incoming.begun().await else {
            // Its task stores the failure in the same step in which the download ends.
            let failure = failure.borrow_mut().take();
            return Err(failure.unwrap_or(StoreAccessError::NoDownload { path }));
        };
        let version = timestamp(&headers, &X_TIMESTAMP).unwrap_or_default();
        Ok(Download { path, version, size, incoming, _task: task })
    }
}

/// Inputs of a job's sessions, which are still coming.
struct FetchedInputs<'a> {
    downloads: Vec<Download>,
    listings: BTreeMap<Path, Bytes>,
    pipes: Vec<Rc<SessionPipe>>,
    posted: &'a PostedJob,
}

impl FetchedInputs<'_> {
    fn download(&self, path: &Path) -> Option<&Download> {
        self.downloads.iter().find(|download| download.path == *path)
    }

    /// The session of a plan, when its code has come.
    async fn resolve(&self, plan: &SessionPlan) -> ResolvedSession {
        let mut images = Vec::new();
        for image in &plan.images {
            images.push(match image {
                PlannedImage::Object(path) => whole(self.download(path)).await,
                PlannedImage::Posted => self.posted.image.clone().unwrap_or_default(),
            });
        }
        let module = match &plan.module {
            ModuleSource::Object(path) => ModuleSource::Object(whole(self.download(path)).await),
            ModuleSource::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        ResolvedSession {
            name: plan.session.clone(),
            args: plan.args.clone(),
            env: plan.env.clone(),
            module,
            images,
            system_images: plan.system_images.clone(),
            devices: plan.devices.iter().map(|device| self.device(device)).collect(),
        }
    }

    fn device(&self, device: &PlannedDevice) -> ResolvedDevice {
        let memory = |data: Option<&Bytes>| InputSource::Memory(data.cloned().unwrap_or_default());
        let source = match (&device.path, device.kind.is_readable()) {
            (PlannedPath::Pipe(pipe), _) => InputSource::Pipe(Rc::clone(&self.pipes[*pipe])),
            (_, false) => InputSource::Staged,
            (PlannedPath::Object(path), true) => match self.download(path) {
                Some(download) => InputSource::Fetched {
                    download: Rc::clone(&download.incoming),
                    size_bytes: download.size,
                },
                None => memory(None),
            },
            (PlannedPath::Listing(path), true) => memory(self.listings.get(path)),
            (PlannedPath::Client, true) => memory(self.posted.body.as_ref()),
        };
        let (name, kind, mode) = (device.name.clone(), device.kind, device.mode);
        ResolvedDevice { name, kind, mode, source }
    }
}

/// All of a download; what has come of one that broke off is found out by
/// [`ObjectDownload::finished`].
async fn whole(download: Option<&Download>) -> Bytes {
    let Some(download) = download else { return Bytes::new() };
    download.incoming.read_at(0, download.size).await.unwrap_or_default()
}

#[cfg(test)]
mod tests;
