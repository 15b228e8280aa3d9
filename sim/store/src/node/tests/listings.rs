//! Containers and accounts over HTTP: their lives, their rows and their counts.

use super::world::{Cluster, Reply, address, run};
use crate::http::Method;
use crate::swift::Service;

const ROW: [(&str, &str); 3] = [("x-etag", "e1"), ("x-size", "10"), ("x-content-type", "text/x")];

async fn container(
    cluster: &Cluster,
    method: Method,
    path: &str,
    timestamp: &str,
    headers: &[(&str, &str)],
) -> Reply {
    let headers = [headers, &[("x-timestamp", timestamp)]].concat();
    cluster.ask(Service::Container, method, path, &headers, b"").await
}

async fn list(cluster: &Cluster, path: &str) -> Reply {
    cluster.ask(Service::Container, Method::GET, path, &[], b"").await
}

#[test]
fn a_container_lives_from_its_put_to_its_deletion() {
    run(1, vec![], |cluster| async move {
        let ask = async |method, timestamp, headers: &[(&str, &str)]| {
            container(&cluster, method, "/a/c", timestamp, headers).await
        };
        let meta = [("x-container-meta-k", "v")];
        assert_eq!(ask(Method::POST, "1.0", &meta).await.status, 404);
        assert_eq!(ask(Method::PUT, "2.0", &meta).await.status, 201);
        assert_eq!(ask(Method::PUT, "3.0", &[]).await.status, 202);
        let head = ask(Method::HEAD, "9.0", &[]).await;
        assert_eq!((head.status, head.header("x-container-meta-k")), (204, "v"));
        assert_eq!(head.header("x-container-object-count"), "0");
        assert_eq!(head.header("x-backend-timestamp"), "0000000003.00000");
        assert_eq!(ask(Method::POST, "4.0", &[("x-container-meta-k", "")]).await.status, 204);
        assert_eq!(ask(Method::HEAD, "9.0", &[]).await.header("x-container-meta-k"), "");
        assert_eq!(ask(Method::DELETE, "2.5", &[]).await.status, 409);
        assert_eq!(ask(Method::DELETE, "5.0", &[]).await.status, 204);
        let gone = ask(Method::GET, "9.0", &[]).await;
        assert_eq!((gone.status, gone.header("x-backend-timestamp")), (404, "0000000005.00000"));
        assert_eq!(ask(Method::DELETE, "6.0", &[]).await.status, 404);
        assert_eq!(ask(Method::PUT, "4.5", &[]).await.status, 409);
        assert_eq!(ask(Method::PUT, "7.0", &[]).await.status, 201);
    });
}

#[test]
fn rows_are_counted_and_the_newest_of_a_name_counts() {
    run(1, vec![], |cluster| async move {
        let row = async |method, timestamp, headers: &[(&str, &str)]| {
            container(&cluster, method, "/a/c/x/y", timestamp, headers).await.status
        };
        assert_eq!(row(Method::PUT, "1.0", &ROW).await, 404, "no container");
        assert_eq!(container(&cluster, Method::PUT, "/a/c", "1.0", &[]).await.status, 201);
        assert_eq!(row(Method::PUT, "3.0", &ROW).await, 201);
        assert_eq!(row(Method::PUT, "3.0", &ROW).await, 201);
        assert_eq!(
            row(Method::PUT, "2.0", &[("x-etag", "e0"), ("x-size", "99"), ("x-content-type", "t")])
                .await,
            201
        );
        let counts = async || {
            let head = list(&cluster, "/a/c").await;
            let count = head.header("x-container-object-count").to_owned();
            (count, head.header("x-container-bytes-used").to_owned(), head.status)
        };
        assert_eq!(counts().await, ("1".to_owned(), "10".to_owned(), 200));
        assert_eq!(container(&cluster, Method::DELETE, "/a/c", "9.0", &[]).await.status, 409);
        assert_eq!(row(Method::DELETE, "4.0", &[]).await, 204);
        assert_eq!(row(Method::PUT, "3.5", &ROW).await, 201, "late, and without effect");
        assert_eq!(counts().await, ("0".to_owned(), "0".to_owned(), 204));
        assert_eq!(row(Method::PUT, "5.0", &ROW[..2]).await, 400, "no content type");
        assert_eq!(container(&cluster, Method::DELETE, "/a/c", "9.0", &[]).await.status, 204);
    });
}

#[test]
fn listings_are_plain_or_json_and_rolled_up() {
    run(1, vec![], |cluster| async move {
        container(&cluster, Method::PUT, "/a/c", "1.0", &[]).await;
        for name in ["a", "d/1", "d/2", "e%20%C3%A9"] {
            let path = format!("/a/c/{name}");
            assert_eq!(container(&cluster, Method::PUT, &path, "1.5", &ROW).await.status, 201);
        }
        let plain = list(&cluster, "/a/c").await;
        assert_eq!(plain.text(), "a\nd/1\nd/2\ne \u{e9}\n");
        assert_eq!(list(&cluster, "/a/c?delimiter=/").await.text(), "a\nd/\ne \u{e9}\n");
        assert_eq!(list(&cluster, "/a/c?prefix=d/&delimiter=/&limit=1").await.text(), "d/1\n");
        assert_eq!(list(&cluster, "/a/c?marker=d/1&end_marker=e").await.text(), "d/2\n");
        assert_eq!(list(&cluster, "/a/c?limit=10001").await.status, 412);
        let json = list(&cluster, "/a/c?format=json&delimiter=/&limit=2").await;
        assert_eq!(json.header("content-type"), "application/json; charset=utf-8");
        let json: serde_json::Value = serde_json::from_str(json.text()).unwrap();
        let row = serde_json::json!({
            "name": "a", "hash": "e1", "bytes": 10, "content_type": "text/x",
            "last_modified": "1970-01-01T00:00:01.500000",
        });
        assert_eq!(json, serde_json::json!([row, { "subdir": "d/" }]));
        let none = list(&cluster, "/a/c?prefix=z&format=json").await;
        assert_eq!((none.status, none.text()), (200, "[]"));
    });
}

