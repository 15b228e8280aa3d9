//! Requests that are no HTTP, another HTTP, or too much of it at once.

use std::fmt::Write as _;
use std::io::{Read, Write};

use super::{answer, answers, connect, head, hear, others_are_served, start, status};

#[test]
fn what_is_no_http_is_refused_and_its_connection_closed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(2 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(50_000));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(2 << 20));
    let method = format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(2 << 20));
    let cases: [(&[u8], &[u16]); 13] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", &[400]),
        (b"HELO store\r\n\r\n", &[400]),
        (b"GET / HTTP/9.9\r\n\r\n", &[400, 505]),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", &[400]),
        (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", &[400]),
        (b"GET / HTTP/1.1\r\n: nameless\r\n\r\n", &[400]),
        (b"GET / HTTP/1.1\r\nX\xff: a\r\n\r\n", &[400]),
        (b"GET\t/\tHTTP/1.1\r\n\r\n", &[400]),
        (b"PUT /v1/AUTH_test/demo/object HTTP/1.1\r\nContent-Length: -1\r\n\r\n", &[400]),
        (long.as_bytes(), &[431]),
        (many.as_bytes(), &[431]),
        (path.as_bytes(), &[414, 431]),
        (method.as_bytes(), &[400, 431]),
    ];
    for (bytes, statuses) in cases {
        let heard = answer(&serving, bytes);
        let sent = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(statuses.contains(&status(&heard)), "{sent:?}: {heard:?}");
    }
    others_are_served(&client);
}

#[test]
fn other_versions_of_http_get_no_object() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let mut preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // An empty SETTINGS frame.
    preface.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let object = head(&client, "GET", "/demo/object", "");
    let cases: [&[u8]; 5] = [
        b"GET /healthcheck\r\n",
        b"GET /healthcheck\r\n\r\n",
        &preface,
        &object.replace(" HTTP/1.1", "").into_bytes(),
        &object.replace("HTTP/1.1", "HTTP/2.0").into_bytes(),
    ];
    for bytes in cases {
        let mut stream = connect(&serving);
        let _sent = stream.write_all(bytes);
        // One that began as HTTP might wait for more.
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let heard = hear(&mut stream);
        let sent = String::from_utf8_lossy(bytes).into_owned();
        assert!(matches!(status(&heard), 0 | 400..=505), "{sent:?}: {heard:?}");
        assert!(!heard.contains("as it was"), "{sent:?}");
    }
    others_are_served(&client);
    let upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    let heard = answer(&serving, head(&client, "GET", "/demo/object", upgrade).as_bytes());
    assert_eq!(status(&heard), 200, "one that could speak another version is answered in this");
}

#[test]
fn requests_that_come_at_once_are_answered_one_by_one_and_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let mut asked = String::new();
    for n in 0..50 {
        let put = head(&client, "PUT", "/demo/turn", "Content-Length: 2\r\n");
        let get = head(&client, "GET", "/demo/turn", "");
        write!(asked, "{put}{n:02}{get}").expect("a string takes all");
    }
    asked += &head(&client, "DELETE", "/demo/turn", "Connection: close\r\n");
    let heard = answer(&serving, asked.as_bytes());
    assert_eq!(answers(&heard), 101, "{heard}");
    let read = heard.split("HTTP/1.1 ").filter(|answer| answer.starts_with("200"));
    let read: Vec<_> = read.filter_map(|answer| answer.split("\r\n\r\n").nth(1)).collect();
    assert_eq!(read, (0..50).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    others_are_served(&client);
}

#[test]
fn a_flood_of_requests_on_a_connection_is_answered_and_holds_up_nobody() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let last = "GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let flood = "GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2_000);
    let mut stream = connect(&serving);
    stream.write_all(flood.as_bytes()).expect("it reads");
    for _ in 0..20 {
        others_are_served(&client);
    }
    stream.write_all(last.as_bytes()).expect("it reads");
    assert_eq!(answers(&hear(&mut stream)), 2_001);
}

