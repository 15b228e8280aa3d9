//! Sessions that talk to each other: all at once or none, and anew without the node that failed.

use super::*;
use crate::message::OrderedSource;

/// Writer `a` and reader `b`, which begin with the nodes 2 and 3.
fn pair() -> String {
    format!("[{}, {}]", job_node("a", r#", "connect": ["b"]"#), job_node("b", ""))
}

/// Nodes of each beginning, of the writer and the reader.
fn beginnings(seen: &Seen) -> Vec<(u8, u8)> {
    let of = |session: &str, attempt: u32| {
        let mut asked = seen.asked.iter();
        asked.find(|it| it.order.session == session && it.order.attempt == attempt)
    };
    let pair = |attempt| Some((of("a", attempt)?.node, of("b", attempt)?.node));
    // At the fifth, say, no node may have had room for it.
    (1..=8).filter_map(pair).collect()
}

fn pipe_of(asked: &Asked) -> (u32, Option<SocketAddr>) {
    let sources = asked.order.devices.iter().map(|device| device.source);
    let pipe = sources.filter_map(|source| match source {
        OrderedSource::Pipe { number, reader } => Some((number, reader)),
        _ => None,
    });
    pipe.collect::<Vec<_>>().remove(0)
}

#[test]
fn a_gang_is_ordered_at_once_and_the_writer_knows_where_its_reader_is() {
    let seen = Cluster::default().post(&pair(), |_, _| Reaction::Exits("ran"));
    seen.assert_answer(200, "ranran");
    assert_eq!(beginnings(&seen), [(2, 3)]);
    let [one, other] = seen.asked.as_slice() else { panic!("{seen:?}") };
    assert_eq!(one.order.gang, other.order.gang);
    assert!(!one.order.gang.is_empty() && one.order.id != other.order.id);
    let reader = host_address(3, job_port(NODE_PORT));
    for asked in [one, other] {
        let (number, at) = pipe_of(asked);
        let is_writer = asked.order.session == "a";
        assert_eq!((number, at), (0, is_writer.then_some(reader)), "{asked:?}");
    }
}

#[test]
fn a_pipe_within_a_node_leads_nowhere_else() {
    let job = format!("[{}, {}]", job_node("xa", r#", "connect": ["ya"]"#), job_node("ya", ""));
    let seen = Cluster::default().post(&job, |_, _| Reaction::Exits("ran"));
    assert_eq!(seen.nodes(), [2, 2]);
    assert!(seen.asked.iter().all(|asked| pipe_of(asked) == (0, None)), "{seen:?}");
}

#[test]
fn a_gang_spreads_over_nodes_that_have_room_for_it() {
    let job = format!("[{}, {}]", job_node("xa", r#", "connect": ["ya"]"#), job_node("ya", ""));
    let cluster = Cluster { running: 1, ..Cluster::default() };
    let seen = cluster.post(&job, |_, _| Reaction::Exits("ran"));
    seen.assert_answer(200, "ranran");
    assert_eq!(seen.nodes(), [2, 3]);
}

#[test]
fn a_gang_larger_than_all_nodes_is_refused_and_nobody_is_asked() {
    let job = format!("[{}]", job_node("n", r#", "count": 6, "connect": ["n"]"#));
    let cluster = Cluster { running: 1, ..Cluster::default() };
    let seen = cluster.post(&job, |_, _| Reaction::Exits("ran"));
    assert_eq!((seen.status, seen.nodes()), (Some(503), vec![]));
    assert!(seen.text().contains("has room for another session of this job"), "{}", seen.text());
}

#[test]
fn a_node_that_fails_is_done_without_and_the_others_are_cancelled() {
    for code in [404, 409, 500, 507] {
        let seen = Cluster::default().post(&pair(), move |asked, _| {
            match (asked.order.attempt, asked.order.session.as_str()) {
                (1, "a") => Reaction::Refuses(code),
                (1, _) => Reaction::Computes,
                _ => Reaction::Exits("ran"),
            }
        });
        seen.assert_answer(200, "ranran");
        assert_eq!(beginnings(&seen), [(2, 3), (3, 3)], "{code}");
        assert_eq!(seen.cancelled, [3], "{code}");
    }
}

#[test]
fn a_full_node_is_asked_again_only_when_no_other_is_left() {
    let seen = Cluster::default().post(&pair(), |asked, _| match asked.order.attempt {
        1 if asked.node == 2 => Reaction::Refuses(503),
        1 => Reaction::Computes,
        _ => Reaction::Exits("ran"),
    });
    seen.assert_answer(200, "ranran");
    assert_eq!(beginnings(&seen), [(2, 3), (3, 3)]);
    let all_full = Cluster::default().post(&pair(), |asked, _| match asked.order.attempt {
        1..=5 => Reaction::Refuses(503),
        _ => Reaction::Exits("ran"),
    });
    all_full.assert_answer(200, "ranran");
    assert!(beginnings(&all_full).len() > 5, "{:?}", beginnings(&all_full));
}

#[test]
fn who_lost_a_peer_is_kept_and_the_peer_that_was_lost_is_not() {
    let seen = Cluster::default().post(&pair(), |asked, _| {
        match (asked.order.attempt, asked.order.session.as_str()) {
            (1, "a") => Reaction::Refuses(424),
            (1, _) => Reaction::Forgets,
            _ => Reaction::Exits("ran"),
        }
    });
    seen.assert_answer(200, "ranran");
    assert_eq!(beginnings(&seen), [(2, 3), (2, 4)]);
}

#[test]
fn a_node_that_loses_peers_twice_is_on_the_wrong_side_of_a_cut() {
    let seen = Cluster::default().post(&pair(), |asked, _| match asked.node {
        2 => Reaction::Refuses(424),
        _ if asked.order.attempt < 3 => Reaction::Computes,
        _ => Reaction::Exits("ran"),
    });
    seen.assert_answer(200, "ranran");
    assert_eq!(beginnings(&seen), [(2, 3), (2, 3), (3, 3)]);
}

#[test]
fn beginnings_are_bounded_and_all_reasons_given() {
    let seen = Cluster::default().post(&pair(), |asked, _| match asked.order.session.as_str() {
        "a" => Reaction::Refuses(507),
        _ => Reaction::Computes,
    });
    assert_eq!(seen.status, Some(503));
    assert_eq!(beginnings(&seen).len(), 5, "each node failed once");
    let text = seen.text();
    for host in 1..=5 {
        assert!(text.contains(&format!("10.0.0.{host}: 507 Insufficient Storage")), "{text}");
    }
    let full = Cluster::default().post(&pair(), |_, _| Reaction::Refuses(503));
    assert_eq!(full.status, Some(503));
    assert!((5..=8).contains(&beginnings(&full).len()), "{:?}", beginnings(&full));
}

#[test]
fn a_refusal_that_all_nodes_would_repeat_ends_the_gang_and_cancels_the_others() {
    let seen = Cluster::default().post(&pair(), |asked, _| match asked.order.session.as_str() {
        "a" => Reaction::Refuses(400),
        _ => Reaction::Computes,
    });
    assert_eq!((seen.status, seen.cancelled.as_slice()), (Some(500), &[3][..]));
    assert_eq!(beginnings(&seen), [(2, 3)]);
}

#[test]
fn copies_of_a_gang_have_pipes_among_themselves_and_share_no_node_for_a_session() {
    let job = format!(
        "[{}, {}]",
        job_node("a", r#", "connect": ["b"], "replicate": 2"#),
        job_node("b", r#", "replicate": 2"#)
    );
    let seen = Cluster::default().post(&job, |_, _| Reaction::Exits("ran"));
    seen.assert_answer(200, "ranran");
    assert_eq!(seen.header("x-stayput-copies"), "2/2,2/2");
    let of = |session: &str| {
        let asked = seen.asked.iter().filter(|it| it.order.session == session);
        asked.map(|it| (it.order.gang.clone(), it.node)).collect::<BTreeMap<_, _>>()
    };
    let (a, b) = (of("a"), of("b"));
    assert_eq!(a.len(), 2, "each copy is a gang of its own: {a:?}");
    assert!(a.keys().eq(b.keys()), "{a:?} {b:?}");
    for nodes in [a, b] {
        let nodes: Vec<u8> = nodes.into_values().collect();
        assert_ne!(nodes[0], nodes[1]);
    }
}
