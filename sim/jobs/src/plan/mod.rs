//! What a job asks for, in the store's terms: whose objects, which devices, where its sessions would like to run.
//!
//! A pure function of the description, of what its wildcards matched, and of the caller. Leaves out choosing hosts.

mod cross_account;
pub mod lookup;

use std::collections::{BTreeMap, BTreeSet};

use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_runtime::image::executable::USER_IMAGE;
use stayput_runtime::job::{
    Account, DescriptionError, ExecPath, Gang, Job, JobDevice, JobImage, JobNode, JobPath, JobPipe,
    JobSession, Matches, ObjectPath,
};

pub use self::cross_account::CrossAccountAccess;
use stayput_store::http::StatusCode;
use stayput_store::proxy::Refusal;
use stayput_store::swift::Path;

use crate::system_images::SystemImages;

/// A job that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPlan {
    /// Its sessions.
    pub sessions: Vec<SessionPlan>,
    /// The pipes between them, by their places in `sessions`.
    pub pipes: Vec<JobPipe>,
    /// Which sessions must run at the same time, and in how many copies.
    pub gangs: Vec<Gang>,
}

/// A session that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// Its name.
    pub session: String,
    /// Its command line, its own name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// What it runs.
    pub module: PlannedModule,
    /// The user's images, in their order.
    pub images: Vec<PlannedImage>,
    /// The system images that it has beneath them, in their order.
    pub system_images: Vec<String>,
    /// Its devices.
    pub devices: Vec<PlannedDevice>,
    /// The object or container that it wants to be near to.
    pub attached: Option<Path>,
    /// Whether it only writes what it wants to be near to.
    pub attached_is_written: bool,
    /// Sessions of the same location want the same host.
    pub location: Option<String>,
}

/// Where a session's module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedModule {
    /// An object.
    Object(Path),
    /// A file of an image.
    InImage {
        /// The image's name; without one the first that has the file.
        image: Option<String>,
        /// The file's path.
        path: String,
    },
}

/// Where an image of the user is.
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
    /// Which way its bytes flow.
    pub kind: DeviceKind,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// Where they come from or go to.
    pub path: PlannedPath,
    /// The content type of what it writes.
    pub content_type: Option<String>,
    /// Metadata of what it writes.
    pub meta: BTreeMap<String, String>,
    /// The least bytes that the object it writes has.
    pub min_size: u64,
}

/// Where a device's bytes come from or go to.
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
    /// The object that it reads.
    #[must_use]
    pub fn read_object(&self) -> Option<&Path> {
        match &self.path {
            PlannedPath::Object(path) if self.kind.is_readable() => Some(path),
            _ => None,
        }
    }

    /// The object that it writes.
    #[must_use]
    pub fn written_object(&self) -> Option<&Path> {
        match &self.path {
            PlannedPath::Object(path) if self.kind.is_writable() => Some(path),
            _ => None,
        }
    }

    /// Whether what it writes goes to the response.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.kind.is_writable() && self.path == PlannedPath::Client
    }
}

impl SessionPlan {
    /// Every object that it reads: module, images, devices; each once.
    #[must_use]
    pub fn reads(&self) -> Vec<&Path> {
        let module = match &self.module {
            PlannedModule::Object(path) => Some(path),
            PlannedModule::InImage { .. } => None,
        };
        let images = self.images.iter().filter_map(|image| match image {
            PlannedImage::Object(path) => Some(path),
            PlannedImage::Posted => None,
        });
        let objects = self.devices.iter().filter_map(PlannedDevice::read_object);
        let mut seen = BTreeSet::new();
        module.into_iter().chain(images).chain(objects).filter(|path| seen.insert(*path)).collect()
    }

    /// Whether a device of it reads `path`.
    #[must_use]
    pub fn is_data(&self, path: &Path) -> bool {
        self.devices.iter().any(|device| device.read_object() == Some(path))
    }
}

impl JobPlan {
    /// Every object that any session reads, each once.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        let mut seen = BTreeSet::new();
        let all = self.sessions.iter().flat_map(SessionPlan::reads);
        all.filter(|path| seen.insert(*path)).cloned().collect()
    }

    /// Every container whose listing any session reads, each once.
    #[must_use]
    pub fn listings(&self) -> BTreeSet<Path> {
        let devices = self.sessions.iter().flat_map(|session| &session.devices);
        let listing = |device: &PlannedDevice| match &device.path {
            PlannedPath::Listing(path) => Some(path.clone()),
            _ => None,
        };
        devices.filter_map(listing).collect()
    }

    /// Whether `path` is a module or an image and no device's.
    #[must_use]
    pub fn is_code(&self, path: &Path) -> bool {
        !self.sessions.iter().any(|session| session.is_data(path))
    }
}

