//! Inputs of a job's sessions on nodes: each object in a version that is chosen once, and the bytes
//! of those that a node cannot have itself, fetched once for all sessions that need them.
//!
//! Leaves out the objects that sessions read where they lie.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::Purpose;
use stayput_store::proxy::{LocatedObject, Proxy};
use stayput_store::swift::ReplicaTarget;
use stayput_store::swift::{Path, Timestamp};

use crate::error::JobError;
use crate::message::PartRole;
use crate::plan::{JobPlan, PlannedImage, PlannedPath, SessionPlan};
use crate::posted::PostedJob;
use crate::store_access::{NAMES_MAX, StoreAccessError, as_lines};

/// Limit on the bytes that are held to be pushed for a job.
const PUSHED_BYTES_MAX: u64 = 256 << 20;
/// Objects that are located at a time.
const LOCATED_AT_ONCE: usize = 32;

/// A part of an order, and the purpose that its bytes are counted as.
pub(super) type Part = (PartRole, Purpose, Bytes);

/// Inputs of a job's sessions.
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
    /// Chooses the version of each object.
    ///
    /// # Errors
    /// An object is missing, or cannot be located.
    pub(super) async fn locate(
        proxy: &Proxy,
        plan: &JobPlan,
        posted: &PostedJob,
    ) -> Result<Self, StoreAccessError> {
        let mut inputs = Self {
            located: BTreeMap::new(),
            order: plan.reads(),
            fetched: BTreeMap::new(),
            listed: BTreeMap::new(),
            image: posted.image.clone(),
            body: posted.body.clone(),
        };
        for paths in inputs.order.chunks(LOCATED_AT_ONCE) {
            let located = join_all(paths.iter().map(|path| proxy.locate(path))).await;
            for (path, located) in paths.iter().zip(located) {
                inputs.located.insert(path.clone(), located?);
            }
        }
        Ok(inputs)
    }

    /// Fetches what has to be pushed.
    ///
    /// # Errors
    /// Bytes cannot be fetched, or are more than may be pushed.
    pub(super) async fn fetch(&mut self, proxy: &Proxy, plan: &JobPlan) -> Result<(), JobError> {
        let mut room = PUSHED_BYTES_MAX;
        for path in self.pushed(plan) {
            let purpose = if plan.is_code(&path) { Purpose::JobCode } else { Purpose::ObjectData };
            let content = proxy.fetch(&path, self.source(&path), purpose, room).await;
            let content = content.map_err(StoreAccessError::from)?;
            room -= content.len() as u64;
            self.fetched.insert(path, content);
        }
        for container in plan.listings() {
            let rows = proxy.list(&container, "", NAMES_MAX).await;
            let rows = rows.map_err(StoreAccessError::from)?;
            let lines = as_lines(&container, &rows)?;
            let left = room.checked_sub(lines.len() as u64);
            room = left.ok_or(JobError::PushTooLarge { bytes_max: PUSHED_BYTES_MAX })?;
            self.listed.insert(container, lines);
        }
        Ok(())
    }

    /// Objects that some session reads and does not run beside.
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

    /// The object that a session reads where it lies, and its holders.
    pub(super) fn local<'s>(
        &'s self,
        session: &'s SessionPlan,
    ) -> Option<(&'s Path, &'s LocatedObject)> {
        let path = local_path(session)?;
        Some((path, self.located.get(path)?))
    }

    /// Holders of the object that a session is to run near to, if it reads it in any way.
    pub(super) fn near(&self, session: &SessionPlan) -> Option<&LocatedObject> {
        self.located.get(session.attached.as_ref()?)
    }

    /// The chosen version of an object, and the devices that confirmed not long ago to have it.
    pub(super) fn source(&self, path: &Path) -> (Timestamp, &[ReplicaTarget]) {
        let located = self.located.get(path);
        located.map_or_else(Default::default, |it| (it.version, it.confirmed()))
    }

    /// Bytes of an object, in the chosen version.
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

    /// Parts of an order for a session.
    pub(super) fn parts(&self, session: &SessionPlan) -> Vec<Part> {
        let local = local_path(session);
        let fetched = |path: &Path| self.fetched.get(path).cloned().unwrap_or_default();
        let mut parts = Vec::new();
        if let Some(path) = session.module.object() {
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

    /// Versions that were read.
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
    session.module.object() == Some(path) || session.images.iter().any(is_image)
}
