//! `proxy`: on the proxy that the job was posted to, which fetches module and input from the nodes to itself.
//!
//! What object stores do whose gateway runs the user's code, such as middleware in Swift's proxy (Storlets' `X-Storlet-Run-On-Proxy`).
//! Leaves out other proxies: one without room says so, and the client asks the next.

use super::{Decision, Place, Policy, Reason, View};

/// The rule.
#[derive(Debug)]
pub(super) struct AtProxy;

/// There is nothing to choose.
const AT_PROXY: Reason = Reason::new("at-proxy");

impl Policy for AtProxy {
    fn name(&self) -> &'static str {
        "proxy"
    }

    fn decide(&self, _view: &View<'_>) -> Decision {
        Decision::new(vec![Place::Proxy], AT_PROXY)
    }

    fn reasons(&self) -> &'static [Reason] {
        &[AT_PROXY]
    }
}
