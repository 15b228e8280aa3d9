//! Session that is computed only where its memo has no step.
//!
//! Leaves out the memo itself.

use bytes::Bytes;

use super::key;
use super::step_tree::{Answer, DriverInput, Step, TreePosition};
use super::{Memo, StartMode};
use crate::device::DeviceFault;
use crate::digest::Digest;
use crate::outcome::Accounting;
use crate::session::{Pause, Session, SessionSpec};

/// Origin of a session's steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoResult {
    /// Computed, as the first of its spec or without a memo.
    Computed,
    /// Replayed from its begin on.
    Replayed,
    /// Computed though known, with equal steps.
    Audited,
    /// Computed though known, with other steps: the memo, or the claim that sessions are
    /// deterministic, is wrong.
    Diverged {
        /// Known step and computed step.
        what: String,
    },
}

/// [`Session`] or its known steps. It is driven in the same way and gives the same pauses.
pub struct MemoSession {
    memo: Option<Memo>,
    /// Position in the memo; `None` if its tree was dropped.
    position: Option<TreePosition>,
    state: Progress,
    /// Answer to the last pause.
    answer: (Answer, DriverAnswer),
    fuel: u64,
    was_repeated: bool,
    differs: Option<String>,
}

enum Progress {
    /// Replays known steps; keeps its own driver's inputs, to compute the session if need be.
    Replaying { spec: Box<SessionSpec>, done: Vec<ReplayedStep> },
    /// Computed by a session of its own.
    Computed(Box<Session>),
}

/// Replayed step, with the driver's input.
struct ReplayedStep {
    given: DriverAnswer,
    input: DriverInput,
}

/// Answer of a driver to a session.
#[derive(Clone, Debug)]
enum DriverAnswer {
    Nothing,
    Read(Result<Bytes, DeviceFault>),
    Write(Result<(), DeviceFault>),
}

impl DriverAnswer {
    fn apply_to(self, session: &mut Session) {
        match self {
            Self::Nothing => {}
            Self::Read(data) => session.provide_read(data),
            Self::Write(result) => session.accept_write(result),
        }
    }
}

impl MemoSession {
    /// Makes a session ready to step; without a memo it is computed.
    #[must_use]
    pub fn new(spec: SessionSpec, memo: Option<&Memo>) -> Self {
        let Some(memo) = memo else {
            let state = Progress::Computed(Box::new(Session::new(spec)));
            return Self::of(None, None, state, false);
        };
        let digest = key::of(&spec);
        let (position, begin) = memo.begin(digest);
        let (state, was_repeated) = match begin {
            StartMode::Replay => {
                (Progress::Replaying { spec: Box::new(spec), done: Vec::new() }, true)
            }
            StartMode::Audit => (Progress::Computed(Box::new(Session::new(spec))), true),
            StartMode::Compute => (Progress::Computed(Box::new(Session::new(spec))), false),
        };
        Self::of(Some(memo.clone()), Some(position), state, was_repeated)
    }

    fn of(
        memo: Option<Memo>,
        position: Option<TreePosition>,
        state: Progress,
        was_repeated: bool,
    ) -> Self {
        let answer = (Answer::None, DriverAnswer::Nothing);
        Self { memo, position, state, answer, fuel: 0, was_repeated, differs: None }
    }

    /// See [`Session::step`].
    pub fn step(&mut self, now_unix_ns: u64, fuel_slice: u64) -> Pause {
        let (answer, given) =
            std::mem::replace(&mut self.answer, (Answer::None, DriverAnswer::Nothing));
        let input = DriverInput { answer, now_unix_ns, fuel_slice };
        if let Progress::Replaying { done, .. } = &mut self.state {
            let found = match (&self.memo, &self.position) {
                (Some(memo), Some(position)) => memo.lookup(position, &input),
                _ => None,
            };
            if let Some((position, step)) = found {
                done.push(ReplayedStep { given, input });
                (self.position, self.fuel) = (Some(position), step.fuel);
                return step.pause;
            }
            self.was_repeated = false;
        }
        let session = self.compute();
        given.apply_to(session);
        let pause = session.step(now_unix_ns, fuel_slice);
        let step = Step { fuel: session.fuel_used(), pause };
        self.fuel = step.fuel;
        self.keep(&input, &step);
        step.pause
    }

