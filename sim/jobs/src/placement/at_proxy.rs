//! `proxy`: on the proxy that the job was posted to, which fetches module and input from the nodes
//! to itself.
//!
//! As in object stores whose gateway runs the user's code, such as middleware in Swift's proxy
//! (Storlets' `X-Storlet-Run-On-Proxy`). Leaves out other proxies: one without room says so, and
//! the client asks the next.

use super::{PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, SessionPlace};

/// The policy `proxy`.
#[derive(Debug)]
pub(super) struct AtProxy;

/// There is nothing to choose.
const AT_PROXY: PlacementReason = PlacementReason::new("at-proxy");

impl PlacementPolicy for AtProxy {
    fn name(&self) -> &'static str {
        "proxy"
    }

    fn decide(&self, _view: &PlacementView<'_>) -> PlacementDecision {
        PlacementDecision::new(vec![SessionPlace::Proxy], AT_PROXY)
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[AT_PROXY]
    }
}
