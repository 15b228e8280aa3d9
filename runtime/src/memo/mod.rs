//! Memo of session runs, so that the same session need not be interpreted again.
//!
//! A session is a function of its [`SessionSpec`](crate::session::SessionSpec) and of the answers
//! of its driver. So the memo keeps a tree for each spec: from each step, the driver's input leads
//! to the next step's pause and fuel. A driver of a [`MemoSession`] along known inputs gets the
//! same pauses without an interpreter. At the first new input (other bytes, a part of another
//! length, a fault, another time) the real session is made, led to the same position, and goes on;
//! its steps become another branch. Bytes that were provided are known by their SHA-256.
//!
//! Some repeated sessions, drawn by their specs and numbers, are computed all the same and compared
//! step by step: see [`MemoResult`]. Leaves out storage on a disk, and the drivers of sessions.

mod key;
mod session;
mod step_tree;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::{Digest, Digester};

pub use self::session::{MemoResult, MemoSession};
use self::step_tree::{DriverInput, Step, StepTree, TreePosition};

/// Default size of a memo, in bytes, about.
pub const KEPT_BYTES_MAX: usize = 512 << 20;
/// Default audit rate: about one of so many repeated sessions is computed and compared.
pub const AUDITED_ONE_IN: u64 = 64;

/// Memo of session runs. Clones share it, also across threads; its answers do not depend on which
/// of them computed first.
#[derive(Clone, Debug)]
pub struct Memo(Arc<MemoShared>);

#[derive(Debug)]
struct MemoShared {
    kept_bytes_max: usize,
    audited_one_in: u64,
    state: Mutex<MemoState>,
}

#[derive(Debug, Default)]
struct MemoState {
    trees: BTreeMap<Digest, StepTree>,
    /// Specs in the order of their first sessions.
    order: VecDeque<Digest>,
    bytes: usize,
    trees_made: u64,
    /// Sessions whose spec had a tree when they began.
    repeated: u64,
}

/// Start mode of a session.
enum StartMode {
    /// Computes the first session of its spec.
    Compute,
    /// Replays known steps.
    Replay,
    /// Computes a repeated session, to compare it with the known steps.
    Audit,
}

/// Draws one of `one_in` sessions by their spec and number alone.
fn is_audited(spec: &Digest, number: u64, one_in: u64) -> bool {
    let mut digester = Digester::default();
    digester.part(spec.as_bytes());
    digester.number(number);
    let [a, b, c, d, e, f, g, h, ..] = *digester.digest().as_bytes();
    one_in > 0 && u64::from_le_bytes([a, b, c, d, e, f, g, h]).is_multiple_of(one_in)
}

impl Memo {
    /// Empty memo of about `kept_bytes_max` bytes; beyond that the oldest tree is dropped. About
    /// one of `audited_one_in` repeated sessions is audited, none if that is zero.
    #[must_use]
    pub fn new(kept_bytes_max: usize, audited_one_in: u64) -> Self {
        Self(Arc::new(MemoShared { kept_bytes_max, audited_one_in, state: Mutex::default() }))
    }

    /// Size in bytes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.with(|state| state.bytes)
    }

    /// Corrupts all steps, so that a test can see that audits find it.
    pub fn corrupt(&self) {
        self.with(|state| state.trees.values_mut().for_each(StepTree::corrupt));
    }

    /// Root of the spec's tree, which is made if need be, and the session's start mode.
    fn begin(&self, spec: Digest) -> (TreePosition, StartMode) {
        let audited_one_in = self.0.audited_one_in;
        self.with(|state| {
            if let Some(tree) = state.trees.get(&spec) {
                state.repeated += 1;
                let begin = match is_audited(&spec, state.repeated, audited_one_in) {
                    true => StartMode::Audit,
                    false => StartMode::Replay,
                };
                return (TreePosition::beginning(spec, tree.number()), begin);
            }
            state.trees_made += 1;
            let tree = StepTree::new(state.trees_made);
            state.bytes += tree.bytes();
            state.trees.insert(spec, tree);
            state.order.push_back(spec);
            (TreePosition::beginning(spec, state.trees_made), StartMode::Compute)
        })
    }

    /// Step and position to which `input` leads from a position, if known.
    fn lookup(&self, from: &TreePosition, input: &DriverInput) -> Option<(TreePosition, Step)> {
        self.with(|state| state.tree(from)?.lookup(from, input))
    }

    /// Adds the step to which `input` leads; returns its position, and the known step if that
    /// differs.
    fn keep(
        &self,
        from: &TreePosition,
        input: &DriverInput,
        step: &Step,
    ) -> (Option<TreePosition>, Option<Step>) {
        let kept_bytes_max = self.0.kept_bytes_max;
        self.with(|state| {
            let Some(tree) = state.tree(from) else { return (None, None) };
            if let Some((place, known)) = tree.lookup(from, input) {
                return (Some(place), (known != *step).then_some(known));
            }
            let (place, bytes) = tree.add(from, input.clone(), step.clone());
            state.bytes += bytes;
            state.shrink(kept_bytes_max);
            (Some(place), None)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut MemoState) -> T) -> T {
        act(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoState {
    /// Drops trees, the oldest first, until at most `bytes_max` are kept.
    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max
            && let Some(oldest) = self.order.pop_front()
            && let Some(gone) = self.trees.remove(&oldest)
        {
            self.bytes -= gone.bytes();
        }
    }

    /// Tree of a position, unless it was dropped.
    fn tree(&mut self, of: &TreePosition) -> Option<&mut StepTree> {
        self.trees.get_mut(&of.spec).filter(|tree| tree.number() == of.tree)
    }
}
