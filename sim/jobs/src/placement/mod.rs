//! Where a job runs: the policies, each in a file of its own, behind one trait.
//!
//! A policy is a pure function of what a proxy can know of a session ([`PlacementView`]). It sends nothing, remembers nothing and draws only from
//! the view's own stream, so the same view always leads to the same decision. To add one, write its file, name it below and in
//! [`ALL`]: scenarios, command line and results then know it by its name.
//!
//! Leaves out doing what was decided: that is [`super::service`]'s.

mod as_asked;
mod at_proxy;
mod cost;
mod download;
mod hedged;
mod on_storage;
mod random;
#[cfg(test)]
mod tests;
mod two_choices;
mod view;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub use self::view::{
    ClusterRates, LinkRates, MachineRates, NodeLoad, ObservedDelays, ObservedTotals, PlacementView,
    ReplicaView, ReportedLoad, WorkerView,
};
use stayput_host::config::{ClusterConfig, MachineConfig, NetworkConfig};
use stayput_store::swift::ReplicaTarget;

/// A rule that says where a session runs.
pub trait PlacementPolicy: fmt::Debug + Sync {
    /// As scenarios and results name it.
    fn name(&self) -> &'static str;

    /// Where it shall run, and why. Must give some candidate if the view has any that the rule may choose.
    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision;

    /// Every reason that it may give.
    fn reasons(&self) -> &'static [PlacementReason];

    /// Whom clients post jobs to.
    fn door(&self) -> EntryPoint {
        EntryPoint::Proxies
    }

    /// Whether it has no use without workers.
    fn needs_workers(&self) -> bool {
        false
    }

    /// Whether nodes shall say in their answers how much they have to do: that costs bytes.
    fn asks_for_load(&self) -> bool {
        false
    }

    /// Whether answers say place and reason in a header of their own. Those of the two policies that came first do not: what they
    /// move was published before there was such a header, and the other headers tell as much.
    fn is_told(&self) -> bool {
        true
    }
}

/// The policies, as the documents order them.
pub static ALL: [&(dyn PlacementPolicy + 'static); 7] = [
    &on_storage::OnStorage,
    &download::Download,
    &at_proxy::AtProxy,
    &random::Random,
    &two_choices::TwoChoices,
    &hedged::Hedged,
    &cost::Cost,
];

/// Goes where the client asks it to: no rule of its own, and so not on the list.
pub static AS_ASKED: &(dyn PlacementPolicy + 'static) = &as_asked::AsAsked;

/// The policy of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn PlacementPolicy> {
    ALL.into_iter().find(|policy| policy.name() == name)
}

/// Whom clients post jobs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// The proxies, which place them.
    Proxies,
    /// The workers themselves.
    Workers,
}

/// Where a session can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobPlace {
    /// On a storage node, near the objects on that device.
    Node(ReplicaTarget),
    /// On the proxy that decides.
    Proxy,
    /// On the worker that takes jobs at this address.
    Worker(SocketAddr),
}

impl JobPlace {
    /// The kind of place, as answers and results name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Node(_) => "node",
            Self::Proxy => "proxy",
            Self::Worker(_) => "worker",
        }
    }
}

/// Why a place was chosen: one of the policy's own reasons, by the name that results count it under.
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

/// What a policy says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementDecision {
    /// Where it may run, best first; each is tried in turn.
    pub candidates: Vec<JobPlace>,
    /// After so long without an answer of the first node, a second one gets the session as well, and the first to end it wins.
    pub hedge: Option<Duration>,
    /// Why.
    pub reason: PlacementReason,
}

impl PlacementDecision {
    /// These, in this order, without a second copy.
    pub(super) fn new(candidates: Vec<JobPlace>, reason: impl Into<PlacementReason>) -> Self {
        Self { candidates, hedge: None, reason: reason.into() }
    }
}

/// Replicas as places.
pub(super) fn nodes<'a>(replicas: impl IntoIterator<Item = &'a ReplicaView>) -> Vec<JobPlace> {
    replicas.into_iter().map(|replica| JobPlace::Node(replica.target.clone())).collect()
}

/// What a cluster's proxies place jobs by.
#[derive(Clone, Debug)]
pub struct PlacementConfig {
    /// The rule.
    pub policy: &'static dyn PlacementPolicy,
    /// The network, as far as rules reckon with it.
    pub network: NetworkConfig,
}

impl Default for PlacementConfig {
    /// ZeroCloud's rule, which asks nothing of the network.
    fn default() -> Self {
        Self { policy: &on_storage::OnStorage, network: NetworkConfig::uniform(Duration::ZERO) }
    }
}

impl PlacementConfig {
    /// What the proxies know of the cluster's machines and links.
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
