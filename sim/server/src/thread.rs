//! Reactors with the tasks that stay on their thread, and the threads of a server.
//!
//! Leaves out what the tasks are.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use stayput_host::LocalFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

/// Names of other processes that each thread looks up at a time.
const LOOK_UPS_MAX: usize = 8;

/// Sockets and timers of one thread, and its tasks.
#[derive(Debug)]
pub(super) struct Reactor {
    // The tasks go before the reactor of their sockets.
    tasks: LocalSet,
    runtime: Runtime,
}

impl Reactor {
    /// A reactor without tasks.
    ///
    /// # Errors
    /// The system has no room for another one.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { tasks: LocalSet::new(), runtime: runtime()? })
    }

    /// Adds a task, which runs while [`Reactor::run_until`] does.
    pub(super) fn spawn(&self, task: LocalFuture<'static, ()>) {
        drop(self.tasks.spawn_local(task));
    }

    /// Runs the tasks until `poll` is ready. It is polled after the tasks, with the news whether
    /// all have ended.
    pub(super) fn run_until<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>, bool) -> Poll<T>,
    ) -> T {
        let tasks = &mut self.tasks;
        // What happens to any of the tasks wakes this.
        self.runtime.block_on(poll_fn(|cx| {
            let ended = Pin::new(&mut *tasks).poll(cx).is_ready();
            poll(cx, ended)
        }))
    }
}

fn runtime() -> io::Result<Runtime> {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_io().enable_time().max_blocking_threads(LOOK_UPS_MAX);
    runtime.build()
}

/// A closure that a thread is to call between polls of its tasks.
type ThreadTask = Box<dyn FnOnce() + Send>;

/// A thread with a reactor and tasks.
#[derive(Debug)]
pub(super) struct Thread {
    /// Dropped, it ends the thread.
    sender: UnboundedSender<ThreadTask>,
    handle: JoinHandle<()>,
}

impl Thread {
    /// Starts the thread of that number, from 0.
    ///
    /// # Errors
    /// The system has no room for another one.
    pub(super) fn start(number: usize) -> io::Result<Self> {
        let runtime = runtime()?;
        let (sender, receiver) = unbounded_channel();
        let name = format!("stayput-{}", number + 1);
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, call_all(receiver));
            // The tasks go before the reactor of their sockets.
            drop(tasks);
            // Names that are still being looked up are waited for by nobody.
            runtime.shutdown_background();
        })?;
        Ok(Self { sender, handle })
    }

    /// Lets the thread call `task`. One that has ended drops it.
    pub(super) fn call(&self, task: impl FnOnce() + Send + 'static) {
        let _ended = self.sender.send(Box::new(task));
    }

    /// Ends the thread with its tasks, and waits for it.
    pub(super) fn end(self) {
        drop(self.sender);
        // Its panic, if there is one, was reported by the panic hook.
        let _ended = self.handle.join();
    }
}

async fn call_all(mut receiver: UnboundedReceiver<ThreadTask>) {
    while let Some(task) = receiver.recv().await {
        task();
    }
}
