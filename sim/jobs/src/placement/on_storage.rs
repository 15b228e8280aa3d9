//! `on-storage`, ZeroCloud's rule: near the object that the session is attached to, on the first
//! replica that answered.
//!
//! Without an object any node will do, in the order of the ring. Leaves out load: a node without
//! room says so, and the next is tried.

use super::{PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, nodes};

/// The policy `on-storage`.
#[derive(Debug)]
pub struct OnStorage;

impl OnStorage {
    /// Reason: the object has a holder.
    pub const REPLICA: PlacementReason = PlacementReason::new("replica");
    /// Reason: there is no object to be near to.
    pub const NO_OBJECT: PlacementReason = PlacementReason::new("no-object");
}

impl PlacementPolicy for OnStorage {
    fn name(&self) -> &'static str {
        "on-storage"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let reason = if view.replicas.is_empty() { Self::NO_OBJECT } else { Self::REPLICA };
        PlacementDecision::new(nodes(view.nodes()), reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[Self::REPLICA, Self::NO_OBJECT]
    }

    fn reports_placement(&self) -> bool {
        false
    }
}
