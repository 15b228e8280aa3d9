//! Attempts at parts of a job, recorded as spans: the time that came to something and the time
//! lost.
//!
//! An attempt is known to have failed only when it has, so its span is recorded at its end. One
//! that is dropped without [`Attempt::failed`] was given up because another was quicker or the
//! whole failed: that is no failure of its own. Leaves out what to do after a failure.

use std::fmt;
use std::rc::Rc;

use super::span::{AttemptKind, JobNumber, Recorder, Span, SpanKind};
use super::time::Time;

/// Attempt under way.
#[must_use = "dropping it ends the attempt"]
pub struct Attempt(Option<OpenAttempt>);

struct OpenAttempt {
    recorder: Rc<dyn Recorder>,
    job: Option<JobNumber>,
    kind: AttemptKind,
    name: &'static str,
    begun: Time,
    /// Time of the last progress.
    progressed: Option<Time>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attempt").field(&self.0.as_ref().map(|open| (open.kind, open.job))).finish()
    }
}

impl Attempt {
    /// A disabled attempt, which records nothing.
    pub(crate) const DISABLED: Self = Self(None);

    /// Begins an attempt for the job of the running code; disabled if there is none.
    pub(crate) fn begin(recorder: Rc<dyn Recorder>, kind: AttemptKind, name: &'static str) -> Self {
        let job = recorder.job();
        if job.is_none() || !recorder.wants(SpanKind::Retry(kind), job) {
            return Self::DISABLED;
        }
        let begun = recorder.now();
        Self(Some(OpenAttempt { recorder, job, kind, name, begun, progressed: None }))
    }

    /// Notes progress now: the answer, or more bytes of it.
    pub fn progressed(&mut self) {
        if let Some(open) = &mut self.0 {
            open.progressed = Some(open.recorder.now());
        }
    }

    /// Discards the progress so far, which turned out to be useless.
    pub fn discard_progress(&mut self) {
        if let Some(open) = &mut self.0 {
            open.progressed = None;
        }
    }

    /// Ends it as failed: the time since its last progress is recorded as lost.
    pub fn failed(&mut self) {
        if let Some(open) = self.0.take() {
            open.record_progress();
            open.record(
                SpanKind::Retry(open.kind),
                open.progressed.unwrap_or(open.begun),
                open.recorder.now(),
            );
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(open) = &self.0 {
            open.record_progress();
        }
    }
}

impl OpenAttempt {
    fn record_progress(&self) {
        if let Some(progressed) = self.progressed.filter(|_| self.kind.is_leaf()) {
            self.record(SpanKind::Attempt, self.begun, progressed);
        }
    }

    fn record(&self, kind: SpanKind, begin: Time, end: Time) {
        self.recorder.add(Span::new(kind, self.name, begin, end).of_job(self.job));
    }
}
