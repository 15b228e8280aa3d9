//! Metadata of objects, containers and accounts, and conditional requests.

use super::node::md5;
use super::real::stored;
use super::*;

#[test]
fn what_a_client_says_of_an_object_comes_back() {
    let mut room = stored();
    let said = [
        ("content-type", "text/x-song; charset=utf-8"),
        ("content-encoding", "gzip"),
        ("content-disposition", "attachment; filename=\"song\""),
        ("content-language", "en"),
        ("cache-control", "no-cache"),
        ("expires", "Thu, 01 Dec 1994 16:00:00 GMT"),
        ("x-object-meta-color", "red"),
    ];
    let put = room.ask("PUT", "c/o", &said, "words");
    assert_eq!((put.status, put.header("etag")), (StatusCode::CREATED, &*md5(b"words")));
    assert!(put.header("last-modified").ends_with(" GMT"));
    for method in ["GET", "HEAD"] {
        let got = room.ask(method, "c/o", &[], "");
        for (name, value) in said {
            assert_eq!(got.header(name), value, "{method}");
        }
        assert_eq!(got.header("etag"), md5(b"words"), "without quotes");
        assert_eq!(got.header("last-modified"), put.header("last-modified"));
        assert_eq!((got.header("accept-ranges"), got.header("content-length")), ("bytes", "5"));
        assert!(!got.header("x-timestamp").is_empty());
    }
    let posted = room.ask("POST", "c/o", &[("x-object-meta-size", "xl")], "");
    assert_eq!(posted.status, StatusCode::ACCEPTED);
    let got = room.ask("HEAD", "c/o", &[], "");
    assert_eq!((got.header("x-object-meta-color"), got.header("x-object-meta-size")), ("", "xl"));
    assert_eq!(got.header("content-type"), said[0].1, "it stays");
    room.ask("POST", "c/o", &[("content-type", "text/x-tune")], "");
    assert_eq!(room.ask("HEAD", "c/o", &[], "").header("content-type"), "text/x-tune");
}

#[test]
fn a_name_says_what_its_object_is_if_its_client_does_not() {
    let mut room = stored();
    room.ask("PUT", "c/photo.jpg", &[], "");
    room.ask("PUT", "c/photo", &[("content-type", "")], "");
    let mut kind = |name| room.ask("HEAD", name, &[], "").header("content-type").to_owned();
    assert_eq!(kind("c/photo.jpg"), "image/jpeg");
    assert_eq!(kind("c/photo"), "application/octet-stream");
}