    /// See [`Session::provide_read`].
    ///
    /// # Panics
    /// As that does, at the latest at the next step.
    pub fn provide_read(&mut self, data: Result<Bytes, DeviceFault>) {
        if self.memo.is_none() {
            self.answer.1 = DriverAnswer::Read(data);
            return;
        }
        let answer = match &data {
            Ok(data) => Answer::Data(Digest::of(data)),
            Err(fault) => Answer::Fault(fault.clone()),
        };
        self.answer = (answer, DriverAnswer::Read(data));
    }

    /// See [`Session::accept_write`].
    ///
    /// # Panics
    /// As that does, at the latest at the next step.
    pub fn accept_write(&mut self, result: Result<(), DeviceFault>) {
        let answer = match &result {
            Ok(()) => Answer::Taken,
            Err(fault) => Answer::Fault(fault.clone()),
        };
        self.answer = (answer, DriverAnswer::Write(result));
    }

    /// Fuel used up to the last pause.
    #[must_use]
    pub const fn fuel_used(&self) -> u64 {
        self.fuel
    }

    /// Fuel and account of a session that is given up now, the last answer included.
    pub fn give_up(&mut self) -> (u64, Accounting) {
        let (_, given) = std::mem::replace(&mut self.answer, (Answer::None, DriverAnswer::Nothing));
        let session = self.compute();
        given.apply_to(session);
        (session.fuel_used(), session.accounting())
    }

    /// Origin of its steps so far.
    #[must_use]
    pub fn memo_result(&self) -> MemoResult {
        match (&self.differs, &self.state, self.was_repeated) {
            (Some(what), _, _) => MemoResult::Diverged { what: what.clone() },
            (None, Progress::Replaying { .. }, _) => MemoResult::Replayed,
            (None, Progress::Computed(_), true) => MemoResult::Audited,
            (None, Progress::Computed(_), false) => MemoResult::Computed,
        }
    }

    /// Session itself, led to the present position.
    fn compute(&mut self) -> &mut Session {
        if let Progress::Replaying { spec, done } = &mut self.state {
            let (mut session, done) = (Session::new((**spec).clone()), std::mem::take(done));
            for ReplayedStep { given, input } in done {
                given.apply_to(&mut session);
                let _known = session.step(input.now_unix_ns, input.fuel_slice);
            }
            let fuel = session.fuel_used();
            if fuel != self.fuel {
                self.differs.get_or_insert(format!("{} fuel was kept, {fuel} used", self.fuel));
            }
            self.state = Progress::Computed(Box::new(session));
        }
        match &mut self.state {
            Progress::Computed(session) => session,
            Progress::Replaying { .. } => unreachable!("it was replaced just now"),
        }
    }

    fn keep(&mut self, input: &DriverInput, step: &Step) {
        let (Some(memo), Some(position)) = (&self.memo, &self.position) else {
            // Nothing to compare with: it is like any that was computed.
            self.was_repeated = false;
            return;
        };
        let before = memo.lookup(position, input).is_some();
        self.was_repeated &= before;
        let (position, other) = memo.keep(position, input, step);
        self.position = position;
        if let Some(other) = other {
            let what = || format!("{} was kept, and it did {}", describe(&other), describe(step));
            self.differs.get_or_insert_with(what);
        }
    }
}

/// Short text of a step.
fn describe(step: &Step) -> String {
    let fuel = step.fuel;
    match &step.pause {
        Pause::Write { device, offset, data } => {
            let (device, digest) = (device.index(), Digest::of(data));
            format!(
                "a write of {} bytes ({digest}) at {offset} to device {device}, {fuel} fuel",
                data.len()
            )
        }
        pause => format!("{pause:?}, {fuel} fuel"),
    }
}
