//! Vote of the copies of a session: the result of more than half of those that were asked for
//! holds.
//!
//! Leaves out running them.

use crate::error::JobError;
use crate::session::result::{Agreement, SessionResult};

/// A copy of a session: the host that it ran on last, and its result.
pub(super) struct SessionCopy {
    pub(super) place: String,
    pub(super) session: Result<SessionResult, JobError>,
}

/// The result of the majority, with the hosts of copies that deviate.
///
/// # Errors
/// Too few came to an end, or they contradict each other.
pub(super) fn vote(copies: Vec<SessionCopy>) -> Result<SessionResult, JobError> {
    let asked = u8::try_from(copies.len()).unwrap_or(u8::MAX);
    let mut ended: Vec<(String, SessionResult)> = Vec::new();
    let mut failed: Vec<(String, JobError)> = Vec::new();
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

fn contradiction(ended: &[(String, SessionResult)], asked: u8) -> JobError {
    JobError::Contradiction {
        session: ended.first().map_or_else(String::new, |(_, session)| session.name.clone()),
        asked,
        hosts: ended.iter().map(|(place, _)| place.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;
    use stayput_runtime::outcome::{Accounting, EndReason};

    use super::*;
    use crate::session::result::SessionEnd;

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
        let error = JobError::NoNode { session: "s".to_owned(), reasons: Vec::new() };
        SessionCopy { place: place.to_owned(), session: Err(error) }
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
        assert!(matches!(refusal, JobError::Contradiction { asked: 2, .. }), "{refusal}");
        assert!(refusal.to_string().contains("ran on a, b"), "{refusal}");
        let refusal = vote(vec![copy("a", "1"), lost("b")]).expect_err("one is no majority of two");
        assert!(matches!(refusal, JobError::NoNode { .. }), "{refusal}");
    }

    #[test]
    fn one_copy_speaks_for_itself() {
        assert_eq!(vote(vec![copy("a", "1")]).unwrap().copies, Agreement::ALONE);
        let refusal = vote(vec![lost("a")]).expect_err("lost");
        assert!(matches!(refusal, JobError::NoNode { .. }), "{refusal}");
    }

    /// Copies by what they say; a lost one says nothing.
    fn copies(said: &[Option<u8>]) -> Vec<SessionCopy> {
        let numbered = (0..).zip(said);
        numbered
            .map(|(number, said)| match said {
                Some(word) => copy(&format!("host-{number}"), ["a", "b", "c"][usize::from(*word)]),
                None => lost(&format!("host-{number}")),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_more_than_half_of_all_copies_say_holds_and_nothing_else(
            said in prop::collection::vec(prop::option::of(0_u8..3), 1..8),
        ) {
            let count = |word: u8| said.iter().filter(|it| **it == Some(word)).count();
            let winner = (0..3).find(|word| 2 * count(*word) > said.len());
            let voted = vote(copies(&said));
            let Some(winner) = winner else {
                let ended = said.iter().flatten().count();
                let contradicts = 2 * ended > said.len();
                let refusal = voted.expect_err("there is no majority");
                let is_contradiction = matches!(refusal, JobError::Contradiction { .. });
                prop_assert_eq!(is_contradiction, contradicts, "{}", refusal);
                return Ok(());
            };
            let session = voted.expect("there is a majority");
            prop_assert_eq!(session.output("stdout"), ["a", "b", "c"][usize::from(winner)]);
            let others = (0..).zip(&said).filter(|(_, it)| **it != Some(winner));
            let mut expected: Vec<String> = others.map(|(at, _)| format!("host-{at}")).collect();
            let Agreement { agreeing, asked, mut deviating } = session.copies;
            deviating.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!((usize::from(agreeing), usize::from(asked)), (count(winner), said.len()));
            prop_assert_eq!(deviating, expected);
        }
    }

    #[test]
    fn copies_that_end_otherwise_do_not_agree_though_they_wrote_the_same() {
        let mut other = copy("b", "1");
        if let Ok(session) = &mut other.session {
            session.end = SessionEnd::Guest(EndReason::Exited { code: 1 });
        }
        let refusal = vote(vec![copy("a", "1"), other]).expect_err("they differ in their code");
        assert!(matches!(refusal, JobError::Contradiction { .. }), "{refusal}");
    }

    #[test]
    fn time_and_fuel_are_no_part_of_what_a_copy_says() {
        let mut slow = copy("b", "1");
        if let Ok(session) = &mut slow.session {
            (session.took, session.fuel) = (Duration::from_secs(9), 99);
        }
        let session = vote(vec![copy("a", "1"), slow]).expect("they agree");
        assert_eq!((session.copies.agreeing, session.fuel), (2, 1), "the first one's figures");
    }
}
