//! One host, as the code that runs on it sees it.
//!
//! Leaves out every backend: see [`Machine`](super::Machine).

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Either, abortable, select};

use super::span::InJob;
use super::{
    Attempt, AttemptKind, BoxStream, Checksum, ComputeWork, Disk, Entropy, HostMetric, JobNumber,
    Listener, LocalFuture, Machine, OpenSpan, SpanKind, Time,
};

/// One machine, as the code that runs on it sees it. Clones are the same machine.
#[derive(Clone)]
pub struct Host(Rc<dyn Machine>);

/// A limit was reached before the answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {} ms", .limit.as_millis())]
pub struct TimedOut {
    /// The limit.
    pub limit: Duration,
}

/// Task that ends when this is dropped.
#[derive(Debug)]
pub struct TaskGuard(AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Increment of a gauge that lasts until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it decrements the gauge"]
pub struct CountGuard {
    host: Host,
    metric: HostMetric,
}

impl CountGuard {
    pub(crate) fn begin(host: &Host, metric: HostMetric) -> Self {
        host.count(metric, 1);
        Self { host: host.clone(), metric }
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        self.host.count(self.metric, -1);
    }
}

impl Host {
    /// The host that `machine` provides.
    #[must_use]
    pub fn new(machine: Rc<dyn Machine>) -> Self {
        Self(machine)
    }

    /// The machine behind, for one that decorates it.
    #[must_use]
    pub fn machine(&self) -> &Rc<dyn Machine> {
        &self.0
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.now()
    }

    /// Waits until `at`; ready at once if that is past.
    pub fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.0.sleep_until(at)
    }

    /// Waits for `duration`.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<'static, ()> {
        self.0.sleep_until(self.now() + duration)
    }

    /// Output of `future` if it is ready within `limit`; else the future is dropped.
    ///
    /// # Errors
    /// [`TimedOut`] when the limit was reached first.
    pub async fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, TimedOut> {
        let future = pin!(future);
        match select(future, self.sleep(limit)).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(((), _)) => Err(TimedOut { limit }),
        }
    }

    /// Runs `task` beside the host's others until it ends or the host does. It inherits the job of
    /// its spawner.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        match self.job() {
            Some(job) => self.0.spawn(self.in_job(Some(job), task)),
            None => self.0.spawn(Box::pin(task)),
        }
    }

    /// Attributes `future`, with all that it spawns, to a job or to none.
    pub fn in_job<T: 'static>(
        &self,
        job: Option<JobNumber>,
        future: impl Future<Output = T> + 'static,
    ) -> LocalFuture<'static, T> {
        let future = Box::pin(future);
        match self.0.recorder() {
            Some(recorder) => Box::pin(InJob { recorder, job, future }),
            None => future,
        }
    }

    /// The job that the calling code works for, if it is known.
    #[must_use]
    pub fn job(&self) -> Option<JobNumber> {
        self.0.recorder()?.job()
    }

    /// Begins a span for the job that the caller works for.
    pub fn span(&self, kind: SpanKind, name: &'static str) -> OpenSpan {
        self.span_of(self.job(), kind, name)
    }

    /// Begins a span for `job`.
    pub fn span_of(&self, job: Option<JobNumber>, kind: SpanKind, name: &'static str) -> OpenSpan {
        self.0
            .recorder()
            .map_or(OpenSpan::DISABLED, |recorder| OpenSpan::begin(&recorder, kind, name, job))
    }

    /// Begins an attempt for the job that the caller works for.
    pub fn attempt(&self, kind: AttemptKind, name: &'static str) -> Attempt {
        self.0.recorder().map_or(Attempt::DISABLED, |recorder| Attempt::begin(recorder, kind, name))
    }

    /// Runs `task` until it ends, the host does, or the guard is dropped.
    #[must_use = "dropping the guard ends the task"]
    pub fn spawn_guarded(&self, task: impl Future<Output = ()> + 'static) -> TaskGuard {
        let (task, handle) = abortable(task);
        self.spawn(async move {
            // Being ended by its guard is what the task was started for.
            let _ended_or_aborted = task.await;
        });
        TaskGuard(handle)
    }

    /// Changes a counter or gauge by `change`. Nothing that a host does depends on its value.
    pub fn count(&self, metric: HostMetric, change: i64) {
        self.0.count(metric, change);
    }

    /// Increments the gauge `metric` until the guard is dropped.
    pub fn counted(&self, metric: HostMetric) -> CountGuard {
        CountGuard::begin(self, metric)
    }

    /// Takes connections to `port` of this host.
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen(&self, port: u16) -> std::io::Result<Box<dyn Listener>> {
        self.0.listen(port)
    }

    /// Opens a connection. It may wait for ever: set a limit.
    ///
    /// # Errors
    /// The other host refuses, or the connection broke while it was being made.
    pub fn connect(&self, to: SocketAddr) -> LocalFuture<'static, std::io::Result<BoxStream>> {
        self.0.connect(to)
    }

    /// The disk of that name, if this host has one.
    #[must_use]
    pub fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.0.disk(device)
    }

    /// Queues `work` for a core of this host, runs it, and returns it when the time of its fuel and
    /// overhead is over.
    pub fn compute(
        &self,
        work: Box<dyn ComputeWork>,
    ) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.0.compute(work)
    }

    /// Checksum of no bytes yet, which digests contents that the backend knows only once.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        Checksum::knowing(self.0.contents())
    }

    /// Random bits for one decision: a function of the world's seed and of these three alone.
    #[must_use]
    pub fn entropy(&self, purpose: &'static str, identity: &[u8], attempt: u64) -> Entropy {
        self.0.seed().entropy(purpose, identity, attempt)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("now", &self.now()).finish_non_exhaustive()
    }
}
