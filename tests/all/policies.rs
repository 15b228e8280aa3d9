//! Each policy over whole runs: the same right answers, the same run each time, and what the policy
//! promises.
//!
//! Leaves out decisions over views made by hand, which stand beside the policies.

use std::collections::BTreeMap;

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::{JobEnd, PolicyRecord};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Policy;
use stayput_results::stats::{WarmUp, latency_us, place_reasons};
use stayput_testkit::scenario::SmallScenario;

const PARTITION: &str = r#"
[[fault]]
at = "100ms"
for = "400ms"
partition = ["zone:3"]
"#;

/// The banana job, 48 times, 50 a second, with keys set and text added.
fn plan(settings: &[(&str, &str)], more: &str) -> RunPlan {
    seeded(1, settings, more)
}

fn seeded(seed: u64, settings: &[(&str, &str)], more: &str) -> RunPlan {
    let mut scenario = SmallScenario::banana()
        .set("network.worker.trunk", "10 Gbit/s")
        .set("work.1.runs", "48")
        .set("work.1.arrivals", "poisson 50/s")
        .with(more);
    for (key, value) in settings {
        scenario = scenario.set(key, value);
    }
    scenario.plan(seed, Net::Fabric)
}

fn run(plan: &RunPlan, policy: Policy) -> PolicyRecord {
    let run = run_policy(plan, policy, &mut |_| (), Wanted::default());
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(run.broken, Vec::<String>::new(), "{policy}");
    for job in &run.jobs {
        assert_eq!(job.end, JobEnd::Ok, "job {} under {policy}", job.index);
    }
    run
}

fn run_named(plan: &RunPlan, name: &str) -> PolicyRecord {
    run(plan, name.parse().expect("it is a policy"))
}

/// Number of jobs by kind of place.
fn places(run: &PolicyRecord) -> BTreeMap<&str, u64> {
    let mut places = BTreeMap::new();
    for job in &run.jobs {
        let place = job.placement.as_ref().map_or("", |placement| placement.place.name());
        *places.entry(place).or_default() += 1;
    }
    places
}

fn percentiles(run: &PolicyRecord) -> (u64, u64) {
    let latency = latency_us(run, WarmUp::NONE).expect("jobs completed");
    (latency.p50, latency.p99)
}

#[test]
fn every_policy_gives_the_right_answers_and_the_same_run_each_time_with_a_fault_and_without() {
    for plan in [plan(&[], ""), plan(&[], PARTITION)] {
        for policy in Policy::all() {
            let (first, second) = (run(&plan, policy), run(&plan, policy));
            assert_eq!(first.trace_hash, second.trace_hash, "{policy}");
            assert_eq!(first.bytes, second.bytes, "{policy}");
            assert!(first.faults.iter().all(|fault| fault.bit), "{policy} meets the fault");
            let decided: u64 = place_reasons(&first).values().sum();
            assert_eq!(decided, 48, "{policy} says why of every job: {:?}", place_reasons(&first));
            let reasons = policy.placement().reasons().iter().map(|reason| reason.name());
            let known: Vec<&str> = if policy == Policy::BestFound {
                let places = ["node-1", "node-2", "node-3", "proxy", "worker"];
                Policy::all().map(Policy::name).chain(places).collect()
            } else {
                reasons.collect()
            };
            let said = place_reasons(&first);
            assert!(said.keys().all(|reason| known.contains(reason)), "{policy}: {said:?}");
            let place = match policy.name() {
                "proxy" => "proxy",
                "download" => "worker",
                _ => "node",
            };
            assert!(places(&first).contains_key(place), "{policy}: {:?}", places(&first));
        }
    }
}

#[test]
fn no_job_ends_sooner_under_any_rule_than_the_best_that_was_found() {
    let slow_cores = [("node.fuel_per_second", "2e7")];
    let plan = plan(&slow_cores, PARTITION);
    let best = run(&plan, Policy::BestFound);
    assert!(place_reasons(&best).len() > 2, "{:?}", place_reasons(&best));
    let mut later = 0;
    for rule in Policy::all().filter(|policy| *policy != Policy::BestFound) {
        for (job, bound) in run(&plan, rule).jobs.iter().zip(&best.jobs) {
            assert!(bound.finished <= job.finished, "job {} under {rule}", job.index);
            later += usize::from(bound.finished < job.finished);
        }
    }
    assert!(later > 48, "{later} jobs could have ended sooner");
}

