//! `as-asked`: on the place that the client names in `X-Stayput-Place`: `node:2` is the second of
//! the nodes that may run it, `proxy` the proxy, `worker` a worker.
//!
//! For whoever wants to try every place, such as the search for the best one. If it says nothing or
//! what there is not, the job goes where `on-storage` would have it. Leaves out several sessions:
//! all go to the node of that rank among their own.

use super::{
    PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, SessionPlace, nodes,
};

/// The policy `as-asked`, which no scenario names.
#[derive(Debug)]
pub struct AsAsked;

/// The client said so.
const ASKED: PlacementReason = PlacementReason::new("asked");
/// The client said nothing, or named what there is not.
const NOT_ASKED: PlacementReason = PlacementReason::new("not-asked");

impl PlacementPolicy for AsAsked {
    fn name(&self) -> &'static str {
        "as-asked"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let mut candidates = nodes(view.nodes());
        let workers = view.workers.iter().map(|worker| SessionPlace::Worker(worker.address));
        let asked: Vec<SessionPlace> =
            match view.asked.map(|asked| asked.split_once(':').unwrap_or((asked, ""))) {
                Some(("proxy", "")) => vec![SessionPlace::Proxy],
                Some(("worker", "")) => workers.collect(),
                Some(("node", rank)) => {
                    let rank = rank.parse::<usize>().ok().and_then(|rank| rank.checked_sub(1));
                    match rank.filter(|rank| *rank < candidates.len()) {
                        Some(rank) => vec![candidates.remove(rank)],
                        None => Vec::new(),
                    }
                }
                _ => Vec::new(),
            };
        let reason = if asked.is_empty() { NOT_ASKED } else { ASKED };
        PlacementDecision::new([asked, candidates].concat(), reason)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[ASKED, NOT_ASKED]
    }
}
