//! A whole job on this machine, without a cluster: what references are made by, and what authors of
//! jobs run.
//!
//! It plans as a proxy does, and runs all sessions beside each other. Leaves out copies, stored
//! outputs and limits of time.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::RngExt;
use stayput_host::Seed;
use stayput_jobs::plan::{
    JobPlan, PlanError, PlannedDevice, PlannedImage, PlannedPath, Planning, SessionPlan,
};
use stayput_jobs::posted::PostedJob;
use stayput_jobs::session::prepare::{PreparedSession, Preparer, SessionCode};
use stayput_jobs::session::result::SessionRefusal;
use stayput_jobs::store_access::StoreAccessError;
use stayput_jobs::system_images::SystemImages;
use stayput_runtime::device::DeviceSpec;
use stayput_runtime::job::{Account, Job, Matches, ObjectPath};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{self, LocalSession, SessionRun};
use stayput_runtime::memo::Memo;
use stayput_runtime::session::SessionSpec;
use stayput_store::swift::Path;

/// Failure of a job on this machine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LocalJobError {
    /// An object that a session reads is not there.
    #[error("there is no object {0}")]
    NoObject(Path),
    /// The module or an image of a session cannot be used.
    #[error("node {session:?}: {source}")]
    Refused {
        /// Name of the session.
        session: String,
        /// Flaw of its code.
        source: SessionRefusal,
    },
    /// A listing whose times are those of a store that runs.
    #[error("it reads the listing of {0}, which tells the time")]
    TimedListing(Path),
    /// A listing cannot be read.
    #[error(transparent)]
    Listing(#[from] StoreAccessError),
}

/// Objects that a job can read.
pub trait Objects {
    /// The containers and names of all objects, sorted.
    fn names(&self) -> Vec<(&str, &str)>;
    /// An object's data, if there is one.
    fn content(&self, container: &str, object: &str) -> Option<Bytes>;
    /// The lines that a session reads of a container.
    ///
    /// # Errors
    /// It cannot be listed here.
    fn listing(&self, container: &Path) -> Result<Bytes, LocalJobError>;
}

/// Runs jobs on what is at hand.
pub struct Local<'a> {
    /// Objects that they can read.
    pub objects: &'a dyn Objects,
    /// The account that `~` means.
    pub account: &'a str,
    /// The images that there are by name.
    pub images: &'a SystemImages,
    /// Prepares sessions; keeps what it has compiled.
    pub preparer: &'a Preparer,
    /// Of the sessions' randomness.
    pub seed: u64,
    /// Memo of earlier sessions, if there is one.
    pub memo: Option<&'a Memo>,
}

impl Local<'_> {
    /// The plan of a job.
    ///
    /// # Errors
    /// What a proxy would refuse it with.
    pub fn plan(&self, job: &Job) -> Result<JobPlan, PlanError> {
        let planning = Planning { account: self.account, system_images: self.images };
        planning.only_own(job)?;
        let patterns = job.wildcards();
        planning.plan(job, &self.matches(&patterns))
    }

    /// Matches of wildcards among the objects.
    fn matches(&self, patterns: &[&ObjectPath]) -> Matches {
        let names = self.objects.names();
        let mut matches = Matches::default();
        for pattern in patterns {
            let mut found: Vec<(&str, Option<&str>)> = match pattern.object {
                Some(_) => names.iter().map(|(of, object)| (*of, Some(*object))).collect(),
                None => names.iter().map(|(container, _)| (*container, None)).collect(),
            };
            found.dedup();
            found.retain(|(of, object)| pattern.captures(of, *object).is_some());
            let path = |(of, object)| ObjectPath::of_match(&Account::Own, of, object);
            matches.insert((*pattern).clone(), found.into_iter().map(path).collect());
        }
        matches
    }

    /// Runs the sessions of a plan, in its order. `posted` is what came with the job.
    ///
    /// # Errors
    /// What is not there, and modules and images that are none.
    pub fn run(
        &self,
        plan: &JobPlan,
        posted: &PostedJob,
    ) -> Result<Vec<SessionRun>, LocalJobError> {
        let sessions = plan.sessions.iter().map(|session| self.session(session, posted));
        let sessions = sessions.collect::<Result<_, _>>()?;
        Ok(local::run_job_with(self.memo, sessions, &plan.pipes))
    }

    fn session(
        &self,
        plan: &SessionPlan,
        posted: &PostedJob,
    ) -> Result<LocalSession, LocalJobError> {
        let module = plan.module.try_map(|path| self.object(path))?;
        let images = plan.images.iter().map(|image| match image {
            PlannedImage::Object(path) => self.object(path),
            PlannedImage::Posted => Ok(posted.image.clone().unwrap_or_default()),
        });
        let prepared = self.preparer.prepare(SessionCode {
            module: &module,
            images: &images.collect::<Result<Vec<_>, _>>()?,
            system_images: &plan.system_images,
            args: plan.args.clone(),
        });
        let PreparedSession { images, module, args, .. } = prepared
            .map_err(|source| LocalJobError::Refused { session: plan.session.clone(), source })?;
        let devices = plan.devices.iter().map(|device| DeviceSpec {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            size: 0,
        });
        let spec = SessionSpec {
            module,
            args,
            env: plan.env.clone(),
            devices: devices.collect(),
            images,
            limits: SessionLimits::default(),
            entropy: Seed(self.seed).entropy("session", plan.session.as_bytes(), 0).random(),
        };
        let mut inputs = BTreeMap::new();
        for device in plan.devices.iter().filter(|device| device.kind.is_readable()) {
            if let Some(input) = self.input(device, posted)? {
                inputs.insert(device.name.clone(), input);
            }
        }
        Ok(LocalSession { spec, inputs })
    }

    fn input(
        &self,
        device: &PlannedDevice,
        posted: &PostedJob,
    ) -> Result<Option<Bytes>, LocalJobError> {
        match &device.path {
            PlannedPath::Object(path) => self.object(path).map(Some),
            PlannedPath::Listing(path) => self.objects.listing(path).map(Some),
            PlannedPath::Client => Ok(posted.body.clone()),
            PlannedPath::Pipe(_) => Ok(None),
        }
    }

    fn object(&self, path: &Path) -> Result<Bytes, LocalJobError> {
        let (container, object) =
            (path.container().unwrap_or_default(), path.object().unwrap_or_default());
        let content = self.objects.content(container, object);
        content.ok_or_else(|| LocalJobError::NoObject(path.clone()))
    }
}
