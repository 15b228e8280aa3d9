//! Random clusters under random faults, by every policy that is the rule somewhere: see the test
//! kit.
//!
//! Leaves out the ring, which has properties of its own beside its code.

mod regressions;

use stayput_jobs::placement::PlacementConfig;
use stayput_testkit::random::{Case, assert_holds, judge, report};

/// Cases when `PROPTEST_CASES` does not say.
const CASES: u32 = 2_000;

#[test]
fn clusters_under_faults_answer_rightly_or_honestly_and_keep_what_they_acknowledged() {
    let coverage = assert_holds(PlacementConfig::default().policy, CASES);
    coverage.assert_worth();
}

#[test]
#[ignore = "needs a case in STAYPUT_CASE, as a failure of the property prints it"]
fn the_case_of_the_environment_holds() {
    let text = std::env::var("STAYPUT_CASE").expect("a case in the environment");
    let case: Case = serde_json::from_str(&text).expect("a case as a failure prints it");
    let policy = PlacementConfig::default().policy;
    println!("{}", report(&case, policy));
    assert_eq!(judge(&case, policy), Vec::<String>::new());
}
