//! A node that is lost while a gang runs: the gang begins anew without it.
//!
//! Leaves out several losses, which are the random cases'.

use std::time::Duration;

use bytes::Bytes;
use stayput_host::{Purpose, Time};
use stayput_world::Fault;
use stayput_world::FaultInjection;
use stayput_world::RunMeters;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::Crash;

use super::stage::{counts, spec};
use stayput_testkit::cluster::assemble;
use stayput_testkit::jobs::{WordCount, WordText};
use stayput_testkit::world::fabric;

/// Loading is over long before this.
const POSTED_AT: Time = Time::from_nanos(30_000_000_000);
const NODES: usize = 6;

struct Ran {
    status: u16,
    body: Bytes,
    took: Duration,
    retried_bytes: u64,
    crashed: bool,
}

fn job() -> WordCount {
    let words = ["banana", "apple", "kiwi", "a", "fig"];
    let text = |number: usize| {
        let words = (0..5).map(|at| words[(at * at + number) % words.len()].to_owned());
        WordText { words: words.collect(), times: 1_000 }
    };
    WordCount { texts: (0..2).map(text).collect(), reducers: 2, copies: 1 }
}

/// Counts words while that node crashes so long after the job was posted, and stays away.
fn run(crash: Option<(usize, Duration)>) -> Ran {
    let mut world = fabric();
    let (cluster, found) = assemble(&mut *world, &spec(counts(2), 1, 10), |store| async move {
        job().store(&store).await;
        store.side.host.sleep_until(POSTED_AT).await;
        let answer = store.post(&job().description()).await;
        (answer.status.as_u16(), answer.body, store.side.host.now().since(POSTED_AT))
    });
    assert_eq!(cluster.nodes.len(), NODES);
    let fault = crash.map(|(node, after)| {
        let kind = FaultKind::process(cluster.nodes[node], Crash);
        let fault = Fault::once(POSTED_AT + after, Duration::from_secs(600), kind);
        world.schedule(fault).expect("it can happen")
    });
    let (status, body, took) = found.wait(&mut *world);
    let retried_bytes = world.ledger().totals().by_purpose[&Purpose::Retry];
    let crashed = fault.is_some_and(|fault| world.effects(fault).bit());
    Ran { status, body, took, retried_bytes, crashed }
}

#[test]
fn a_gang_that_loses_a_node_begins_anew_elsewhere_and_answers_rightly() {
    let right = job().answer();
    let whole = run(None);
    assert_eq!((whole.status, &whole.body[..]), (200, right.as_bytes()));
    assert_eq!(whole.retried_bytes, 0);
    let mut hit = 0;
    for node in 0..NODES {
        let ran = run(Some((node, whole.took / 2)));
        assert!(ran.crashed, "node {node} runs");
        let said = String::from_utf8_lossy(&ran.body);
        assert_eq!((ran.status, &*said), (200, &*right), "without node {node}");
        // Where no session was, nobody noticed.
        assert_eq!(ran.retried_bytes > 0, ran.took > whole.took, "without node {node}");
        hit += usize::from(ran.retried_bytes > 0);
    }
    assert!((2..NODES).contains(&hit), "{hit} of {NODES} nodes had sessions");
}
