//! Views that a placement policy decides over, small and random, and the laws of all policies.
//!
//! Leaves out acting on decisions: whole runs show that, and a campaign
//! ([`crate::random::Campaign`]) judges them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stayput_host::Seed;
use stayput_host::config::{ByteRate, FuelRate};
use stayput_jobs::placement::{
    ClusterRates, EntryPoint, LinkRates, MachineRates, NodeLoad, ObservedDelays, ObservedTotals,
    PlacementDecision, PlacementPolicy, PlacementView, ReplicaView, ReportedLoad, SessionPlace,
    WorkerView,
};
use stayput_store::swift::ReplicaTarget;

const MS: Duration = Duration::from_millis(1);

/// Replica on a node of a zone of its own, both of number `index`, with so many sessions of this
/// proxy there, and the running sessions that it reported, with the report's age in milliseconds.
#[must_use]
pub fn replica(index: u8, outstanding: u32, reported: Option<(u32, u64)>) -> ReplicaView {
    let load = reported.map(|(running, age_ms)| ReportedLoad {
        load: NodeLoad { running, waiting: 0 },
        age: Duration::from_millis(age_ms),
    });
    let ip = IpAddr::V4(Ipv4Addr::new(10, 1, 0, index));
    let target = ReplicaTarget { ip, port: 6200, device: "d1".to_owned() };
    ReplicaView { target, zone: u32::from(index), latency: MS / 2, outstanding, load }
}

/// Worker of number `index` with so many jobs of this proxy.
#[must_use]
pub fn worker(index: u8, outstanding: u32) -> WorkerView {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 3, 0, index)), 8090);
    WorkerView { address, outstanding }
}

/// Rates of nodes and workers of four cores that compute a thousand million units of fuel in a
/// second; the workers share a trunk, unlimited if it has 0 bytes per second.
///
/// # Panics
/// Never: all rates are above zero.
#[must_use]
pub fn rates(trunk_bytes: u64) -> ClusterRates {
    let machine = MachineRates {
        cores: 4,
        fuel: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        disk_read: ByteRate::new(500_000_000).expect("not zero"),
    };
    let link = |trunk| LinkRates { latency: MS / 2, trunk };
    ClusterRates {
        node: machine,
        worker: machine,
        to_nodes: link(None),
        to_workers: link(ByteRate::new(trunk_bytes)),
        proxies: 2,
    }
}

/// View of a session that reads 8 MiB, of which two fuel per byte and next to no output are known,
/// with three idle replicas and two idle workers.
#[must_use]
pub fn view(rates: &ClusterRates) -> PlacementView<'_> {
    PlacementView {
        executions: 1,
        replicas: (1..=3).map(|index| replica(index, 0, None)).collect(),
        elsewhere: (4..=6).map(|index| replica(index, 0, None)).collect(),
        workers: vec![worker(1, 0), worker(2, 0)],
        at_proxy: 0,
        input_bytes: 8 << 20,
        module_bytes: 75_000,
        learned: Some(ObservedTotals {
            sessions: 1,
            input_bytes: 8 << 20,
            output_bytes: 10,
            fuel: 16 << 20,
        }),
        delays: ObservedDelays::default(),
        rates,
        asked: None,
        draw: Seed(1).entropy("placement", b"a job", 0),
    }
}

/// Last number of the address of the node that a decision names first.
///
/// # Panics
/// The decision does not begin with a node of an address of version 4.
#[must_use]
pub fn first_node(decision: &PlacementDecision) -> u8 {
    let Some(SessionPlace::Node(ReplicaTarget { ip: IpAddr::V4(ip), .. })) =
        decision.candidates.first()
    else {
        panic!("{decision:?} begins with a node")
    };
    ip.octets()[3]
}