#[test]
fn as_much_metadata_as_swift_takes_is_kept_and_no_more() {
    let mut room = stored();
    let names: Vec<String> = (0..90).map(|number| format!("x-object-meta-{number:02}")).collect();
    let value = "v".repeat(43);
    let most: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*value)).collect();
    assert_eq!(room.ask("PUT", "c/o", &most, "").status, StatusCode::CREATED);
    let got = room.ask("HEAD", "c/o", &[], "");
    assert!(names.iter().all(|name| got.header(name) == value));
    let long = "v".repeat(257);
    let more = [("x-object-meta-a", &*long)];
    for (method, path) in [("PUT", "c/o"), ("POST", "c/o")] {
        assert_eq!(room.ask(method, path, &more, "").status, StatusCode::BAD_REQUEST, "{method}");
    }
    let more = [("x-container-meta-a", &*long), ("x-account-meta-a", &*long)];
    for (method, path) in [("PUT", "d"), ("POST", "c"), ("POST", "")] {
        assert_eq!(room.ask(method, path, &more, "").status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(room.ask("GET", "d", &[], "").status, StatusCode::NOT_FOUND, "it was not made");
}

#[test]
fn metadata_of_containers_and_accounts_is_removed_by_name_or_by_nothing() {
    let mut room = stored();
    for (path, kind) in [("c", "container"), ("", "account")] {
        let (one, two) = (format!("x-{kind}-meta-one"), format!("x-{kind}-meta-two"));
        let remove = format!("x-remove-{kind}-meta-one");
        let mut post = |said: &[(&str, &str)]| {
            assert_eq!(room.ask("POST", path, said, "").status, StatusCode::NO_CONTENT);
            let got = room.ask("HEAD", path, &[], "");
            (got.header(&one).to_owned(), got.header(&two).to_owned())
        };
        assert_eq!(post(&[(&one, "1"), (&two, "2")]), ("1".to_owned(), "2".to_owned()));
        assert_eq!(post(&[(&remove, "x")]), (String::new(), "2".to_owned()));
        assert_eq!(post(&[(&two, "")]), (String::new(), String::new()));
    }
}

#[test]
fn a_put_that_wants_no_object_there_does_not_replace_one() {
    let mut room = stored();
    let only_new = [("if-none-match", "*")];
    assert_eq!(room.ask("PUT", "c/o", &only_new, "first").status, StatusCode::CREATED);
    assert_eq!(room.ask("PUT", "c/o", &only_new, "second").status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(room.get(&[]).text(), "first");
    let other = [("if-none-match", "abc")];
    assert_eq!(room.ask("PUT", "c/o", &other, "third").status, StatusCode::BAD_REQUEST);
    room.ask("DELETE", "c/o", &[], "");
    assert_eq!(room.ask("PUT", "c/o", &only_new, "fourth").status, StatusCode::CREATED);
}

#[test]
fn conditions_on_reading_are_kept_by_both_methods() {
    let mut room = stored();
    let put = room.ask("PUT", "c/o", &[], "words");
    let (etag, modified) = (put.header("etag"), put.header("last-modified"));
    let long_ago = "Mon, 01 Jan 1990 00:00:00 GMT";
    for method in ["GET", "HEAD"] {
        let mut status = |name, value: &str| room.ask(method, "c/o", &[(name, value)], "").status;
        assert_eq!(status("if-match", etag), StatusCode::OK);
        assert_eq!(status("if-match", "other"), StatusCode::PRECONDITION_FAILED);
        assert_eq!(status("if-none-match", &format!("\"{etag}\"")), StatusCode::NOT_MODIFIED);
        assert_eq!(status("if-none-match", "other"), StatusCode::OK);
        assert_eq!(status("if-modified-since", modified), StatusCode::NOT_MODIFIED);
        assert_eq!(status("if-modified-since", long_ago), StatusCode::OK);
        assert_eq!(status("if-unmodified-since", long_ago), StatusCode::PRECONDITION_FAILED);
        assert_eq!(status("if-unmodified-since", modified), StatusCode::OK);
    }
}

#[test]
fn a_chunked_body_of_many_chunks_is_stored_on_real_nodes_or_not_at_all() {
    let mut room = stored();
    let put = |room: &mut Room, whole: bool| {
        room.client(move |host| async move {
            let (sender, body) = Body::open();
            let mut request = hyper::Request::put("/v1/AUTH_a/c/o").body(body).unwrap();
            request.headers_mut().insert("x-auth-token", HeaderValue::from_static("secret"));
            let to = SocketAddr::new(IpAddr::V4(ip(PROXY)), PROXY_PORT);
            let asking = host.clone();
            let sending = host.spawn_guarded(async move {
                let _answer = http::send(&asking, to, request, LIMITS).await;
            });
            for chunk in pattern(3_000_000).chunks(70_000) {
                assert!(sender.send(Purpose::ObjectData, Bytes::copy_from_slice(chunk)).await);
            }
            if whole {
                sender.finish().await;
                host.sleep(Duration::from_secs(5)).await;
            } else {
                drop(sender);
            }
            drop(sending);
            host.sleep(Duration::from_secs(5)).await;
        });
    };
    put(&mut room, false);
    assert_eq!(room.get(&[]).status, StatusCode::NOT_FOUND, "it broke off");
    put(&mut room, true);
    let got = room.get(&[]);
    assert_eq!(got.header("content-length"), "3000000");
    assert_eq!(got.body, Some(pattern(3_000_000)));
}
