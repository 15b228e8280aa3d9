//! The seam: everything that a node, a proxy, a worker or a client may ask of its machine.
//!
//! # The contract
//! Every backend keeps these promises, and `tests/all/contract` holds each of them to it.
//!
//! - **Clock.** [`Host::now`] never goes back, and is the same for all hosts of a world.
//!   [`Host::sleep_until`] ends no earlier than its time.
//! - **Network.** A connection carries bytes in order, each at most once. What was written before
//!   a close is delivered before the end of the stream, unless a fault is in between. Connecting to a
//!   host that runs but does not listen is refused; one that cannot be reached does not answer, so
//!   **every caller sets a limit** ([`Host::timeout`]). A slow reader stops its writer.
//! - **Disk.** What [`File::sync`], [`Disk::sync_dir`] and [`Disk::commit`] have returned for survives
//!   every crash; what was merely written survives a crash of the process and not a loss of power. A batch is
//!   in the table whole or not at all. A file that is open stays readable after it is removed.
//! - **Entropy.** The same seed, purpose, identity and attempt give the same bytes, whatever else was drawn.
//! - **Compute.** Work runs to its end or is dropped whole; it never runs twice.
//! - **Spans and counts.** What is told of them changes nothing. A machine that has nobody to tell of spans knows no jobs either.
//! - **Spawn and kill.** Tasks belong to their host. When it crashes they are dropped without running
//!   further, peers see their connections reset (nothing at all after a loss of power), and what
//!   starts next runs the host's main function on what its disks kept.
//!
//! Leaves out who decides on faults: that is the world's.

mod attempt;
mod checksum;
mod compute;
pub mod config;
mod count;
mod disk;
mod entropy;
pub mod logarithm;
mod net;
mod span;
pub mod time;
pub mod topology;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Either, abortable, select};

pub use attempt::{Attempt, AttemptKind};
pub use checksum::{Checksum, KnownContents, Md5Sum};
pub use compute::{ComputeWork, SpentFuel};
pub use count::{CountGuard, HostMetric};
pub use disk::{Batch, Disk, DiskError, File, Row};
pub use entropy::{Entropy, Seed};
pub use net::{BoxStream, Label, Listener, MessagePart, Purpose, Stream};
use span::InJob;
pub use span::{JobNumber, OpenSpan, Recorder, Span, SpanKind};
pub use time::Time;

/// A future that stays on its thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a backend provides for one host. Code above the seam uses [`Host`].
pub trait Machine {
    /// See [`Host::now`].
    fn now(&self) -> Time;
    /// See [`Host::sleep_until`].
    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()>;
    /// See [`Host::spawn`].
    fn spawn(&self, task: LocalFuture<'static, ()>);
    /// See [`Host::listen`].
    fn listen(&self, port: u16) -> std::io::Result<Box<dyn Listener>>;
    /// See [`Host::connect`].
    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, std::io::Result<BoxStream>>;
    /// See [`Host::disk`].
    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>>;
    /// See [`Host::compute`].
    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>>;
    /// See [`Host::entropy`].
    fn seed(&self) -> Seed;
    /// See [`Host::checksum`].
    fn contents(&self) -> KnownContents {
        KnownContents::default()
    }
    /// Whom it tells of its spans, if anybody. See [`Host::span`].
    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        None
    }
    /// See [`Host::count`].
    fn count(&self, _count: HostMetric, _change: i64) {}
}

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

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct TaskGuard(AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    /// The host that `machine` provides.
    #[must_use]
    pub fn new(machine: Rc<dyn Machine>) -> Self {
        Self(machine)
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.now()
    }

    /// Waits until `at`, at once if that is past.
    pub fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.0.sleep_until(at)
    }

    /// Waits for `duration`.
    pub fn sleep(&self, duration: Duration) -> LocalFuture<'static, ()> {
        self.0.sleep_until(self.now() + duration)
    }

    /// What `future` gives, if it gives it within `limit`; else it is dropped.
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

    /// Runs `task` beside the others of this host until it ends or the host does. It works for the job that its spawner
    /// works for.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        match self.job() {
            Some(job) => self.0.spawn(self.in_job(Some(job), task)),
            None => self.0.spawn(Box::pin(task)),
        }
    }

    /// `future`, as work for a job or for none, with all that it spawns.
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

    /// The job that the code that asks works for, if it is known.
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
    pub fn attempt(&self, of: AttemptKind, name: &'static str) -> Attempt {
        self.0.recorder().map_or(Attempt::DISABLED, |recorder| Attempt::begin(recorder, of, name))
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

    /// Lets `count` go up by `change`, or down. Nothing that a host does depends on it.
    pub fn count(&self, count: HostMetric, change: i64) {
        self.0.count(count, change);
    }

    /// Counts as one of `count` until what it gives is dropped.
    pub fn counted(&self, count: HostMetric) -> CountGuard {
        CountGuard::begin(self, count)
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

    /// Queues `work` for a core of this host, runs it, and hands it back when the time that its
    /// fuel takes is over.
    pub fn compute(
        &self,
        work: Box<dyn ComputeWork>,
    ) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.0.compute(work)
    }

    /// A checksum of nothing yet. Where a world knows contents beforehand, theirs is not computed again.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        Checksum::knowing(self.0.contents())
    }

    /// Random bytes for one decision: a function of the world's seed and of these three alone.
    #[must_use]
    pub fn entropy(&self, purpose: &'static str, identity: &[u8], attempt: u64) -> Entropy {
        self.0.seed().entropy(purpose, identity, attempt)
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("now", &self.now()).finish_non_exhaustive()
    }
}
