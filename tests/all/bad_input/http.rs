//! Bytes on a proxy's port that are no good HTTP.

use std::future::poll_fn;
use std::time::Duration;

use stayput_cluster::TOKEN;
use stayput_host::{BoxStream, Label};

use super::room::{assert_serves, object, run};
use stayput_testkit::cluster::Store;

/// Time limit for a server to answer or to hang up.
const PATIENCE: Duration = Duration::from_secs(200);

/// Sends a request and reads to the end of the answer.
async fn ask(room: &Store, bytes: &[u8]) -> String {
    say(room, bytes, false).await
}

/// Sends bytes, says that nothing follows, and reads what comes. Whoever does so has no answer to
/// what was whole, because it may have left.
async fn say_and_leave(room: &Store, bytes: &[u8]) -> String {
    say(room, bytes, true).await
}

async fn say(room: &Store, bytes: &[u8], closing: bool) -> String {
    let proxy = room.side.proxies.proxies[0];
    let mut stream = room.side.host.connect(proxy).await.expect("it listens");
    let spoken = async {
        let mut rest = bytes;
        while !rest.is_empty() {
            match poll_fn(|cx| stream.poll_write(cx, rest, Label::HEAD)).await {
                Ok(sent) => rest = &rest[sent..],
                // It has heard enough: its answer may be there all the same.
                Err(_) => break,
            }
        }
        if closing {
            let _closed_or_reset = poll_fn(|cx| stream.poll_close(cx)).await;
        }
        hear(&mut stream).await
    };
    let heard = room.side.host.timeout(PATIENCE, spoken).await;
    heard.unwrap_or_else(|_| panic!("no end of {:?}", String::from_utf8_lossy(bytes)))
}

