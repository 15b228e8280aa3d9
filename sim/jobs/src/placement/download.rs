//! `download`: on a worker outside the store, which fetches module and input; what everybody does
//! who has no choice.
//!
//! Clients post to the workers themselves. A job that is posted to a proxy all the same is
//! forwarded. Leaves out load: each proxy begins with a worker of its own.

use super::{
    EntryPoint, PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, SessionPlace,
};

/// The policy `download`.
#[derive(Debug)]
pub struct Download;

impl Download {
    /// Reason: jobs run on workers and nowhere else.
    pub const WORKER: PlacementReason = PlacementReason::new("worker");
}

impl PlacementPolicy for Download {
    fn name(&self) -> &'static str {
        "download"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let workers = view.workers.iter().map(|worker| SessionPlace::Worker(worker.address));
        PlacementDecision::new(workers.collect(), Self::WORKER)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[Self::WORKER]
    }

    fn entry_point(&self) -> EntryPoint {
        EntryPoint::Workers
    }

    fn needs_workers(&self) -> bool {
        true
    }

    fn reports_placement(&self) -> bool {
        false
    }
}
