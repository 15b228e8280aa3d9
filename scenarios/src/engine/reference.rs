//! Reference answers: the same module over the same bytes, outside the cluster.
//!
//! Each is computed once for a job's text. Leaves out outputs that are stored: the answer is what a client gets.

use std::collections::BTreeMap;

use bytes::Bytes;
use stayput_runtime::device::DeviceSpec;
use stayput_runtime::job::{Account, Job, Matches, ObjectPath, parse};
use stayput_runtime::limits::Limits;
use stayput_runtime::local::{self, LocalSession};
use stayput_runtime::session::SessionSpec;
use stayput_sim::cluster::ACCOUNT;
use stayput_sim::host::Seed;
use stayput_sim::jobs::answer::in_response;
use stayput_sim::jobs::message::{ModuleSource, Role};
use stayput_sim::jobs::plan::{Plan, PlannedImage, PlannedModule, PlannedPath, Planning};
use stayput_sim::jobs::prepare::{Prepared, Preparer, Wanted};
use stayput_sim::swift::Path;

use crate::plan::{PlannedJob, RunPlan};
use crate::report::{JobEnd, JobRecord};

/// What a job must answer.
#[derive(Clone)]
struct Reference {
    answer: Bytes,
    exit_codes: Vec<u32>,
}

/// Computes reference answers.
pub(super) struct References<'a> {
    plan: &'a RunPlan,
    preparer: Preparer,
    known: BTreeMap<String, Result<Reference, String>>,
}

impl<'a> References<'a> {
    pub(super) fn new(plan: &'a RunPlan) -> Self {
        let preparer = Preparer::new(plan.images.clone());
        Self { plan, preparer, known: BTreeMap::new() }
    }

    /// Turns an answered job whose answer is not the reference into a wrong one.
    ///
    /// # Errors
    /// Says why there is no reference.
    pub(super) fn judge(
        &mut self,
        planned: &PlannedJob,
        record: &mut JobRecord,
    ) -> Result<(), String> {
        if record.end != JobEnd::Ok {
            return Ok(());
        }
        let text = self.plan.job_text(planned);
        let expected = match self.known.get(&text) {
            Some(known) => known.clone(),
            None => {
                let answer = self.answer(&text);
                self.known.insert(text, answer.clone());
                answer
            }
        }?;
        if (&record.answer, &record.exit_codes) != (&expected.answer, &expected.exit_codes) {
            record.end = JobEnd::Wrong { expected: expected.answer };
        }
        Ok(())
    }

    fn answer(&self, text: &str) -> Result<Reference, String> {
        let job = parse(text.as_bytes()).map_err(|error| error.to_string())?;
        job.check_without_body().map_err(|error| error.to_string())?;
        let planning = Planning { account: ACCOUNT, system_images: &self.plan.images };
        let planned = planning.plan(&job, &self.matches(&job)).map_err(|refusal| refusal.why)?;
        let sessions = planned.sessions.iter().map(|session| self.session(session));
        let sessions = sessions.collect::<Result<Vec<_>, _>>()?;
        let runs = local::run_job(sessions, &planned.pipes);
        let (mut answer, mut exit_codes) = (Vec::new(), Vec::new());
        for (session, run) in planned.sessions.iter().zip(&runs) {
            let Some(outcome) = &run.outcome else {
                return Err(format!("in the reference run {} waits for ever", session.session));
            };
            let Some(exit_code) = outcome.end.exit_code() else {
                return Err(format!(
                    "the reference run of {} ended so: {}",
                    session.session, outcome.end
                ));
            };
            exit_codes.push(exit_code);
            let outputs = in_response(&session.devices).into_iter();
            for output in outputs.filter_map(|device| run.outputs.get(&device.name)) {
                answer.extend_from_slice(output);
            }
        }
        Ok(Reference { answer: answer.into(), exit_codes })
    }

    /// What the job's wildcards match among the objects that were loaded.
    fn matches(&self, job: &Job) -> Matches {
        let mut names: Vec<(&str, &str)> = self
            .plan
            .objects
            .iter()
            .map(|loaded| (loaded.container.as_str(), loaded.object.as_str()))
            .collect();
        names.sort_unstable();
        let mut matches = Matches::default();
        for pattern in job.wildcards() {
            let found = names
                .iter()
                .filter(|(container, object)| pattern.captures(container, Some(object)).is_some());
            let found = found.map(|(container, object)| {
                ObjectPath::of_match(&Account::Own, container, Some(object))
            });
            matches.insert(pattern.clone(), found.collect());
        }
        matches
    }

    fn session(&self, plan: &Plan) -> Result<LocalSession, String> {
        let (module, parts) = self.code_of(plan)?;
        let wanted =
            Wanted { module: &module, system_images: &plan.system_images, args: &plan.args };
        let prepared = self.preparer.prepare(wanted, &parts);
        let Prepared { images, module, args, .. } =
            prepared.map_err(|refused| refused.to_string())?;
        let devices = plan.devices.iter().map(|device| DeviceSpec {
            name: device.name.clone(),
            kind: device.kind,
            mode: device.mode,
            size: 0,
        });
        let seed = Seed(self.plan.seed).entropy("session", plan.session.as_bytes(), 0).seed();
        let spec = SessionSpec {
            module,
            args,
            env: plan.env.clone(),
            devices: devices.collect(),
            images,
            limits: Limits::default(),
            entropy: seed,
        };
        let mut inputs = BTreeMap::new();
        for device in &plan.devices {
            match &device.path {
                PlannedPath::Object(path) if device.kind.is_readable() => {
                    inputs.insert(device.name.clone(), self.object(path)?);
                }
                PlannedPath::Listing(path) => {
                    return Err(format!("it reads the listing of {path}, which tells the time"));
                }
                _ => {}
            }
        }
        Ok(LocalSession { spec, inputs })
    }

    fn code_of(&self, plan: &Plan) -> Result<(ModuleSource, Vec<(Role, Bytes)>), String> {
        let mut parts = Vec::new();
        for image in &plan.images {
            match image {
                PlannedImage::Object(path) => parts.push((Role::Image, self.object(path)?)),
                PlannedImage::Posted => return Err("it brings an image along".to_owned()),
            }
        }
        let module = match &plan.module {
            PlannedModule::Object(path) => {
                parts.push((Role::Module, self.object(path)?));
                ModuleSource::Pushed
            }
            PlannedModule::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        };
        Ok((module, parts))
    }

    /// The object as it was loaded.
    fn object(&self, path: &Path) -> Result<Bytes, String> {
        let (container, object) = (path.container(), path.object());
        let found = self.plan.objects.iter().find(|loaded| {
            Some(loaded.container.as_str()) == container && Some(loaded.object.as_str()) == object
        });
        found.map(|loaded| loaded.content.clone()).ok_or_else(|| format!("{path} was not loaded"))
    }
}