async fn hear(stream: &mut BoxStream) -> String {
    let mut heard = Vec::new();
    while let Ok(bytes) = poll_fn(|cx| stream.poll_read(cx, 1 << 16)).await {
        if bytes.is_empty() {
            break;
        }
        heard.extend_from_slice(&bytes);
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// The status of an answer, 0 if there is none.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A request with a token, on a connection that ends after it.
fn request(line: &str, headers: &str) -> Vec<u8> {
    format!(
        "{line} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {TOKEN}\r\nConnection: close\r\n{headers}\r\n"
    )
    .into_bytes()
}

async fn assert_there(room: &Store, after: &str) {
    let log = room.side.proxies.get_object(&object("log.txt")).await;
    assert!(log.is_ok(), "{after}: {log:?}");
}

#[test]
fn what_is_no_request_is_refused_or_hung_up_on() {
    run(async |room| {
        let long_line = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
        let long_header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
        let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(10_000));
        for bytes in [
            b"".as_slice(),
            b"\r\n\r\n\r\n",
            b"banana\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET  /  HTTP/1.1\r\n\r\n",
            b"G\0T / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: \0\r\n\r\n",
            b"GET / HTTP/1.1\r\n\xff\xfe: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            long_line.as_bytes(),
            long_header.as_bytes(),
            many_headers.as_bytes(),
        ] {
            say_and_leave(&room, bytes).await;
            let answer = ask(&room, bytes).await;
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
            assert!(matches!(status(&answer), 0 | 400..500), "{start:?} gets {answer}");
            assert_there(&room, &start).await;
        }
        assert_serves(&room, "after what is no HTTP").await;
    });
}

#[test]
fn a_head_that_never_ends_keeps_nobody_else_waiting() {
    run(async |room| {
        let begun = room.now();
        let half = b"GET /v1/AUTH_stayput/demo/log.txt HTTP/1.1\r\nHost: x\r\n";
        let slow = room.clone();
        room.side.host.spawn(async move {
            let answer = ask(&slow, half).await;
            assert!(matches!(status(&answer), 0 | 408), "{answer}");
        });
        room.side.host.sleep(Duration::from_secs(1)).await;
        assert_serves(&room, "while somebody is slow").await;
        assert!(room.now().since(begun) < Duration::from_secs(5));
        room.side.host.sleep(PATIENCE).await;
    });
}

#[test]
fn lengths_that_lie_store_nothing() {
    run(async |room| {
        let put = "PUT /v1/AUTH_stayput/demo/liar";
        for (headers, body) in [
            ("Content-Length: abc\r\n", "x"),
            ("Content-Length: -1\r\n", "x"),
            ("Content-Length: 99999999999999999999999\r\n", "x"),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", "xy"),
            ("Content-Length: 6442450944\r\n", "x"),
            ("Content-Length: 1000\r\n", "too short"),
            ("Transfer-Encoding: chunked\r\n", "zz\r\nx\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "5\r\nabc"),
            ("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc"),
            ("Transfer-Encoding: banana\r\n", "x"),
            ("Content-Length: 1\r\nETag: 00000000000000000000000000000000\r\n", "x"),
            ("", ""),
        ] {
            let bytes = [request(put, headers), body.as_bytes().to_vec()].concat();
            let answer = say_and_leave(&room, &bytes).await;
            assert!(matches!(status(&answer), 0 | 400..500), "{headers:?} gets {answer}");
            let head = ask(&room, &request("HEAD /v1/AUTH_stayput/demo/liar", "")).await;
            assert_eq!(status(&head), 404, "{headers:?} has stored something: {head}");
        }
        assert_serves(&room, "after lengths that lie").await;
    });
}

#[test]
fn bytes_after_a_body_are_another_request_and_no_part_of_it() {
    run(async |room| {
        let put = format!(
            "PUT /v1/AUTH_stayput/demo/short HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {TOKEN}\r\n\
             Content-Length: 3\r\n\r\nabcdefgh\r\n\r\n"
        );
        let answer = ask(&room, put.as_bytes()).await;
        assert_eq!(status(&answer), 201, "{answer}");
        let stored = room.side.proxies.get_object(&object("short")).await.expect("it is stored");
        assert_eq!(stored.content.as_ref(), b"abc");
    });
}

#[test]
fn ranges_that_make_no_sense_give_the_whole_object_or_none() {
    run(async |room| {
        for (range, wanted) in [
            ("bytes=abc", 200),
            ("banana=0-1", 200),
            ("bytes=5-2", 200),
            ("bytes=", 200),
            ("bytes=-", 200),
            ("bytes=0-0,", 200),
            ("bytes=0-18446744073709551616", 206),
            ("bytes=0-99999999999999999999999999999", 206),
            ("bytes=99999999999999999999999999999-", 416),
            ("bytes=1000000-", 416),
            ("bytes=-0", 416),
            ("bytes=-1", 206),
            ("bytes=0-0", 206),
        ] {
            let get = "GET /v1/AUTH_stayput/demo/log.txt";
            let answer = ask(&room, &request(get, &format!("Range: {range}\r\n"))).await;
            assert_eq!(status(&answer), wanted, "{range}: {answer}");
        }
        let many = format!("Range: bytes={}\r\n", vec!["0-1"; 1_000].join(","));
        let answer = ask(&room, &request("GET /v1/AUTH_stayput/demo/log.txt", &many)).await;
        assert!(matches!(status(&answer), 200 | 206 | 416), "{answer}");
        assert_there(&room, "after senseless ranges").await;
    });
}

#[test]
fn paths_that_make_no_sense_are_refused() {
    run(async |room| {
        let long = format!("/v1/AUTH_stayput/demo/{}", "a".repeat(1025));
        let many_slashes = format!("/v1/AUTH_stayput/demo/{}", "/".repeat(2_000));
        for path in [
            "/",
            "//",
            "/v1",
            "/v1/",
            "/v1//demo/log.txt",
            "/v2/AUTH_stayput/demo/log.txt",
            "/v1/AUTH_stayput//log.txt",
            "/v1/AUTH_stayput/demo/%ff%fe",
            "/v1/AUTH_stayput/demo/%00",
            "/v1/AUTH_stayput/../AUTH_other/demo/log.txt",
            "/v1/%2e%2e/demo/log.txt",
            "/v1/AUTH_stayput%2fdemo%2flog.txt",
            "/v1/AUTH_other/demo/log.txt",
            "http://example.org/v1/AUTH_other/demo/log.txt",
            &long,
            &many_slashes,
        ] {
            for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "BREW"] {
                let headers = "Content-Length: 0\r\n";
                let answer = ask(&room, &request(&format!("{method} {path}"), headers)).await;
                let status = status(&answer);
                assert!(matches!(status, 400..500), "{method} {path} gets {answer}");
            }
        }
        assert_serves(&room, "after senseless paths").await;
    });
}

#[test]
fn odd_names_of_objects_are_taken_as_they_are() {
    run(async |room| {
        for name in [
            "%",
            "%z",
            "%zz",
            "..",
            "../../AUTH_other/x",
            "a//b",
            "%25",
            "%20",
            "%3F",
            "%0d%0aX-Nexe-Status:%20ok",
        ] {
            let at = |method: &str| format!("{method} /v1/AUTH_stayput/demo/{name}");
            let put = ask(&room, &request(&at("PUT"), "Content-Length: 0\r\n")).await;
            assert_eq!(status(&put), 201, "{name}: {put}");
            let got = ask(&room, &request(&at("GET"), "")).await;
            assert_eq!(status(&got), 200, "{name}: {got}");
            assert!(!got.to_lowercase().contains("x-nexe-"), "{name} became a header: {got}");
        }
        let other = ask(&room, &request("GET /v1/AUTH_other/x", "")).await;
        assert_eq!(status(&other), 403, "{other}");
        assert_serves(&room, "after odd names").await;
    });
}

#[test]
fn headers_that_make_no_sense_are_refused_or_of_no_effect() {
    run(async |room| {
        for headers in [
            "If-Match: \"\r\n",
            "If-Modified-Since: yesterday\r\n",
            "If-None-Match: ,,,\r\n",
            "X-Backend-Timestamp: 9999999999.00000\r\n",
            "X-Backend-Storage-Policy-Index: 7\r\n",
            "X-Nexe-Status: ok\r\n",
            "Expect: 100-banana\r\n",
            "X-Newest: maybe\r\n",
        ] {
            let get = request("GET /v1/AUTH_stayput/demo/log.txt", headers);
            let answer = ask(&room, &get).await;
            assert!(matches!(status(&answer), 200 | 400..500), "{headers:?} gets {answer}");
            assert!(!answer.to_lowercase().contains("x-nexe-"), "{headers:?} comes back: {answer}");
        }
        for headers in [
            "X-Timestamp: banana\r\n",
            "X-Timestamp: -1\r\n",
            "X-Timestamp: 99999999999999999999\r\n",
            "X-Backend-Timestamp: 9999999999.00000\r\n",
            "X-Delete-At: never\r\n",
            "X-Object-Meta-: x\r\n",
        ] {
            let headers = format!("{headers}Content-Length: 0\r\n");
            let put = request("PUT /v1/AUTH_stayput/demo/odd", &headers);
            let answer = ask(&room, &put).await;
            assert!(matches!(status(&answer), 201 | 400..500), "{headers:?} gets {answer}");
        }
        // Whatever they said of time, a later change is still the newest.
        room.put("odd", "banana").await;
        let odd = room.side.proxies.get_object(&object("odd")).await.expect("it is there");
        assert_eq!(odd.content.as_ref(), b"banana");
        assert_serves(&room, "after senseless headers").await;
    });
}

#[test]
fn listings_with_senseless_queries_are_refused_or_bounded() {
    run(async |room| {
        for query in [
            "limit=-1",
            "limit=banana",
            "limit=99999999999999999999",
            "limit=10001",
            "limit=0",
            "format=banana",
            "marker=%zz",
            "marker=%ff",
            "delimiter=%00",
            "prefix=%",
            "&&&===",
            "limit=1&limit=2",
        ] {
            let line = format!("GET /v1/AUTH_stayput/demo?{query}");
            let answer = ask(&room, &request(&line, "")).await;
            assert!(matches!(status(&answer), 200 | 204 | 400..500), "{query} gets {answer}");
        }
        assert_there(&room, "after senseless queries").await;
    });
}
