//! `download`: on a worker outside the store, which fetches module and input; what everybody does who has no choice.
//!
//! Clients post to the workers themselves. A job that is posted to a proxy all the same is forwarded. Leaves out load: each proxy
//! begins with a worker of its own.

use super::{
    EntryPoint, JobPlace, PlacementDecision, PlacementPolicy, PlacementReason, PlacementView,
};

/// The rule.
#[derive(Debug)]
pub(super) struct Download;

/// There is nowhere else.
const WORKER: PlacementReason = PlacementReason::new("worker");

impl PlacementPolicy for Download {
    fn name(&self) -> &'static str {
        "download"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let workers = view.workers.iter().map(|worker| JobPlace::Worker(worker.address));
        PlacementDecision::new(workers.collect(), WORKER)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[WORKER]
    }

    fn door(&self) -> EntryPoint {
        EntryPoint::Workers
    }

    fn needs_workers(&self) -> bool {
        true
    }

    fn is_told(&self) -> bool {
        false
    }
}
