//! Plan of a job: its sessions with their code and devices, in the store's terms.
//!
//! A pure function of the description, of what its wildcards matched, and of the caller. Leaves out
//! choosing hosts.

mod cross_account;
mod error;
pub mod lookup;

use std::collections::{BTreeMap, BTreeSet};

use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_runtime::image::executable::USER_IMAGE;
use stayput_runtime::job::{
    Account, ExecPath, Gang, Job, JobDevice, JobImage, JobNode, JobPath, JobPipe, JobSession,
    Matches, ObjectPath,
};

pub use self::cross_account::CrossAccountAccess;
pub(crate) use self::error::status_of;
pub use self::error::{FieldFlaw, PlanError};
use stayput_store::swift::Path;

use crate::session::prepare::ModuleSource;
use crate::session::result::STAGED_BYTES_MAX;
use crate::system_images::SystemImages;

/// A job, planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPlan {
    /// Sessions.
    pub sessions: Vec<SessionPlan>,
    /// Pipes between them, by their places in `sessions`.
    pub pipes: Vec<JobPipe>,
    /// Groups of sessions that must run at the same time, and the number of their copies.
    pub gangs: Vec<Gang>,
}

/// A session, planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// Its name.
    pub session: String,
    /// Its command line, its own name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Source of its module.
    pub module: ModuleSource<Path>,
    /// The user's images, in their order.
    pub images: Vec<PlannedImage>,
    /// The system images that it has beneath them, in their order.
    pub system_images: Vec<String>,
    /// Its devices.
    pub devices: Vec<PlannedDevice>,
    /// The object or container that it is to run near to.
    pub attached: Option<Path>,
    /// True if it only writes that object.
    pub attached_is_written: bool,
    /// Location; sessions of the same location are to run on the same host.
    pub location: Option<String>,
}

/// Source of a user's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedImage {
    /// An object.
    Object(Path),
    /// It came with the request.
    Posted,
}

/// A device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDevice {
    /// Its name.
    pub name: String,
    /// Direction and order of its bytes.
    pub kind: DeviceKind,
    /// File type that `stat` reports.
    pub mode: DeviceMode,
    /// Source or destination of its bytes.
    pub path: PlannedPath,
    /// Content type of its output.
    pub content_type: Option<String>,
    /// Metadata of the object that it writes.
    pub meta: BTreeMap<String, String>,
    /// Least size of the object that it writes, in bytes.
    pub min_size: u64,
}

/// Source or destination of a device's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedPath {
    /// From the request's body, or to the response.
    Client,
    /// From an object, or into one.
    Object(Path),
    /// From the listing of a container.
    Listing(Path),
    /// A pipe, by its place in [`JobPlan::pipes`].
    Pipe(usize),
}

impl PlannedDevice {
    /// The object that it reads, if any.
    #[must_use]
    pub fn read_object(&self) -> Option<&Path> {
        match &self.path {
            PlannedPath::Object(path) if self.kind.is_readable() => Some(path),
            _ => None,
        }
    }

    /// The object that it writes, if any.
    #[must_use]
    pub fn written_object(&self) -> Option<&Path> {
        match &self.path {
            PlannedPath::Object(path) if self.kind.is_writable() => Some(path),
            _ => None,
        }
    }

    /// True if its output goes into the response.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.kind.is_writable() && self.path == PlannedPath::Client
    }
}

impl SessionPlan {
    /// Objects that it reads, each once: module, images, devices.
    #[must_use]
    pub fn reads(&self) -> Vec<&Path> {
        let images = self.images.iter().filter_map(|image| match image {
            PlannedImage::Object(path) => Some(path),
            PlannedImage::Posted => None,
        });
        let objects = self.devices.iter().filter_map(PlannedDevice::read_object);
        let mut seen = BTreeSet::new();
        self.module
            .object()
            .into_iter()
            .chain(images)
            .chain(objects)
            .filter(|path| seen.insert(*path))
            .collect()
    }

    /// True if one of its devices reads `path`.
    #[must_use]
    pub fn is_data(&self, path: &Path) -> bool {
        self.devices.iter().any(|device| device.read_object() == Some(path))
    }
}

impl JobPlan {
    /// Objects that any session reads, each once.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        let mut seen = BTreeSet::new();
        let all = self.sessions.iter().flat_map(SessionPlan::reads);
        all.filter(|path| seen.insert(*path)).cloned().collect()
    }

    /// Containers whose listings any session reads, each once.
    #[must_use]
    pub fn listings(&self) -> BTreeSet<Path> {
        let devices = self.sessions.iter().flat_map(|session| &session.devices);
        let listing = |device: &PlannedDevice| match &device.path {
            PlannedPath::Listing(path) => Some(path.clone()),
            _ => None,
        };
        devices.filter_map(listing).collect()
    }

    /// True if `path` is a module or an image, and no device reads it.
    #[must_use]
    pub fn is_code(&self, path: &Path) -> bool {
        !self.sessions.iter().any(|session| session.is_data(path))
    }
}

/// Account and system images that a plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Planning<'a> {
    /// Account of the caller.
    pub account: &'a str,
    /// System images that the cluster offers.
    pub system_images: &'a SystemImages,
}

