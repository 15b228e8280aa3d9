//! Promises of each policy, over small views.
//!
//! Leaves out the laws of all policies, which the test kit holds over random views; and acting on
//! decisions: whole runs show that.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_host::Seed;
use stayput_host::config::{ByteRate, FuelRate};
use stayput_jobs::placement::{
    AsAsked, ObservedDelays, ObservedTotals, PlacementDecision, PlacementPolicy, PlacementView,
    PolicyRegistry, ReplicaView, SessionPlace,
};
use stayput_testkit::placement::{first_node, rates, replica, view, worker};

const MS: Duration = Duration::from_millis(1);

fn decided(name: &str, view: &PlacementView<'_>) -> PlacementDecision {
    PolicyRegistry::built_in().named(name).expect("it is built in").decide(view)
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
