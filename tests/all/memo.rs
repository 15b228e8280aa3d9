//! Runs with a memo of sessions: the same to the last event as those without, cold and warm, also
//! under faults.
//!
//! Leaves out drivers that no cluster is: see the runtime's tests.

use proptest::prelude::*;
use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::{JobEnd, PolicyRecord};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Policy;
use stayput_runtime::memo::Memo;
use stayput_testkit::scenario::SmallScenario;

const ROOM: usize = 256 << 20;

const SCENARIO: &str = r#"
name = "memo"

[cluster]
zones = 3
nodes_per_zone = 1
devices_per_node = 1
replicas = 3
part_power = 4
proxies = 1
workers = 1
clients = 2

[[data]]
path = "swift://~/demo/log-*.txt"
count = 4
generate = "log"
size = "600 KiB"

[[data]]
path = "swift://~/demo/linecount.wasm"
file = "../runtime/guests/linecount.wasm"

[[data]]
path = "swift://~/demo/words.wasm"
file = "../runtime/guests/words.wasm"

[[work]]
job = "jobs/banana.json"
objects = "swift://~/demo/log-*.txt"
pick = "zipf 1.0"
runs = 12
arrivals = "poisson 40/s"
"#;

const FAULTS: [&str; 6] = [
    "",
    "crash = \"node:2\"",
    "power = \"node:1\"",
    "partition = [\"zone:3\"]",
    "slow_disk = \"node:1\"\nfactor = 50",
    "read_errors = \"node:2\"\nchance = \"20%\"",
];

/// Two runs are the same if these are.
#[derive(Debug, PartialEq)]
struct Same {
    trace_hash: Option<String>,
    schedule_hash: Option<String>,
    fuel: u64,
    bytes: String,
    jobs: Vec<(JobEnd, bytes::Bytes, String)>,
    hosts: Vec<stayput_engine::record::HostUse>,
    effort: Option<stayput_world::ExecutorStats>,
}

impl Same {
    fn of(run: &PolicyRecord) -> Self {
        let job = |job: &stayput_engine::record::JobRecord| {
            let times = format!("{:?} {:?}", job.finished, job.phases);
            (job.end.clone(), job.answer.clone(), times)
        };
        Self {
            trace_hash: run.trace_hash.clone(),
            schedule_hash: run.schedule_hash.clone(),
            fuel: run.fuel,
            bytes: format!("{:?}", run.bytes),
            jobs: run.jobs.iter().map(job).collect(),
            hosts: run.hosts.clone(),
            effort: run.effort,
        }
    }
}

fn plan(seed: u64, faults: &str) -> RunPlan {
    SmallScenario::of(SCENARIO).with(faults).plan(seed, Net::Fabric)
}

fn run(plan: &RunPlan, policy: Policy, memo: Option<&Memo>) -> PolicyRecord {
    let wanted = Wanted { memo, ..Wanted::default() };
    run_policy(plan, policy, &mut |_| (), wanted).unwrap_or_else(|error| panic!("{error}"))
}

fn fault(which: usize, at_ms: u64, for_ms: u64) -> String {
    match FAULTS[which] {
        "" => String::new(),
        kind => {
            format!(
                "\n[[fault]]\nat = \"{at_ms}ms\"\nfor = \"{for_ms}ms\"\n{kind}\nmay_miss = true\n"
            )
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_is_the_same_with_a_memo_cold_or_warm_and_without(
        seed in 0_u64..1_000, first in 0..FAULTS.len(), second in 0..FAULTS.len(),
        at_ms in 0_u64..200, for_ms in 50_u64..2_000, audited_one_in in 0_u64..3,
    ) {
        let faults = fault(first, at_ms, for_ms) + &fault(second, at_ms / 2, for_ms);
        let (plan, memo) = (plan(seed, &faults), Memo::new(ROOM, audited_one_in));
        for policy in Policy::DEFAULT {
            let alone = run(&plan, policy, None);
            let (cold, warm) = (run(&plan, policy, Some(&memo)), run(&plan, policy, Some(&memo)));
            prop_assert_eq!(Same::of(&alone), Same::of(&cold), "{} cold, {}", policy, faults);
            prop_assert_eq!(Same::of(&alone), Same::of(&warm), "{} warm, {}", policy, faults);
            prop_assert_eq!(&warm.broken, &alone.broken);
        }
    }
}

#[test]
fn what_one_policy_computed_another_knows() {
    let (plan, memo) = (plan(1, ""), Memo::new(ROOM, 0));
    let cold = run(&plan, Policy::OnStorage, Some(&memo)).memo.expect("there is one");
    assert!(cold.computed >= 2 && cold.known >= 2, "several jobs on few objects: {cold:?}");
    let warm = run(&plan, Policy::OnStorage, Some(&memo)).memo.expect("there is one");
    assert_eq!((warm.computed, warm.known), (0, 12), "{warm:?}");
    assert_eq!(run(&plan, Policy::OnStorage, None).memo, None);
}

#[test]
fn an_audit_finds_a_memo_that_was_changed_and_names_the_job() {
    let (plan, memo) = (plan(1, ""), Memo::new(ROOM, 1));
    let sound = run(&plan, Policy::Download, Some(&memo));
    let audited = run(&plan, Policy::Download, Some(&memo));
    assert_eq!(audited.broken, Vec::<String>::new());
    assert_eq!(audited.memo.expect("there is one").audited, 12);
    memo.corrupt();
    let spoilt = run(&plan, Policy::Download, Some(&memo));
    let names_a_job = |why: &String| why.starts_with("job-") && why.contains("is memoised");
    assert_eq!(spoilt.broken.iter().filter(|why| names_a_job(why)).count(), 12);
    assert_eq!(Same::of(&spoilt), Same::of(&sound), "it goes by what the sessions do");
}
