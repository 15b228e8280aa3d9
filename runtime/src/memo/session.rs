//! A session that is computed only as far as nobody has computed it before.

use bytes::Bytes;

use super::key;
use super::tape::{Answer, Place, Step, Way};
use super::{Begin, Memo};
use crate::device::DeviceFault;
use crate::digest::Digest;
use crate::outcome::Accounting;
use crate::session::{Pause, Session, SessionSpec};

/// How a session was come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoResult {
    /// It was computed, as the first of its kind or for want of a memo.
    Computed,
    /// It was known from its begin to where it stands.
    Replayed,
    /// It was known, and computed all the same: it did the same.
    Audited,
    /// It was known, and when it was computed it did something else: what is kept, or the claim that sessions do the same again, is wrong.
    Diverged {
        /// What was kept, and what the session did.
        what: String,
    },
}

/// A [`Session`], or what is known of it. It is driven in the same way and gives the same.
pub struct MemoSession {
    memo: Option<Memo>,
    /// Where it stands in the memo; `None` if that keeps nothing of it any more.
    place: Option<Place>,
    state: State,
    /// What was answered to the last pause.
    answer: (Answer, Given),
    fuel: u64,
    was_known: bool,
    differs: Option<String>,
}

enum State {
    /// As somebody did before it: with what its own driver did so far, should it have to begin by itself.
    Known { spec: Box<SessionSpec>, done: Vec<Done> },
    /// For itself.
    Computed(Box<Session>),
}

/// A step that was known, and how its driver came there.
struct Done {
    given: Given,
    way: Way,
}

/// What a driver gave a session.
#[derive(Clone, Debug)]
enum Given {
    Nothing,
    Read(Result<Bytes, DeviceFault>),
    Write(Result<(), DeviceFault>),
}

impl Given {
    fn hand_to(self, session: &mut Session) {
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
            let state = State::Computed(Box::new(Session::new(spec)));
            return Self::of(None, None, state, false);
        };
        let digest = key::of(&spec);
        let (place, begin) = memo.begin(digest);
        let (state, was_known) = match begin {
            Begin::Follow => (State::Known { spec: Box::new(spec), done: Vec::new() }, true),
            Begin::Audit => (State::Computed(Box::new(Session::new(spec))), true),
            Begin::Compute => (State::Computed(Box::new(Session::new(spec))), false),
        };
        Self::of(Some(memo.clone()), Some(place), state, was_known)
    }

    fn of(memo: Option<Memo>, place: Option<Place>, state: State, was_known: bool) -> Self {
        let answer = (Answer::None, Given::Nothing);
        Self { memo, place, state, answer, fuel: 0, was_known, differs: None }
    }

    /// See [`Session::step`].
    pub fn step(&mut self, now_unix_ns: u64, fuel_slice: u64) -> Pause {
        let (answer, given) = std::mem::replace(&mut self.answer, (Answer::None, Given::Nothing));
        let way = Way { answer, now_unix_ns, fuel_slice };
        if let State::Known { done, .. } = &mut self.state {
            let found = match (&self.memo, &self.place) {
                (Some(memo), Some(place)) => memo.look(place, &way),
                _ => None,
            };
            if let Some((place, step)) = found {
                done.push(Done { given, way });
                (self.place, self.fuel) = (Some(place), step.fuel);
                return step.pause;
            }
            self.was_known = false;
        }
        let session = self.compute();
        given.hand_to(session);
        let pause = session.step(now_unix_ns, fuel_slice);
        let step = Step { fuel: session.fuel_used(), pause };
        self.fuel = step.fuel;
        self.keep(&way, &step);
        step.pause
    }

    /// See [`Session::provide_read`].
    ///
    /// # Panics
    /// As that does, at the latest at the next step.
    pub fn provide_read(&mut self, data: Result<Bytes, DeviceFault>) {
        if self.memo.is_none() {
            self.answer.1 = Given::Read(data);
            return;
        }
        let answer = match &data {
            Ok(data) => Answer::Data(Digest::of(data)),
            Err(fault) => Answer::Fault(fault.clone()),
        };
        self.answer = (answer, Given::Read(data));
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
        self.answer = (answer, Given::Write(result));
    }

    /// The fuel used up to the last pause.
    #[must_use]
    pub const fn fuel_used(&self) -> u64 {
        self.fuel
    }

    /// What it has used and moved when it is given up now: what was answered last counts.
    pub fn give_up(&mut self) -> (u64, Accounting) {
        let (_, given) = std::mem::replace(&mut self.answer, (Answer::None, Given::Nothing));
        let session = self.compute();
        given.hand_to(session);
        (session.fuel_used(), session.accounting())
    }

    /// How what it did so far was come by.
    #[must_use]
    pub fn memo_result(&self) -> MemoResult {
        match (&self.differs, &self.state, self.was_known) {
            (Some(what), _, _) => MemoResult::Diverged { what: what.clone() },
            (None, State::Known { .. }, _) => MemoResult::Replayed,
            (None, State::Computed(_), true) => MemoResult::Audited,
            (None, State::Computed(_), false) => MemoResult::Computed,
        }
    }

    /// The session itself, led to where it stands.
    fn compute(&mut self) -> &mut Session {
        if let State::Known { spec, done } = &mut self.state {
            let (mut session, done) = (Session::new((**spec).clone()), std::mem::take(done));
            for Done { given, way } in done {
                given.hand_to(&mut session);
                let _known = session.step(way.now_unix_ns, way.fuel_slice);
            }
            let fuel = session.fuel_used();
            if fuel != self.fuel {
                self.differs.get_or_insert(format!("{} fuel was kept, {fuel} used", self.fuel));
            }
            self.state = State::Computed(Box::new(session));
        }
        match &mut self.state {
            State::Computed(session) => session,
            State::Known { .. } => unreachable!("it was replaced just now"),
        }
    }

    fn keep(&mut self, way: &Way, step: &Step) {
        let (Some(memo), Some(place)) = (&self.memo, &self.place) else {
            // Nothing to compare with: it is like any that was computed.
            self.was_known = false;
            return;
        };
        let before = memo.look(place, way).is_some();
        self.was_known &= before;
        let (place, other) = memo.keep(place, way, step);
        self.place = place;
        if let Some(other) = other {
            let what = || format!("{} was kept, and it did {}", shown(&other), shown(step));
            self.differs.get_or_insert_with(what);
        }
    }
}

/// A step in few words.
fn shown(step: &Step) -> String {
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
