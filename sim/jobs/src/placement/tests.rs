//! Laws of all policies, over random views; and the promises of each, over small ones.
//!
//! Leaves out acting on decisions: whole runs show that.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;
use stayput_host::Seed;
use stayput_host::config::{ByteRate, FuelRate};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn replica(index: u8, outstanding: u32, told: Option<(u32, u64)>) -> ReplicaView {
    let load = told.map(|(running, age_ms)| ReportedLoad {
        load: NodeLoad { running, waiting: 0 },
        age: Duration::from_millis(age_ms),
    });
    let ip = IpAddr::V4(Ipv4Addr::new(10, 1, 0, index));
    let target = ReplicaTarget { ip, port: 6200, device: "d1".to_owned() };
    ReplicaView { target, zone: u32::from(index), latency: MS / 2, outstanding, load }
}

fn worker(index: u8, outstanding: u32) -> WorkerView {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 3, 0, index)), 8090);
    WorkerView { address, outstanding }
}

/// Nodes and workers of four cores that compute a thousand million units of fuel in a second; the
/// workers share a trunk.
fn rates(trunk_bytes: u64) -> ClusterRates {
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

/// A session that reads 8 MiB, of which two fuel per byte and next to no output are known, with
/// three idle replicas and two idle workers.
fn view(rates: &ClusterRates) -> PlacementView<'_> {
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

fn decided(name: &str, view: &PlacementView<'_>) -> PlacementDecision {
    PolicyRegistry::built_in().named(name).expect("it is built in").decide(view)
}

fn first_node(decision: &PlacementDecision) -> u8 {
    let Some(SessionPlace::Node(ReplicaTarget { ip: IpAddr::V4(ip), .. })) =
        decision.candidates.first()
    else {
        panic!("{decision:?} begins with a node")
    };
    ip.octets()[3]
}

prop_compose! {
    fn replicas(from: u8, most: usize)
        (loads in prop::collection::vec((0_u32..40, prop::option::of((0_u32..40, 0_u64..1_000))), 0..=most))
        -> Vec<ReplicaView> {
        let numbered = (from..).zip(loads);
        numbered.map(|(index, (outstanding, told))| replica(index, outstanding, told)).collect()
    }
}

prop_compose! {
    fn facts()
        (executions in 1_usize..4, workers in 0_u8..4, at_proxy in 0_u32..9,
         input_bytes in prop_oneof![Just(0_u64), 0_u64..1 << 30, Just(u64::MAX)],
         learned in prop::option::of((1_u64..9, 0_u64..1 << 40, any::<u64>(), any::<u64>())),
         seen in 0_usize..40, seed: u64)
        -> (usize, u8, u32, u64, Option<ObservedTotals>, usize, u64) {
        let learned = learned.map(|(sessions, input_bytes, output_bytes, fuel)| {
            ObservedTotals { sessions, input_bytes, output_bytes, fuel }
        });
        (executions, workers, at_proxy, input_bytes, learned, seen, seed)
    }
}

proptest! {
    #[test]
    fn every_policy_is_pure_and_chooses_only_from_what_there_is(
        replicas in replicas(1, 4),
        elsewhere in replicas(100, 8),
        (executions, workers, at_proxy, input_bytes, learned, seen, seed) in facts(),
        trunk in prop_oneof![Just(0_u64), 1_u64..1 << 32],
        asked in prop::option::of(prop_oneof!["node:[0-9]{0,2}", "proxy|worker|:|", ".{0,8}"]),
    ) {
        let rates = rates(trunk);
        let view = PlacementView {
            executions, replicas, elsewhere, at_proxy, input_bytes, learned,
            workers: (0..workers).map(|index| worker(index, u32::from(index) * 7)).collect(),
            delays: ObservedDelays { seen, p50: MS, p95: 9 * MS },
            draw: Seed(seed).entropy("placement", b"", 0),
            asked: asked.as_deref(),
            ..view(&rates)
        };
        let there: BTreeSet<SessionPlace> = nodes(view.nodes()).into_iter()
            .chain(view.workers.iter().map(|worker| SessionPlace::Worker(worker.address)))
            .chain([SessionPlace::Proxy])
            .collect();
        let as_asked: &dyn PlacementPolicy = &AsAsked;
        for policy in PolicyRegistry::built_in().iter().chain([as_asked]) {
            let decision = policy.decide(&view);
            prop_assert_eq!(&policy.decide(&view), &decision, "{} is not pure", policy.name());
            let name = policy.name();
            let different: BTreeSet<&SessionPlace> = decision.candidates.iter().collect();
            prop_assert!(different.iter().all(|place| there.contains(place)), "{name}: {decision:?}");
            prop_assert_eq!(different.len(), decision.candidates.len(), "{} names one twice", name);
            let some = if name == "download" { !view.workers.is_empty() } else { !view.nodes().is_empty() };
            prop_assert!(!some || !decision.candidates.is_empty(), "{name} finds nothing");
            prop_assert!(policy.reasons().contains(&decision.reason), "{name}: {:?}", decision.reason);
            let second_is_a_node = matches!(decision.candidates.get(1), Some(SessionPlace::Node(_)));
            prop_assert!(decision.hedge.is_none() || second_is_a_node, "{name} hedges with nobody");
        }
    }
}

#[test]
fn names_are_different_and_words_joined_by_hyphens() {
    let policies = PolicyRegistry::built_in();
    let names: Vec<&str> = policies.iter().map(|policy| policy.name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let reasons = policies.iter().flat_map(|policy| policy.reasons()).map(|reason| reason.name());
    for name in names.into_iter().chain(reasons) {
        assert!(
            name.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit()),
            "{name}"
        );
    }
}

#[test]
fn a_job_goes_where_its_client_asks_and_else_where_on_storage_has_it() {
    let rates = rates(1);
    let with = |asked| AsAsked.decide(&PlacementView { asked, ..view(&rates) });
    assert_eq!((first_node(&with(Some("node:3"))), first_node(&with(None))), (3, 1));
    assert_eq!(with(Some("node:9")), with(None));
    assert_eq!(with(Some("proxy")).candidates[0], SessionPlace::Proxy);
    assert_eq!(with(Some("worker")).candidates[0].name(), "worker");
    assert_eq!(
        (with(Some("worker")).candidates.len(), with(Some("node:2")).candidates.len()),
        (5, 3)
    );
}

#[test]
fn random_comes_to_every_replica_about_as_often() {
    let rates = rates(1);
    let mut counts = [0; 4];
    for seed in 0..3_000 {
        let draw = Seed(seed).entropy("placement", b"", 0);
        let decision = decided("random", &PlacementView { draw, ..view(&rates) });
        counts[usize::from(first_node(&decision))] += 1;
    }
    assert!(counts[1..].iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
}

#[test]
fn two_choices_never_takes_the_busiest_of_three() {
    let rates = rates(1);
    let mut chosen = BTreeSet::new();
    for seed in 0..100 {
        let replicas = vec![replica(1, 3, None), replica(2, 0, Some((9, 10))), replica(3, 1, None)];
        let draw = Seed(seed).entropy("placement", b"", 0);
        let decision = decided("two-choices", &PlacementView { replicas, draw, ..view(&rates) });
        assert_eq!(decision.reason.name(), "less-loaded");
        chosen.insert(first_node(&decision));
    }
    assert_eq!(chosen, BTreeSet::from([1, 3]));
}

#[test]
fn old_news_of_a_load_is_no_news() {
    assert_eq!(replica(1, 2, Some((9, 10))).pending(), 9);
    assert_eq!(replica(1, 2, Some((9, 1_000))).pending(), 2);
    assert_eq!(replica(1, 12, Some((9, 10))).pending(), 12);
}

#[test]
fn a_hedge_waits_for_the_percentile_once_enough_was_seen() {
    let rates = rates(1);
    let after = |seen, executions| {
        let delays = ObservedDelays { seen, p50: MS, p95: 9 * MS };
        decided("hedged", &PlacementView { delays, executions, ..view(&rates) })
    };
    assert_eq!((after(30, 1).hedge, after(30, 1).reason.name()), (Some(9 * MS), "p95"));
    assert_eq!((after(3, 1).hedge, after(3, 1).reason.name()), (Some(100 * MS), "few-seen"));
    assert_eq!((after(30, 2).hedge, after(30, 2).reason.name()), (None, "alone"));
}

/// Reason and first place of `cost`.
fn cost(view: &PlacementView<'_>) -> (&'static str, &'static str) {
    let decision = decided("cost", view);
    (decision.reason.name(), decision.candidates[0].name())
}

#[test]
fn cost_stays_near_the_object_where_the_trunk_is_slow() {
    let rates = rates(100_000_000);
    assert_eq!(cost(&view(&rates)), ("near-faster", "node"));
}

#[test]
fn cost_goes_to_the_worker_where_the_cores_of_the_storage_are_slow() {
    let mut rates = rates(10_000_000_000);
    rates.node.fuel = FuelRate::new(100_000_000).expect("not zero");
    assert_eq!(cost(&view(&rates)), ("far-faster", "worker"));
}

#[test]
fn cost_pushes_back_where_the_cores_of_the_storage_are_busy() {
    let rates = rates(10_000_000_000);
    let busy = (1..=3).map(|index| replica(index, 0, Some((30, 10)))).collect();
    assert_eq!(cost(&view(&rates)), ("near-faster", "node"));
    assert_eq!(cost(&PlacementView { replicas: busy, ..view(&rates) }), ("pushed-back", "worker"));
}

#[test]
fn cost_does_not_crowd_the_trunk() {
    let rates = rates(2_000_000_000);
    let busy: Vec<ReplicaView> = (1..=3).map(|index| replica(index, 0, Some((12, 10)))).collect();
    let few = PlacementView { replicas: busy.clone(), ..view(&rates) };
    assert_eq!(cost(&few), ("pushed-back", "worker"));
    let workers = vec![worker(1, 40), worker(2, 40)];
    assert_eq!(cost(&PlacementView { workers, ..few }), ("near-faster", "node"));
}

#[test]
fn cost_takes_the_least_busy_replica_and_worker() {
    let rates = rates(10_000_000_000);
    let replicas = vec![replica(1, 9, None), replica(2, 30, None), replica(3, 5, None)];
    let decision =
        decided("cost", &PlacementView { replicas, workers: Vec::new(), ..view(&rates) });
    assert_eq!((decision.reason.name(), first_node(&decision)), ("no-workers", 3));
    let replicas = vec![replica(1, 30, None), replica(2, 40, None), replica(3, 50, None)];
    let workers = vec![worker(1, 3), worker(2, 1)];
    let decision = decided("cost", &PlacementView { replicas, workers, ..view(&rates) });
    let order = [worker(2, 1), worker(1, 3)].map(|worker| SessionPlace::Worker(worker.address));
    assert_eq!(decision.candidates[..2], order);
    assert_eq!(decision.candidates.len(), 5);
}

#[test]
fn cost_takes_the_nearest_of_replicas_that_are_as_busy() {
    let rates = rates(1);
    let near = |index, latency| ReplicaView { latency, ..replica(index, 0, None) };
    let replicas = vec![near(1, MS / 2), near(2, MS / 10), near(3, MS / 2)];
    for learned in [view(&rates).learned, None] {
        let view = PlacementView { replicas: replicas.clone(), learned, ..view(&rates) };
        assert_eq!(first_node(&decided("cost", &view)), 2, "{learned:?}");
    }
    // One session more than there are cores makes a session longer by a quarter: by more than the
    // way.
    let replicas = vec![near(1, MS / 2), ReplicaView { latency: MS / 10, ..replica(2, 4, None) }];
    assert_eq!(first_node(&decided("cost", &PlacementView { replicas, ..view(&rates) })), 1);
}

#[test]
fn cost_counts_the_way_of_an_answer_over_the_trunk() {
    // Workers compute twice as fast; what they answer comes back over the trunk, sixteen times
    // slower than the nodes' cards.
    let mut rates = rates(1_250_000_000 / 16);
    rates.worker.fuel = FuelRate::new(2_000_000_000).expect("not zero");
    let with = |output_bytes| {
        let learned =
            ObservedTotals { sessions: 1, input_bytes: 1 << 20, output_bytes, fuel: 20_000_000 };
        cost(&PlacementView { learned: Some(learned), input_bytes: 1 << 20, ..view(&rates) }).1
    };
    assert_eq!((with(10_000), with(1 << 20)), ("worker", "node"));
}

#[test]
fn cost_stays_near_the_object_until_it_knows_better() {
    let rates = rates(10_000_000_000);
    assert_eq!(cost(&PlacementView { learned: None, ..view(&rates) }), ("unknown", "node"));
    assert_eq!(
        cost(&PlacementView { executions: 2, ..view(&rates) }),
        ("several-sessions", "node")
    );
}

#[test]
fn the_break_even_output_ratio_is_where_the_rule_has_it() {
    // With a card of one MB/s at the nodes, and a trunk as fast: near wins if it sends less than it
    // reads.
    let mut rates = rates(1_000_000);
    rates.node.nic = ByteRate::new(1_000_000).expect("not zero");
    let with = |percent: u64| {
        let output_bytes = (8 << 20) * percent / 100;
        let learned = ObservedTotals { sessions: 1, input_bytes: 8 << 20, output_bytes, fuel: 1 };
        cost(&PlacementView { learned: Some(learned), module_bytes: 0, ..view(&rates) }).1
    };
    assert_eq!((with(95), with(105)), ("node", "worker"));
}
