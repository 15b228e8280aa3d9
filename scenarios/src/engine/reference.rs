//! Reference answers: the same module over the same bytes, outside the cluster.
//!
//! Each is computed once for a job's text. Leaves out outputs that are stored: the answer is what a client gets.

use std::collections::BTreeMap;

use bytes::Bytes;
use stayput_runtime::device::DeviceSpec;
use stayput_runtime::limits::Limits;
use stayput_runtime::local;
use stayput_runtime::session::SessionSpec;
use stayput_sim::cluster::ACCOUNT;
use stayput_sim::host::Seed;
use stayput_sim::jobs::answer::in_response;
use stayput_sim::jobs::message::{ModuleSource, Role};
use stayput_sim::jobs::plan::{Plan, PlannedModule, plan};
use stayput_sim::jobs::prepare::{Prepared, Preparer, Wanted};
use stayput_sim::swift::Path;

use crate::plan::{PlannedJob, RunPlan};
use crate::report::{JobEnd, JobRecord};

/// What a job must answer.
#[derive(Clone)]
struct Reference {
    answer: Bytes,
    exit_code: Option<u32>,
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
        if (&record.answer, record.exit_code) != (&expected.answer, expected.exit_code) {
            record.end = JobEnd::Wrong { expected: expected.answer };
        }
        Ok(())
    }

    fn answer(&self, text: &str) -> Result<Reference, String> {
        let plan =
            plan(text.as_bytes(), ACCOUNT, &self.plan.images).map_err(|refusal| refusal.why)?;
        let (module, parts) = self.code_of(&plan)?;
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
        for device in plan.devices.iter().filter(|device| device.kind.is_readable()) {
            if let Some(path) = &device.path {
                inputs.insert(device.name.clone(), self.object(path)?);
            }
        }
        let run = local::run(spec, inputs);
        let Some(exit_code) = run.outcome.end.exit_code() else {
            return Err(format!("the reference run ended so: {}", run.outcome.end));
        };
        let shown = in_response(&plan.devices);
        let outputs = shown.iter().filter_map(|device| run.outputs.get(&device.name));
        let answer =
            Bytes::from(outputs.map(|output| output.to_vec()).collect::<Vec<_>>().concat());
        Ok(Reference { answer, exit_code: Some(exit_code) })
    }

    fn code_of(&self, plan: &Plan) -> Result<(ModuleSource, Vec<(Role, Bytes)>), String> {
        let mut parts = Vec::new();
        for path in &plan.images {
            parts.push((Role::Image, self.object(path)?));
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
