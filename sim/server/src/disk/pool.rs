//! A bounded pool of threads for calls that block: what async threads ask of a real disk is done
//! here.
//!
//! A call waits for a place before it is queued, so that as many as the bound are queued or under
//! way. Leaves out cancelling: a call that has begun comes to its end, whether or not anybody waits
//! for it still.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use stayput_host::DiskError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// A place in the queue.
pub(super) type Seat = OwnedSemaphorePermit;

/// Threads that disks share. Clones share them too; they end when the last clone and the calls
/// before it have.
#[derive(Clone)]
pub struct DiskPool(Arc<Threads>);

struct Threads {
    queue: Arc<Queue>,
    seats: Arc<Semaphore>,
    failures: AtomicU64,
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    ready: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl DiskPool {
    /// A pool of so many threads, for at most `calls_max` calls at a time, queued and under way.
    /// Each disk that is written to may keep one thread with its table and each sync keeps one, so
    /// let there be several for each disk: they sleep most of the time.
    ///
    /// # Errors
    /// The system has no room for so many threads.
    pub fn new(threads: NonZeroUsize, calls_max: NonZeroUsize) -> io::Result<Self> {
        let seats = Arc::new(Semaphore::new(calls_max.get().min(Semaphore::MAX_PERMITS)));
        // Made first, so that the threads that were started end when one cannot be.
        let pool =
            Self(Arc::new(Threads { queue: Arc::default(), seats, failures: AtomicU64::new(0) }));
        for _ in 0..threads.get() {
            let queue = Arc::clone(&pool.0.queue);
            thread::Builder::new().name("disk".to_owned()).spawn(move || queue.serve())?;
        }
        Ok(pool)
    }

    /// Does `work` on one of the threads, once it has a place.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        seat: Seat,
        work: impl FnOnce() -> Result<T, DiskError> + Send + 'static,
    ) -> Result<T, DiskError> {
        let (answer, answered) = oneshot::channel();
        self.push(Box::new(move || {
            let done = work();
            drop(seat);
            // Who asked may have left.
            let _left = answer.send(done);
        }));
        self.noted(answered.await.unwrap_or_else(|_| Err(panicked())))
    }

    /// `done`, counted if it is a disk's failure.
    pub(super) fn noted<T>(&self, done: Result<T, DiskError>) -> Result<T, DiskError> {
        if let Err(DiskError::Failed { .. } | DiskError::NoSpace) = done {
            self.0.failures.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    /// Calls that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.0.queue.jobs).waiting.len()
    }

    /// Calls so far that failed because a disk is full or did not do what it was asked to. A sync
    /// or a commit that several share counts for each of them.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Waits for a place in the queue.
    pub(super) async fn seat(&self) -> Result<Seat, DiskError> {
        Arc::clone(&self.0.seats).acquire_owned().await.map_err(|_| panicked())
    }

    /// Queues a job that holds its place, or whose askers hold theirs.
    pub(super) fn push(&self, job: Job) {
        lock(&self.0.queue.jobs).waiting.push_back(job);
        self.0.queue.ready.notify_one();
    }
}

/// Message for a call that did not end.
pub(super) fn panicked() -> DiskError {
    DiskError::Failed { what: "a call to it panicked, see the standard error".to_owned() }
}

/// The guarded value. What a thread that panicked left is whole: no guard here is held over what
/// may panic halfway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    fn serve(&self) {
        while let Some(job) = self.next() {
            // Its asker hears of the panic by the answer that does not come; the thread has others
            // to serve.
            let _panicked = catch_unwind(AssertUnwindSafe(job));
        }
    }

    /// The next job; `None` when there will be none.
    fn next(&self) -> Option<Job> {
        let mut jobs = lock(&self.jobs);
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs = self.ready.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        lock(&self.queue.jobs).closed = true;
        self.queue.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use crate::disk::tests::block_on;

    fn pool(threads: usize, calls: usize) -> DiskPool {
        let size = |n| NonZeroUsize::new(n).unwrap();
        DiskPool::new(size(threads), size(calls)).unwrap()
    }

    #[test]
    fn no_more_calls_are_queued_than_the_bound() {
        let (pool, queued) = (pool(1, 3), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        let calls = (0..10).map(|_| {
            let (gate, queued) = (Arc::clone(&gate), Arc::clone(&queued));
            let pool = pool.clone();
            async move {
                let seat = pool.seat().await.unwrap();
                queued.fetch_add(1, Ordering::SeqCst);
                let (answer, answered) = oneshot::channel();
                pool.push(Box::new(move || {
                    drop(gate.lock());
                    drop(seat);
                    let _left = answer.send(());
                }));
                answered.await.unwrap();
            }
        });
        let mut all = Box::pin(join_all(calls));
        block_on(std::future::poll_fn(|cx| {
            assert!(all.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        }));
        assert_eq!(queued.load(Ordering::SeqCst), 3);
        drop(closed);
        block_on(all);
        assert_eq!(queued.load(Ordering::SeqCst), 10);
    }

    #[test]
    fn a_call_that_panics_fails_and_takes_no_thread_with_it() {
        let pool = pool(1, 1);
        let seat = || block_on(pool.seat()).unwrap();
        let failed = block_on(pool.run::<()>(seat(), || panic!("as it should")));
        assert_eq!(failed, Err(panicked()));
        assert_eq!(block_on(pool.run(seat(), || Ok(7))), Ok(7));
    }
}
