//! The run of a session on a host: steps on its cores, and transfers between them.
//!
//! Leaves out preparing the session, and its slot.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::{ComputeWork, Host, SpentFuel, TimedOut};
use stayput_runtime::device::{DeviceFault, DeviceIndex, DeviceKind};
use stayput_runtime::memo::MemoSession;
use stayput_runtime::outcome::{Accounting, EndReason};
use stayput_runtime::pipe::WriterEnd;
use stayput_runtime::session::{Pause, SESSION_EPOCH_UNIX_NS, SessionSpec};

use super::pipe::SessionPipe;
use super::result::{SESSION_TIME_MAX, SessionEnd};
use super::source::{InputSource, ResolvedDevice};
use super::staging::StagedOutputs;
use crate::memo::SessionMemo;

/// Fuel of a session's slice on a core; between two slices others come to the core.
const SLICE_FUEL: u64 = 5_000_000;

/// Outcome of a run.
pub(super) struct RunOutcome {
    pub(super) end: SessionEnd,
    pub(super) fuel: u64,
    pub(super) accounting: Accounting,
    pub(super) took: Duration,
    pub(super) outputs: StagedOutputs,
}

/// Runs a session to its end; starting it takes a core for `startup`. The pipes of its devices end
/// as it does; if the run is dropped earlier, they break. A session that `memo` knows is not
/// computed again, and takes the same time of the core.
pub(super) async fn run(
    host: &Host,
    spec: SessionSpec,
    devices: &[ResolvedDevice],
    startup: Duration,
    memo: Option<&SessionMemo>,
) -> RunOutcome {
    let begun = host.now();
    let ends = PipeEnds::of(devices);
    let mut outputs = StagedOutputs::new(devices.len());
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
                let source = &devices[device.index()].source;
                let Ok(data) = in_time(host, time_left(), source, source.read(offset, len)).await
                else {
                    break out_of_time(&mut step);
                };
                step.session.provide_read(data);
            }
            Pause::Write { device, offset, data } => {
                let source = &devices[device.index()].source;
                let write = write(source, &mut outputs, device, offset, data);
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
    ends.finish(&end);
    if let Some(memo) = memo {
        memo.count(host, step.session.memo_result());
    }
    RunOutcome { end, fuel, accounting, took: host.now().since(begun), outputs }
}

/// Awaits a transfer; one with a peer no longer than the session may take.
async fn in_time<T>(
    host: &Host,
    left: Duration,
    source: &InputSource,
    transfer: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    match source {
        InputSource::Pipe(_) => host.timeout(left, transfer).await,
        _ => Ok(transfer.await),
    }
}

async fn write(
    source: &InputSource,
    outputs: &mut StagedOutputs,
    device: DeviceIndex,
    offset: u64,
    data: Bytes,
) -> Result<(), DeviceFault> {
    match source {
        InputSource::Pipe(pipe) => pipe.write(data).await,
        _ => outputs.write(device, offset, &data),
    }
}

/// The ends of pipes that a session holds. They break if it goes away without having ended.
pub(super) struct PipeEnds(Vec<(DeviceKind, Rc<SessionPipe>)>);

impl PipeEnds {
    pub(super) fn of(devices: &[ResolvedDevice]) -> Self {
        let end = |device: &ResolvedDevice| Some((device.kind, Rc::clone(device.pipe()?)));
        Self(devices.iter().filter_map(end).collect())
    }

    /// Ends the pipes as the session ended.
    pub(super) fn finish(mut self, end: &SessionEnd) {
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

impl Drop for PipeEnds {
    fn drop(&mut self) {
        self.0.iter().for_each(|(_, pipe)| pipe.break_off("the session at its other end was lost"));
    }
}

/// A step of a session, as work for a core.
struct Step {
    session: MemoSession,
    /// Time of a core that starting the session takes; zero once it is started.
    startup: Duration,
    /// Fuel that a core has spent time on. What starting cost, and the bytes that moved between two
    /// steps, come with the next step.
    fuel_spent: u64,
    /// The guest's clock: it begins where every session's does and moves only while the guest
    /// sleeps, so that what a guest does depends on nothing but its inputs.
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
