//! Storage nodes that a request may go to: the primaries of its partition, then handoffs.
//!
//! Leaves out the ring itself, and the choice among nodes by their speed or load.

use crate::swift::{Path, ReplicaTarget, RingLookup};

/// Device of a candidate node, and its role: primary or handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplicaCandidate {
    pub(super) target: ReplicaTarget,
    pub(super) primary: bool,
}

/// Devices that may hold a replica: reads and writes go to the same set.
#[derive(Clone, Debug)]
pub(super) struct ReplicaNodes {
    pub(super) partition: u32,
    pub(super) primaries: Vec<ReplicaTarget>,
    pub(super) handoffs: Vec<ReplicaTarget>,
}

impl ReplicaNodes {
    /// Primaries of the path's partition and as many handoffs: Swift's `request_node_count = 2 *
    /// replicas`.
    pub(super) fn of(ring: &dyn RingLookup, path: &Path) -> Self {
        let partition = ring.partition(path);
        let primaries = ring.primaries(partition);
        let handoffs = ring.handoffs(partition, primaries.len());
        Self { partition, primaries, handoffs }
    }

    /// Primaries beginning with the one numbered `first`, then the handoffs.
    pub(super) fn candidates(&self, first: usize) -> Vec<ReplicaCandidate> {
        let mut primaries = self.primaries.clone();
        if !primaries.is_empty() {
            let first = first % primaries.len();
            primaries.rotate_left(first);
        }
        let candidate = |primary| move |target| ReplicaCandidate { target, primary };
        let handoffs = self.handoffs.iter().cloned().map(candidate(false));
        primaries.into_iter().map(candidate(true)).chain(handoffs).collect()
    }
}
