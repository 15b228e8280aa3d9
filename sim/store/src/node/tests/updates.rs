//! Container updates of an object: at once, or later through the durable pending log.

use stayput_host::Row;
use stayput_host::time::WORLD_EPOCH_UNIX_S;

use super::world::{Cluster, address, crash, power, run};
use crate::http::Method;
use crate::swift::Service;

async fn put_container(cluster: &Cluster, node: u8) {
    let headers = [("x-timestamp", "1.0")];
    let reply = cluster.try_ask(node, Service::Container, Method::PUT, "/a/c", &headers, b"").await;
    assert_eq!(reply.expect("it answers").status, 201);
}

/// A timestamp of the world's own time: a change of 1970 would be too old to wait for anybody.
fn now(seconds: u64) -> String {
    format!("{}.0", WORLD_EPOCH_UNIX_S + seconds)
}

/// PUTs or DELETEs the object on the first node, whose container server is on the second.
async fn change(cluster: &Cluster, method: Method, timestamp: &str, body: &[u8]) -> u16 {
    let host = address(1, Service::Container).to_string();
    let headers = [
        ("x-timestamp", timestamp),
        ("content-type", "text/plain"),
        ("x-container-host", &*host),
        ("x-container-device", "d1"),
        ("x-container-partition", "7"),
    ];
    cluster.object(method, &headers, body).await.status
}

async fn listed(cluster: &Cluster) -> String {
    let reply = cluster.try_ask(1, Service::Container, Method::GET, "/a/c", &[], b"").await;
    reply.expect("it answers").text().to_owned()
}

async fn pending(cluster: &Cluster) -> Vec<Row> {
    cluster.disk(0).scan(b"pending/", b"pending0", 100).await.unwrap()
}

#[test]
fn a_container_that_answers_hears_of_an_object_before_its_client_does() {
    run(2, vec![], |cluster| async move {
        put_container(&cluster, 1).await;
        assert_eq!(change(&cluster, Method::PUT, "2.0", b"hello").await, 201);
        assert_eq!(listed(&cluster).await, "o\n");
        assert_eq!(change(&cluster, Method::DELETE, "3.0", b"").await, 204);
        assert_eq!(listed(&cluster).await, "");
        assert!(pending(&cluster).await.is_empty());
    });
}

/// The listing's line of the object.
async fn row(cluster: &Cluster) -> String {
    let url = "/a/c?format=json";
    let reply = cluster.try_ask(1, Service::Container, Method::GET, url, &[], b"").await;
    reply.expect("it answers").text().to_owned()
}

#[test]
fn a_content_type_that_is_posted_is_listed_at_once_or_later() {
    run(2, vec![crash(1, 2_000, 3_000)], |cluster| async move {
        put_container(&cluster, 1).await;
        assert_eq!(change(&cluster, Method::PUT, &now(1), b"hello").await, 201);
        let post = async |second, content_type| {
            let (host, at) = (address(1, Service::Container).to_string(), now(second));
            let headers = [
                ("x-timestamp", &*at),
                ("content-type", content_type),
                ("x-container-host", &*host),
                ("x-container-device", "d1"),
                ("x-container-partition", "7"),
            ];
            assert_eq!(cluster.object(Method::POST, &headers, b"").await.status, 202);
        };
        post(2, "text/posted").await;
        let listed = row(&cluster).await;
        assert!(listed.contains("text/posted") && listed.contains(":02.000000"), "{listed}");
        assert!(listed.contains("\"bytes\":5"), "{listed}");
        assert_eq!(change(&cluster, Method::PUT, &now(3), b"again").await, 201);
        assert!(row(&cluster).await.contains("text/plain"));
        cluster.at(2_500).await;
        post(4, "text/later").await;
        assert_eq!(pending(&cluster).await.len(), 1);
        cluster.at(20_000).await;
        let listed = row(&cluster).await;
        assert!(listed.contains("text/later") && listed.contains(":04.000000"), "{listed}");
        assert!(pending(&cluster).await.is_empty());
    });
}

#[test]
fn an_update_that_was_not_heard_survives_a_loss_of_power_and_is_heard_later() {
    let faults = vec![crash(1, 500, 5_500), power(0, 3_000, 1_000)];
    run(2, faults, |cluster| async move {
        put_container(&cluster, 1).await;
        cluster.at(1_000).await;
        assert_eq!(change(&cluster, Method::PUT, "2.0", b"hello").await, 201);
        assert!(cluster.host.now().as_micros() < 2_200_000, "the wait has a limit");
        assert_eq!(pending(&cluster).await.len(), 1);
        cluster.at(5_000).await;
        assert_eq!(pending(&cluster).await.len(), 1, "it survived");
        cluster.at(10_000).await;
        assert_eq!(listed(&cluster).await, "o\n");
        assert!(pending(&cluster).await.is_empty());
    });
}

#[test]
fn an_update_waits_for_a_container_that_is_not_there_yet_and_not_for_one_that_was_deleted() {
    run(2, vec![], |cluster| async move {
        assert_eq!(change(&cluster, Method::PUT, &now(2), b"hello").await, 201);
        assert_eq!(pending(&cluster).await.len(), 1);
        put_container(&cluster, 1).await;
        cluster.at(5_000).await;
        assert_eq!(listed(&cluster).await, "o\n");
        assert_eq!(change(&cluster, Method::DELETE, &now(3), b"").await, 204);
        let later = now(9);
        let headers = [("x-timestamp", &*later)];
        let deleted = cluster.try_ask(1, Service::Container, Method::DELETE, "/a/c", &headers, b"");
        assert_eq!(deleted.await.expect("it answers").status, 204);
        assert_eq!(change(&cluster, Method::PUT, &now(4), b"late").await, 201);
        assert!(pending(&cluster).await.is_empty(), "nobody will ever want it");
    });
}

#[test]
fn an_account_that_was_down_hears_of_its_containers_later() {
    run(2, vec![crash(1, 500, 3_000)], |cluster| async move {
        let headers = [("x-timestamp", "1.0")];
        let account = cluster.try_ask(1, Service::Account, Method::PUT, "/a", &headers, b"").await;
        assert_eq!(account.expect("it answers").status, 201);
        cluster.at(1_000).await;
        let host = address(1, Service::Account).to_string();
        let headers = [
            ("x-timestamp", "2.0"),
            ("x-account-host", &*host),
            ("x-account-device", "d1"),
            ("x-account-partition", "7"),
        ];
        let put = cluster.ask(Service::Container, Method::PUT, "/a/c", &headers, b"").await;
        assert_eq!(put.status, 201, "the container does not wait for its account");
        cluster.at(8_000).await;
        let account = cluster.try_ask(1, Service::Account, Method::GET, "/a", &[], b"").await;
        assert_eq!(account.expect("it answers").text(), "c\n");
        assert!(pending(&cluster).await.is_empty());
    });
}

#[test]
fn a_write_that_is_tried_again_is_refused_and_its_container_hears_of_it() {
    run(2, vec![], |cluster| async move {
        put_container(&cluster, 1).await;
        for (method, timestamp, cut_off, refused, after) in
            [(Method::PUT, "2.0", 201, 409, "o\n"), (Method::DELETE, "3.0", 204, 404, "")]
        {
            let headers = [("x-timestamp", timestamp)];
            let told_nobody = cluster.object(method.clone(), &headers, b"hello").await;
            assert_eq!(told_nobody.status, cut_off);
            assert_eq!(change(&cluster, method, timestamp, b"hello").await, refused);
            assert_eq!(listed(&cluster).await, after);
        }
    });
}
