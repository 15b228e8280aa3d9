//! `two-choices`: draws two replicas and takes the one with less to do (Mitzenmacher, *The Power of
//! Two Choices in Randomized Load Balancing*, 2001).
//!
//! The load of a node is what it reported in its last answer while that is young, and no less than
//! what this proxy sent it. Old news would send everybody to the same node (Mitzenmacher, *How
//! Useful Is Old Information?*, 2000). Leaves out asking before each job.

use rand::seq::SliceRandom;

use super::{
    PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, ReplicaView, nodes,
};

/// The policy `two-choices`.
#[derive(Debug)]
pub(super) struct TwoChoices;

/// The other one had more to do.
const LESS_LOADED: PlacementReason = PlacementReason::new("less-loaded");
/// Both had as much to do: the first that was drawn.
const TIE: PlacementReason = PlacementReason::new("tie");
/// There is but one.
const ONLY_ONE: PlacementReason = PlacementReason::new("only-one");

impl PlacementPolicy for TwoChoices {
    fn name(&self) -> &'static str {
        "two-choices"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let mut order: Vec<&ReplicaView> = view.nodes().iter().collect();
        order.shuffle(&mut view.draw.clone());
        let reason = match order.as_mut_slice() {
            [first, second, ..] => {
                let (one, other) = (first.pending(), second.pending());
                if other < one {
                    std::mem::swap(first, second);
                }
                if one == other { TIE } else { LESS_LOADED }
            }
            _ => ONLY_ONE,
        };
        PlacementDecision::new(nodes(order), reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[LESS_LOADED, TIE, ONLY_ONE]
    }

    fn asks_for_load(&self) -> bool {
        true
    }
}
