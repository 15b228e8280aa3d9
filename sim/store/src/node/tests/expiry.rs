//! Expiry of objects.

use stayput_host::time::WORLD_EPOCH_UNIX_S;

use super::world::{Cluster, address, crash, run};
use crate::http::Method;
use crate::swift::Service;

/// Puts an object that expires 20 s after the world began.
async fn put(cluster: &Cluster) {
    let at = (WORLD_EPOCH_UNIX_S + 20).to_string();
    let host = address(0, Service::Container).to_string();
    let headers = [
        ("x-timestamp", "1.0"),
        ("x-delete-at", &*at),
        ("x-container-host", &*host),
        ("x-container-device", "d1"),
        ("x-container-partition", "7"),
    ];
    let made = [("x-timestamp", "0.5")];
    cluster.ask(Service::Container, Method::PUT, "/a/c", &made, b"").await;
    assert_eq!(cluster.object(Method::PUT, &headers, b"words").await.status, 201);
    assert_eq!(cluster.get().await.text(), "words");
    assert_eq!(listed(cluster).await, "o\n");
}

async fn listed(cluster: &Cluster) -> String {
    let listing = cluster.ask(Service::Container, Method::GET, "/a/c", &[], b"").await;
    listing.text().to_owned()
}

/// Rows that name objects that will expire.
async fn noted(cluster: &Cluster) -> usize {
    cluster.disk(0).scan(b"expiring/", b"expiring0", 10).await.unwrap().len()
}

#[test]
fn an_expired_object_is_not_given_and_outdates_only_what_is_older() {
    run(1, vec![], |cluster| async move {
        put(&cluster).await;
        cluster.at(21_000).await;
        for _removed in [false, true] {
            let gone = cluster.get().await;
            let since = gone.header("x-backend-timestamp");
            assert_eq!((gone.status, since), (404, "0000000001.00000"), "the time of its data");
            cluster.at(130_000).await;
        }
        assert_eq!((listed(&cluster).await, noted(&cluster).await), (String::new(), 0));
        let put = async |at| cluster.object(Method::PUT, &[("x-timestamp", at)], b"new").await;
        assert_eq!(put("0.9").await.status, 409, "it is older");
        assert_eq!(
            put("1.0").await.status,
            201,
            "another replica's copy, whose expiry was put off"
        );
        assert_eq!(put("1.00001").await.status, 201);
        assert_eq!(cluster.get().await.text(), "new");
    });
}

#[test]
fn what_was_to_expire_is_removed_after_a_crash_as_well() {
    run(1, vec![crash(0, 1_000, 30_000)], |cluster| async move {
        put(&cluster).await;
        cluster.at(150_000).await;
        assert_eq!(cluster.get().await.status, 404);
        assert_eq!((listed(&cluster).await, noted(&cluster).await), (String::new(), 0));
        let files = cluster.disk(0).list("objects").await.unwrap();
        assert!(!files.is_empty(), "its tombstone stays");
        assert_eq!(cluster.disk(0).list("tmp").await.unwrap(), [] as [String; 0]);
    });
}

#[test]
fn an_object_that_was_put_anew_does_not_expire_with_the_old_one() {
    run(1, vec![], |cluster| async move {
        put(&cluster).await;
        let anew = [("x-timestamp", "2.0")];
        assert_eq!(cluster.object(Method::PUT, &anew, b"new").await.status, 201);
        cluster.at(130_000).await;
        assert_eq!(cluster.get().await.text(), "new");
        assert_eq!((listed(&cluster).await, noted(&cluster).await), ("o\n".to_owned(), 0));
    });
}
