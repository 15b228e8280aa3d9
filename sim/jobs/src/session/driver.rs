//! Runs a session on a host: steps on its cores, reads from its disks or from memory, outputs into a staging area.
//!
//! A storage node and a worker run jobs by this same code, so that what differs between them is where the data lies. Leaves
//! out where inputs come from and where outputs go.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stayput_host::{ComputeWork, Host, LocalFuture, SpentFuel, TimedOut};
use stayput_runtime::device::{DeviceFault, DeviceIndex, DeviceKind, DeviceSpec};
use stayput_runtime::memo::MemoSession;
use stayput_runtime::outcome::{Accounting, EndReason};
use stayput_runtime::pipe::WriterEnd;
use stayput_runtime::session::{Pause, SESSION_EPOCH_UNIX_NS, SessionSpec};

use crate::memo::SessionMemo;
use crate::session::pipe::SessionPipe;

/// Fuel that a session gets at a time; between two slices others come to the core.
const SLICE_FUEL: u64 = 5_000_000;
/// How long a session may take, waits included.
pub const SESSION_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes that a session's outputs may have together while they are staged.
pub const STAGED_BYTES_MAX: u64 = 64 << 20;

/// Reads at most so many bytes at an offset.
pub type Reader = Rc<dyn Fn(u64, u64) -> LocalFuture<'static, Result<Bytes, DeviceFault>>>;

/// Where a device's bytes come from.
#[derive(Clone)]
pub enum Source {
    /// From memory.
    Memory(Bytes),
    /// From elsewhere, as they are asked for.
    Reader(Reader),
    /// Nowhere: it is written to.
    Written,
    /// From another session, or to it.
    Pipe(Rc<SessionPipe>),
}

/// How a session ended, final in each case: another attempt would end the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// By what the guest did.
    Guest(EndReason),
    /// It took longer than [`SESSION_TIME_MAX`].
    OutOfTime,
    /// It never began.
    Refused(SessionRefusal),
}

/// Why a session never began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SessionRefusal {
    /// Its module is none that can be run.
    #[error("{why}")]
    Module {
        /// What is wrong with it.
        why: String,
    },
    /// An image of it cannot be unpacked.
    #[error("{why}")]
    Image {
        /// What is wrong with it.
        why: String,
    },
}

impl SessionEnd {
    /// The guest's exit code, if it ended by itself.
    #[must_use]
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Self::Guest(end) => end.exit_code(),
            Self::OutOfTime | Self::Refused(_) => None,
        }
    }
}

impl std::fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guest(end) => end.fmt(f),
            Self::OutOfTime => f.write_str("out of time"),
            Self::Refused(refused) => {
                let why = refused.to_string().replace([',', '\n', '\r'], ";");
                write!(f, "refused: {why}")
            }
        }
    }
}

/// What a session did.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub end: SessionEnd,
    /// Fuel that it used.
    pub fuel: u64,
    /// What it read and wrote.
    pub accounting: Accounting,
    /// How long it took, waits included.
    pub took: Duration,
    /// What it wrote, for each device of its list.
    pub outputs: Vec<Bytes>,
}

impl Ran {
    /// Of a session that never began; its peers are told. `sources` are those of its devices.
    #[must_use]
    pub fn refused(refused: SessionRefusal, devices: &[DeviceSpec], sources: &[Source]) -> Self {
        let end = SessionEnd::Refused(refused);
        Ends::of(devices, sources).tell(&end);
        Self {
            end,
            fuel: 0,
            accounting: Accounting::default(),
            took: Duration::ZERO,
            outputs: vec![Bytes::new(); sources.len()],
        }
    }
}

/// Runs a session to its end. `sources` are those of the session's devices, in their order; starting it takes a core for
/// `startup`. Its peers are told how it ended; if it is dropped earlier, its pipes break. What `memo` knows of it is not computed
/// again, and takes the same time of the core.
pub async fn run(
    host: &Host,
    spec: SessionSpec,
    sources: &[Source],
    startup: Duration,
    memo: Option<&SessionMemo>,
) -> Ran {
    assert_eq!(spec.devices.len(), sources.len(), "each device has a source");
    let begun = host.now();
    let ends = Ends::of(&spec.devices, sources);
    let mut staged = Staged(vec![Vec::new(); sources.len()]);
    let session = MemoSession::new(spec, memo.map(SessionMemo::memo));
    let mut step = Step {
        session,
        startup,
        fuel_spent: 0,
        now_unix_ns: SESSION_EPOCH_UNIX_NS,
        pause: Pause::SliceUsed,
    };
    let time_left = || SESSION_TIME_MAX.saturating_sub(host.now().since(begun));
    let out_of_time = |step: &mut Step| {
        let (fuel, accounting) = step.session.give_up();
        (SessionEnd::OutOfTime, fuel, accounting)
    };
    let (end, fuel, accounting) = loop {
        if time_left().is_zero() {
            break out_of_time(&mut step);
        }
        step = compute(host, step).await;
        match std::mem::replace(&mut step.pause, Pause::SliceUsed) {
            Pause::SliceUsed => {}
            Pause::Read { device, offset, len } => {
                let source = &sources[device.index()];
                let Ok(data) = in_time(host, time_left(), source, read(source, offset, len)).await
                else {
                    break out_of_time(&mut step);
                };
                step.session.provide_read(data);
            }
            Pause::Write { device, offset, data } => {
                let source = &sources[device.index()];
                let write = write(source, &mut staged, device, offset, data);
                let Ok(taken) = in_time(host, time_left(), source, write).await else {
                    break out_of_time(&mut step);
                };
                step.session.accept_write(taken);
            }
            Pause::Sleep { until_unix_ns } => {
                let slept = Duration::from_nanos(until_unix_ns.saturating_sub(step.now_unix_ns));
                host.sleep_until((host.now() + slept).min(begun + SESSION_TIME_MAX)).await;
                step.now_unix_ns = step.now_unix_ns.max(until_unix_ns);
            }
            Pause::Ended(outcome) => {
                break (SessionEnd::Guest(outcome.end), outcome.fuel, outcome.accounting);
            }
        }
    };
    ends.tell(&end);
    if let Some(memo) = memo {
        memo.count(host, step.session.memo_result());
    }
    let outputs = staged.0.into_iter().map(Bytes::from).collect();
    Ran { end, fuel, accounting, took: host.now().since(begun), outputs }
}

