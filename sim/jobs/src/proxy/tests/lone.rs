//! Sessions that need no others: the order of their candidates, failures that another node may not
//! have and those that all would, rounds while there is no slot, copies, locations.

use super::*;

/// Node 0 reacts like that, and the others run what they get.
fn first(reaction: fn() -> Reaction) -> Seen {
    Cluster::default().post(&one(), move |asked, _| match asked.node {
        0 => reaction(),
        _ => Reaction::Exits("ran"),
    })
}

#[test]
fn a_session_runs_on_its_first_candidate_and_its_answer_is_the_jobs() {
    let seen = first(|| Reaction::Exits("done"));
    seen.assert_answer(200, "done");
    assert_eq!(seen.nodes(), [0]);
    for (name, expected) in [
        ("x-nexe-system", "n"),
        ("x-nexe-status", "ok"),
        ("x-nexe-retcode", "0"),
        ("x-nexe-fuel", "5"),
        ("x-nexe-policy", "on-storage"),
        ("x-nexe-colocated", "0"),
        ("x-stayput-inputs", ""),
        ("x-stayput-placed", ""),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
    let order = &seen.asked[0].order;
    assert_eq!((order.attempt, order.session.as_str(), order.gang.as_str()), (1, "n", ""));
    assert!(order.parts.is_empty() && order.local.is_none() && !order.wants_load);
}

#[test]
fn a_failure_that_another_node_may_not_have_leads_to_the_next_candidate() {
    for reaction in [
        || Reaction::Refuses(503),
        || Reaction::Refuses(404),
        || Reaction::Refuses(409),
        || Reaction::Refuses(424),
        || Reaction::Refuses(500),
        || Reaction::Refuses(507),
        || Reaction::Says(b"no report"),
        || Reaction::Says(b""),
        || Reaction::ReportsAnother,
    ] {
        let seen = first(reaction);
        seen.assert_answer(200, "ran");
        assert_eq!(seen.nodes(), [0, 1]);
        let attempts: Vec<u32> = seen.asked.iter().map(|asked| asked.order.attempt).collect();
        assert_eq!(attempts, [1, 2]);
        assert_eq!(seen.asked[0].order.id, seen.asked[1].order.id, "it is the same execution");
    }
}

#[test]
fn a_refusal_that_all_nodes_would_repeat_ends_the_job_at_once() {
    for code in [400, 403, 405, 413] {
        let seen = Cluster::default().post(&one(), move |_, _| Reaction::Refuses(code));
        assert_eq!((seen.status, seen.nodes()), (Some(500), vec![0]), "{code}");
        assert!(seen.text().contains("because"), "{}", seen.text());
    }
}

#[test]
fn a_node_that_does_not_listen_costs_no_time() {
    let cluster = Cluster { dead: &[0, 1], ..Cluster::default() };
    let seen = cluster.post(&one(), |_, _| Reaction::Exits("ran"));
    seen.assert_answer(200, "ran");
    assert_eq!(seen.nodes(), [2]);
    assert!(seen.asked[0].at < Duration::from_secs(1), "{:?}", seen.asked[0].at);
}

#[test]
fn a_session_that_its_node_forgot_is_ordered_anew_and_one_that_it_computes_is_not() {
    let seen = first(|| Reaction::Forgets);
    seen.assert_answer(200, "ran");
    assert_eq!(seen.nodes(), [0, 1]);
    let wait = seen.asked[1].at - seen.asked[0].at;
    assert!((2_000..2_100).contains(&wait.as_millis()), "{wait:?}");
    let seen = first(|| Reaction::ExitsAfter(Duration::from_secs(20), "slow"));
    seen.assert_answer(200, "slow");
    assert_eq!(seen.nodes(), [0]);
}

#[test]
fn a_session_by_itself_asks_each_candidate_once_and_gives_all_reasons() {
    let seen = Cluster::default().post(&one(), |asked, _| match asked.node {
        3 => Reaction::Refuses(507),
        _ => Reaction::Refuses(503),
    });
    assert_eq!((seen.status, seen.nodes()), (Some(503), vec![0, 1, 2, 3, 4]));
    let reasons = (1..=5).map(|host| match host {
        4 => "10.0.0.4: 507 Insufficient Storage: because".to_owned(),
        _ => format!("10.0.0.{host}: 503 Service Unavailable: because"),
    });
    let reasons: Vec<String> = reasons.collect();
    assert_eq!(seen.text(), format!("no node could run n: {}\n", reasons.join("; ")));
}

/// Job of two sessions that need not talk, `n-1` and `n-2`.
fn two() -> String {
    format!("[{}]", job_node("n", r#", "count": 2"#))
}

#[test]
fn a_session_of_several_asks_again_while_there_is_no_slot() {
    let seen = Cluster::default().post(&two(), |_, before| match before {
        0..4 => Reaction::Refuses(503),
        _ => Reaction::Exits("ran"),
    });
    seen.assert_answer(200, "ranran");
    // The letters of their names make n-1 begin with node 4, and n-2 with node 0.
    let of = |session: &str| {
        let asked = seen.asked.iter().filter(|it| it.order.session == session);
        asked.map(|it| it.node).collect::<Vec<_>>()
    };
    assert_eq!(of("n-1")[..6], [4, 0, 1, 2, 3, 4]);
    assert_eq!(of("n-2")[..6], [0, 1, 2, 3, 4, 0]);
}

#[test]
fn rounds_are_bounded_and_their_pauses_grow() {
    let seen = Cluster::default().post(&two(), |_, _| Reaction::Refuses(503));
    assert_eq!(seen.status, Some(503));
    let first: Vec<&Asked> = seen.asked.iter().filter(|it| it.order.session == "n-1").collect();
    assert!((25..=30).contains(&first.len()), "{}", first.len());
    let begins: Vec<Duration> = first.iter().step_by(5).map(|it| it.at).collect();
    for (round, pair) in begins.windows(2).enumerate() {
        let (longest, pause) = (50 << (round + 1), (pair[1] - pair[0]).as_millis());
        assert!((longest / 2..=longest + 60).contains(&pause), "{round}: {pause} ms");
    }
}

#[test]
fn a_session_of_several_does_not_ask_again_for_another_reason() {
    let seen = Cluster::default().post(&two(), |_, _| Reaction::Refuses(507));
    assert_eq!(seen.status, Some(503));
    assert!(seen.asked.len() <= 10, "{:?}", seen.nodes());
}

#[test]
fn a_job_whose_session_cannot_run_cancels_the_others() {
    let seen = Cluster::default().post(&two(), |asked, _| match asked.order.session.as_str() {
        "n-1" => Reaction::Refuses(400),
        _ => Reaction::Computes,
    });
    assert_eq!((seen.status, seen.cancelled), (Some(500), vec![0]));
}

#[test]
fn copies_run_on_different_nodes_and_the_one_that_deviates_is_named() {
    let job = format!("[{}]", job_node("n", r#", "replicate": 3"#));
    let seen = Cluster::default().post(&job, |asked, _| match asked.node {
        1 => Reaction::Exits("wrong"),
        _ => Reaction::Exits("right"),
    });
    seen.assert_answer(200, "right");
    let mut nodes = seen.nodes();
    nodes.sort_unstable();
    assert_eq!(nodes, [0, 1, 2]);
    assert_eq!(seen.header("x-stayput-copies"), "2/3");
    assert_eq!(seen.header("x-stayput-deviating"), "n@10.0.0.2");
}

#[test]
fn copies_without_a_majority_are_no_answer() {
    let job = format!("[{}]", job_node("n", r#", "replicate": 2"#));
    let seen = Cluster::default().post(&job, |asked, _| match asked.node {
        0 => Reaction::Exits("one"),
        _ => Reaction::Exits("other"),
    });
    assert_eq!(seen.status, Some(500));
    assert!(seen.text().contains("no majority says the same (they ran on 10.0.0.1, 10.0.0.2)"));
}

#[test]
fn a_copy_does_not_go_where_another_one_runs_though_its_own_node_fails() {
    let job = format!("[{}]", job_node("n", r#", "replicate": 2"#));
    let seen = Cluster::default().post(&job, |asked, _| match asked.node {
        1 => Reaction::Refuses(507),
        _ => Reaction::ExitsAfter(Duration::from_millis(50), "same"),
    });
    seen.assert_answer(200, "same");
    let mut nodes = seen.nodes();
    nodes.sort_unstable();
    assert_eq!(nodes, [0, 1, 2]);
    assert_eq!(seen.header("x-stayput-copies"), "2/2");
}

#[test]
fn sessions_of_one_location_go_to_one_node_and_others_each_to_their_own() {
    // The letters of their names make a begin with node 2, and b with node 3.
    let job =
        |location: &str| format!("[{}, {}]", job_node("a", location), job_node("b", location));
    let nodes = |location: &str| {
        let seen = Cluster::default().post(&job(location), |_, _| Reaction::Exits("ran"));
        seen.assert_answer(200, "ranran");
        let mut nodes = seen.nodes();
        nodes.sort_unstable();
        nodes
    };
    assert_eq!(nodes(""), [2, 3]);
    assert_eq!(nodes(r#", "location": "here""#), [2, 2]);
}

#[test]
fn no_node_gets_more_sessions_of_a_job_at_a_time_than_it_runs() {
    let nodes = ["xa", "ya", "za"].map(|name| job_node(name, ""));
    let cluster = Cluster { running: 2, ..Cluster::default() };
    let seen = cluster.post(&format!("[{}]", nodes.join(", ")), |_, _| {
        Reaction::ExitsAfter(Duration::from_millis(100), "ran")
    });
    seen.assert_answer(200, "ranranran");
    assert_eq!(seen.nodes(), [2, 2, 2]);
    let waits: Vec<u128> =
        seen.asked.iter().map(|it| (it.at - seen.asked[0].at).as_millis()).collect();
    assert!(waits[1] < 10 && waits[2] >= 100, "{waits:?}");
}

#[test]
fn a_client_that_leaves_cancels_its_sessions() {
    let leaves_after = Some(Duration::from_secs(5));
    let cluster = Cluster { leaves_after, ..Cluster::default() };
    let seen = cluster.post(&two(), |_, _| Reaction::Computes);
    assert_eq!(seen.status, None);
    let mut cancelled = seen.cancelled.clone();
    cancelled.sort_unstable();
    assert_eq!((cancelled, seen.asked.len()), (vec![0, 4], 2));
}

#[test]
fn nodes_report_their_load_where_the_policy_asks_for_it() {
    for (policy, wants_load) in [("two-choices", true), ("cost", true), ("random", false)] {
        let cluster = Cluster { policy, ..Cluster::default() };
        let seen = cluster.post(&one(), |_, _| Reaction::Exits("ran"));
        seen.assert_answer(200, "ran");
        assert_eq!(seen.asked[0].order.wants_load, wants_load, "{policy}");
        assert!(seen.header("x-stayput-placed").starts_with("node; reason="), "{policy}");
    }
}

#[test]
fn a_flawed_job_reaches_no_node() {
    for (job, status) in [("[", 422), ("[]", 400), (r#"[{"name": "n"}]"#, 400)] {
        let seen = Cluster::default().post(job, |_, _| Reaction::Exits("ran"));
        assert_eq!((seen.status, seen.nodes()), (Some(status), vec![]), "{job}");
    }
    let unknown = one().replace("tools", "nothing");
    let seen = Cluster::default().post(&unknown, |_, _| Reaction::Exits("ran"));
    assert_eq!((seen.status, seen.nodes()), (Some(400), vec![]));
    assert!(seen.text().contains("there are tools"), "{}", seen.text());
}

#[test]
fn the_proxy_runs_a_job_itself_under_the_policy_of_that_name() {
    let cluster = Cluster { policy: "proxy", ..Cluster::default() };
    let seen = cluster.post(&two(), |_, _| Reaction::Exits("ran"));
    seen.assert_answer(200, "");
    assert_eq!(seen.nodes(), Vec::<u8>::new());
    assert_eq!(seen.header("x-stayput-placed"), "proxy; reason=at-proxy");
    assert_eq!(seen.header("x-nexe-retcode"), "0,0");
}
