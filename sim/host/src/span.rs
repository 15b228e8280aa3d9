//! What a machine did when, and for which job: told to whoever records it, and to nobody otherwise.
//!
//! The job that code works for is known without being handed from call to call: [`super::Host::in_job`] sets it for a future, and
//! tasks that the future spawns have it too. Leaves out where spans are kept, which is the world's, and anything that would
//! make a run depend on whether it is recorded.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::str::FromStr;
use std::task::{Context, Poll};

use super::{AttemptKind, LocalFuture, Time};

/// A job as its client counts it, from 0. Its text is what servers are told that a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobNumber(pub u32);

impl fmt::Display for JobNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

/// A text that names no job.
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

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// A job, from its intended arrival until its client has the answer.
    Job,
    /// A request, from its head's arrival at a server until its answer is on the way or its client has left.
    Request,
    /// A wait for a slot or for a core.
    Queue,
    /// Work on a core.
    Compute,
    /// A wait for a disk that serves others first.
    DiskQueue,
    /// An access that a disk serves.
    Disk,
    /// Bytes on their way over the network.
    Transfer,
    /// An attempt at a part of a job that came to something.
    Attempt,
    /// An attempt that came to nothing, or the wait before it was made again.
    Retry(AttemptKind),
    /// A fault that holds.
    Fault,
}

/// Something that took its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is of.
    pub kind: SpanKind,
    /// What it is called.
    pub name: Cow<'static, str>,
    /// Which of the host's devices it is on, if the host has several of the kind.
    pub on: Option<Rc<str>>,
    /// When it began.
    pub begin: Time,
    /// When it ended.
    pub end: Time,
    /// The job that it was for, if that is known.
    pub job: Option<JobNumber>,
    /// Figures of it by name, such as `bytes`.
    pub figures: Vec<(&'static str, u64)>,
}

impl Span {
    /// One for nobody in particular.
    #[must_use]
    pub fn new(kind: SpanKind, name: impl Into<Cow<'static, str>>, begin: Time, end: Time) -> Self {
        let name = name.into();
        Self { kind, name, on: None, begin, end, job: None, figures: Vec::new() }
    }

    /// The same for `job`.
    #[must_use]
    pub fn of_job(mut self, job: Option<JobNumber>) -> Self {
        self.job = job;
        self
    }

    /// The same on a device.
    #[must_use]
    pub fn on(mut self, device: &Rc<str>) -> Self {
        self.on = Some(Rc::clone(device));
        self
    }

    /// The same with one more figure.
    #[must_use]
    pub fn figure(mut self, name: &'static str, value: u64) -> Self {
        self.figures.push((name, value));
        self
    }
}

/// Whom a machine tells of its spans.
pub trait Recorder {
    /// The time now.
    fn now(&self) -> Time;
    /// Whether a span of this kind, for this job or for none, would be kept.
    fn wants(&self, kind: SpanKind, job: Option<JobNumber>) -> bool;
    /// Keeps a span, if it is wanted.
    fn add(&self, span: Span);
    /// The job that the code that runs now works for.
    fn job(&self) -> Option<JobNumber>;
    /// Says for which job the code works that runs next, and gives back for which it was.
    fn set_job(&self, job: Option<JobNumber>) -> Option<JobNumber>;
}

/// A span that ends when this is dropped, by whatever.
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
    /// One that nobody hears of.
    pub const DISABLED: Self = Self(None);

    /// Begins a span for `job`, now.
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

    /// Renames it; the name is made only if somebody hears of it.
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

/// A future that works for a job.
pub(super) struct InJob<T> {
    pub(super) recorder: Rc<dyn Recorder>,
    pub(super) job: Option<JobNumber>,
    pub(super) future: LocalFuture<'static, T>,
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
