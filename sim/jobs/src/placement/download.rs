//! `download`: on a worker outside the store, which fetches module and input; what everybody does who has no choice.
//!
//! Clients post to the workers themselves. A job that is posted to a proxy all the same is forwarded. Leaves out load: each proxy
//! begins with a worker of its own.

use super::{Decision, Door, Place, Policy, Reason, View};

/// The rule.
#[derive(Debug)]
pub(super) struct Download;

/// There is nowhere else.
const WORKER: Reason = Reason::new("worker");

impl Policy for Download {
    fn name(&self) -> &'static str {
        "download"
    }

    fn decide(&self, view: &View<'_>) -> Decision {
        let workers = view.workers.iter().map(|worker| Place::Worker(worker.address));
        Decision::new(workers.collect(), WORKER)
    }

    fn reasons(&self) -> &'static [Reason] {
        &[WORKER]
    }

    fn door(&self) -> Door {
        Door::Workers
    }

    fn needs_workers(&self) -> bool {
        true
    }

    fn is_told(&self) -> bool {
        false
    }
}