#[test]
fn a_body_that_would_be_refused_is_not_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let expect = "Expect: 100-continue\r\nContent-Length: 9\r\n";
    let put = |at: &str, lines: &str| head(&client, "PUT", at, &format!("{expect}{lines}"));
    let foreign = put("/demo/new", "").replace("AUTH_test", "AUTH_other");
    let long = put("/demo/new", "").replace("Length: 9", "Length: 6442450944");
    let nobody = put("/demo/new", "").replace(&client.token, "AUTH_tk0");
    let hidden = head(&client, "DELETE", "/demo/object", "");
    for (asked, wanted) in [
        (nobody, 401),
        (foreign, 403),
        (put("/none/new", ""), 404),
        (put("/demo/object", "If-None-Match: *\r\n"), 412),
        (long, 413),
    ] {
        // Alone, then with what would have been its body, were it a request.
        for body in ["", &hidden] {
            let mut stream = connect(&serving);
            stream.write_all(format!("{asked}{body}").as_bytes()).expect("it listens");
            stream.shutdown(std::net::Shutdown::Write).expect("it is open");
            let heard = hear(&mut stream);
            assert_eq!(status(&heard), wanted, "{asked}: {heard}");
            // What was promised as a body is one, so that what is left of the other request is
            // none.
            let rest: Vec<_> = heard.match_indices("HTTP/1.1 ").skip(1).collect();
            let is_none = rest.iter().all(|(at, _)| status(&heard[*at..]) == 400);
            assert!(rest.len() <= 1 && is_none, "{asked}: {heard}");
            others_are_served(&client);
        }
    }
}

#[test]
fn a_body_that_will_be_taken_is_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let lines = "Expect: 100-continue\r\nContent-Length: 9\r\nConnection: close\r\n";
    let mut stream = connect(&serving);
    stream.write_all(head(&client, "PUT", "/demo/asked", lines).as_bytes()).expect("it listens");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("it asks");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"it is mine").expect("it reads");
    assert_eq!(status(&hear(&mut stream)), 201);
    assert_eq!(client.get("/demo/asked").body, b"it is min");
}

#[test]
fn ninety_items_of_metadata_come_through_with_all_that_goes_along() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_serving, client) = start(dir.path());
    let names: Vec<String> = (0..90).map(|n| format!("X-Object-Meta-Item-{n:02}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "value")).collect();
    headers.extend([
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Cache-Control", "no-cache"),
        ("Content-Disposition", "attachment"),
        ("Content-Encoding", "identity"),
        ("Content-Language", "en"),
        ("Content-Type", "text/plain"),
        ("Cookie", "a=b"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("ETag", "900150983cd24fb0d6963f7d28e17f72"),
        ("Expires", "Thu, 01 Jan 2032 00:00:00 GMT"),
        ("If-None-Match", "*"),
        ("Referer", "http://example.org/"),
        ("User-Agent", "a client"),
        ("Via", "1.1 balancer"),
        ("X-Delete-After", "86400"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Robots-Tag", "noindex"),
    ]);
    use ureq::http::Method;
    let put = client.send(Method::PUT, "/demo/many", &headers, b"abc");
    assert_eq!(put.status, 201, "{}", put.text());
    let got = client.get("/demo/many");
    assert_eq!(got.body, b"abc");
    for name in &names {
        assert_eq!(got.header(name), "value", "{name}");
    }
    let posted: Vec<_> = names.iter().map(|name| (&**name, "other")).collect();
    assert_eq!(client.send(Method::POST, "/demo/many", &posted, b"").status, 202);
    assert_eq!(client.get("/demo/many").header(&names[89]), "other");
    let copied = client.send(Method::PUT, "/demo/copy", &[("X-Copy-From", "/demo/many")], b"");
    assert_eq!(copied.status, 201, "{}", copied.text());
    assert_eq!(client.get("/demo/copy").header(&names[0]), "other");
    let more: Vec<_> = posted.iter().copied().chain([("X-Object-Meta-Last", "1")]).collect();
    assert_eq!(client.apart().send(Method::PUT, "/demo/more", &more, b"abc").status, 400);
    let items: Vec<String> = names.iter().map(|name| name.replace("Object", "Container")).collect();
    let items: Vec<_> = items.iter().map(|name| (&**name, "value")).collect();
    assert_eq!(client.send(Method::POST, "/demo", &items, b"").status, 204);
    assert_eq!(client.get("/demo").header(items[89].0), "value");
}
