//! `hedged`: as `on-storage`, and a second copy on another replica when the first takes longer than
//! 95 of a hundred such sessions took (Dean and Barroso, *The Tail at Scale*, 2013). The first to
//! end wins, the other one is cancelled.
//!
//! While few were seen, the second copy waits for a fixed time. It is the session that is hedged:
//! what comes before it, looking up which version is the newest and fetching the module, is not. A
//! lookup has nothing to hedge: it asks all primaries at once, needs a majority, and asks the
//! handoffs as well if that is late; and the module is fetched first from those that have just
//! answered. So behind a cut, where the lookup is what waits for hosts that are silent, it is no
//! sooner than `on-storage`. Where more than one session of twenty is slow, the percentile is slow
//! as well. Leaves out jobs of several sessions or copies, which have no second one, and a third
//! copy.

use std::time::Duration;

use super::{PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, nodes};

/// The policy `hedged`.
#[derive(Debug)]
pub(super) struct Hedged;

/// Sessions from which a percentile says something: of twenty, one is above the 95th.
const SEEN_MIN: usize = 20;
/// Time that the first copy gets until then.
const FLOOR: Duration = Duration::from_millis(100);

/// A second copy after the 95th percentile.
const P95: PlacementReason = PlacementReason::new("p95");
/// A second copy after the fixed time.
const FEW_SEEN: PlacementReason = PlacementReason::new("few-seen");
/// No second copy: there is one node only, or several sessions.
const ALONE: PlacementReason = PlacementReason::new("alone");

impl PlacementPolicy for Hedged {
    fn name(&self) -> &'static str {
        "hedged"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let candidates = nodes(view.nodes());
        if candidates.len() < 2 || view.executions > 1 {
            return PlacementDecision::new(candidates, ALONE);
        }
        let (after, reason) = match view.delays.seen {
            ..SEEN_MIN => (FLOOR, FEW_SEEN),
            _ => (view.delays.p95, P95),
        };
        PlacementDecision { candidates, hedge: Some(after), reason }
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[P95, FEW_SEEN, ALONE]
    }
}
