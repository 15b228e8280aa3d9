//! Random small clusters, random faults, random jobs and writes: never a wrong answer, a hang or a lost acknowledged write.
//!
//! `PROPTEST_CASES` asks for more cases, `PROPTEST_RNG_SEED` for others. A failure prints the smallest case that shows it, and how
//! to run that again. Leaves out the ring, which has properties of its own beside its code.

mod case;
mod check;
mod drive;
mod history;
mod run;

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use stayput_sim::world::Trace;

use self::case::{Case, cases};
use self::history::History;

/// Cases when `PROPTEST_CASES` does not say.
const CASES: u32 = 150;
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
    let judged = TestRunner::new(config).run(&cases(), |case| {
        let wrong = judge(&case);
        if wrong.is_empty() { Ok(()) } else { Err(TestCaseError::fail(wrong.join("\n"))) }
    });
    match judged {
        Ok(()) => {}
        Err(TestError::Fail(_, case)) => panic!("{}", report(&case)),
        Err(TestError::Abort(why)) => panic!("the cases cannot be made: {why}"),
    }
}

/// Passes when no case is given.
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
    let history = match observed(case) {
        Ok(history) => history,
        Err(panicked) => return vec![panicked],
    };
    let mut wrong = check::violations(&history);
    if case.seed.is_multiple_of(TWICE_EVERY) {
        wrong.extend(first_difference(case));
    }
    wrong
}

/// Where the traces of two runs of a case part.
fn first_difference(case: &Case) -> Option<String> {
    let [one, other] = [(); 2].map(|()| {
        let trace = Trace::keeping_lines();
        run::run(case, trace.clone());
        String::from_utf8_lossy(&trace.take_lines()).into_owned()
    });
    let mut pairs = one.lines().zip(other.lines()).enumerate();
    let (line, (here, there)) = pairs.find(|(_, (here, there))| here != there).or_else(|| {
        (one != other).then_some((usize::MAX, ("one of them ends", "before the other")))
    })?;
    Some(format!("determinism: the traces part at event {line}:\n    {here}\n    {there}"))
}

fn observed(case: &Case) -> Result<History, String> {
    catch_unwind(AssertUnwindSafe(|| run::run(case, Trace::default()))).map_err(|panicked| {
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
