//! Random small clusters under random faults, random jobs and writes: never a wrong answer, a hang
//! or a lost acknowledged write.
//!
//! [`assert_holds`] is a whole campaign for a placement policy, shrinking and reproduction
//! included. [`cases`], [`run`] and [`violations`] are its steps, for campaigns of another kind.

mod case;
mod checker;
mod clients;
mod coverage;
pub mod fault;
mod history;
mod run;

use std::cell::RefCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use stayput_jobs::placement::PlacementPolicy;

pub use self::case::{Case, JobAt, Links, OBJECTS_PER_CLIENT, Op, Step, WORDS, cases, text};
pub use self::checker::{unbalanced, violations};
pub use self::coverage::Coverage;
pub use self::history::{Commit, Committed, Did, History, JobCount, Record, Version};
pub use self::run::{run, settle};

/// One case in so many runs twice, for determinism.
const TWICE_EVERY: u64 = 10;
/// Tries of shrinking at most: each is a whole run.
const SHRINK_TRIES_MAX: u32 = 1_000;

/// Runs `cases` random cases with jobs placed by `policy`, and shrinks the first that breaks a
/// promise. `PROPTEST_CASES` in the environment asks for more, `PROPTEST_RNG_SEED` for others.
///
/// # Panics
/// A case breaks a promise (the smallest one is printed with its history and as JSON), or the cases
/// do not cover every kind of outcome and fault.
pub fn assert_holds(policy: &'static dyn PlacementPolicy, cases: u32) -> Coverage {
    let mut config = Config { max_shrink_iters: SHRINK_TRIES_MAX, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config.failure_persistence = None;
    let coverage = RefCell::new(Coverage::default());
    let outcome = TestRunner::new(config).run(&case::cases(), |case| {
        let (wrong, covered) = judged(&case, policy);
        coverage.borrow_mut().add(&covered);
        if wrong.is_empty() { Ok(()) } else { Err(TestCaseError::fail(wrong.join("\n"))) }
    });
    match outcome {
        Ok(()) => coverage.into_inner(),
        Err(TestError::Fail(_, case)) => panic!("{}", report(&case, policy)),
        Err(TestError::Abort(why)) => panic!("the cases cannot be made: {why}"),
    }
}

/// Promises that a case breaks, in words; empty if it keeps them.
#[must_use]
pub fn judge(case: &Case, policy: &'static dyn PlacementPolicy) -> Vec<String> {
    judged(case, policy).0
}

fn judged(case: &Case, policy: &'static dyn PlacementPolicy) -> (Vec<String>, Coverage) {
    let history = match observed(case, policy) {
        Ok(history) => history,
        Err(panicked) => return (vec![panicked], Coverage::default()),
    };
    let mut wrong = violations(&history);
    if case.seed.is_multiple_of(TWICE_EVERY) {
        wrong.extend(first_difference(case, policy, &history));
    }
    (wrong, Coverage::of(&history))
}

/// First event at which a second run of a case differs.
fn first_difference(
    case: &Case,
    policy: &'static dyn PlacementPolicy,
    one: &History,
) -> Option<String> {
    let other = run(case, policy);
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

fn observed(case: &Case, policy: &'static dyn PlacementPolicy) -> Result<History, String> {
    catch_unwind(AssertUnwindSafe(|| run(case, policy))).map_err(|panicked| {
        let text = panicked.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
        format!("the cluster panicked: {}", text.unwrap_or("without words"))
    })
}

/// History of a case, the promises that it breaks, and the case as JSON, which
/// `serde_json::from_str` reads back.
#[must_use]
pub fn report(case: &Case, policy: &'static dyn PlacementPolicy) -> String {
    let mut text = format!("{case:?}\n\n");
    if let Ok(history) = observed(case, policy) {
        for record in &history.records {
            // Writing into a string cannot fail.
            let _infallible = writeln!(text, "{record}");
        }
    }
    for wrong in judge(case, policy) {
        let _infallible = writeln!(text, "\n✗ {wrong}");
    }
    let json = serde_json::to_string(case).unwrap_or_else(|error| error.to_string());
    let _infallible = write!(
        text,
        "\nagain: STAYPUT_CASE='{json}' cargo test -p stayput-tests --test all \
         the_case_of_the_environment -- --ignored --nocapture\n"
    );
    text
}
