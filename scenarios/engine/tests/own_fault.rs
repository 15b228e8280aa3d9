//! Fault kinds of a user's own, out of tree: a crate implements a trait, adds its spec to a
//! catalog, and runs a scenario that names the kind.

use std::path::Path;

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::record::FaultEffect;
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::{Policy, Scenario, ScenarioError};
use stayput_host::DiskError;
use stayput_host::topology::HostKey;
use stayput_world::fault::{
    DiskFault, DiskRead, EffectCounter, FaultCatalog, FaultDescription, FaultKind, FaultSpec,
    NetworkRule, RuleVerdict,
};

/// Of every so many reads of a file, one fails on average.
#[derive(Debug)]
struct FlakyReads {
    every: u32,
}

static FLAKY_READS: FaultSpec = FaultSpec {
    key: "flaky_reads",
    keys: &["period"],
    implied: None,
    parse: |section| {
        let every = section.number("period", 1..=100, "write every which read: period = 3")?;
        Ok(FaultKind::disk(section.disk("flaky_reads")?, None, FlakyReads { every }).into())
    },
};

impl FaultDescription for FlakyReads {
    fn name(&self) -> &'static str {
        "flaky_reads"
    }

    fn phrase(&self, place: &str) -> String {
        format!("every {}. read fails at {place}", self.every)
    }
}

impl DiskFault for FlakyReads {
    fn read(&self, read: &mut DiskRead<'_>, effects: &EffectCounter) -> Result<(), DiskError> {
        if !read.draw().is_multiple_of(u64::from(self.every)) {
            return Ok(());
        }
        effects.add("flaky_reads", 1);
        Err(read.uncorrectable())
    }
}

/// Even hosts do not reach odd ones.
#[derive(Debug)]
struct OddOnes;

static ODD_ONES: FaultSpec = FaultSpec {
    key: "odd_ones",
    keys: &["one_way"],
    implied: None,
    parse: |section| Ok(FaultKind::ways(section.sides("odd_ones")?, OddOnes).into()),
};

impl FaultDescription for OddOnes {
    fn name(&self) -> &'static str {
        "odd_ones"
    }

    fn phrase(&self, place: &str) -> String {
        format!("odd ones {place}")
    }
}

impl NetworkRule for OddOnes {
    fn verdict(&self, from: HostKey, to: HostKey) -> RuleVerdict {
        if from.0 % 2 == to.0 % 2 { RuleVerdict::Pass } else { RuleVerdict::Drop }
    }
}

const SCENARIO: &str = r#"
name = "own"

[[data]]
path = "swift://~/demo/log-*.txt"
count = 4
generate = "log"
size = "64 KiB"

[[data]]
path = "swift://~/demo/linecount.wasm"
file = "../runtime/guests/linecount.wasm"

[[work]]
job = "jobs/banana.json"
objects = "swift://~/demo/log-*.txt"
pick = "uniform"
runs = 24
arrivals = "poisson 20/s"
"#;

fn parse(fault: &str, catalog: &FaultCatalog) -> Result<Scenario, ScenarioError> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../own.toml");
    let text = format!("{SCENARIO}\n[[fault]]\nat = \"0s\"\nfor = \"1s\"\n{fault}\n");
    Scenario::parse_with_faults(&text, &file, &[], catalog)
}

/// The fault's text, and its effect in a run.
fn run(fault: &str, catalog: &FaultCatalog) -> (String, FaultEffect) {
    let scenario = parse(fault, catalog).unwrap_or_else(|flaw| panic!("{flaw}"));
    let what = scenario.faults[0].to_string();
    let plan =
        RunPlan::build(scenario, 1, Net::Fabric, true).unwrap_or_else(|flaw| panic!("{flaw}"));
    let policy = Policy::DEFAULT[0];
    let run = run_policy(&plan, policy, &mut |_| (), Wanted::default());
    let mut run = run.unwrap_or_else(|error| panic!("{error}"));
    (what, run.faults.remove(0))
}

fn catalog() -> FaultCatalog {
    FaultCatalog::default().with(&FLAKY_READS).with(&ODD_ONES)
}

#[test]
fn a_disk_fault_of_ones_own_bites_in_a_scenario_that_names_it() {
    let (what, fault) = run("flaky_reads = \"node:2\"\nperiod = 2", &catalog());
    assert_eq!(what, "every 2. read fails at node:2 at 0ns for 1s");
    assert!(fault.bit, "{fault:?}");
    assert!(fault.effect.iter().any(|(what, count)| what == "flaky_reads" && *count > 0));
}

#[test]
fn a_network_fault_of_ones_own_bites_in_a_scenario_that_names_it() {
    let (what, fault) = run("odd_ones = \"zone:1\"", &catalog());
    assert_eq!(what, "odd ones of zone:1 from all others at 0ns for 1s");
    assert!(fault.bit, "{fault:?}");
}

#[test]
fn without_its_spec_a_kind_is_unknown_and_its_keys_are_checked_as_all_others_are() {
    let unknown = parse("odd_ones = \"zone:1\"", &FaultCatalog::default()).unwrap_err();
    assert!(unknown.why.contains("unknown field `odd_ones`"), "{unknown}");
    let missing = parse("flaky_reads = \"node:2\"", &catalog()).unwrap_err();
    assert_eq!((missing.key.as_str(), missing.why.as_str()), ("fault[1].period", "is missing"));
    let bounds = parse("flaky_reads = \"node:2\"\nperiod = 0", &catalog()).unwrap_err();
    assert!(bounds.why.contains("out of bounds"), "{bounds}");
    let other = parse("crash = \"node:2\"\nperiod = 2", &catalog()).unwrap_err();
    assert_eq!(other.why, "goes with flaky_reads only, this is crash");
}
