//! Kinds of faults of a crate of your own: a disk whose reads fail now and then, and a cut between
//! every other host.
//!
//! Leaves out faults of processes.

use rand::RngExt;
use stayput_host::DiskError;
use stayput_host::topology::HostKey;
use stayput_world::fault::{
    DiskFault, DiskRead, EffectCounter, FaultDescription, FaultKind, FaultSpec, NetworkRule,
    RuleVerdict,
};

/// Disk of whose reads one in so many fails on average.
#[derive(Clone, Copy, Debug)]
pub struct FlakyReads {
    /// Reads of which one fails.
    pub every: u32,
}

/// Key `flaky_reads`, with `period`.
pub static FLAKY_READS: FaultSpec = FaultSpec {
    key: "flaky_reads",
    keys: &["period"],
    implied: None,
    parse: |section| {
        let every = section.number("period", 1..=10, "write every which read: period = 3")?;
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
        if !read.stream().random_ratio(1, self.every) {
            return Ok(());
        }
        effects.add("flaky_reads", 1);
        Err(read.uncorrectable())
    }
}

/// Cut between hosts of even and of odd numbers.
#[derive(Clone, Copy, Debug)]
pub struct OddOnes;

/// Key `odd_ones`, with the sides of a partition.
pub static ODD_ONES: FaultSpec = FaultSpec {
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

#[cfg(test)]
mod tests {
    use stayput_engine::plan::Net;
    use stayput_engine::record::FaultEffect;
    use stayput_engine::run::{Wanted, run_policy};
    use stayput_testkit::random::Campaign;
    use stayput_testkit::scenario::SmallScenario;

    use super::{FLAKY_READS, ODD_ONES};

    fn scenario(fault: &str) -> SmallScenario {
        let section = format!("[[fault]]\nat = \"0s\"\nfor = \"1s\"\n{fault}\n");
        SmallScenario::banana().with(&section)
    }

    /// Own kinds beside the built-in ones.
    fn known(fault: &str) -> SmallScenario {
        scenario(fault).fault(&FLAKY_READS).fault(&ODD_ONES)
    }

    /// Fault's text, and its effect in a run.
    fn run(fault: &str) -> (String, FaultEffect) {
        let plan = known(fault).plan(1, Net::Fabric);
        let text = plan.scenario.faults[0].to_string();
        let run = run_policy(&plan, plan.scenario.policies[0], &mut |_| (), Wanted::default());
        let mut run = run.unwrap_or_else(|error| panic!("{error}"));
        (text, run.faults.remove(0))
    }

    #[test]
    fn a_store_under_these_faults_and_all_others_keeps_its_promises() {
        let faults = crate::catalog().faults;
        Campaign { faults, ..Campaign::default() }.assert_holds(500).assert_complete();
    }

    #[test]
    fn flaky_reads_have_an_effect_in_a_scenario_that_names_them() {
        let (text, fault) = run("flaky_reads = \"node:2\"\nperiod = 2");
        assert_eq!(text, "every 2. read fails at node:2 at 0ns for 1s");
        assert!(fault.bit, "{fault:?}");
        assert!(fault.effect.iter().any(|(name, count)| name == "flaky_reads" && *count > 0));
    }

    #[test]
    fn odd_ones_have_an_effect_in_a_scenario_that_names_them() {
        let (text, fault) = run("odd_ones = \"zone:1\"");
        assert_eq!(text, "odd ones of zone:1 from all others at 0ns for 1s");
        assert!(fault.bit, "{fault:?}");
    }

    #[test]
    fn without_its_spec_a_kind_is_unknown_and_its_keys_are_checked_as_all_others_are() {
        let refused = |scenario: SmallScenario| scenario.try_parse().expect_err("it is flawed");
        let unknown = refused(scenario("odd_ones = \"zone:1\""));
        assert!(unknown.why.contains("unknown field `odd_ones`"), "{unknown}");
        let missing = refused(known("flaky_reads = \"node:2\""));
        assert_eq!((missing.key.as_str(), missing.why.as_str()), ("fault[1].period", "is missing"));
        let bounds = refused(known("flaky_reads = \"node:2\"\nperiod = 0"));
        assert!(bounds.why.contains("out of bounds"), "{bounds}");
        let other = refused(known("crash = \"node:2\"\nperiod = 2"));
        assert_eq!(other.why, "goes with flaky_reads only, this is crash");
    }
}
