//! Objects over HTTP: reads, writes, conditions and refusals.

use super::world::{Cluster, UPLOAD_BYTES_MAX, run};
use crate::http::Method;
use crate::swift::Service;

const MD5_OF_HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

async fn put(cluster: &Cluster, timestamp: &str, body: &[u8]) -> u16 {
    let headers =
        [("x-timestamp", timestamp), ("content-type", "text/plain"), ("x-object-meta-a", "1")];
    cluster.object(Method::PUT, &headers, body).await.status
}

#[test]
fn what_was_put_is_read_back_with_its_headers() {
    run(1, vec![], |cluster| async move {
        let headers = [
            ("x-timestamp", "1704067200.00042"),
            ("content-type", "text/plain"),
            ("x-object-meta-colour", "bl\u{fc}e"),
            ("content-encoding", "identity"),
            ("etag", MD5_OF_HELLO),
        ];
        let stored = cluster.object(Method::PUT, &headers, b"hello").await;
        assert_eq!((stored.status, stored.header("etag")), (201, &*format!("\"{MD5_OF_HELLO}\"")));
        for method in [Method::GET, Method::HEAD] {
            let read = cluster.object(method.clone(), &[], b"").await;
            assert_eq!(read.status, 200);
            let body: &[u8] = if method == Method::GET { b"hello" } else { b"" };
            assert_eq!(read.body.as_deref(), Some(body));
            assert_eq!(read.header("content-length"), "5");
            assert_eq!(read.header("content-type"), "text/plain");
            assert_eq!(read.header("content-encoding"), "identity");
            assert_eq!(read.header("etag"), format!("\"{MD5_OF_HELLO}\""));
            assert_eq!(read.header("x-timestamp"), "1704067200.00042");
            assert_eq!(read.header("x-backend-data-timestamp"), "1704067200.00042");
            assert_eq!(read.header("last-modified"), "Mon, 01 Jan 2024 00:00:01 GMT");
            assert_eq!(read.headers["x-object-meta-colour"].as_bytes(), "bl\u{fc}e".as_bytes());
        }
    });
}

#[test]
fn large_and_empty_objects_read_back_whole() {
    run(1, vec![], |cluster| async move {
        let large: Vec<u8> = (0_u32..3_000_000).map(|index| (index * 31 % 251) as u8).collect();
        assert_eq!(put(&cluster, "1.0", &large).await, 201);
        assert_eq!(cluster.get().await.body, Some(large));
        assert_eq!(put(&cluster, "2.0", b"").await, 201);
        let empty = cluster.get().await;
        assert_eq!((empty.status, empty.text(), empty.header("content-length")), (200, "", "0"));
    });
}

#[test]
fn the_newest_write_wins_and_older_ones_are_told_what_is_there() {
    run(1, vec![], |cluster| async move {
        assert_eq!(put(&cluster, "5.0", b"five").await, 201);
        for timestamp in ["5.0", "4.0"] {
            let refused = cluster.object(Method::PUT, &[("x-timestamp", timestamp)], b"x").await;
            assert_eq!(
                (refused.status, refused.header("x-backend-timestamp")),
                (409, "0000000005.00000")
            );
            assert!(refused.text().contains("/a/c/o"), "{}", refused.text());
            let refused = cluster.object(Method::DELETE, &[("x-timestamp", timestamp)], b"").await;
            assert_eq!(refused.status, 409);
        }
        assert_eq!(cluster.get().await.text(), "five");
        assert_eq!(put(&cluster, "6.0", b"six").await, 201);
        assert_eq!(cluster.get().await.text(), "six");
        let files = cluster.disk(0).list("objects/7").await.unwrap();
        assert_eq!(files.len(), 1, "one suffix");
        let dir = format!("objects/7/{}", files[0]);
        let dir = format!("{dir}/{}", cluster.disk(0).list(&dir).await.unwrap()[0]);
        assert_eq!(cluster.disk(0).list(&dir).await.unwrap(), ["0000000006.00000.data"]);
    });
}

#[test]
fn a_deletion_leaves_a_tombstone_that_older_writes_meet() {
    run(1, vec![], |cluster| async move {
        let delete = async |timestamp| {
            cluster.object(Method::DELETE, &[("x-timestamp", timestamp)], b"").await.status
        };
        assert_eq!(cluster.get().await.status, 404);
        assert_eq!(put(&cluster, "1.0", b"x").await, 201);
        assert_eq!(delete("3.0").await, 204);
        let gone = cluster.get().await;
        assert_eq!((gone.status, gone.header("x-backend-timestamp")), (404, "0000000003.00000"));
        assert_eq!(put(&cluster, "2.0", b"x").await, 409);
        assert_eq!(delete("2.0").await, 404);
        assert_eq!(delete("4.0").await, 404);
        assert_eq!(cluster.get().await.header("x-backend-timestamp"), "0000000004.00000");
        assert_eq!(put(&cluster, "5.0", b"y").await, 201);
        assert_eq!(cluster.get().await.text(), "y");
    });
}

