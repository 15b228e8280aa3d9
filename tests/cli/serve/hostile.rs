//! Clients that mean harm, or know no better: the right status, bounded room, and no effect on others.
//!
//! Leaves out what can be said in whole requests, which the tests of the proxy and of bad input hold on every network.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use ureq::http::Method;

use super::server::{Client, Serving};

/// Idle connections of one client.
const IDLE: usize = 5_000;

fn connect(serving: &Serving) -> TcpStream {
    let at = serving.url.strip_prefix("http://").expect("it is plain");
    TcpStream::connect(at).expect("it listens")
}

/// What comes back for these bytes, up to the end; a reset is an end.
fn answer(serving: &Serving, bytes: &[u8]) -> String {
    let mut stream = connect(serving);
    // It may have heard enough before the end.
    let _sent = stream.write_all(bytes);
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Somebody else's object is what it was.
fn others_are_served(client: &Client) {
    assert_eq!(client.get("/demo/object").body, b"as it was");
}

fn start(dir: &std::path::Path) -> (Serving, Client) {
    let serving = Serving::start(dir, &[]);
    let client = serving.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"as it was");
    (serving, client)
}

#[test]
fn what_is_no_http_is_refused_and_its_connection_closed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(2 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(50_000));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(2 << 20));
    let cases: [(&[u8], &[&str]); 9] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", &["400"]),
        (b"HELO store\r\n\r\n", &["400"]),
        (b"GET / HTTP/9.9\r\n\r\n", &["400", "505"]),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", &["400"]),
        (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", &["400"]),
        (b"PUT /v1/AUTH_test/demo/object HTTP/1.1\r\nContent-Length: -1\r\n\r\n", &["400"]),
        (long.as_bytes(), &["431"]),
        (many.as_bytes(), &["431"]),
        (path.as_bytes(), &["414", "431"]),
    ];
    for (bytes, statuses) in cases {
        let heard = answer(&serving, bytes);
        let right = statuses.iter().any(|status| heard.starts_with(&format!("HTTP/1.1 {status}")));
        let sent = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(right, "{sent:?}: {heard:?}");
    }
    others_are_served(&client);
}

#[test]
fn nothing_is_smuggled_behind_a_body_of_two_lengths() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let token = &client.token;
    let put =
        format!("PUT /v1/AUTH_test/demo/object HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n");
    let hidden = format!(
        "DELETE /v1/AUTH_test/demo/object HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n\r\n"
    );
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
    ] {
        let heard = answer(&serving, format!("{put}{lengths}\r\nabcde{hidden}").as_bytes());
        assert!(heard.starts_with("HTTP/1.1 4"), "{lengths:?}: {heard:?}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{lengths:?}: {heard:?}");
        others_are_served(&client);
    }
}

#[test]
fn a_body_that_is_cut_off_leaves_what_was_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let head = |length: &str| {
        let token = &client.token;
        format!(
            "PUT /v1/AUTH_test/demo/object HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n{length}\r\n\r\n"
        )
    };
    for (length, body) in [
        ("Content-Length: 100", "only a part"),
        ("Transfer-Encoding: chunked", "5\r\nabcde\r\n"),
        ("Transfer-Encoding: chunked", "5\r\nabcdef\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "-5\r\nabcde\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n"),
    ] {
        let mut stream = connect(&serving);
        let sent = stream.write_all(format!("{}{body}", head(length)).as_bytes());
        sent.expect("it listens");
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let mut heard = String::new();
        let _reset = stream.read_to_string(&mut heard);
        assert!(!heard.starts_with("HTTP/1.1 2"), "{length} {body:?}: {heard:?}");
        others_are_served(&client);
    }
    assert_eq!(client.get("/demo").text(), "object\n");
}

#[test]
fn idle_connections_make_room_for_those_who_ask() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        match TcpStream::connect(serving.url.strip_prefix("http://").expect("it is plain")) {
            Ok(stream) => idle.push(stream),
            // This process may not have as many itself.
            Err(error) => {
                assert!(idle.len() > 500, "{} connections: {error}", idle.len());
                idle.truncate(idle.len() - 64);
                break;
            }
        }
    }
    for _ in 0..50 {
        let asking = serving.client();
        others_are_served(&asking);
    }
    others_are_served(&client);
}

#[test]
fn forged_backend_headers_and_paths_reach_no_node() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let headers = [
        ("X-Backend-Timestamp", "0000000001.00000"),
        ("X-Timestamp", "0000000001.00000"),
        ("X-Container-Host", "127.0.0.1:1"),
        ("X-Container-Device", "../../etc"),
        ("X-Container-Partition", "99999999"),
    ];
    let put = client.send(Method::PUT, "/demo/forged", &headers, b"new");
    assert_eq!(put.status, 201, "{}", put.text());
    assert_eq!(client.get("/demo/forged").body, b"new");
    assert_ne!(client.get("/demo/forged").header("X-Timestamp"), "0000000001.00000");
    for path in [
        "/d1/0/AUTH_test/demo/object",
        "/d1",
        "/../../etc/passwd",
        "/v1/../../etc/passwd",
        "//etc/passwd",
    ] {
        let heard = answer(
            &serving,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        assert!(heard.starts_with("HTTP/1.1 4"), "{path}: {heard:?}");
        assert!(!heard.contains("root:"), "{path}");
    }
    let odd = "/demo/..%2F..%2Fetc%2Fpasswd";
    client.put(odd, b"a name like any other");
    assert_eq!(client.get(odd).body, b"a name like any other");
    others_are_served(&client);
}