#[test]
fn no_policy_but_hedged_sends_anything_for_a_second_copy() {
    let plan = plan(&[], PARTITION);
    for policy in Policy::all().filter(|policy| !["hedged", "best-found"].contains(&policy.name()))
    {
        assert_eq!(run(&plan, policy).bytes.by_purpose["hedge"], 0, "{policy}");
    }
}

#[test]
fn a_hedge_cuts_the_tail_that_a_slow_disk_makes_and_its_copies_are_in_the_ledger() {
    // For a short while, so that few jobs are hit: where more than one of twenty is slow, the
    // percentile is slow as well. Jobs avoid a disk that is slow when they look their object up, so
    // that the seed is one in which the fault falls between a lookup and its read.
    let slow =
        "[[fault]]\nat = \"900ms\"\nfor = \"150ms\"\nslow_disk = \"device:1\"\nfactor = 100\n";
    let plan = seeded(5, &[("work.1.runs", "96"), ("data.1.size", "2 MiB")], slow);
    let (plain, hedged) = (run_named(&plan, "on-storage"), run_named(&plan, "hedged"));
    let ((_, plain_p99), (_, hedged_p99)) = (percentiles(&plain), percentiles(&hedged));
    assert!(hedged_p99 * 3 < plain_p99 * 2, "{hedged_p99} and {plain_p99} us");
    assert!(hedged.bytes.by_purpose["hedge"] > 0);
    assert!(place_reasons(&hedged).contains_key("p95"), "{:?}", place_reasons(&hedged));
}

#[test]
fn what_a_cancelled_copy_burns_is_counted_and_it_does_not_run_on() {
    // All cores are as slow, so that a second copy is sent for every job until the percentile is
    // known, and none is worth it.
    let slow_cores = [("node.fuel_per_second", "2e6")];
    let plan = plan(&slow_cores, "");
    let (plain, hedged) = (run_named(&plan, "on-storage"), run_named(&plan, "hedged"));
    assert!(hedged.bytes.by_purpose["hedge"] > 0);
    assert!(hedged.fuel > plain.fuel, "{} and {}", hedged.fuel, plain.fuel);
    assert!(hedged.fuel < 2 * plain.fuel, "{} and {}", hedged.fuel, plain.fuel);
}

#[test]
fn cost_leaves_the_code_with_the_data_where_the_trunk_is_slow() {
    let plan = plan(&[("network.worker.trunk", "20 Mbit/s")], "");
    let run = run_named(&plan, "cost");
    assert_eq!(places(&run), BTreeMap::from([("node", 48)]), "{:?}", place_reasons(&run));
}

#[test]
fn cost_takes_the_workers_where_the_cores_of_the_storage_are_slow() {
    let slow = [("node.fuel_per_second", "2e7"), ("worker.fuel_per_second", "1e9")];
    let plan = plan(&slow, "");
    let run = run_named(&plan, "cost");
    assert!(places(&run)["worker"] > 40, "{:?} {:?}", places(&run), place_reasons(&run));
    let (near, far) = (run_named(&plan, "on-storage"), run_named(&plan, "download"));
    let (cost_p50, near_p50, far_p50) =
        (percentiles(&run).0, percentiles(&near).0, percentiles(&far).0);
    assert!(far_p50 < near_p50, "{far_p50} and {near_p50} us");
    assert!(cost_p50 < near_p50, "{cost_p50} and {near_p50} us");
}

#[test]
fn cost_pushes_back_when_the_cores_of_the_storage_are_busy() {
    let crowd = [
        ("node.fuel_per_second", "2e7"),
        ("work.1.arrivals", "poisson 200/s"),
        ("work.1.runs", "192"),
    ];
    let plan = plan(&crowd, "");
    let run = run_named(&plan, "cost");
    assert!(place_reasons(&run).contains_key("pushed-back"), "{:?}", place_reasons(&run));
    assert!(places(&run).len() == 2, "{:?}", places(&run));
    let (near, far) = (run_named(&plan, "on-storage"), run_named(&plan, "download"));
    // Both kinds of hosts have cores: together they are done before either would be.
    let best = near.makespan.min(far.makespan);
    assert!(run.makespan < best, "{:?}, {:?} and {:?}", run.makespan, near.makespan, far.makespan);
}
