//! `on-storage`, ZeroCloud's rule: near the object that the session is attached to, on the first replica that answered.
//!
//! Without an object any node will do, in the order of the ring. Leaves out load: a node without room says so, and the next is tried.

use super::{Decision, Policy, Reason, View, nodes};

/// The rule.
#[derive(Debug)]
pub(super) struct OnStorage;

/// The object has a holder.
const REPLICA: Reason = Reason::new("replica");
/// There is no object to be near to.
const NO_OBJECT: Reason = Reason::new("no-object");

impl Policy for OnStorage {
    fn name(&self) -> &'static str {
        "on-storage"
    }

    fn decide(&self, view: &View<'_>) -> Decision {
        let reason = if view.replicas.is_empty() { NO_OBJECT } else { REPLICA };
        Decision::new(nodes(view.nodes()), reason)
    }

    fn reasons(&self) -> &'static [Reason] {
        &[REPLICA, NO_OBJECT]
    }

    fn is_told(&self) -> bool {
        false
    }
}