#[test]
fn a_post_replaces_metadata_and_leaves_the_version() {
    run(1, vec![], |cluster| async move {
        let post = async |timestamp| {
            let headers = [("x-timestamp", timestamp), ("x-object-meta-b", "2")];
            cluster.object(Method::POST, &headers, b"").await.status
        };
        assert_eq!(post("1.0").await, 404);
        assert_eq!(put(&cluster, "2.0", b"x").await, 201);
        assert_eq!(post("2.0").await, 409);
        assert_eq!(post("3.0").await, 202);
        assert_eq!(post("3.0").await, 409);
        let read = cluster.get().await;
        assert_eq!((read.header("x-object-meta-a"), read.header("x-object-meta-b")), ("", "2"));
        assert_eq!(read.header("content-type"), "text/plain");
        assert_eq!(read.header("x-timestamp"), "0000000003.00000");
        assert_eq!(read.header("x-backend-data-timestamp"), "0000000002.00000");
        let typed = [("x-timestamp", "3.2"), ("content-type", "text/typed")];
        assert_eq!(cluster.object(Method::POST, &typed, b"").await.status, 202);
        assert_eq!(post("3.4").await, 202);
        let read = cluster.get().await;
        assert_eq!(
            (read.header("x-object-meta-b"), read.header("content-type")),
            ("2", "text/typed")
        );
        assert_eq!(put(&cluster, "4.0", b"y").await, 201);
        let read = cluster.get().await;
        assert_eq!(
            (read.header("x-object-meta-a"), read.header("content-type")),
            ("1", "text/plain")
        );
    });
}

#[test]
fn ranges_and_conditions_are_kept() {
    run(1, vec![], |cluster| async move {
        assert_eq!(put(&cluster, "1000.0", b"hello").await, 201);
        let get =
            async |name, value: &str| cluster.object(Method::GET, &[(name, value)], b"").await;
        let part = get("range", "bytes=1-3").await;
        assert_eq!(
            (part.status, part.text(), part.header("content-range")),
            (206, "ell", "bytes 1-3/5")
        );
        assert_eq!(get("range", "bytes=-2").await.text(), "lo");
        let beyond = get("range", "bytes=5-").await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */5"));
        let several = get("range", "bytes=0-0,2-2").await;
        assert_eq!((several.status, several.text()), (200, "hello"));
        assert_eq!(get("if-none-match", MD5_OF_HELLO).await.status, 304);
        assert_eq!(get("if-match", "\"other\"").await.status, 412);
        assert_eq!(get("if-modified-since", "Thu, 01 Jan 1970 00:16:40 GMT").await.status, 304);
        assert_eq!(get("x-backend-want-version", "1000.0").await.text(), "hello");
        let other = get("x-backend-want-version", "999.0").await;
        assert_eq!((other.status, other.header("x-backend-timestamp")), (409, "0000001000.00000"));
    });
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    run(1, vec![], |cluster| async move {
        let ask = async |path: &str, headers: &[(&str, &str)], body: &[u8]| {
            let reply = cluster.ask(Service::Object, Method::PUT, path, headers, body).await;
            (reply.status, reply.text().to_owned())
        };
        let now = ("x-timestamp", "1.0");
        let (status, text) = ask("/a/c/o", &[], b"").await;
        assert_eq!((status, &*text), (400, "/a/c/o: the header x-timestamp is missing\n"));
        assert_eq!(ask("/a/c/o", &[("x-timestamp", "soon")], b"").await.0, 400);
        assert_eq!(ask("/a/c", &[now], b"").await.0, 400);
        let (status, text) = ask("/a/c/o", &[now, ("etag", "beef")], b"hello").await;
        assert_eq!(status, 422);
        assert!(text.contains(MD5_OF_HELLO) && text.contains("beef"), "{text}");
        let long = vec![0; usize::try_from(UPLOAD_BYTES_MAX).unwrap() + 1];
        assert_eq!(ask("/a/c/o", &[now], &long).await.0, 413);
        let lists =
            [now, ("x-container-host", "10.0.0.1:1,10.0.0.2:1"), ("x-container-device", "d")];
        assert_eq!(ask("/a/c/o", &lists, b"").await.0, 400);
        assert_eq!(cluster.get().await.status, 404);
        assert!(cluster.disk(0).list("tmp").await.unwrap().is_empty());
        let odd = cluster.object(Method::PATCH, &[], b"").await;
        assert_eq!(odd.status, 405);
        let purpose = [("x-backend-purpose", "fun")];
        assert_eq!(put(&cluster, "2.0", b"x").await, 201);
        assert_eq!(cluster.object(Method::GET, &purpose, b"").await.status, 400);
    });
}

#[test]
fn writers_of_one_object_leave_the_newest_alone_on_the_disk() {
    run(1, vec![], |cluster| async move {
        let timestamps = ["3.0", "1.0", "5.0", "2.0", "4.0"];
        let writes = timestamps.map(|timestamp| {
            let cluster = cluster.clone();
            async move { put(&cluster, timestamp, timestamp.as_bytes()).await }
        });
        let statuses = futures_util::future::join_all(writes).await;
        assert_eq!(statuses[2], 201, "the newest is always taken");
        assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
        assert_eq!(cluster.get().await.text(), "5.0");
        assert!(cluster.disk(0).list("tmp").await.unwrap().is_empty());
    });
}
