//! Tree of one spec: steps, and the driver's inputs between them.
//!
//! Leaves out limits, which the memo keeps.

use std::mem::size_of;

use crate::device::DeviceFault;
use crate::digest::Digest;
use crate::session::Pause;

/// Position in a tree of a memo, which may have been dropped.
#[derive(Clone, Debug)]
pub(super) struct TreePosition {
    pub(super) spec: Digest,
    /// Number of the tree: a spec has another tree after its first was dropped.
    pub(super) tree: u64,
    /// Index of the step; `None` before the first.
    step: Option<usize>,
}

impl TreePosition {
    pub(super) const fn beginning(spec: Digest, tree: u64) -> Self {
        Self { spec, tree, step: None }
    }
}

/// Driver's input from one pause to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DriverInput {
    pub(super) answer: Answer,
    pub(super) now_unix_ns: u64,
    pub(super) fuel_slice: u64,
}

/// Answer to a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// None; the driver only steps again.
    None,
    /// Bytes of this digest.
    Data(Digest),
    /// Failure of the read or the write.
    Fault(DeviceFault),
    /// Acceptance of a write.
    Taken,
}

/// Result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Fuel used up to here.
    pub(super) fuel: u64,
    pub(super) pause: Pause,
}

impl Step {
    /// Memory that it takes, in bytes, about.
    fn bytes(&self) -> usize {
        let held = match &self.pause {
            Pause::Write { data, .. } => data.len(),
            Pause::Ended(outcome) => {
                outcome.accounting.devices.len() * size_of::<crate::outcome::DeviceAccount>()
            }
            Pause::SliceUsed | Pause::Read { .. } | Pause::Sleep { .. } => 0,
        };
        size_of::<Node>() + held
    }
}

/// Step, and the inputs that lead on from it.
#[derive(Debug)]
struct Node {
    step: Step,
    next: Vec<(DriverInput, usize)>,
}

/// Tree of a spec.
#[derive(Debug)]
pub(super) struct StepTree {
    number: u64,
    first: Vec<(DriverInput, usize)>,
    nodes: Vec<Node>,
    bytes: usize,
}

impl StepTree {
    pub(super) const fn new(number: u64) -> Self {
        let bytes = size_of::<Self>() + size_of::<(Digest, Digest)>();
        Self { number, first: Vec::new(), nodes: Vec::new(), bytes }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn lookup(
        &self,
        from: &TreePosition,
        input: &DriverInput,
    ) -> Option<(TreePosition, Step)> {
        let inputs = from.step.map_or(&self.first, |step| &self.nodes[step].next);
        let (_, to) = inputs.iter().find(|(known, _)| known == input)?;
        let place = TreePosition { step: Some(*to), ..from.clone() };
        Some((place, self.nodes[*to].step.clone()))
    }

    /// Adds a step; returns its position and its bytes, about.
    pub(super) fn add(
        &mut self,
        from: &TreePosition,
        input: DriverInput,
        step: Step,
    ) -> (TreePosition, usize) {
        let to = self.nodes.len();
        let bytes = step.bytes() + size_of::<(DriverInput, usize)>();
        self.nodes.push(Node { step, next: Vec::new() });
        match from.step {
            Some(step) => self.nodes[step].next.push((input, to)),
            None => self.first.push((input, to)),
        }
        self.bytes += bytes;
        (TreePosition { step: Some(to), ..from.clone() }, bytes)
    }

    /// See [`super::Memo::corrupt`].
    pub(super) fn corrupt(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.step.fuel += 1);
    }
}
