//! A machine with a clock that jumps, tasks that are polled in turn, and a notebook of spans.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{poll_fn, ready};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use stayput_host::{
    BoxStream, ComputeWork, Disk, Host, HostMetric, JobNumber, Listener, LocalFuture, Machine,
    Recorder, Seed, Span, SpanKind, Time,
};

/// Recorder that keeps spans in a list.
#[derive(Default)]
pub(crate) struct Notebook {
    clock: Rc<Clock>,
    pub(crate) spans: RefCell<Vec<Span>>,
    job: Cell<Option<JobNumber>>,
    /// Kinds that are not wanted.
    pub(crate) unwanted: RefCell<Vec<SpanKind>>,
}

#[derive(Default)]
struct Clock {
    now: Cell<Time>,
    /// Times that somebody sleeps until.
    awaited: RefCell<Vec<Time>>,
}

impl Recorder for Notebook {
    fn now(&self) -> Time {
        self.clock.now.get()
    }

    fn wants(&self, kind: SpanKind, _job: Option<JobNumber>) -> bool {
        !self.unwanted.borrow().contains(&kind)
    }

    fn add(&self, span: Span) {
        self.spans.borrow_mut().push(span);
    }

    fn job(&self) -> Option<JobNumber> {
        self.job.get()
    }

    fn set_job(&self, job: Option<JobNumber>) -> Option<JobNumber> {
        self.job.replace(job)
    }
}

impl Notebook {
    /// Kind, job, begin and end in nanoseconds of each span.
    pub(crate) fn noted(&self) -> Vec<(SpanKind, Option<u32>, u64, u64)> {
        let note = |span: &Span| {
            let job = span.job.map(|job| job.0);
            (span.kind, job, span.begin.as_nanos(), span.end.as_nanos())
        };
        self.spans.borrow().iter().map(note).collect()
    }
}

/// The machine. Clones of its parts are shared with the host over it.
pub(crate) struct Bench {
    pub(crate) host: Host,
    pub(crate) notebook: Rc<Notebook>,
    pub(crate) counts: Rc<RefCell<BTreeMap<HostMetric, i64>>>,
    tasks: Rc<RefCell<Vec<LocalFuture<'static, ()>>>>,
    clock: Rc<Clock>,
}

struct Desk {
    notebook: Option<Rc<Notebook>>,
    counts: Rc<RefCell<BTreeMap<HostMetric, i64>>>,
    tasks: Rc<RefCell<Vec<LocalFuture<'static, ()>>>>,
    clock: Rc<Clock>,
}

impl Bench {
    /// A machine whose spans are recorded.
    pub(crate) fn new() -> Self {
        Self::with(true)
    }

    /// A machine without a recorder.
    pub(crate) fn unrecorded() -> Self {
        Self::with(false)
    }

    fn with(is_recorded: bool) -> Self {
        let clock = Rc::<Clock>::default();
        let notebook = Rc::new(Notebook { clock: Rc::clone(&clock), ..Notebook::default() });
        let (counts, tasks) = (Rc::default(), Rc::default());
        let desk = Desk {
            notebook: is_recorded.then(|| Rc::clone(&notebook)),
            counts: Rc::clone(&counts),
            tasks: Rc::clone(&tasks),
            clock: Rc::clone(&clock),
        };
        Self { host: Host::new(Rc::new(desk)), notebook, counts, tasks, clock }
    }

    /// Sets the clock.
    pub(crate) fn set_now(&self, nanos: u64) {
        self.clock.now.set(Time::from_nanos(nanos));
    }

    /// Polls every task once; those that are ready end.
    pub(crate) fn poll_tasks(&self) {
        let mut polled = std::mem::take(&mut *self.tasks.borrow_mut());
        let mut cx = Context::from_waker(Waker::noop());
        polled.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
        // Those that were spawned meanwhile come after them.
        let spawned = std::mem::replace(&mut *self.tasks.borrow_mut(), polled);
        self.tasks.borrow_mut().extend(spawned);
    }

    /// Number of tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.tasks.borrow().len()
    }

    /// Output of a future, for which time goes on from sleep to sleep.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            self.poll_tasks();
            let awaited = std::mem::take(&mut *self.clock.awaited.borrow_mut());
            let next = awaited.into_iter().filter(|at| *at > self.clock.now.get()).min();
            next.into_iter().for_each(|at| self.clock.now.set(at));
        }
    }
}

impl Machine for Desk {
    fn now(&self) -> Time {
        self.clock.now.get()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        let clock = Rc::clone(&self.clock);
        Box::pin(poll_fn(move |_| {
            if clock.now.get() >= at {
                return Poll::Ready(());
            }
            clock.awaited.borrow_mut().push(at);
            Poll::Pending
        }))
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.tasks.borrow_mut().push(task);
    }

    fn listen(&self, _port: u16) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connect(&self, _to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        Box::pin(ready(Err(io::ErrorKind::Unsupported.into())))
    }

    fn disk(&self, _device: &str) -> Option<Rc<dyn Disk>> {
        None
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        Box::pin(ready(work))
    }

    fn seed(&self) -> Seed {
        Seed(7)
    }

    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        self.notebook.clone().map(|notebook| notebook as Rc<dyn Recorder>)
    }

    fn count(&self, metric: HostMetric, change: i64) {
        *self.counts.borrow_mut().entry(metric).or_default() += change;
    }
}
