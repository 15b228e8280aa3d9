//! Attempts for jobs: which came to something and which to nothing, for whoever records it.
//!
//! An attempt is only known to have failed when it has, so that its time is told at its end. One that is dropped without a word was
//! given up because another one was quicker or the whole failed: that is no failure of its own. Leaves out what to do after a failure.

use std::fmt;
use std::rc::Rc;

use super::{JobNumber, Recorder, Span, SpanKind, Time};

/// What is attempted, from the whole of a job to the least of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptKind {
    /// All of it: a client's request, a place, a worker's run. What was done in one that failed was in vain.
    Job,
    /// A session on a node, or a gang of them. Others may run beside it, and what they do may count.
    Session,
    /// A request for it to a proxy. What the proxy does meanwhile is told apart.
    Request,
    /// A proxy's request for it to one node. Others may go on beside it, and sessions may compute.
    Replica,
}

impl AttemptKind {
    /// Whether no other attempt lies within it, so that it says by itself that something was under way that counts.
    const fn is_least(self) -> bool {
        matches!(self, Self::Session | Self::Replica)
    }
}

/// An attempt on its way.
#[must_use = "dropping it ends the attempt"]
pub struct Attempt(Option<Told>);

struct Told {
    recorder: Rc<dyn Recorder>,
    job: Option<JobNumber>,
    of: AttemptKind,
    name: &'static str,
    begun: Time,
    /// Until when something came of it.
    gained: Option<Time>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attempt").field(&self.0.as_ref().map(|told| (told.of, told.job))).finish()
    }
}

impl Attempt {
    /// One that nobody hears of.
    pub(super) const DISABLED: Self = Self(None);

    /// Begins an attempt for the job that runs now, if there is one.
    pub(super) fn begin(recorder: Rc<dyn Recorder>, of: AttemptKind, name: &'static str) -> Self {
        let job = recorder.job();
        if job.is_none() || !recorder.wants(SpanKind::Retry(of), job) {
            return Self::DISABLED;
        }
        let begun = recorder.now();
        Self(Some(Told { recorder, job, of, name, begun, gained: None }))
    }

    /// Something came of it by now: the answer, or some more bytes of it.
    pub fn gained(&mut self) {
        if let Some(told) = &mut self.0 {
            told.gained = Some(told.recorder.now());
        }
    }

    /// What came of it turned out to be worth nothing.
    pub fn lost(&mut self) {
        if let Some(told) = &mut self.0 {
            told.gained = None;
        }
    }

    /// It failed: the time since something last came of it was in vain.
    pub fn failed(&mut self) {
        if let Some(told) = self.0.take() {
            told.tell_what_counts();
            told.add(
                SpanKind::Retry(told.of),
                told.gained.unwrap_or(told.begun),
                told.recorder.now(),
            );
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            told.tell_what_counts();
        }
    }
}

impl Told {
    fn tell_what_counts(&self) {
        if let Some(gained) = self.gained.filter(|_| self.of.is_least()) {
            self.add(SpanKind::Attempt, self.begun, gained);
        }
    }

    fn add(&self, kind: SpanKind, begin: Time, end: Time) {
        self.recorder.add(Span::new(kind, self.name, begin, end).of_job(self.job));
    }
}