/// Random facts, owned, over which a view is made.
#[derive(Clone, Debug)]
pub struct DrawnFacts {
    /// Sessions of the job.
    pub executions: usize,
    /// Devices with the session's object.
    pub replicas: Vec<ReplicaView>,
    /// Devices that will do without an object.
    pub elsewhere: Vec<ReplicaView>,
    /// Workers.
    pub workers: Vec<WorkerView>,
    /// Jobs on the proxy.
    pub at_proxy: u32,
    /// Bytes that the session reads.
    pub input_bytes: u64,
    /// Costs of such sessions.
    pub learned: Option<ObservedTotals>,
    /// Number of such sessions whose times are known.
    pub seen: usize,
    /// Rates of the cluster.
    pub rates: ClusterRates,
    /// Place that the client asks for, often none that there is.
    pub asked: Option<String>,
    /// Seed of the decision's own random bits.
    pub seed: u64,
}

impl DrawnFacts {
    /// View of these facts.
    #[must_use]
    pub fn view(&self) -> PlacementView<'_> {
        PlacementView {
            executions: self.executions,
            replicas: self.replicas.clone(),
            elsewhere: self.elsewhere.clone(),
            workers: self.workers.clone(),
            at_proxy: self.at_proxy,
            input_bytes: self.input_bytes,
            learned: self.learned,
            delays: ObservedDelays { seen: self.seen, p50: MS, p95: 9 * MS },
            asked: self.asked.as_deref(),
            draw: Seed(self.seed).entropy("placement", b"", 0),
            ..view(&self.rates)
        }
    }
}

/// Strategy for the facts of views: up to four replicas or none, up to three workers or none, any
/// loads and rates, and inputs from nothing to more than there is.
///
/// ```
/// use proptest::prelude::*;
/// use stayput_testkit::placement::views;
///
/// proptest!(|(facts in views())| {
///     let view = facts.view();
///     prop_assert!(view.replicas.is_empty() || view.nodes() == view.replicas);
/// });
/// ```
pub fn views() -> impl Strategy<Value = DrawnFacts> {
    let input_bytes = prop_oneof![Just(0_u64), 0_u64..1 << 30, Just(u64::MAX)];
    let learned = of((1_u64..9, 0_u64..1 << 40, any::<u64>(), any::<u64>()));
    let asked = of(prop_oneof!["node:[0-9]{0,2}", "proxy|worker|:|", ".{0,8}"]);
    let trunk_bytes = prop_oneof![Just(0_u64), 1_u64..1 << 32];
    let session = (1_usize..4, 0_u32..9, input_bytes, learned, 0_usize..40, asked, any::<u64>());
    (replicas(1, 4), replicas(100, 8), 0_u8..4, trunk_bytes, session).prop_map(
        |(replicas, elsewhere, workers, trunk_bytes, session)| {
            let (executions, at_proxy, input_bytes, learned, seen, asked, seed) = session;
            let learned = learned.map(|(sessions, input_bytes, output_bytes, fuel)| {
                ObservedTotals { sessions, input_bytes, output_bytes, fuel }
            });
            let workers = (0..workers).map(|index| worker(index, u32::from(index) * 7)).collect();
            let rates = rates(trunk_bytes);
            DrawnFacts {
                executions,
                replicas,
                elsewhere,
                workers,
                at_proxy,
                input_bytes,
                learned,
                seen,
                rates,
                asked,
                seed,
            }
        },
    )
}

/// Up to `most` replicas, numbered from `first`.
fn replicas(first: u8, most: usize) -> impl Strategy<Value = Vec<ReplicaView>> {
    let loads = vec((0_u32..40, of((0_u32..40, 0_u64..1_000))), 0..=most);
    loads.prop_map(move |loads| {
        let numbered = (first..).zip(loads);
        numbered.map(|(index, (outstanding, load))| replica(index, outstanding, load)).collect()
    })
}