/// Waits for a transfer; for a peer no longer than the session may take.
async fn in_time<T>(
    host: &Host,
    left: Duration,
    source: &Source,
    transfer: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    match source {
        Source::Pipe(_) => host.timeout(left, transfer).await,
        Source::Memory(_) | Source::Reader(_) | Source::Written => Ok(transfer.await),
    }
}

/// The ends of pipes that a session holds. If it goes away without having ended, they break.
struct Ends(Vec<(DeviceKind, Rc<SessionPipe>)>);

impl Ends {
    fn of(devices: &[DeviceSpec], sources: &[Source]) -> Self {
        let pipe = |(device, source): (&DeviceSpec, &Source)| match source {
            Source::Pipe(pipe) => Some((device.kind, Rc::clone(pipe))),
            _ => None,
        };
        Self(devices.iter().zip(sources).filter_map(pipe).collect())
    }

    /// Tells the peers how the session ended.
    fn tell(mut self, end: &SessionEnd) {
        if let SessionEnd::Guest(EndReason::DeviceFailed { reason, .. }) = end {
            // Not the guest's doing, so that nothing that its peers make of it counts.
            self.0.iter().for_each(|(_, pipe)| pipe.break_off(reason));
        }
        let how = if end.exit_code().is_some() { WriterEnd::Exited } else { WriterEnd::Died };
        for (kind, pipe) in self.0.drain(..) {
            match kind.is_writable() {
                true => pipe.end(how),
                false => pipe.abandon(),
            }
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.iter().for_each(|(_, pipe)| pipe.break_off("the session at its other end was lost"));
    }
}

/// A step of a session, as work for a core.
struct Step {
    session: MemoSession,
    /// What starting the session takes; nothing once it is started.
    startup: Duration,
    /// Fuel that a core has spent time on. What starting cost, and the bytes that moved between two steps, come with the
    /// next step.
    fuel_spent: u64,
    /// The guest's clock: it begins where every session's does and moves only while the guest sleeps, so that what a guest
    /// does depends on nothing but its inputs.
    now_unix_ns: u64,
    pause: Pause,
}

impl ComputeWork for Step {
    fn run(&mut self) -> SpentFuel {
        self.pause = self.session.step(self.now_unix_ns, SLICE_FUEL);
        let before = std::mem::replace(&mut self.fuel_spent, self.session.fuel_used());
        SpentFuel(self.fuel_spent.saturating_sub(before))
    }

    fn overhead(&mut self) -> Duration {
        std::mem::take(&mut self.startup)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

async fn compute(host: &Host, step: Step) -> Step {
    let done = host.compute(Box::new(step)).await.into_any();
    *done.downcast::<Step>().expect("the seam hands back the work that it was given")
}

async fn write(
    source: &Source,
    staged: &mut Staged,
    device: DeviceIndex,
    offset: u64,
    data: Bytes,
) -> Result<(), DeviceFault> {
    match source {
        Source::Pipe(pipe) => pipe.write(data).await,
        Source::Memory(_) | Source::Reader(_) | Source::Written => {
            staged.write(device, offset, &data)
        }
    }
}

async fn read(source: &Source, offset: u64, len: usize) -> Result<Bytes, DeviceFault> {
    match source {
        Source::Pipe(pipe) => pipe.read(len).await,
        Source::Memory(data) => {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
            Ok(data.slice(start..start.saturating_add(len).min(data.len())))
        }
        Source::Reader(reader) => reader(offset, len as u64).await,
        Source::Written => {
            Err(DeviceFault::Failed { reason: "it can only be written to".to_owned() })
        }
    }
}

/// What was written so far, for each device.
struct Staged(Vec<Vec<u8>>);

impl Staged {
    fn write(&mut self, device: DeviceIndex, offset: u64, data: &[u8]) -> Result<(), DeviceFault> {
        let end = offset.saturating_add(data.len() as u64);
        let others: u64 = self.0.iter().map(|staged| staged.len() as u64).sum::<u64>()
            - self.0[device.index()].len() as u64;
        if others.saturating_add(end) > STAGED_BYTES_MAX {
            return Err(DeviceFault::Quota);
        }
        let staged = &mut self.0[device.index()];
        let size = |bytes: u64| usize::try_from(bytes).map_err(|_| DeviceFault::Quota);
        let (start, end) = (size(offset)?, size(end)?);
        if staged.len() < end {
            staged.resize(end, 0);
        }
        staged[start..end].copy_from_slice(data);
        Ok(())
    }
}