#[test]
fn listings_are_reversed_and_cut_to_a_path() {
    run(1, vec![], |cluster| async move {
        container(&cluster, Method::PUT, "/a/c", "1.0", &[]).await;
        for name in ["a", "d/", "d/1", "d/2", "d/e/3", "z"] {
            let path = format!("/a/c/{name}");
            assert_eq!(container(&cluster, Method::PUT, &path, "1.5", &ROW).await.status, 201);
        }
        let text = async |query| list(&cluster, &format!("/a/c?{query}")).await.text().to_owned();
        assert_eq!(text("reverse=on&limit=2").await, "z\nd/e/3\n");
        assert_eq!(text("reverse=true&marker=d/2&end_marker=a").await, "d/1\nd/\n");
        assert_eq!(text("reverse=1&delimiter=/").await, "z\nd/\na\n");
        assert_eq!(text("reverse=no&limit=1").await, "a\n");
        assert_eq!(text("path=d").await, "d/1\nd/2\n");
        assert_eq!(text("path=").await, "a\nd/\nz\n");
        assert_eq!(text("path=d/e/&reverse=yes").await, "d/e/3\n");
    });
}

#[test]
fn listings_in_xml_escape_what_names_have() {
    run(1, vec![], |cluster| async move {
        container(&cluster, Method::PUT, "/a/c", "1.0", &[]).await;
        for name in ["%3C%26%22%01", "d/1"] {
            let path = format!("/a/c/{name}");
            assert_eq!(container(&cluster, Method::PUT, &path, "1.5", &ROW).await.status, 201);
        }
        let xml = list(&cluster, "/a/c?format=xml&delimiter=/").await;
        assert_eq!(xml.header("content-type"), "application/xml; charset=utf-8");
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\">\
            <object><name>&lt;&amp;&quot;\u{fffd}</name><hash>e1</hash><bytes>10</bytes>\
            <content_type>text/x</content_type>\
            <last_modified>1970-01-01T00:00:01.500000</last_modified></object>\
            <subdir name=\"d/\"><name>d/</name></subdir></container>";
        assert_eq!(xml.text(), expected);
        let none = list(&cluster, "/a/c?format=xml&prefix=z").await;
        assert_eq!(none.status, 200, "an empty list is XML all the same");
    });
}

#[test]
fn a_subdirectory_of_several_pages_is_skipped_whole() {
    run(1, vec![], |cluster| async move {
        container(&cluster, Method::PUT, "/a/c", "1.0", &[]).await;
        for number in 0..2_300 {
            let path = format!("/a/c/d/{number:04}");
            assert_eq!(container(&cluster, Method::PUT, &path, "1.0", &ROW).await.status, 201);
        }
        container(&cluster, Method::PUT, "/a/c/z", "1.0", &ROW).await;
        assert_eq!(list(&cluster, "/a/c?delimiter=/").await.text(), "d/\nz\n");
        assert_eq!(list(&cluster, "/a/c?marker=d/2298").await.text(), "d/2299\nz\n");
        assert_eq!(list(&cluster, "/a/c").await.text().lines().count(), 2_301);
    });
}

#[test]
fn an_account_hears_of_its_containers() {
    run(1, vec![], |cluster| async move {
        let account = async |method, path, timestamp| {
            let headers = [("x-timestamp", timestamp)];
            cluster.ask(Service::Account, method, path, &headers, b"").await
        };
        let host = address(0, Service::Account).to_string();
        let parents =
            [("x-account-host", &*host), ("x-account-device", "d1"), ("x-account-partition", "7")];
        assert_eq!(account(Method::PUT, "/a", "1.0").await.status, 201);
        assert_eq!(container(&cluster, Method::PUT, "/a/c", "1.0", &parents).await.status, 201);
        assert_eq!(account(Method::GET, "/a", "9.0").await.text(), "c\n", "at once");
        container(&cluster, Method::PUT, "/a/c/o", "2.0", &ROW).await;
        cluster.at(5_000).await;
        let listed = account(Method::GET, "/a?format=json", "9.0").await;
        assert_eq!(listed.header("x-account-container-count"), "1");
        assert_eq!(listed.header("x-account-object-count"), "1");
        assert_eq!(listed.header("x-account-bytes-used"), "10");
        let json: serde_json::Value = serde_json::from_str(listed.text()).unwrap();
        assert_eq!((json[0]["name"].as_str(), json[0]["count"].as_u64()), (Some("c"), Some(1)));
        assert_eq!(account(Method::DELETE, "/a", "9.0").await.status, 409);
        container(&cluster, Method::DELETE, "/a/c/o", "3.0", &[]).await;
        assert_eq!(container(&cluster, Method::DELETE, "/a/c", "4.0", &parents).await.status, 204);
        let listed = account(Method::GET, "/a", "9.0").await;
        assert_eq!((listed.status, listed.header("x-account-object-count")), (204, "0"));
        assert_eq!(account(Method::DELETE, "/a", "9.0").await.status, 204);
    });
}
