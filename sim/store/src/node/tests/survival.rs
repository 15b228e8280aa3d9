//! Crashes, lost power and leaving clients, and what they leave behind.

use std::time::Duration;

use stayput_host::Purpose;

use super::world::{Cluster, address, crash, power, run};
use crate::http::{Body, Method, Timeouts, send};
use crate::swift::Service;

/// Begins an upload of 1 MB and sends half of it; the upload goes on until the guard is dropped.
fn half_an_upload(cluster: &Cluster) -> stayput_host::TaskGuard {
    let (host, length) = (cluster.host.clone(), 1_000_000);
    cluster.host.spawn_guarded(async move {
        let (sender, body) = Body::stream(length);
        let mut request = hyper::Request::new(body);
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = "/d1/7/a/c/o".parse().expect("a path");
        request.headers_mut().insert("x-timestamp", "2.0".parse().expect("a value"));
        let limits = Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(100) };
        let feeding = async {
            sender.send(Purpose::ObjectData, vec![7; 500_000].into()).await;
            host.sleep(Duration::from_secs(100)).await;
        };
        let sending = send(&host, address(0, Service::Object), request, limits);
        let _neither_ends = futures_util::future::join(feeding, sending).await;
    })
}

async fn uploads(cluster: &Cluster) -> usize {
    cluster.disk(0).list("tmp").await.unwrap().len()
}

async fn put(cluster: &Cluster) {
    let stored = cluster.object(Method::PUT, &[("x-timestamp", "1.0")], b"acknowledged").await;
    assert_eq!(stored.status, 201);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_an_upload_leaves_nothing() {
    run(1, vec![], |cluster| async move {
        put(&cluster).await;
        let upload = half_an_upload(&cluster);
        cluster.host.sleep(Duration::from_millis(100)).await;
        assert_eq!(uploads(&cluster).await, 1);
        drop(upload);
        cluster.host.sleep(Duration::from_millis(100)).await;
        assert_eq!(uploads(&cluster).await, 0);
        assert_eq!(cluster.get().await.text(), "acknowledged");
    });
}

#[test]
fn an_upload_that_wants_nothing_there_does_not_replace_what_came_meanwhile() {
    run(1, vec![], |cluster| async move {
        let (sender, body) = Body::stream(4);
        let mut request = hyper::Request::new(body);
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = "/d1/7/a/c/o".parse().expect("a path");
        request.headers_mut().insert("x-timestamp", "2.0".parse().expect("a value"));
        request.headers_mut().insert("if-none-match", "*".parse().expect("a value"));
        let limit = Duration::from_secs(10);
        let limits = Timeouts { connect: limit, answer: limit };
        let feeding = async {
            sender.send(Purpose::ObjectData, b"la".as_slice().into()).await;
            cluster.host.sleep(Duration::from_millis(500)).await;
            put(&cluster).await;
            sender.send(Purpose::ObjectData, b"te".as_slice().into()).await;
        };
        let sending = send(&cluster.host, address(0, Service::Object), request, limits);
        let (answer, ()) = futures_util::future::join(sending, feeding).await;
        assert_eq!(answer.expect("it answers").status.as_u16(), 412);
        assert_eq!(cluster.get().await.text(), "acknowledged");
        assert_eq!(uploads(&cluster).await, 0);
    });
}

#[test]
fn an_upload_that_a_crash_cut_off_is_gone_after_the_restart() {
    run(1, vec![crash(0, 500, 500)], |cluster| async move {
        put(&cluster).await;
        let _upload = half_an_upload(&cluster);
        cluster.at(400).await;
        assert_eq!(uploads(&cluster).await, 1);
        cluster.at(1_100).await;
        assert_eq!(uploads(&cluster).await, 0);
        assert_eq!(cluster.get().await.text(), "acknowledged");
    });
}

#[test]
fn what_was_acknowledged_survives_a_loss_of_power() {
    run(1, vec![power(0, 500, 500)], |cluster| async move {
        put(&cluster).await;
        let posted = [("x-timestamp", "2.0"), ("x-object-meta-a", "posted")];
        assert_eq!(cluster.object(Method::POST, &posted, b"").await.status, 202);
        let row =
            [("x-timestamp", "1.0"), ("x-etag", "e"), ("x-size", "3"), ("x-content-type", "t")];
        let container = async |path, headers| {
            let reply = cluster.ask(Service::Container, Method::PUT, path, headers, b"").await;
            assert_eq!(reply.status, 201);
        };
        container("/a/c", &[("x-timestamp", "1.0")]).await;
        container("/a/c/o", &row).await;
        cluster.at(1_100).await;
        let read = cluster.get().await;
        assert_eq!((read.text(), read.header("x-object-meta-a")), ("acknowledged", "posted"));
        let listed = cluster.ask(Service::Container, Method::GET, "/a/c", &[], b"").await;
        assert_eq!((listed.text(), listed.header("x-container-bytes-used")), ("o\n", "3"));
    });
}

/// Puts object after object until the power goes, then looks for each that was acknowledged.
#[test]
fn whenever_the_power_goes_nothing_acknowledged_is_lost_or_torn() {
    for at_ms in (20..60).step_by(3) {
        run(1, vec![power(0, at_ms, 100)], move |cluster| async move {
            let mut acknowledged = Vec::new();
            for number in 0..1_000 {
                let (path, body) = (format!("/a/c/{number}"), vec![1; number * 100]);
                let put = cluster.ask_briefly(&path, &body);
                match put.await {
                    Some(201) => acknowledged.push((path, body)),
                    _ => break,
                }
            }
            assert!(!acknowledged.is_empty());
            cluster.at(at_ms + 200).await;
            for (path, body) in acknowledged {
                let read = cluster.ask(Service::Object, Method::GET, &path, &[], b"").await;
                assert_eq!((read.status, read.body), (200, Some(body)), "{path}");
            }
        });
    }
}

impl Cluster {
    /// A PUT that is given up soon; its status, if there was one.
    async fn ask_briefly(&self, path: &str, body: &[u8]) -> Option<u16> {
        let headers = [("x-timestamp", "1.0")];
        let put = self.try_ask(0, Service::Object, Method::PUT, path, &headers, body);
        let answer = self.host.timeout(Duration::from_millis(50), put).await;
        answer.ok()?.ok().map(|reply| reply.status)
    }
}