impl Planning<'_> {
    /// Plans a job whose wildcards matched `matches`.
    ///
    /// # Errors
    /// Flaws, with node and field.
    pub fn plan(&self, job: &Job, matches: &Matches) -> Result<JobPlan, PlanError> {
        let graph = job.graph(matches)?;
        let session = |session: &JobSession| {
            let node = &job.nodes[session.node];
            Planner { node, planning: self, session }.plan()
        };
        let sessions = graph.sessions.iter().map(session).collect::<Result<_, _>>()?;
        Ok(JobPlan { sessions, pipes: graph.pipes, gangs: graph.gangs })
    }

    /// Account that a path is in.
    pub(crate) fn account_of<'p>(&'p self, path: &'p ObjectPath) -> &'p str {
        match &path.account {
            Account::Named(name) => name,
            Account::Own => self.account,
        }
    }
}

struct Planner<'a> {
    node: &'a JobNode,
    planning: &'a Planning<'a>,
    session: &'a JobSession,
}

impl Planner<'_> {
    fn plan(&self) -> Result<SessionPlan, PlanError> {
        let (node, session) = (self.node, self.session);
        let module = match &node.exec.path {
            ExecPath::Swift(path) => ModuleSource::Object(self.path("exec.path", path)?),
            ExecPath::Image { image, path } => {
                self.check_image(image.as_deref())?;
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        let (mut images, mut system_images) = (Vec::new(), Vec::new());
        for image in &session.images {
            match image {
                JobImage::User(Some(path)) => {
                    images.push(PlannedImage::Object(self.path("devices.image.path", path)?));
                }
                JobImage::User(None) => images.push(PlannedImage::Posted),
                JobImage::System(name) => {
                    self.check_offered(&format!("devices.{name}"), name)?;
                    system_images.push(name.clone());
                }
            }
        }
        let devices = session.devices.iter().map(|device| self.device(device));
        let attached = match &session.attached {
            Some(attached) => Some(self.path("devices", &attached.path)?),
            None => None,
        };
        let own_name = node.exec.name.clone().unwrap_or_else(|| session.name.clone());
        Ok(SessionPlan {
            args: std::iter::once(own_name).chain(node.exec.args.iter().cloned()).collect(),
            env: node.exec.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            session: session.name.clone(),
            module,
            images,
            system_images,
            devices: devices.collect::<Result<_, _>>()?,
            attached_is_written: session.attached.as_ref().is_some_and(|it| it.is_written),
            attached,
            location: node.location.clone(),
        })
    }

    /// Checks that the image of an executable's path is one of the session's.
    fn check_image(&self, image: Option<&str>) -> Result<(), PlanError> {
        let images = &self.session.images;
        let Some(image) = image else {
            if images.is_empty() {
                return Err(self.flaw("exec.path", FieldFlaw::NoImages));
            }
            return Ok(());
        };
        let is_named = |it: &JobImage| match it {
            JobImage::User(_) => image == USER_IMAGE,
            JobImage::System(name) => image == name,
        };
        if images.iter().any(is_named) {
            return Ok(());
        }
        if image != USER_IMAGE {
            self.check_offered("exec.path", image)?;
        }
        Err(self.flaw("exec.path", FieldFlaw::NoDevice { image: image.to_owned() }))
    }

    fn check_offered(&self, field: &str, image: &str) -> Result<(), PlanError> {
        let offered = self.planning.system_images;
        if offered.get(image).is_some() {
            return Ok(());
        }
        let (image, known) = (image.to_owned(), offered.known());
        Err(self.flaw(field, FieldFlaw::UnknownImage { image, known }))
    }

    fn device(&self, device: &JobDevice) -> Result<PlannedDevice, PlanError> {
        let field = |name: &str| format!("devices.{}.{name}", device.name);
        let path = match &device.path {
            JobPath::Client => PlannedPath::Client,
            JobPath::Pipe(pipe) => PlannedPath::Pipe(*pipe),
            JobPath::Object(path) => {
                let found = self.path(&field("path"), path)?;
                match found.object() {
                    Some(_) => PlannedPath::Object(found),
                    None => PlannedPath::Listing(found),
                }
            }
        };
        if device.min_size > STAGED_BYTES_MAX {
            return Err(self.flaw(&field("min_size"), FieldFlaw::TooLarge));
        }
        Ok(PlannedDevice {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            path,
            content_type: device.content_type.clone(),
            meta: device.meta.clone(),
            min_size: device.min_size,
        })
    }

    fn path(&self, field: &str, path: &ObjectPath) -> Result<Path, PlanError> {
        let account = self.planning.account_of(path);
        let found = match &path.object {
            Some(object) => Path::object_of(account, &path.container, object),
            None => Path::account_only(account).and_then(|it| it.with_container(&path.container)),
        };
        found.map_err(|bad| self.flaw(field, bad))
    }

    fn flaw(&self, field: &str, flaw: impl Into<FieldFlaw>) -> PlanError {
        PlanError::field(self.node, field, flaw)
    }
}

#[cfg(test)]
mod tests;
