//! What sessions did, kept so that the same session need not be interpreted again.
//!
//! A session is a function of its [`SessionSpec`](crate::session::SessionSpec) and of the answers that its driver gives it. So what
//! is kept is a tree for each spec: from each step the way goes on, by what the driver answered, to what the next step gave and
//! the fuel that it took. Who drives a [`MemoSession`] along a known way gets the same pauses without an interpreter. At the first
//! answer that nobody gave there before (other bytes, a part of another length, a fault, another time) the real session is made, led to
//! where it stands, and goes on for itself; what it does is kept as another branch. Bytes that were provided are known by their SHA-256.
//!
//! Some sessions, drawn by their specs and numbers, are computed although they are known, and compared step by step: see [`MemoResult`].
//! Leaves out keeping anything on a disk, and who drives sessions.

mod key;
mod session;
mod tape;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::{Digest, Digester};

pub use self::session::{MemoResult, MemoSession};
use self::tape::{Place, Step, Tape, Way};

/// What a memo keeps when nobody says otherwise: about so many bytes.
pub const KEPT_BYTES_MAX: usize = 512 << 20;
/// Of so many sessions that are known about one is computed all the same, and compared with what is kept.
pub const AUDITED_ONE_IN: u64 = 64;

/// What sessions did. Clones share it, also across threads: what it gives is the same whoever computed it first.
#[derive(Clone, Debug)]
pub struct Memo(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept_bytes_max: usize,
    audited_one_in: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tapes: BTreeMap<Digest, Tape>,
    /// The specs, the one that came first in front.
    order: VecDeque<Digest>,
    bytes: usize,
    tapes_made: u64,
    /// Sessions that were known when they began.
    asked: u64,
}

/// How a session begins.
enum Begin {
    /// It is the first of its kind.
    Compute,
    /// It goes where others went.
    Follow,
    /// It is computed, to see whether it does what others did.
    Audit,
}

/// Draws one of `one_in`, for a session of this spec: which ones depends on nothing but how many there were before.
fn is_drawn(spec: &Digest, number: u64, one_in: u64) -> bool {
    let mut digester = Digester::default();
    digester.part(spec.as_bytes());
    digester.number(number);
    let [a, b, c, d, e, f, g, h, ..] = *digester.digest().as_bytes();
    one_in > 0 && u64::from_le_bytes([a, b, c, d, e, f, g, h]).is_multiple_of(one_in)
}

impl Memo {
    /// An empty one that keeps about `kept_bytes_max` bytes. When that is reached, the tree that came first goes. Of `audited_one_in`
    /// sessions that are known about one is computed all the same, none if that is zero.
    #[must_use]
    pub fn new(kept_bytes_max: usize, audited_one_in: u64) -> Self {
        Self(Arc::new(Shared { kept_bytes_max, audited_one_in, kept: Mutex::default() }))
    }

    /// Bytes that are kept, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.with(|kept| kept.bytes)
    }

    /// Changes all that is kept, so that somebody can see whether that is found out.
    pub fn spoil(&self) {
        self.with(|kept| kept.tapes.values_mut().for_each(Tape::spoil));
    }

    /// The beginning of the spec's tree, and what to do with it. What is kept for it is new if nobody asked before.
    fn begin(&self, spec: Digest) -> (Place, Begin) {
        let audited_one_in = self.0.audited_one_in;
        self.with(|kept| {
            if let Some(tape) = kept.tapes.get(&spec) {
                kept.asked += 1;
                let begin = match is_drawn(&spec, kept.asked, audited_one_in) {
                    true => Begin::Audit,
                    false => Begin::Follow,
                };
                return (Place::beginning(spec, tape.number()), begin);
            }
            kept.tapes_made += 1;
            let tape = Tape::new(kept.tapes_made);
            kept.bytes += tape.bytes();
            kept.tapes.insert(spec, tape);
            kept.order.push_back(spec);
            (Place::beginning(spec, kept.tapes_made), Begin::Compute)
        })
    }

    /// Where `way` leads to from a place, if somebody went there before, and what that step gave.
    fn look(&self, from: &Place, way: &Way) -> Option<(Place, Step)> {
        self.with(|kept| kept.tape(from)?.look(from, way))
    }

    /// Keeps that `way` leads from a place to `step`; says where that is, and what was there before if it was another.
    fn keep(&self, from: &Place, way: &Way, step: &Step) -> (Option<Place>, Option<Step>) {
        let kept_bytes_max = self.0.kept_bytes_max;
        self.with(|kept| {
            let Some(tape) = kept.tape(from) else { return (None, None) };
            if let Some((place, known)) = tape.look(from, way) {
                return (Some(place), (known != *step).then_some(known));
            }
            let (place, bytes) = tape.add(from, way.clone(), step.clone());
            kept.bytes += bytes;
            kept.shrink(kept_bytes_max);
            (Some(place), None)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.0.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    /// Lets trees go, the one that came first in front, until no more than so much is kept.
    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max
            && let Some(oldest) = self.order.pop_front()
            && let Some(gone) = self.tapes.remove(&oldest)
        {
            self.bytes -= gone.bytes();
        }
    }

    /// The tree of a place, if it has not gone.
    fn tape(&mut self, of: &Place) -> Option<&mut Tape> {
        self.tapes.get_mut(&of.spec).filter(|tape| tape.number() == of.tape)
    }
}
