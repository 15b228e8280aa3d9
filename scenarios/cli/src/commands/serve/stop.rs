//! Shutdown by signals: before the process serves, it ends at once; then the first signal lets
//! running requests end, and the second ends it at once.
//!
//! Leaves out the shutdown of connections, which is the server's.

use std::io::{self, Write};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code, less the signal's number, that shells report for a process ended by a signal.
const BY_SIGNAL: i32 = 128;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Listener for SIGINT (Ctrl-C) and SIGTERM.
pub(super) struct Stop {
    serves: Arc<AtomicBool>,
    requested: Receiver<()>,
}

impl Stop {
    /// Starts to listen. Until [`Stop::serves`], a signal ends the process at once: nothing is
    /// acknowledged yet.
    pub(super) fn listen() -> io::Result<Self> {
        let signals = Signals::listen()?;
        let serves = Arc::new(AtomicBool::new(false));
        let (sender, requested) = sync_channel(1);
        let of_thread = Arc::clone(&serves);
        let listening = move || signals.listen_on(&of_thread, &sender);
        std::thread::Builder::new().name("stayput-stop".to_owned()).spawn(listening)?;
        Ok(Self { serves, requested })
    }

    /// Marks the process as serving: from now on the first signal is a request for a graceful
    /// shutdown.
    pub(super) fn serves(&self) {
        self.serves.store(true, Ordering::SeqCst);
    }

    /// Waits for the first signal. The second ends the process: acknowledged data is on disks.
    pub(super) fn wait(&self) {
        // The listening thread ends only with the process.
        let _requested = self.requested.recv();
    }
}

struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (interrupt, terminate) = {
            let _within = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    /// Reports the first signal if the process serves by then, and ends it at any other.
    fn listen_on(mut self, serves: &AtomicBool, first: &SyncSender<()>) -> ! {
        let signal = self.next();
        // Without a receiver the request would be lost.
        if !serves.load(Ordering::SeqCst) || first.send(()).is_err() {
            end_at_once(signal);
        }
        end_at_once(self.next());
    }

    /// The next signal's number.
    fn next(&mut self) -> i32 {
        let Self { runtime, interrupt, terminate } = self;
        runtime.block_on(async {
            let both = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
            match futures_util::future::select(both.0, both.1).await {
                futures_util::future::Either::Left(_) => SIGINT,
                futures_util::future::Either::Right(_) => SIGTERM,
            }
        })
    }
}

fn end_at_once(signal: i32) -> ! {
    // Standard error may be gone.
    let _told = writeln!(io::stderr(), "stopped at once");
    process::exit(BY_SIGNAL + signal);
}
