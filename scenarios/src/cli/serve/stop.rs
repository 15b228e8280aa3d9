//! Whoever asks the process to end: once to let what runs come to its end, twice to end at once.
//!
//! Leaves out what ends how, which is the server's.

use std::io::{self, Write};
use std::process;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell says of a process that a signal ended: this and the signal's number.
const BY_SIGNAL: i32 = 128;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Hears of Ctrl-C and of requests to terminate.
pub(super) struct Stop {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Hears of it from now on.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (interrupt, terminate) = {
            let _within = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    /// Waits until somebody asks.
    pub(super) fn wait(mut self) -> Self {
        self.asked();
        self
    }

    /// The signal by which somebody asks.
    fn asked(&mut self) -> i32 {
        let Self { runtime, interrupt, terminate } = self;
        runtime.block_on(async {
            let both = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
            match futures_util::future::select(both.0, both.1).await {
                futures_util::future::Either::Left(_) => SIGINT,
                futures_util::future::Either::Right(_) => SIGTERM,
            }
        })
    }

    /// From now on, asking ends the process. What was acknowledged is on disks.
    pub(super) fn end_at_once_when_asked_again(mut self) -> io::Result<()> {
        let ends = move || {
            let signal = self.asked();
            // Standard error may be gone.
            let _told = writeln!(io::stderr(), "stopped at once");
            process::exit(BY_SIGNAL + signal);
        };
        std::thread::Builder::new().name("stayput-stop".to_owned()).spawn(ends)?;
        Ok(())
    }
}
