//! Whoever asks the process to end: before it serves, it ends at once; then once to let what runs come to its end, twice to end at once.
//!
//! Leaves out what ends how, which is the server's.

use std::io::{self, Write};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell says of a process that a signal ended: this and the signal's number.
const BY_SIGNAL: i32 = 128;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Hears of Ctrl-C and of requests to terminate.
pub(super) struct Stop {
    serves: Arc<AtomicBool>,
    asked: Receiver<()>,
}

impl Stop {
    /// Hears of it from now on. Until [`Stop::serves`], asking ends the process: of what begins nothing is acknowledged yet.
    pub(super) fn listen() -> io::Result<Self> {
        let signals = Signals::listen()?;
        let serves = Arc::new(AtomicBool::new(false));
        let (sender, asked) = sync_channel(1);
        let of_thread = Arc::clone(&serves);
        let hears = move || signals.hear(&of_thread, &sender);
        std::thread::Builder::new().name("stayput-stop".to_owned()).spawn(hears)?;
        Ok(Self { serves, asked })
    }

    /// The process serves, or is about to say so: from now on there is something that is to come to its end.
    pub(super) fn serves(&self) {
        self.serves.store(true, Ordering::SeqCst);
    }

    /// Waits until somebody asks. Asking again ends the process: what was acknowledged is on disks.
    pub(super) fn wait(&self) {
        // The thread that hears ends with the process alone.
        let _asked = self.asked.recv();
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

    /// Tells of the first signal if the process serves by then, and ends it at any other.
    fn hear(mut self, serves: &AtomicBool, first: &SyncSender<()>) -> ! {
        let signal = self.next();
        // Where nobody waits for it, nothing would come of it.
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
