//! A second copy of a slow session: when it is sent, to whom, and what becomes of the loser.

use super::*;

/// Delay of the second copy while few sessions were seen.
const DELAY: Duration = Duration::from_millis(100);

fn hedged(reactions: impl Fn(&Asked, usize) -> Reaction + 'static) -> Seen {
    let cluster = Cluster { policy: "hedged", ..Cluster::default() };
    let seen = cluster.post(&one(), reactions);
    assert_eq!(seen.header("x-nexe-policy"), "hedged");
    seen
}

fn wait(seen: &Seen, order: usize) -> u128 {
    (seen.asked[order].at - seen.asked[0].at).as_millis()
}

#[test]
fn a_session_that_is_fast_has_one_copy() {
    let seen = hedged(|_, _| Reaction::ExitsAfter(DELAY / 2, "ran"));
    seen.assert_answer(200, "ran");
    assert_eq!((seen.nodes(), seen.cancelled.len()), (vec![0], 0));
    assert_eq!(seen.header("x-stayput-placed"), "node; reason=few-seen");
}

#[test]
fn a_slow_session_has_a_second_copy_which_wins_and_the_first_is_cancelled() {
    let seen = hedged(|asked, _| match asked.node {
        0 => Reaction::Computes,
        _ => Reaction::Exits("second"),
    });
    seen.assert_answer(200, "second");
    assert_eq!((seen.nodes(), seen.cancelled.as_slice()), (vec![0, 1], &[0][..]));
    assert!((100..110).contains(&wait(&seen, 1)), "{} ms", wait(&seen, 1));
    let attempts: Vec<u32> = seen.asked.iter().map(|asked| asked.order.attempt).collect();
    assert_eq!(attempts, [1, 2]);
}

#[test]
fn the_first_copy_wins_if_it_is_sooner_after_all_and_the_second_is_cancelled() {
    let seen = hedged(|asked, _| match asked.node {
        0 => Reaction::ExitsAfter(2 * DELAY, "first"),
        _ => Reaction::Computes,
    });
    seen.assert_answer(200, "first");
    assert_eq!((seen.nodes(), seen.cancelled.as_slice()), (vec![0, 1], &[1][..]));
}

#[test]
fn there_is_no_third_copy_while_two_run() {
    let seen = hedged(|asked, _| match asked.node {
        0 => Reaction::ExitsAfter(10 * DELAY, "first"),
        _ => Reaction::Computes,
    });
    seen.assert_answer(200, "first");
    assert_eq!(seen.nodes(), [0, 1]);
}

#[test]
fn a_first_copy_that_fails_is_followed_at_once_and_not_after_the_delay() {
    let seen = hedged(|asked, _| match asked.node {
        0 => Reaction::Refuses(507),
        _ => Reaction::Exits("next"),
    });
    seen.assert_answer(200, "next");
    assert_eq!(seen.nodes(), [0, 1]);
    assert!(wait(&seen, 1) < 20, "{} ms", wait(&seen, 1));
}

#[test]
fn a_second_copy_that_fails_leaves_the_first_alone() {
    let seen = hedged(|asked, _| match asked.node {
        0 => Reaction::ExitsAfter(3 * DELAY, "first"),
        _ => Reaction::Refuses(507),
    });
    seen.assert_answer(200, "first");
    assert_eq!(seen.nodes(), [0, 1]);
}

#[test]
fn when_both_copies_failed_the_next_candidate_is_tried() {
    let seen = hedged(|asked, _| match asked.node {
        0 | 1 => Reaction::Forgets,
        _ => Reaction::Exits("third"),
    });
    seen.assert_answer(200, "third");
    assert_eq!(seen.nodes(), [0, 1, 2]);
}

#[test]
fn when_all_failed_each_was_asked_once() {
    let seen = hedged_all_failing();
    assert_eq!((seen.status, seen.nodes()), (Some(503), vec![0, 1, 2, 3, 4]));
}

fn hedged_all_failing() -> Seen {
    let cluster = Cluster { policy: "hedged", ..Cluster::default() };
    cluster.post(&one(), |_, _| Reaction::Refuses(507))
}

#[test]
fn a_job_of_several_sessions_is_not_hedged() {
    let job = format!("[{}]", job_node("n", r#", "count": 2"#));
    let cluster = Cluster { policy: "hedged", ..Cluster::default() };
    let seen = cluster.post(&job, |_, _| Reaction::ExitsAfter(5 * DELAY, "ran"));
    seen.assert_answer(200, "ranran");
    assert_eq!(seen.asked.len(), 2, "{:?}", seen.nodes());
    assert_eq!(seen.header("x-stayput-placed"), "node; reason=alone");
}
