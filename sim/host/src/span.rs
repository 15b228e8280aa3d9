//! Spans: intervals of a host's time by kind and job, for a recorder if there is one.
//!
//! The current job is not handed from call to call: [`super::Host::in_job`] sets it for a future,
//! and tasks that the future spawns inherit it. Leaves out the storage of spans, which is the
//! backend's, and anything that would make a run depend on being recorded.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::local_future::LocalFuture;
use super::time::Time;

/// Number of a job, counted by its client from 0. Requests carry it as text: `job-7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobNumber(pub u32);

impl fmt::Display for JobNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

/// A text that is no [`JobNumber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job is written as job-NUMBER")]
pub struct JobNumberError;

impl FromStr for JobNumber {
    type Err = JobNumberError;

    fn from_str(text: &str) -> Result<Self, JobNumberError> {
        let digits = text.strip_prefix("job-").ok_or(JobNumberError)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).map(Self).ok_or(JobNumberError)
    }
}

/// Kind of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// Job, from its intended arrival until its client has the answer.
    Job,
    /// Request, from its head's arrival at a server until its answer is on the way or its client
    /// has left.
    Request,
    /// Wait for a slot or for a core.
    Queue,
    /// Work on a core.
    Compute,
    /// Wait for a disk that serves others first.
    DiskQueue,
    /// Access that a disk serves.
    Disk,
    /// Transfer of bytes over the network.
    Transfer,
    /// Attempt at a part of a job, as far as it made progress.
    Attempt,
    /// Lost time of a failed attempt, or the wait before the next one.
    Retry(AttemptKind),
    /// Fault while it lasts.
    Fault,
}

/// Scope of an attempt, from a whole job to the smallest part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptKind {
    /// Whole job: a client's request, a placement, a worker's run. All time in a failed one is
    /// lost.
    Job,
    /// Session on a node, or a gang of them. Others may run beside it, and their work may count.
    Session,
    /// Request for a job to a proxy. The proxy's own work meanwhile has spans of its own.
    Request,
    /// Proxy's request for a job to one node. Others may go on beside it, and sessions may compute.
    Replica,
}

impl AttemptKind {
    /// True if no other attempt nests in it, so that its progress is recorded as a span by itself.
    pub(super) const fn is_leaf(self) -> bool {
        matches!(self, Self::Session | Self::Replica)
    }
}

/// Interval of time on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Kind.
    pub kind: SpanKind,
    /// Name.
    pub name: Cow<'static, str>,
    /// Device of the host, if the host has several of the kind.
    pub on: Option<Arc<str>>,
    /// Begin.
    pub begin: Time,
    /// End.
    pub end: Time,
    /// Job, if it is known.
    pub job: Option<JobNumber>,
    /// Figures by name, such as `bytes`.
    pub figures: Vec<(&'static str, u64)>,
}

impl Span {
    /// Span without job, device and figures.
    #[must_use]
    pub fn new(kind: SpanKind, name: impl Into<Cow<'static, str>>, begin: Time, end: Time) -> Self {
        let name = name.into();
        Self { kind, name, on: None, begin, end, job: None, figures: Vec::new() }
    }

    /// Sets the job.
    #[must_use]
    pub fn of_job(mut self, job: Option<JobNumber>) -> Self {
        self.job = job;
        self
    }

    /// Sets the device.
    #[must_use]
    pub fn on(mut self, device: &Arc<str>) -> Self {
        self.on = Some(Arc::clone(device));
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, name: &'static str, value: u64) -> Self {
        self.figures.push((name, value));
        self
    }
}

/// Recorder of the spans of one host.
pub trait Recorder {
    /// The time now.
    fn now(&self) -> Time;
    /// True if a span of this kind, for this job or for none, would be recorded.
    fn wants(&self, kind: SpanKind, job: Option<JobNumber>) -> bool;
    /// Records a span, if it is wanted.
    fn add(&self, span: Span);
    /// Job of the running code.
    fn job(&self) -> Option<JobNumber>;
    /// Sets the job of the code that runs next, and returns the one before.
    fn set_job(&self, job: Option<JobNumber>) -> Option<JobNumber>;
}

/// Span that ends when this is dropped.
#[must_use = "dropping it ends the span"]
pub struct OpenSpan(Option<(Rc<dyn Recorder>, Span)>);

impl Default for OpenSpan {
    fn default() -> Self {
        Self::DISABLED
    }
}

impl fmt::Debug for OpenSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenSpan").field(&self.0.as_ref().map(|(_, span)| span)).finish()
    }
}

impl OpenSpan {
    /// A disabled span, which is not recorded.
    pub const DISABLED: Self = Self(None);

    /// Begins a span for `job` now.
    pub fn begin(
        recorder: &Rc<dyn Recorder>,
        kind: SpanKind,
        name: &'static str,
        job: Option<JobNumber>,
    ) -> Self {
        if !recorder.wants(kind, job) {
            return Self::DISABLED;
        }
        let now = recorder.now();
        Self(Some((Rc::clone(recorder), Span::new(kind, name, now, now).of_job(job))))
    }

    /// Renames it; `name` is called only if the span is recorded.
    pub fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some((_, span)) = &mut self.0 {
            span.name = name().into();
        }
    }

    /// Adds a figure.
    pub fn figure(&mut self, name: &'static str, value: u64) {
        if let Some((_, span)) = &mut self.0 {
            span.figures.push((name, value));
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if let Some((recorder, mut span)) = self.0.take() {
            span.end = recorder.now().max(span.begin);
            recorder.add(span);
        }
    }
}

/// Future attributed to a job.
pub(crate) struct InJob<T> {
    pub(crate) recorder: Rc<dyn Recorder>,
    pub(crate) job: Option<JobNumber>,
    pub(crate) future: LocalFuture<'static, T>,
}

impl<T> Future for InJob<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let before = self.recorder.set_job(self.job);
        let polled = self.future.as_mut().poll(cx);
        self.recorder.set_job(before);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_is_written_and_nothing_else_is() {
        let job = JobNumber(17);
        assert_eq!(job.to_string().parse(), Ok(job));
        for text in
            ["", "job", "job-", "17", "job-x", "job-+1", "job--1", "job-99999999999", "job-1 "]
        {
            assert_eq!(text.parse::<JobNumber>(), Err(JobNumberError), "{text}");
        }
    }
}
