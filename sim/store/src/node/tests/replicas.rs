//! Replicas that get the same changes in different orders, some of them twice, end up the same.

use proptest::prelude::*;

use super::world::{Cluster, Reply, crash, run};
use crate::http::Method;
use crate::swift::Service;

/// A put or a deletion of one of a few names, at one of a few times.
#[derive(Clone, Debug)]
struct Step {
    name: u8,
    tick: u8,
    /// Size of the object that is put; `None` deletes.
    put: Option<u8>,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..3, 1_u8..9).prop_map(|(name, tick)| {
        // A time of a name is one change: proxies give each change a time of its own.
        let put = (tick % 3 != 0).then_some(tick * 7 + name);
        Step { name, tick, put }
    });
    prop::collection::vec(step, 1..20)
}

async fn send_object(cluster: &Cluster, node: u8, step: &Step) {
    let path = format!("/a/c/{}", step.name);
    let timestamp = format!("{}.0", step.tick);
    let body = vec![b'x'; usize::from(step.put.unwrap_or(0))];
    let method = if step.put.is_some() { Method::PUT } else { Method::DELETE };
    let headers = [("x-timestamp", &*timestamp)];
    let sent = cluster.try_ask(node, Service::Object, method, &path, &headers, &body).await;
    assert!([201, 204, 404, 409].contains(&sent.expect("it answers").status));
}

async fn send_row(cluster: &Cluster, node: u8, step: &Step) {
    let path = format!("/a/c/{}", step.name);
    let (timestamp, size) = (format!("{}.0", step.tick), step.put.unwrap_or(0).to_string());
    let headers = [
        ("x-timestamp", &*timestamp),
        ("x-size", &*size),
        ("x-etag", &*size),
        ("x-content-type", "t"),
    ];
    let method = if step.put.is_some() { Method::PUT } else { Method::DELETE };
    let sent = cluster.try_ask(node, Service::Container, method, &path, &headers, b"").await;
    assert!([201, 204].contains(&sent.expect("it answers").status));
}

/// Answer to a reader of the node, without what a message has of its own.
fn seen(reply: &Reply) -> (u16, Option<Vec<u8>>, Vec<String>) {
    let names = ["etag", "x-timestamp", "x-backend-timestamp", "x-container-object-count"];
    let headers = names.iter().map(|name| reply.header(name).to_owned()).collect();
    // An error's text is the node's own matter.
    (reply.status, reply.body.clone().filter(|_| reply.status < 300), headers)
}

async fn both_see_the_same(cluster: &Cluster, service: Service, path: &str) -> Reply {
    let read = |node| cluster.try_ask(node, service, Method::GET, path, &[], b"");
    let (one, other) = (read(0).await.expect("it answers"), read(1).await.expect("it answers"));
    assert_eq!(seen(&one), seen(&other), "{path}");
    one
}

/// The listing and the bytes that the steps come to, by the rule that the newest counts.
fn expected(steps: &[Step]) -> (String, u64) {
    let (mut names, mut bytes) = (String::new(), 0);
    for name in 0..3 {
        let newest = steps.iter().filter(|step| step.name == name).max_by_key(|step| step.tick);
        if let Some(put) = newest.and_then(|step| step.put) {
            names += &format!("{name}\n");
            bytes += u64::from(put);
        }
    }
    (names, bytes)
}

async fn compare(cluster: Cluster, steps: Vec<Step>) {
    for node in 0..2 {
        let headers = [("x-timestamp", "1.0")];
        let put = cluster.try_ask(node, Service::Container, Method::PUT, "/a/c", &headers, b"");
        assert_eq!(put.await.expect("it answers").status, 201);
    }
    for step in &steps {
        send_object(&cluster, 0, step).await;
        send_row(&cluster, 0, step).await;
    }
    for step in steps.iter().rev().chain(&steps) {
        send_object(&cluster, 1, step).await;
        send_row(&cluster, 1, step).await;
    }
    cluster.at(20_000).await;
    for name in 0..3 {
        both_see_the_same(&cluster, Service::Object, &format!("/a/c/{name}")).await;
    }
    let listing = both_see_the_same(&cluster, Service::Container, "/a/c").await;
    let (names, bytes) = expected(&steps);
    assert_eq!(
        (listing.text(), listing.header("x-container-bytes-used")),
        (&*names, &*bytes.to_string())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn replicas_agree_whatever_the_order(steps in any_steps()) {
        run(2, vec![crash(0, 15_000, 100)], move |cluster| compare(cluster, steps.clone()));
    }
}