/// Laws of all policies that a decision breaks, in words: every candidate is a node, a worker or
/// the proxy of the view, and none comes twice; there is one where the policy may choose one; the
/// same view leads to the same decision; the reason is one of those that the policy lists; and a
/// hedge has a node to go to.
#[must_use]
pub fn broken_laws(policy: &dyn PlacementPolicy, view: &PlacementView<'_>) -> Vec<String> {
    let decision = policy.decide(view);
    let candidates = &decision.candidates;
    let mut broken = Vec::new();
    let mut hold = |holds: bool, law: &str| {
        if !holds {
            broken.push(format!("{}: {law}: {decision:?}", policy.name()));
        }
    };
    let nodes = view.nodes().iter().map(|replica| SessionPlace::Node(replica.target.clone()));
    let workers = view.workers.iter().map(|worker| SessionPlace::Worker(worker.address));
    let known: BTreeSet<SessionPlace> = nodes.chain(workers).chain([SessionPlace::Proxy]).collect();
    hold(candidates.iter().all(|place| known.contains(place)), "a place is not in the view");
    let different: BTreeSet<&SessionPlace> = candidates.iter().collect();
    hold(different.len() == candidates.len(), "a candidate comes twice");
    let (has_nodes, has_workers) = (!view.nodes().is_empty(), !view.workers.is_empty());
    let may_choose = match policy.entry_point() {
        EntryPoint::Workers => has_workers,
        EntryPoint::Proxies => has_nodes && (has_workers || !policy.needs_workers()),
    };
    hold(!candidates.is_empty() || !may_choose, "no candidate, though there are places");
    hold(policy.decide(view) == decision, "the same view leads to two decisions");
    hold(policy.reasons().contains(&decision.reason), "the reason is not listed");
    let second_is_a_node = matches!(candidates.get(1), Some(SessionPlace::Node(_)));
    hold(decision.hedge.is_none() || second_is_a_node, "a hedge without a second node");
    broken
}

/// Checks the names of a policy and its reasons, and its decisions over random views against the
/// laws ([`broken_laws`]).
///
/// # Panics
/// A law is broken; the smallest view that shows it is printed.
pub fn assert_keeps_the_laws(policy: &dyn PlacementPolicy) {
    let is_name = |name: &str| {
        let allowed = |c: char| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
        !name.is_empty() && name.chars().all(allowed)
    };
    let reasons = policy.reasons().iter().map(|reason| reason.name());
    for name in reasons.chain([policy.name()]) {
        assert!(is_name(name), "{name:?} is not words joined by hyphens");
    }
    let outcome = TestRunner::deterministic().run(&views(), |facts| {
        let broken = broken_laws(policy, &facts.view());
        prop_assert!(broken.is_empty(), "{}", broken.join("\n"));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[cfg(test)]
mod tests {
    use stayput_jobs::placement::{AsAsked, PlacementReason, PolicyRegistry};

    use super::*;

    #[test]
    fn every_policy_of_the_house_keeps_the_laws() {
        for policy in PolicyRegistry::built_in().iter() {
            assert_keeps_the_laws(policy);
        }
        assert_keeps_the_laws(&AsAsked);
    }

    #[test]
    fn policies_of_the_house_have_different_names() {
        let names: Vec<&str> = PolicyRegistry::built_in().iter().map(|it| it.name()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    /// Names the first node twice, and a reason that it does not list.
    #[derive(Debug)]
    struct Twice;

    impl PlacementPolicy for Twice {
        fn name(&self) -> &'static str {
            "twice"
        }

        fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
            let node = SessionPlace::Node(view.nodes()[0].target.clone());
            let reason = PlacementReason::new("unlisted");
            PlacementDecision { candidates: vec![node.clone(), node], hedge: None, reason }
        }

        fn reasons(&self) -> &'static [PlacementReason] {
            &[]
        }
    }

    #[test]
    fn each_broken_law_is_named() {
        let broken = broken_laws(&Twice, &view(&rates(1)));
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[0].starts_with("twice: a candidate comes twice"), "{broken:?}");
        assert!(broken[1].starts_with("twice: the reason is not listed"), "{broken:?}");
    }
}
