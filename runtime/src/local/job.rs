//! Local run of all sessions of a job together, with pipes in memory: for reference answers, and
//! for authors of jobs.
//!
//! Sessions take turns in the order of the job. Leaves out machines, so that copies of a session
//! would be of no use, and time limits: a sleep advances the session's clock at once.

use super::{SLICE_FUEL, part_of, store};
use crate::device::{DeviceFault, DeviceIndex, SIZE_UNKNOWN};
use crate::job::JobPipe;
use crate::memo::{Memo, MemoResult, MemoSession};
use crate::outcome::Outcome;
use crate::pipe::{PipeBuffer, PipeRead, WriterEnd, pipe_capacity};
use crate::session::{Pause, SESSION_EPOCH_UNIX_NS, SessionSpec};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Session of a job for a local run.
#[derive(Clone, Debug)]
pub struct LocalSession {
    /// Spec of the session. The sizes of its devices are set by their inputs.
    pub spec: SessionSpec,
    /// Bytes of its readable devices by name; none for those of pipes.
    pub inputs: BTreeMap<String, Bytes>,
}

/// Result of a session of a local job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRun {
    /// Outcome; `None` for a deadlock of sessions, which a cluster ends as out of time.
    pub outcome: Option<Outcome>,
    /// Bytes written to each writable device by name, pipes left out.
    pub outputs: BTreeMap<String, Bytes>,
    /// Origin of its steps.
    pub memo: MemoResult,
}

/// Runs the sessions to their ends. `pipes` name them by their indexes.
pub fn run_job(sessions: Vec<LocalSession>, pipes: &[JobPipe]) -> Vec<SessionRun> {
    run_job_with(None, sessions, pipes)
}

/// Like [`run_job`]; steps that `memo` knows are not computed again.
pub fn run_job_with(
    memo: Option<&Memo>,
    sessions: Vec<LocalSession>,
    pipes: &[JobPipe],
) -> Vec<SessionRun> {
    let mut running: Vec<RunningSession> = sessions.into_iter().map(RunningSession::new).collect();
    for (index, pipe) in pipes.iter().enumerate() {
        for tip in [pipe.from, pipe.to] {
            running[tip.session].channels[tip.device] = Channel::Pipe(index);
        }
    }
    let mut sessions: Vec<(RunningSession, Option<MemoSession>)> = running
        .into_iter()
        .map(|mut running| {
            let session = running.begin(memo);
            (running, Some(session))
        })
        .collect();
    let mut pipes = vec![PipeBuffer::new(pipe_capacity(pipes.len())); pipes.len()];
    loop {
        let mut has_moved = false;
        for (running, session) in &mut sessions {
            has_moved |= running.advance(session, &mut pipes);
        }
        if !has_moved {
            return sessions.into_iter().map(|(running, _)| running.finish()).collect();
        }
    }
}

/// Source or target of a device's bytes.
enum Channel {
    Memory,
    Pipe(usize),
}

struct RunningSession {
    spec: Option<SessionSpec>,
    names: Vec<String>,
    is_writable: Vec<bool>,
    inputs: Vec<Bytes>,
    channels: Vec<Channel>,
    written: Vec<Vec<u8>>,
    now: u64,
    /// Last pause.
    pause: Pause,
    /// True if a pipe took a part of the pending write.
    has_written: bool,
    outcome: Option<Outcome>,
    memo: MemoResult,
}

impl RunningSession {
    fn new(session: LocalSession) -> Self {
        let LocalSession { spec, inputs } = session;
        let devices = &spec.devices;
        Self {
            names: devices.iter().map(|device| device.name.clone()).collect(),
            is_writable: devices.iter().map(|device| device.kind.is_writable()).collect(),
            inputs: devices
                .iter()
                .map(|device| inputs.get(&device.name).cloned().unwrap_or_default())
                .collect(),
            channels: devices.iter().map(|_| Channel::Memory).collect(),
            written: vec![Vec::new(); devices.len()],
            now: SESSION_EPOCH_UNIX_NS,
            pause: Pause::SliceUsed,
            has_written: false,
            outcome: None,
            memo: MemoResult::Computed,
            spec: Some(spec),
        }
    }

