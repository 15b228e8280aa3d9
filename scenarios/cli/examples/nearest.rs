//! A placement policy of its own: a session runs on the replica to which the network takes the
//! least time. This is a whole `stayput` command, which knows the policy beside the built-in ones:
//!
//! ```text
//! cargo run --release --example nearest -- run scenarios/banana.toml --policy nearest
//! ```
//!
//! Leaves out load: a near node that is busy is preferred to an idle one further away.

use std::process::ExitCode;

use stayput_jobs::placement::{
    PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, PolicyRegistry,
    SessionPlace,
};
use stayput_results::export::EXPORTERS;

/// The policy `nearest`.
#[derive(Debug)]
pub(crate) struct Nearest;

/// A node that holds the session's object, and none is nearer.
const NEAREST: PlacementReason = PlacementReason::new("nearest");
/// There is no object to be near to: of the nodes that will do, none is nearer.
const NO_OBJECT: PlacementReason = PlacementReason::new("no-object");

impl PlacementPolicy for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let mut nodes = view.nodes().to_vec();
        // A stable sort: of nodes that are as near, the one that answered first comes first.
        nodes.sort_by_key(|replica| replica.latency);
        let candidates = nodes.into_iter().map(|replica| SessionPlace::Node(replica.target));
        let reason = if view.replicas.is_empty() { NO_OBJECT } else { NEAREST };
        PlacementDecision { candidates: candidates.collect(), hedge: None, reason }
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[NEAREST, NO_OBJECT]
    }
}

fn main() -> ExitCode {
    stayput::commands::main(&PolicyRegistry::built_in().with(&Nearest), EXPORTERS)
}
