//! Reference answers: the same module over the same bytes, outside the cluster.
//!
//! Each is computed once for a job's text. Leaves out outputs that are stored: the answer is what a
//! client gets.

use std::collections::BTreeMap;

use bytes::Bytes;
use stayput_cluster::ACCOUNT;
use stayput_jobs::answer::in_response;
use stayput_jobs::plan::PlanError;
use stayput_jobs::posted::{PostedJob, RequestError};
use stayput_jobs::session::prepare::Preparer;
use stayput_runtime::memo::{Memo, MemoResult};
use stayput_runtime::outcome::EndReason;
use stayput_store::swift::{BadName, Path};

use crate::local::{Local, LocalJobError, Objects};
use crate::plan::{LoadedObject, PlannedJob, RunPlan};
use crate::record::{JobEnd, JobRecord};

/// The content type of what scenarios post.
const DESCRIPTION: &str = "application/json";

/// Reference answer of a job.
#[derive(Clone)]
struct Reference {
    answer: Bytes,
    exit_codes: Vec<u32>,
}

/// Failure to compute a reference answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ReferenceError {
    /// The account has no good name.
    #[error(transparent)]
    Account(#[from] BadName),
    /// The posted text is no job.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The job cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The job cannot be run.
    #[error(transparent)]
    Job(#[from] LocalJobError),
    /// A session took other steps than its memo has.
    #[error("{session} did not do again what is memoised: {what}")]
    Diverged {
        /// Name of the session.
        session: String,
        /// Known step and computed step.
        what: String,
    },
    /// A session waits for another that is gone.
    #[error("in the reference run {session} waits for ever")]
    Stuck {
        /// Name of the session.
        session: String,
    },
    /// A session ended without an exit code.
    #[error("the reference run of {session} ended so: {end}")]
    Ended {
        /// Name of the session.
        session: String,
        /// End.
        end: EndReason,
    },
}

/// Computes reference answers.
pub(super) struct References<'a> {
    plan: &'a RunPlan,
    preparer: Preparer,
    memo: Option<&'a Memo>,
    known: BTreeMap<String, Result<Reference, ReferenceError>>,
}

impl<'a> References<'a> {
    pub(super) fn new(plan: &'a RunPlan, memo: Option<&'a Memo>) -> Self {
        let preparer = Preparer::new(plan.images.clone());
        Self { plan, preparer, memo, known: BTreeMap::new() }
    }

    /// Turns an answered job whose answer is not the reference into a wrong one.
    ///
    /// # Errors
    /// There is no reference.
    pub(super) fn judge(
        &mut self,
        planned: &PlannedJob,
        record: &mut JobRecord,
    ) -> Result<(), ReferenceError> {
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

    fn answer(&self, text: &str) -> Result<Reference, ReferenceError> {
        let account = Path::account_only(ACCOUNT)?;
        let posted = PostedJob::read(DESCRIPTION, text.to_owned().into(), None, &account)?;
        let loaded = Loaded(self.plan);
        let local = Local {
            objects: &loaded,
            account: ACCOUNT,
            images: &self.plan.images,
            preparer: &self.preparer,
            seed: self.plan.seed,
            memo: self.memo,
        };
        let planned = local.plan(&posted.job)?;
        let (mut answer, mut exit_codes) = (Vec::new(), Vec::new());
        for (session, run) in planned.sessions.iter().zip(local.run(&planned, &posted)?) {
            let name = || session.session.clone();
            if let MemoResult::Diverged { what } = &run.memo {
                return Err(ReferenceError::Diverged { session: name(), what: what.clone() });
            }
            let Some(outcome) = &run.outcome else {
                return Err(ReferenceError::Stuck { session: name() });
            };
            let Some(exit_code) = outcome.end.exit_code() else {
                let end = outcome.end.clone();
                return Err(ReferenceError::Ended { session: name(), end });
            };
            exit_codes.push(exit_code);
            let outputs = in_response(&session.devices).into_iter();
            for output in outputs.filter_map(|device| run.outputs.get(&device.name)) {
                answer.extend_from_slice(output);
            }
        }
        Ok(Reference { answer: answer.into(), exit_codes })
    }
}

/// The objects as they were loaded.
struct Loaded<'a>(&'a RunPlan);

impl Objects for Loaded<'_> {
    fn names(&self) -> Vec<(&str, &str)> {
        let mut names: Vec<(&str, &str)> = self.0.objects.iter().map(names_of).collect();
        names.sort_unstable();
        names
    }

    fn content(&self, container: &str, object: &str) -> Option<Bytes> {
        let is_it = |loaded: &&_| names_of(loaded) == (container, object);
        self.0.objects.iter().find(is_it).map(|loaded| loaded.content.clone())
    }

    fn listing(&self, container: &Path) -> Result<Bytes, LocalJobError> {
        Err(LocalJobError::TimedListing(container.clone()))
    }
}

fn names_of(loaded: &LoadedObject) -> (&str, &str) {
    (&loaded.container, &loaded.object)
}
