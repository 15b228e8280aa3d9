//! Where things belong, as a proxy asks a ring.
//!
//! Leaves out how a ring comes to its answer, and its versions.

pub(super) use crate::swift::Target;
use crate::swift::{Path, Placement};

/// A device and whether it is one of those that the ring gives the partition to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) target: Target,
    pub(super) primary: bool,
}

/// The devices that may hold something: what is read from them all is what was written to any of them.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    pub(super) partition: u32,
    pub(super) primaries: Vec<Target>,
    pub(super) handoffs: Vec<Target>,
}

impl Nodes {
    /// As many handoffs as there are primaries: Swift's `request_node_count = 2 * replicas`.
    pub(super) fn of(ring: &dyn Placement, path: &Path) -> Self {
        let partition = ring.partition(path);
        let primaries = ring.primaries(partition);
        let handoffs = ring.handoffs(partition, primaries.len());
        Self { partition, primaries, handoffs }
    }

    /// The primaries beginning with the one numbered `first`, then the handoffs.
    pub(super) fn candidates(&self, first: usize) -> Vec<Candidate> {
        let mut primaries = self.primaries.clone();
        if !primaries.is_empty() {
            let first = first % primaries.len();
            primaries.rotate_left(first);
        }
        let candidate = |primary| move |target| Candidate { target, primary };
        let handoffs = self.handoffs.iter().cloned().map(candidate(false));
        primaries.into_iter().map(candidate(true)).chain(handoffs).collect()
    }
}
