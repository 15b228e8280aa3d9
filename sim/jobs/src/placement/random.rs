//! `random`: on a replica that is drawn, all alike; the others follow in an order that is drawn as
//! well.
//!
//! The baseline of what is known about spreading load: it asks nobody anything. So it also draws
//! replicas that do not answer.

use rand::seq::SliceRandom;

use super::{PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, nodes};

/// The policy `random`.
#[derive(Debug)]
pub(super) struct Random;

/// Of several replicas one was drawn.
const DRAWN: PlacementReason = PlacementReason::new("drawn");
/// There is but one.
const ONLY_ONE: PlacementReason = PlacementReason::new("only-one");
/// There is no object to be near to: of the nodes that will do, one was drawn.
const NO_OBJECT: PlacementReason = PlacementReason::new("no-object");

impl PlacementPolicy for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let mut candidates = nodes(view.nodes());
        candidates.shuffle(&mut view.draw.clone());
        let reason = match view.replicas.len() {
            0 => NO_OBJECT,
            1 => ONLY_ONE,
            _ => DRAWN,
        };
        PlacementDecision::new(candidates, reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[DRAWN, ONLY_ONE, NO_OBJECT]
    }
}
