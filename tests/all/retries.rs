//! Part of a latency that went to attempts that came to nothing, over whole runs: most of the tail
//! where hosts are lost, nothing where none is.
//!
//! Leaves out how the parts follow from intervals, which is tested beside the split.

use std::time::Duration;

use stayput_engine::plan::Net;
use stayput_engine::record::{JobEnd, JobRecord, PolicyRecord};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Policy;
use stayput_testkit::scenario::SmallScenario;

fn run(policy: &str, settings: &[(&str, &str)], fault: &str) -> PolicyRecord {
    run_seeded(1, policy, settings, fault)
}

fn run_seeded(seed: u64, policy: &str, settings: &[(&str, &str)], fault: &str) -> PolicyRecord {
    let mut scenario = SmallScenario::banana();
    for (key, value) in settings {
        scenario = scenario.set(key, value);
    }
    if !fault.is_empty() {
        scenario = scenario.with(&format!("[[fault]]\n{fault}\n"));
    }
    run_scenario(seed, policy, &scenario)
}

fn run_scenario(seed: u64, policy: &str, scenario: &SmallScenario) -> PolicyRecord {
    let plan = scenario.plan(seed, Net::Fabric);
    let policy = policy.parse().expect("it is a policy");
    let run = run_policy(&plan, policy, &mut |_| (), Wanted::default());
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(run.broken, Vec::<String>::new(), "{policy}");
    assert!(run.faults.iter().all(|fault| fault.bit), "{policy} meets the fault");
    for job in &run.jobs {
        assert_eq!(job.end, JobEnd::Ok, "job {} under {policy}", job.index);
        assert_eq!(job.phases.total(), latency(job), "job {} under {policy}", job.index);
    }
    run
}

fn latency(job: &JobRecord) -> Duration {
    job.latency()
}

fn slowest(run: &PolicyRecord) -> &JobRecord {
    run.jobs.iter().max_by_key(|job| latency(job)).expect("there are jobs")
}

/// The longest that any job of the run spent on a part of its latency.
fn longest(run: &PolicyRecord, of: impl Fn(&JobRecord) -> Duration) -> Duration {
    run.jobs.iter().map(of).max().expect("there are jobs")
}

fn retry(run: &PolicyRecord) -> Duration {
    longest(run, |job| job.phases.retry)
}

#[test]
fn where_nothing_goes_wrong_nothing_is_tried_again_under_any_policy() {
    for policy in Policy::all() {
        assert_eq!(retry(&run(policy.name(), &[], "")), Duration::ZERO, "{policy}");
    }
}

#[test]
fn where_hosts_are_silent_the_tail_is_retry_wherever_jobs_run() {
    // One silent node keeps nobody who needs word from a majority; two do.
    let silent = |nodes: &str| format!("at = \"0s\"\nfor = \"10s\"\npartition = [{nodes}]");
    let (one, two) = (silent("\"node:3\""), silent("\"node:2\", \"node:3\""));
    let of = [("on-storage", &two), ("download", &one), ("proxy", &two), ("random", &one)];
    for (policy, silent) in of {
        let (quiet, troubled) = (run(policy, &[], ""), run(policy, &[], silent));
        let worst = slowest(&troubled);
        assert!(worst.phases.retry * 10 > latency(worst) * 9, "{policy}: {:?}", worst.phases);
        // What the silence costs is not told as something else.
        let others = longest(&troubled, |job| latency(job) - job.phases.retry);
        assert!(others < longest(&quiet, latency) * 2, "{policy}: {others:?}");
    }
}

#[test]
fn what_a_killed_session_computed_was_in_vain() {
    let slow = [("node.fuel_per_second", "4e6")];
    let killed = "at = \"700ms\"\nfor = \"10s\"\ncrash = \"node:2\"";
    let (quiet, troubled) = (run("on-storage", &slow, ""), run("on-storage", &slow, killed));
    assert!(troubled.fuel > quiet.fuel, "{} and {}", troubled.fuel, quiet.fuel);
    let compute = |run: &PolicyRecord| longest(run, |job| job.phases.compute);
    assert_eq!(compute(&troubled), compute(&quiet));
    let lost = troubled.jobs.iter().zip(&quiet.jobs).filter(|(job, before)| {
        let whole = job.phases.compute == before.phases.compute;
        whole && job.phases.retry > job.phases.compute / 10
    });
    assert!(lost.count() > 0, "{:?}", troubled.jobs);
}

#[test]
fn a_client_that_waits_to_ask_another_proxy_retries_and_does_not_queue() {
    let killed = "at = \"0s\"\nfor = \"10s\"\ncrash = \"proxy:1\"";
    for policy in ["on-storage", "download"] {
        let run = run(policy, &[], killed);
        let worst = slowest(&run).phases;
        assert!(worst.retry >= Duration::from_millis(200), "{policy}: {worst:?}");
        assert!(worst.queue < Duration::from_millis(1), "{policy}: {worst:?}");
    }
}

#[test]
fn the_loser_of_a_hedge_is_no_retry_and_neither_is_the_first_copy_that_lost() {
    // All cores are as slow, so that a second copy is sent for every job until it is known how long
    // they take, and no node is full.
    let losing =
        run("hedged", &[("node.fuel_per_second", "2e6"), ("work.1.arrivals", "poisson 2/s")], "");
    // A disk is slow for a while, and second copies on others are worth it. The seed is one in
    // which the fault falls between the lookup of a job's object and its read.
    let crowd =
        [("data.1.size", "2 MiB"), ("work.1.runs", "96"), ("work.1.arrivals", "poisson 50/s")];
    let slow = "at = \"900ms\"\nfor = \"150ms\"\nslow_disk = \"device:1\"\nfactor = 100";
    let winning = run_seeded(5, "hedged", &crowd, slow);
    assert!(
        latency(slowest(&winning)) < latency(slowest(&run_seeded(5, "on-storage", &crowd, slow)))
    );
    for run in [losing, winning] {
        assert!(run.bytes.by_purpose["hedge"] > 0);
        assert_eq!(retry(&run), Duration::ZERO);
    }
}

#[test]
fn of_a_job_of_many_sessions_retry_is_only_what_no_other_session_filled() {
    let whole = include_str!("../../scenarios/locality/map-reduce.toml");
    let cut = "\n[[fault]]\nat = \"300ms\"\nfor = \"800ms\"\npartition = [\"zone:3\"]\n";
    for policy in ["on-storage", "download"] {
        // Its expectations are for quiet times.
        let text = whole.split("[expect]").next().unwrap_or_default();
        let calm = run_scenario(3, policy, &SmallScenario::of_suite(text));
        let troubled = run_scenario(3, policy, &SmallScenario::of_suite(text).with(cut));
        assert_eq!(retry(&calm), Duration::ZERO, "{policy}");
        let worst = slowest(&troubled);
        assert!(worst.phases.retry * 2 > latency(worst), "{policy}: {:?}", worst.phases);
        // A job whose connection waits for the cut's end, and then goes on, tries nothing again.
        let tried_again = |(job, _): &(&JobRecord, _)| job.phases.retry > Duration::ZERO;
        let jobs = troubled.jobs.iter().zip(&calm.jobs).filter(tried_again);
        assert!(jobs.clone().count() > 1, "{policy}");
        for (job, before) in jobs {
            let (rest, whole) = (latency(job) - job.phases.retry, latency(before));
            assert!(rest * 10 > whole * 9, "{policy}: {:?} and {whole:?}", job.phases);
            assert!(rest * 10 < whole * 13, "{policy}: {:?} and {whole:?}", job.phases);
        }
    }
}
