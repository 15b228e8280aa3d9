//! Campaign of random cases under a policy: run, judged, shrunk to the smallest that breaks a
//! promise, and reported with the command that repeats it.
//!
//! Leaves out the promises, which are the checker's.

use std::cell::RefCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use stayput_jobs::placement::{PlacementConfig, PlacementPolicy};
use stayput_world::fault::FaultCatalog;

use super::case::{Case, cases};
use super::checker::violations;
use super::coverage::Coverage;
use super::history::History;
use super::run::run;

/// One case in so many runs twice, for determinism.
const TWICE_EVERY: u64 = 10;
/// Variable that holds the one case to run, as a failure prints it.
pub(super) const CASE_VARIABLE: &str = "STAYPUT_CASE";
/// Tries of shrinking at most: each is a whole run.
const SHRINK_TRIES_MAX: u32 = 1_000;

/// Policy and kinds of faults of a campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Policy by which proxies place jobs.
    pub policy: &'static dyn PlacementPolicy,
    /// Kinds of faults that are drawn.
    pub faults: FaultCatalog,
}

impl Default for Campaign {
    /// ZeroCloud's rule, and all built-in kinds of faults.
    fn default() -> Self {
        Self { policy: PlacementConfig::default().policy, faults: FaultCatalog::default() }
    }
}

/// Configuration of a campaign: `cases` cases by seed 1, no files of failures. `PROPTEST_CASES` in
/// the environment asks for more, `PROPTEST_RNG_SEED` for others.
#[must_use]
pub fn config(cases: u32) -> Config {
    let mut config = Config {
        max_shrink_iters: SHRINK_TRIES_MAX,
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

impl Campaign {
    /// Runs random cases ([`config`] says how many), and shrinks the first that breaks a promise.
    /// With a case in `STAYPUT_CASE`, it runs that one and prints its history.
    ///
    /// # Panics
    /// A case breaks a promise: the smallest one is printed with its history, and with the command
    /// that runs it again.
    pub fn assert_holds(&self, number: u32) -> Coverage {
        if let Ok(text) = std::env::var(CASE_VARIABLE) {
            let case: Case = serde_json::from_str(&text).expect("a case as a failure prints it");
            let (wrong, coverage) = self.judged(&case);
            let report = self.report(&case);
            assert!(wrong.is_empty(), "{report}");
            println!("{report}");
            return coverage;
        }
        let coverage = RefCell::new(Coverage::default());
        let outcome = TestRunner::new(config(number)).run(&cases(&self.faults), |case| {
            let (wrong, covered) = self.judged(&case);
            coverage.borrow_mut().add(&covered);
            if wrong.is_empty() { Ok(()) } else { Err(TestCaseError::fail(wrong.join("\n"))) }
        });
        match outcome {
            Ok(()) => coverage.into_inner(),
            Err(TestError::Fail(_, case)) => panic!("{}", self.report(&case)),
            Err(TestError::Abort(why)) => panic!("the cases cannot be made: {why}"),
        }
    }

    /// Runs a case on the fabric.
    ///
    /// # Panics
    /// The cluster panicked, or the catalog lacks the kind of a fault.
    #[must_use]
    pub fn run(&self, case: &Case) -> History {
        run(case, self.policy, &self.faults)
    }

    /// Promises that a case breaks, in words; empty if it keeps them.
    #[must_use]
    pub fn judge(&self, case: &Case) -> Vec<String> {
        self.judged(case).0
    }

    fn judged(&self, case: &Case) -> (Vec<String>, Coverage) {
        let history = match self.observed(case) {
            Ok(history) => history,
            Err(panicked) => return (vec![panicked], Coverage::default()),
        };
        let mut wrong = violations(&history);
        if case.seed.is_multiple_of(TWICE_EVERY) {
            wrong.extend(first_difference(&history, &self.run(case)));
        }
        (wrong, Coverage::of(&history))
    }

    fn observed(&self, case: &Case) -> Result<History, String> {
        catch_unwind(AssertUnwindSafe(|| self.run(case))).map_err(|panicked| {
            let text = panicked.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
            format!("the cluster panicked: {}", text.unwrap_or("without words"))
        })
    }

    /// History of a case, the promises that it breaks, and the command that runs it again in the
    /// test that this thread runs.
    #[must_use]
    pub fn report(&self, case: &Case) -> String {
        let mut text = format!("{case:?}\n\n");
        if let Ok(history) = self.observed(case) {
            for record in &history.records {
                // Writing into a string cannot fail.
                let _infallible = writeln!(text, "{record}");
            }
        }
        for wrong in self.judge(case) {
            let _infallible = writeln!(text, "\n✗ {wrong}");
        }
        let json = serde_json::to_string(case).unwrap_or_else(|error| error.to_string());
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let _infallible = write!(
            text,
            "\nagain: {CASE_VARIABLE}='{json}' cargo test --workspace {test} -- --nocapture\n"
        );
        text
    }
}

/// First event at which a second run of a case differs.
fn first_difference(one: &History, other: &History) -> Option<String> {
    if one.trace == other.trace && one.schedule == other.schedule {
        return None;
    }
    let mut pairs = one.trace.lines().zip(other.trace.lines()).enumerate();
    let Some((line, (here, there))) = pairs.find(|(_, (here, there))| here != there) else {
        let both = (&one.schedule, &other.schedule);
        return Some(format!("determinism: one trace ends early, or the schedules part: {both:?}"));
    };
    Some(format!("determinism: the traces part at event {line}:\n    {here}\n    {there}"))
}
