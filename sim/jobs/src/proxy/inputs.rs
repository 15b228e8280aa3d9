//! What the sessions of a job read: each object in a version that is chosen once, and the bytes of those that a node cannot have
//! itself, fetched once for all sessions that need them.
//!
//! Leaves out the objects that sessions read where they lie.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::Purpose;
use stayput_store::http::StatusCode;
use stayput_store::proxy::{LocatedObject, Proxy, Refusal};
use stayput_store::swift::ReplicaTarget;
use stayput_store::swift::{Path, Timestamp};

use super::{refuse_fetch, refuse_list, refuse_locate};
use crate::message::PartRole;
use crate::plan::lookup::{NAMES_MAX, as_lines};
use crate::plan::{JobPlan, PlannedImage, PlannedModule, PlannedPath, SessionPlan};
use crate::posted::PostedJob;

/// Bytes that are held for a job to be pushed, together.
const PUSHED_BYTES_MAX: u64 = 256 << 20;
/// Objects that are asked after at a time.
const LOCATED_AT_ONCE: usize = 32;

/// What goes with an order.
pub(super) type Part = (PartRole, Purpose, Bytes);

/// What a job's sessions read.
pub(super) struct JobInputs {
    located: BTreeMap<Path, LocatedObject>,
    /// In the order in which the job reads them.
    order: Vec<Path>,
    fetched: BTreeMap<Path, Bytes>,
    listed: BTreeMap<Path, Bytes>,
    image: Option<Bytes>,
    body: Option<Bytes>,
}

impl JobInputs {
    /// Chooses versions.
    ///
    /// # Errors
    /// What is not there or cannot be reached.
    pub(super) async fn locate(
        proxy: &Proxy,
        plan: &JobPlan,
        posted: &PostedJob,
    ) -> Result<Self, Refusal> {
        let mut supply = Self {
            located: BTreeMap::new(),
            order: plan.reads(),
            fetched: BTreeMap::new(),
            listed: BTreeMap::new(),
            image: posted.image.clone(),
            body: posted.body.clone(),
        };
        for paths in supply.order.chunks(LOCATED_AT_ONCE) {
            let located = join_all(paths.iter().map(|path| proxy.locate(path))).await;
            for (path, located) in paths.iter().zip(located) {
                let located = located.map_err(|error| refuse_locate(&error))?;
                supply.located.insert(path.clone(), located);
            }
        }
        Ok(supply)
    }

    /// Fetches what has to be pushed.
    ///
    /// # Errors
    /// What cannot be reached, and more than may be pushed.
    pub(super) async fn fetch(&mut self, proxy: &Proxy, plan: &JobPlan) -> Result<(), Refusal> {
        let mut room = PUSHED_BYTES_MAX;
        for path in self.pushed(plan) {
            let purpose = if plan.is_code(&path) { Purpose::JobCode } else { Purpose::ObjectData };
            let content = proxy.fetch(&path, self.source(&path), purpose, room).await;
            let content = content.map_err(|error| refuse_fetch(&error))?;
            room -= content.len() as u64;
            self.fetched.insert(path, content);
        }
        for container in plan.listings() {
            let rows = proxy.list(&container, "", NAMES_MAX).await;
            let rows = rows.map_err(|error| refuse_list(&error))?;
            let lines = as_lines(&container, &rows)?;
            room = room.checked_sub(lines.len() as u64).ok_or_else(|| {
                let why = format!("more than {PUSHED_BYTES_MAX} bytes would have to be pushed");
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
            })?;
            self.listed.insert(container, lines);
        }
        Ok(())
    }

    /// What some session needs and does not run beside.
    fn pushed(&self, plan: &JobPlan) -> Vec<Path> {
        let mut seen = BTreeSet::new();
        let mut pushed = Vec::new();
        for session in &plan.sessions {
            let local = local_path(session);
            let away = session
                .reads()
                .into_iter()
                .filter(|path| Some(*path) != local || is_code_of(session, path));
            pushed.extend(away.filter(|path| seen.insert((*path).clone())).cloned());
        }
        pushed
    }

    /// The object that a session reads where it lies, and who has it.
    pub(super) fn local<'s>(
        &'s self,
        session: &'s SessionPlan,
    ) -> Option<(&'s Path, &'s LocatedObject)> {
        let path = local_path(session)?;
        Some((path, self.located.get(path)?))
    }

    /// Who has what a session wants to be near to, if it reads that in any way.
    pub(super) fn near(&self, session: &SessionPlan) -> Option<&LocatedObject> {
        self.located.get(session.attached.as_ref()?)
    }

    /// The version of an object that was chosen, and who said not long ago to have it.
    pub(super) fn source(&self, path: &Path) -> (Timestamp, &[ReplicaTarget]) {
        let located = self.located.get(path);
        located.map_or_else(Default::default, |it| (it.version, it.confirmed()))
    }

    /// Bytes of an object, in that version.
    pub(super) fn size(&self, path: &Path) -> u64 {
        self.located.get(path).map_or(0, |located| located.size)
    }

    /// Bytes of the data that came with the job.
    pub(super) fn posted_bytes(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.len() as u64)
    }

    /// Bytes of the image that came with the job.
    pub(super) fn image_bytes(&self) -> u64 {
        self.image.as_ref().map_or(0, |image| image.len() as u64)
    }

    /// What goes with an order for a session.
    pub(super) fn parts(&self, session: &SessionPlan) -> Vec<Part> {
        let local = local_path(session);
        let fetched = |path: &Path| self.fetched.get(path).cloned().unwrap_or_default();
        let mut parts = Vec::new();
        if let PlannedModule::Object(path) = &session.module {
            parts.push((PartRole::Module, Purpose::JobCode, fetched(path)));
        }
        for image in &session.images {
            let tar = match image {
                PlannedImage::Object(path) => fetched(path),
                PlannedImage::Posted => self.image.clone().unwrap_or_default(),
            };
            parts.push((PartRole::Image, Purpose::JobCode, tar));
        }
        for device in session.devices.iter().filter(|device| device.kind.is_readable()) {
            let (purpose, bytes) = match &device.path {
                PlannedPath::Object(path) if Some(path) == local => continue,
                PlannedPath::Object(path) => (Purpose::ObjectData, fetched(path)),
                PlannedPath::Listing(path) => {
                    (Purpose::Listing, self.listed.get(path).cloned().unwrap_or_default())
                }
                PlannedPath::Client => (Purpose::ObjectData, self.body.clone().unwrap_or_default()),
                PlannedPath::Pipe(_) => continue,
            };
            parts.push((PartRole::Device(device.name.clone()), purpose, bytes));
        }
        parts
    }

    /// What was read, in which version.
    pub(super) fn versions(&self) -> Vec<(Path, Timestamp)> {
        let version =
            |path: &Path| self.located.get(path).map(|located| (path.clone(), located.version));
        self.order.iter().filter_map(version).collect()
    }
}

/// The object of a session's devices that it runs beside.
fn local_path(session: &SessionPlan) -> Option<&Path> {
    session.attached.as_ref().filter(|path| session.is_data(path))
}

fn is_code_of(session: &SessionPlan, path: &Path) -> bool {
    let is_image = |image: &PlannedImage| matches!(image, PlannedImage::Object(it) if it == path);
    matches!(&session.module, PlannedModule::Object(it) if it == path)
        || session.images.iter().any(is_image)
}
