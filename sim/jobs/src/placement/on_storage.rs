//! `on-storage`, ZeroCloud's rule: near the object that the session is attached to, on the first replica that answered.
//!
//! Without an object any node will do, in the order of the ring. Leaves out load: a node without room says so, and the next is tried.

use super::{PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, nodes};

/// The rule.
#[derive(Debug)]
pub(super) struct OnStorage;

/// The object has a holder.
const REPLICA: PlacementReason = PlacementReason::new("replica");
/// There is no object to be near to.
const NO_OBJECT: PlacementReason = PlacementReason::new("no-object");

impl PlacementPolicy for OnStorage {
    fn name(&self) -> &'static str {
        "on-storage"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let reason = if view.replicas.is_empty() { NO_OBJECT } else { REPLICA };
        PlacementDecision::new(nodes(view.nodes()), reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[REPLICA, NO_OBJECT]
    }

    fn is_told(&self) -> bool {
        false
    }
}
