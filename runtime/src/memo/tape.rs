//! The tree of one spec: steps, and the ways between them.

use std::mem::size_of;

use crate::device::DeviceFault;
use crate::digest::Digest;
use crate::session::Pause;

/// A place in a tree that a memo keeps, or kept.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) spec: Digest,
    /// The tree's number: another tree of the same spec is another one.
    pub(super) tape: u64,
    /// The step; `None` before the first.
    step: Option<usize>,
}

impl Place {
    pub(super) const fn beginning(spec: Digest, tape: u64) -> Self {
        Self { spec, tape, step: None }
    }
}

/// What a driver does to get from one pause to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) answer: Answer,
    pub(super) now_unix_ns: u64,
    pub(super) fuel_slice: u64,
}

/// What it answers to a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing: it only steps again.
    None,
    /// These bytes.
    Data(Digest),
    /// The read or the write failed.
    Fault(DeviceFault),
    /// What was written is taken.
    Taken,
}

/// What a step gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// All fuel that was used up to here.
    pub(super) fuel: u64,
    pub(super) pause: Pause,
}

impl Step {
    /// About what it takes to keep it.
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

/// A step and where it is gone on from there.
#[derive(Debug)]
struct Node {
    step: Step,
    next: Vec<(Way, usize)>,
}

/// The tree of a spec.
#[derive(Debug)]
pub(super) struct Tape {
    number: u64,
    first: Vec<(Way, usize)>,
    nodes: Vec<Node>,
    bytes: usize,
}

impl Tape {
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

    pub(super) fn look(&self, from: &Place, way: &Way) -> Option<(Place, Step)> {
        let ways = from.step.map_or(&self.first, |step| &self.nodes[step].next);
        let (_, to) = ways.iter().find(|(known, _)| known == way)?;
        let place = Place { step: Some(*to), ..from.clone() };
        Some((place, self.nodes[*to].step.clone()))
    }

    /// Adds a step; says where it is, and about how many bytes that takes.
    pub(super) fn add(&mut self, from: &Place, way: Way, step: Step) -> (Place, usize) {
        let to = self.nodes.len();
        let bytes = step.bytes() + size_of::<(Way, usize)>();
        self.nodes.push(Node { step, next: Vec::new() });
        match from.step {
            Some(step) => self.nodes[step].next.push((way, to)),
            None => self.first.push((way, to)),
        }
        self.bytes += bytes;
        (Place { step: Some(to), ..from.clone() }, bytes)
    }

    /// See [`super::Memo::spoil`].
    pub(super) fn spoil(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.step.fuel += 1);
    }
}
