//! Placement policies: where a session of a job runs, and by which reason.
//!
//! A policy is a pure function of what a proxy can know of a session ([`PlacementView`]). It sends
//! nothing, remembers nothing and draws only from the view's own stream, so the same view always
//! leads to the same decision. A built-in policy is a file of this folder and a line of
//! [`PolicyRegistry::built_in`]; a policy of another crate is added with [`PolicyRegistry::with`].
//! Scenarios, command line and results then know it by its name.
//!
//! `tests/kit/example` is a crate with a policy of its own and the command that knows it.
//!
//! Leaves out acting on a decision: that is [`crate::proxy`]'s.

mod as_asked;
mod at_proxy;
mod cost;
mod download;
mod hedged;
mod on_storage;
mod random;
mod registry;
mod two_choices;
mod view;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use stayput_host::config::{ClusterConfig, MachineConfig, NetworkConfig};
use stayput_store::swift::ReplicaTarget;

pub use self::as_asked::AsAsked;
pub use self::download::Download;
pub use self::on_storage::OnStorage;
pub use self::registry::PolicyRegistry;
pub use self::view::{
    ClusterRates, LinkRates, MachineRates, NodeLoad, ObservedDelays, ObservedTotals, PlacementView,
    ReplicaView, ReportedLoad, WorkerView,
};

/// A rule by which a proxy chooses where each session runs.
pub trait PlacementPolicy: fmt::Debug + Sync {
    /// Name in scenarios, results and the header `X-Nexe-Policy`: lower-case words and hyphens.
    fn name(&self) -> &'static str;

    /// Candidate places of a session, and the reason. There must be one if the view has any place
    /// that the rule may choose.
    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision;

    /// Every reason that [`PlacementPolicy::decide`] may give.
    fn reasons(&self) -> &'static [PlacementReason];

    /// Hosts that clients post jobs to.
    fn entry_point(&self) -> EntryPoint {
        EntryPoint::Proxies
    }

    /// True if the policy has no use in a cluster without workers.
    fn needs_workers(&self) -> bool {
        false
    }

    /// True if nodes are to report their load with each session, which costs bytes.
    fn asks_for_load(&self) -> bool {
        false
    }

    /// True if answers carry place and reason in `X-Stayput-Placed`. Those of the first two
    /// policies do not: the bytes that they move were published before there was such a header, and
    /// other headers imply as much.
    fn reports_placement(&self) -> bool {
        true
    }
}

/// Hosts that clients post jobs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// The proxies, which place them.
    Proxies,
    /// The workers themselves.
    Workers,
}

/// A place where a session can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionPlace {
    /// A storage node, near the objects on that device.
    Node(ReplicaTarget),
    /// The proxy that decides.
    Proxy,
    /// The worker that takes jobs at this address.
    Worker(SocketAddr),
}

impl SessionPlace {
    /// Name of a node, as of [`SessionPlace::name`].
    pub const NODE: &'static str = "node";
    /// Name of a proxy.
    pub const PROXY: &'static str = "proxy";
    /// Name of a worker.
    pub const WORKER: &'static str = "worker";

    /// Kind of the place, as answers and results name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Node(_) => Self::NODE,
            Self::Proxy => Self::PROXY,
            Self::Worker(_) => Self::WORKER,
        }
    }
}

/// Reason of a placement: one of the policy's own, by the name that results count it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlacementReason(&'static str);

impl PlacementReason {
    /// The reason of that name: lower-case words joined by hyphens.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Places of a session in the order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementDecision {
    /// Candidates, best first; each is tried in turn.
    pub candidates: Vec<SessionPlace>,
    /// Delay without an answer of the first node after which a second one gets the session as well;
    /// the first to end it wins.
    pub hedge: Option<Duration>,
    /// Reason of the choice.
    pub reason: PlacementReason,
}

impl PlacementDecision {
    /// A decision for these candidates, in this order, without a second copy.
    pub(super) fn new(candidates: Vec<SessionPlace>, reason: PlacementReason) -> Self {
        Self { candidates, hedge: None, reason }
    }
}

/// Replicas as places.
pub(super) fn nodes<'a>(replicas: impl IntoIterator<Item = &'a ReplicaView>) -> Vec<SessionPlace> {
    replicas.into_iter().map(|replica| SessionPlace::Node(replica.target.clone())).collect()
}

/// Policy and network that a cluster's proxies place jobs by.
#[derive(Clone, Debug)]
pub struct PlacementConfig {
    /// The policy.
    pub policy: &'static dyn PlacementPolicy,
    /// The network, as far as policies reckon with it.
    pub network: NetworkConfig,
}

impl Default for PlacementConfig {
    /// `on-storage`, ZeroCloud's rule, in a network without latencies.
    fn default() -> Self {
        Self { policy: &OnStorage, network: NetworkConfig::uniform(Duration::ZERO) }
    }
}

impl PlacementConfig {
    /// Rates of the cluster's machines and links, as its proxies know them.
    #[must_use]
    pub fn rates(
        &self,
        counts: &ClusterConfig,
        node: &MachineConfig,
        worker: &MachineConfig,
    ) -> ClusterRates {
        let link = match counts.workers_zone {
            Some(_) => &self.network.cross_zone,
            None => &self.network.worker,
        };
        let near = &self.network.cross_zone;
        ClusterRates {
            node: MachineRates::of(node),
            worker: MachineRates::of(worker),
            to_nodes: LinkRates { latency: near.latency, trunk: near.trunk },
            to_workers: LinkRates { latency: link.latency, trunk: link.trunk },
            proxies: counts.proxies,
        }
    }
}
