//! The same jobs, run in two ways that must not matter to their answers: over several networks, and
//! near the data or far from it.
//!
//! Leaves out times, which differ by design, and bytes by class of link, which follow the replica
//! that answers.

use std::collections::BTreeMap;

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::{JobEnd, PolicyRecord};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Policy;
use stayput_testkit::scenario::SmallScenario;

/// Four clients, each with one job at a time. On a machine that is busy with other things an open
/// loop's jobs would pile up until their slots are full, and asking again costs bytes.
const CLOSED: [(&str, &str); 2] = [("work.1.arrivals", "closed"), ("work.1.pick", "each")];

/// The banana job on short logs in a cluster of two nodes a zone.
const SETTINGS: [(&str, &str); 7] = [
    ("cluster.nodes_per_zone", "2"),
    ("cluster.devices_per_node", "2"),
    ("cluster.part_power", "8"),
    ("data.1.count", "16"),
    ("data.1.size", "64 KiB"),
    ("work.1.pick", "zipf 1.0"),
    ("work.1.runs", "64"),
];

fn plan(seed: u64, net: Net, settings: &[(&str, &str)]) -> RunPlan {
    let all = SETTINGS.iter().chain(settings);
    let set = |scenario: SmallScenario, (key, value): &(&str, &str)| scenario.set(key, value);
    all.fold(SmallScenario::banana(), set).plan(seed, net)
}

fn run(plan: &RunPlan, policy: Policy) -> PolicyRecord {
    let run = run_policy(plan, policy, &mut |_| (), Wanted::default());
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(run.broken, Vec::<String>::new(), "{policy} over {}", plan.net);
    for job in &run.jobs {
        assert_eq!(job.end, JobEnd::Ok, "job {} under {policy} over {}", job.index, plan.net);
    }
    assert_eq!(run.jobs.len(), plan.jobs.len());
    run
}

/// Answer of each job, by its number.
fn answers(run: &PolicyRecord) -> BTreeMap<u32, (&str, &[u8])> {
    run.jobs.iter().map(|job| (job.index, (job.object.as_str(), job.answer.as_ref()))).collect()
}

fn assert_networks_agree(seed: u64, policy: Policy, other: Net, changes: &[(&str, &str)]) {
    let fabric = run(&plan(seed, Net::Fabric, changes), policy);
    let other = run(&plan(seed, other, changes), policy);
    assert_eq!(answers(&fabric), answers(&other));
    assert_eq!(fabric.bytes.by_purpose, other.bytes.by_purpose, "{policy}, the jobs");
    assert_eq!(fabric.bytes.body, other.bytes.body);
    assert_eq!(fabric.loading.by_purpose, other.loading.by_purpose, "{policy}, the loading");
    assert_eq!(fabric.fuel, other.fuel);
}

#[test]
fn jobs_on_storage_move_the_same_bytes_over_both_simulated_networks() {
    assert_networks_agree(1, Policy::OnStorage, Net::Turmoil, &[]);
    assert_networks_agree(2, Policy::OnStorage, Net::Turmoil, &[]);
}

#[test]
fn downloads_move_the_same_bytes_over_both_simulated_networks() {
    assert_networks_agree(1, Policy::Download, Net::Turmoil, &[]);
    assert_networks_agree(2, Policy::Download, Net::Turmoil, &[]);
}

#[test]
fn closed_loops_agree_over_both_simulated_networks() {
    for policy in Policy::DEFAULT {
        assert_networks_agree(3, policy, Net::Turmoil, &CLOSED);
    }
}

#[test]
fn a_crowd_of_jobs_agrees_over_both_simulated_networks() {
    // All at once, at few objects: the slots of their nodes fill up, and jobs go to other replicas.
    let changes = [("work.1.arrivals", "poisson 5000/s"), ("data.1.count", "2")];
    for policy in Policy::DEFAULT {
        let fabric = run(&plan(4, Net::Fabric, &changes), policy);
        let turmoil = run(&plan(4, Net::Turmoil, &changes), policy);
        assert_eq!(answers(&fabric), answers(&turmoil));
    }
}

#[test]
fn jobs_on_storage_move_the_same_bytes_over_real_sockets() {
    assert_networks_agree(1, Policy::OnStorage, Net::Tcp, &CLOSED);
}

#[test]
fn downloads_move_the_same_bytes_over_real_sockets() {
    assert_networks_agree(1, Policy::Download, Net::Tcp, &CLOSED);
}

#[test]
fn near_and_far_give_the_same_answers() {
    for seed in [1, 2] {
        let plan = plan(seed, Net::Fabric, &[]);
        let (near, far) = (run(&plan, Policy::OnStorage), run(&plan, Policy::Download));
        assert_eq!(answers(&near), answers(&far));
        assert_eq!(near.fuel, far.fuel, "the same guests did the same work");
        assert_eq!(near.loading, far.loading, "both begin from the same store");
    }
}

#[test]
fn another_seed_gives_other_data() {
    let answers_of = |seed| {
        let run = run(&plan(seed, Net::Fabric, &[]), Policy::Download);
        let answers: Vec<Vec<u8>> = run.jobs.iter().map(|job| job.answer.to_vec()).collect();
        (answers, run.trace_hash)
    };
    let (first, second) = (answers_of(1), answers_of(2));
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[test]
fn faults_are_refused_where_the_network_cannot_have_them() {
    let fault = "[[fault]]\nat = \"1s\"\nfor = \"1s\"\ncrash = \"node:1\"\n";
    for net in [Net::Turmoil, Net::Tcp] {
        let plan = SmallScenario::banana().with(fault).plan(1, net);
        let refused = run_policy(&plan, Policy::OnStorage, &mut |_| (), Wanted::default());
        let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("use the fabric"), "{refused}");
    }
}
