//! Random clusters under random faults, by every policy that is the rule somewhere: see the test
//! kit.
//!
//! Leaves out the ring, which has properties of its own beside its code.

mod regressions;

use stayput_testkit::random::Campaign;

/// Cases when `PROPTEST_CASES` does not say.
const CASES: u32 = 2_000;

#[test]
fn clusters_under_faults_answer_rightly_or_honestly_and_keep_what_they_acknowledged() {
    Campaign::default().assert_holds(CASES).assert_complete();
}
