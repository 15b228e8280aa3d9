//! Random small clusters, random faults, random jobs and writes: never a wrong answer, a hang or a lost acknowledged write.
//!
//! `PROPTEST_CASES` asks for more cases, `PROPTEST_RNG_SEED` for others. A failure prints the smallest case that shows it, and how
//! to run that again. Leaves out the ring, which has properties of its own beside its code.

mod case;
pub(crate) mod check;
mod drive;
mod history;
mod regressions;
pub(crate) mod run;
mod tally;
pub(crate) mod trouble;

use std::cell::RefCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use self::case::{Case, cases};
use self::history::History;
use self::tally::Tally;

/// Cases when `PROPTEST_CASES` does not say.
const CASES: u32 = 2_000;
/// Of them, every so many run twice.
const TWICE_EVERY: u64 = 10;
/// Shrinking ends at the latest then: each try is a whole run.
const SHRINK_TRIES_MAX: u32 = 1_000;
/// Holds a case to be run again, as a failure prints it.
const CASE_VARIABLE: &str = "STAYPUT_CASE";

#[test]
fn clusters_under_faults_answer_rightly_or_honestly_and_keep_what_they_acknowledged() {
    let mut config = Config { max_shrink_iters: SHRINK_TRIES_MAX, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config.failure_persistence = None;
    let tally = RefCell::new(Tally::default());
    let outcome = TestRunner::new(config).run(&cases(), |case| {
        let (wrong, came) = judged(&case);
        tally.borrow_mut().add(&came);
        if wrong.is_empty() { Ok(()) } else { Err(TestCaseError::fail(wrong.join("\n"))) }
    });
    match outcome {
        Ok(()) => tally.borrow().assert_worth(),
        Err(TestError::Fail(_, case)) => panic!("{}", report(&case)),
        Err(TestError::Abort(why)) => panic!("the cases cannot be made: {why}"),
    }
}

#[test]
#[ignore = "needs a case in STAYPUT_CASE, as a failure of the property prints it"]
fn the_case_of_the_environment_holds() {
    let text = std::env::var(CASE_VARIABLE).expect("a case in the environment");
    let case: Case = serde_json::from_str(&text).expect("a case as a failure prints it");
    println!("{}", report(&case));
    assert_eq!(judge(&case), Vec::<String>::new());
}

/// What does not hold of a case.
fn judge(case: &Case) -> Vec<String> {
    judged(case).0
}

/// What does not hold of a case, and what came about in it.
fn judged(case: &Case) -> (Vec<String>, Tally) {
    let history = match observed(case) {
        Ok(history) => history,
        Err(panicked) => return (vec![panicked], Tally::default()),
    };
    let mut wrong = check::violations(&history);
    if case.seed.is_multiple_of(TWICE_EVERY) {
        wrong.extend(first_difference(case, &history));
    }
    (wrong, Tally::of(&history))
}

/// Where a second run of a case parts from the first one.
fn first_difference(case: &Case, one: &History) -> Option<String> {
    let other = run::run(case);
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

fn observed(case: &Case) -> Result<History, String> {
    catch_unwind(AssertUnwindSafe(|| run::run(case))).map_err(|panicked| {
        let text = panicked.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
        format!("the cluster panicked: {}", text.unwrap_or("without words"))
    })
}

/// What happened in a case, what does not hold of it, and how to see it again.
fn report(case: &Case) -> String {
    let mut text = format!("{case:?}\n\n");
    if let Ok(history) = observed(case) {
        for record in &history.records {
            // Writing into a string cannot fail.
            let _infallible = writeln!(text, "{record}");
        }
    }
    for wrong in judge(case) {
        let _infallible = writeln!(text, "\n✗ {wrong}");
    }
    let json = serde_json::to_string(case).expect("plain data");
    let _infallible = write!(
        text,
        "\nagain: {CASE_VARIABLE}='{json}' cargo test -p stayput-tests --test all \
         the_case_of_the_environment -- --ignored --nocapture\n"
    );
    text
}