    fn begin(&mut self, memo: Option<&Memo>) -> MemoSession {
        let mut spec = self.spec.take().expect("a session begins once");
        for (index, device) in spec.devices.iter_mut().enumerate() {
            device.size = match (&self.channels[index], device.kind.is_readable()) {
                (_, false) => 0,
                (Channel::Memory, true) => self.inputs[index].len() as u64,
                (Channel::Pipe(_), true) => SIZE_UNKNOWN,
            };
        }
        MemoSession::new(spec, memo)
    }

    /// Runs until it waits for a peer or ends; false if it made no progress.
    fn advance(&mut self, session: &mut Option<MemoSession>, pipes: &mut [PipeBuffer]) -> bool {
        let mut has_moved = false;
        while let Some(it) = session {
            if !self.answer(it, pipes) {
                return has_moved || std::mem::take(&mut self.has_written);
            }
            has_moved = true;
            self.pause = it.step(self.now, SLICE_FUEL);
            if let Pause::Ended(outcome) = &self.pause {
                self.outcome = Some(outcome.clone());
                self.memo = it.memo_result();
                self.leave(pipes);
                *session = None;
            }
        }
        has_moved
    }

    /// Answers the session's pause; false if the answer is not there yet.
    fn answer(&mut self, session: &mut MemoSession, pipes: &mut [PipeBuffer]) -> bool {
        match &mut self.pause {
            Pause::SliceUsed => {}
            Pause::Read { device, offset, len } => {
                let (device, offset, len) = (*device, *offset, *len);
                match self.read(device, offset, len, pipes) {
                    Some(data) => session.provide_read(data),
                    None => return false,
                }
            }
            Pause::Write { device, offset, data } => {
                let index = device.index();
                match self.channels[index] {
                    Channel::Memory => {
                        session.accept_write(store(&mut self.written[index], *offset, data));
                    }
                    Channel::Pipe(pipe) => {
                        // The part without room stays in the pause.
                        let before = data.len();
                        if !pipes[pipe].write(data) {
                            self.has_written = data.len() < before;
                            return false;
                        }
                        session.accept_write(Ok(()));
                    }
                }
            }
            Pause::Sleep { until_unix_ns } => self.now = *until_unix_ns,
            Pause::Ended(_) => return false,
        }
        self.pause = Pause::SliceUsed;
        true
    }

    fn read(
        &self,
        device: DeviceIndex,
        offset: u64,
        len: usize,
        pipes: &mut [PipeBuffer],
    ) -> Option<Result<Bytes, DeviceFault>> {
        let index = device.index();
        match self.channels[index] {
            Channel::Memory => Some(Ok(part_of(&self.inputs[index], offset, len))),
            Channel::Pipe(pipe) => match pipes[pipe].read(len) {
                PipeRead::Data(data) => Some(Ok(data)),
                PipeRead::End(WriterEnd::Exited) => Some(Ok(Bytes::new())),
                PipeRead::End(WriterEnd::Died) => Some(Err(DeviceFault::PeerDied)),
                PipeRead::Empty => None,
            },
        }
    }

    /// Ends its pipes.
    fn leave(&self, pipes: &mut [PipeBuffer]) {
        let exited = self.outcome.as_ref().is_some_and(|outcome| outcome.end.is_exit());
        for (index, channel) in self.channels.iter().enumerate() {
            let Channel::Pipe(pipe) = channel else { continue };
            match self.is_writable[index] {
                true if exited => pipes[*pipe].end(WriterEnd::Exited),
                true => pipes[*pipe].end(WriterEnd::Died),
                false => pipes[*pipe].abandon(),
            }
        }
    }

    fn finish(self) -> SessionRun {
        let devices =
            self.names.into_iter().zip(self.written).zip(self.channels).zip(self.is_writable);
        let outputs = devices
            .filter(|((_, channel), is_writable)| {
                *is_writable && matches!(channel, Channel::Memory)
            })
            .map(|(((name, written), _), _)| (name, written.into()));
        SessionRun { outcome: self.outcome, outputs: outputs.collect(), memo: self.memo }
    }
}
