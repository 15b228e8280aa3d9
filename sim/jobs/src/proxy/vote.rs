//! Copies of a session vote: what more than half of those that were asked for say holds.
//!
//! Leaves out running them.

use stayput_store::http::StatusCode;
use stayput_store::proxy::Refusal;

use crate::answer::{Agreement, SessionResult};

/// A copy: where it ran last, and what came of it.
pub(super) struct SessionCopy {
    pub(super) place: String,
    pub(super) session: Result<SessionResult, Refusal>,
}

/// What most of the copies say, with who did not agree.
///
/// # Errors
/// Too few came to an end, or they contradict each other.
pub(super) fn vote(copies: Vec<SessionCopy>) -> Result<SessionResult, Refusal> {
    let asked = u8::try_from(copies.len()).unwrap_or(u8::MAX);
    let mut ended: Vec<(String, SessionResult)> = Vec::new();
    let mut failed: Vec<(String, Refusal)> = Vec::new();
    for copy in copies {
        match copy.session {
            Ok(session) => ended.push((copy.place, session)),
            Err(refusal) => failed.push((copy.place, refusal)),
        }
    }
    let needed = usize::from(asked) / 2 + 1;
    let agreeing =
        |one: &SessionResult| ended.iter().filter(|(_, it)| says_the_same(one, it)).count();
    let Some(winner) = ended.iter().position(|(_, one)| agreeing(one) >= needed) else {
        if asked == 1 || ended.len() < needed {
            let refusal = failed.into_iter().next().map(|(_, refusal)| refusal);
            return Err(refusal.unwrap_or_else(|| contradiction(&ended, asked)));
        }
        return Err(contradiction(&ended, asked));
    };
    let (_, session) = &ended[winner];
    let others = ended.iter().filter(|(_, it)| !says_the_same(session, it)).map(|(at, _)| at);
    let deviating = others.chain(failed.iter().map(|(at, _)| at)).cloned().collect();
    let copies = Agreement {
        agreeing: u8::try_from(agreeing(session)).unwrap_or(u8::MAX),
        asked,
        deviating,
    };
    Ok(SessionResult { copies, ..session.clone() })
}

fn says_the_same(one: &SessionResult, other: &SessionResult) -> bool {
    one.end == other.end && one.outputs == other.outputs
}

fn contradiction(ended: &[(String, SessionResult)], asked: u8) -> Refusal {
    let name = ended.first().map_or("", |(_, session)| session.name.as_str());
    let places: Vec<&str> = ended.iter().map(|(place, _)| place.as_str()).collect();
    let why = format!(
        "session {name}: of {asked} copies no majority says the same (they ran on {})",
        places.join(", ")
    );
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use stayput_runtime::outcome::{Accounting, EndReason};

    use super::*;
    use crate::session::driver::SessionEnd;

    fn copy(place: &str, output: &'static str) -> SessionCopy {
        let session = SessionResult {
            name: "s".to_owned(),
            end: SessionEnd::Guest(EndReason::Exited { code: 0 }),
            fuel: 1,
            took: Duration::ZERO,
            core: Duration::ZERO,
            accounting: Accounting::default(),
            outputs: vec![("stdout".to_owned(), Bytes::from_static(output.as_bytes()))],
            colocated: true,
            copies: Agreement::ALONE,
        };
        SessionCopy { place: place.to_owned(), session: Ok(session) }
    }

    fn lost(place: &str) -> SessionCopy {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no node is left");
        SessionCopy { place: place.to_owned(), session: Err(refusal) }
    }

    #[test]
    fn a_copy_that_says_something_else_is_outvoted_and_named() {
        let session = vote(vec![copy("a", "1"), copy("b", "2"), copy("c", "1")]).unwrap();
        assert_eq!(session.output("stdout"), "1");
        let expected = Agreement { agreeing: 2, asked: 3, deviating: vec!["b".to_owned()] };
        assert_eq!(session.copies, expected);
    }

    #[test]
    fn a_lost_copy_of_three_is_named_and_missed_by_nobody() {
        let session = vote(vec![copy("a", "1"), lost("b"), copy("c", "1")]).unwrap();
        assert_eq!(session.copies.deviating, ["b"]);
    }

    #[test]
    fn two_that_differ_are_an_error_and_so_is_one_of_two() {
        let refusal = vote(vec![copy("a", "1"), copy("b", "2")]).expect_err("who is right?");
        assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(refusal.why.contains("ran on a, b"), "{}", refusal.why);
        let refusal = vote(vec![copy("a", "1"), lost("b")]).expect_err("one is no majority of two");
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn one_copy_speaks_for_itself() {
        assert_eq!(vote(vec![copy("a", "1")]).unwrap().copies, Agreement::ALONE);
        assert_eq!(vote(vec![lost("a")]).expect_err("lost").why, "no node is left");
    }
}