/// What is planned for whom.
#[derive(Clone, Copy, Debug)]
pub struct Planning<'a> {
    /// The account of who asks.
    pub account: &'a str,
    /// What the cluster offers.
    pub system_images: &'a SystemImages,
}

/// What a flaw of a description is answered with.
#[must_use]
pub fn refusal_of(error: &DescriptionError) -> Refusal {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    Refusal::new(status, error.to_string())
}

impl Planning<'_> {
    /// The plan of a job whose wildcards matched `matches`.
    ///
    /// # Errors
    /// A refusal that names node and field: 400 for flaws.
    pub fn plan(&self, job: &Job, matches: &Matches) -> Result<JobPlan, Refusal> {
        let graph = job.graph(matches).map_err(|error| refusal_of(&error))?;
        let session = |session: &JobSession| {
            let node = &job.nodes[session.node];
            Planner { node, planning: self, session }.plan()
        };
        let sessions = graph.sessions.iter().map(session).collect::<Result<_, _>>()?;
        Ok(JobPlan { sessions, pipes: graph.pipes, gangs: graph.gangs })
    }

    /// The account that a path is in.
    pub(crate) fn account_of<'p>(&'p self, path: &'p ObjectPath) -> &'p str {
        match &path.account {
            Account::Named(name) => name,
            Account::Own => self.account,
        }
    }
}

fn refuse(node: &JobNode, status: StatusCode, field: &str, why: &str) -> Refusal {
    Refusal::new(status, format!("node {:?}, field `{field}`: {why}", node.name.as_str()))
}

struct Planner<'a> {
    node: &'a JobNode,
    planning: &'a Planning<'a>,
    session: &'a JobSession,
}

impl Planner<'_> {
    fn plan(&self) -> Result<SessionPlan, Refusal> {
        let (node, session) = (self.node, self.session);
        let module = match &node.exec.path {
            ExecPath::Swift(path) => PlannedModule::Object(self.path("exec.path", path)?),
            ExecPath::Image { image, path } => {
                self.check_image(image.as_deref())?;
                PlannedModule::InImage { image: image.clone(), path: path.clone() }
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

    /// The image that an executable's path names, or any, must be among the session's.
    fn check_image(&self, image: Option<&str>) -> Result<(), Refusal> {
        let images = &self.session.images;
        let Some(image) = image else {
            if images.is_empty() {
                let why = "it names a file of an image, and the node has no image device";
                return Err(self.refuse(StatusCode::BAD_REQUEST, "exec.path", why));
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
        let why = format!("it names a file of {image:?}, which is no device of the node: add it");
        Err(self.refuse(StatusCode::BAD_REQUEST, "exec.path", &why))
    }

    fn check_offered(&self, field: &str, image: &str) -> Result<(), Refusal> {
        let offered = self.planning.system_images;
        if offered.get(image).is_some() {
            return Ok(());
        }
        let why = format!("there is no system image {image:?}: {}", offered.known());
        Err(self.refuse(StatusCode::BAD_REQUEST, field, &why))
    }

    fn device(&self, device: &JobDevice) -> Result<PlannedDevice, Refusal> {
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
        if device.min_size > crate::session::driver::STAGED_BYTES_MAX {
            let why =
                format!("at most {} bytes are stored", crate::session::driver::STAGED_BYTES_MAX);
            return Err(self.refuse(StatusCode::BAD_REQUEST, &field("min_size"), &why));
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

    fn path(&self, field: &str, path: &ObjectPath) -> Result<Path, Refusal> {
        let account = self.planning.account_of(path);
        let found = match &path.object {
            Some(object) => Path::object_of(account, &path.container, object),
            None => Path::account_only(account).and_then(|it| it.with_container(&path.container)),
        };
        found.map_err(|bad| self.refuse(StatusCode::BAD_REQUEST, field, &bad.to_string()))
    }

    fn refuse(&self, status: StatusCode, field: &str, why: &str) -> Refusal {
        refuse(self.node, status, field, why)
    }
}

#[cfg(test)]
mod tests;
