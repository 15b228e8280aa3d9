//! Bodies whose ends can be read in two ways, or that have none: nothing behind them is taken for a
//! request.

use std::io::Write;

use ureq::http::Method;

use super::{answer, answers, connect, head, hear, others_are_served, start, status};

/// A whole request that would show in what [`others_are_served`] sees.
fn hidden(client: &super::Client) -> String {
    head(client, "DELETE", "/demo/object", "")
}

#[test]
fn nothing_is_smuggled_behind_a_body_of_two_lengths() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5\r\n 6\r\n",
        "Content-Length:\r\n 5\r\n",
        "Content-Length:\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "X: a\r\rTransfer-Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
    ] {
        let put = head(&client, "PUT", "/demo/object", lengths);
        let heard = answer(&serving, format!("{put}abcde{}", hidden(&client)).as_bytes());
        assert!(matches!(status(&heard), 400..500), "{lengths:?}: {heard:?}");
        assert_eq!(answers(&heard), 1, "{lengths:?}: {heard:?}");
        others_are_served(&client);
    }
}

#[test]
fn an_old_client_is_not_taken_to_mean_chunks() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let put = head(&client, "PUT", "/demo/object", "Transfer-Encoding: chunked\r\n");
    let put = put.replace("HTTP/1.1", "HTTP/1.0");
    let heard = answer(&serving, format!("{put}5\r\nabcde\r\n0\r\n\r\n").as_bytes());
    assert_eq!((status(&heard), answers(&heard) <= 1), (400, true), "{heard:?}");
    others_are_served(&client);
}

#[test]
fn a_body_that_a_request_has_no_use_for_is_not_the_next_request() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let hidden = hidden(&client);
    let chunked = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    for (method, at) in [("GET", "/demo/object"), ("HEAD", "/demo"), ("GET", "/none/x")] {
        for (line, body) in [
            (format!("Content-Length: {}\r\n", hidden.len()), &hidden),
            ("Transfer-Encoding: chunked\r\n".to_owned(), &chunked),
        ] {
            let asked = head(&client, method, at, &format!("Connection: close\r\n{line}"));
            let heard = answer(&serving, format!("{asked}{body}").as_bytes());
            assert_eq!(answers(&heard), 1, "{method} {at} {line:?}: {heard:?}");
            // The same on a connection that could go on: it does behind the body, or not at all.
            let (asked, close) = (
                head(&client, method, at, &line),
                head(&client, "GET", "/demo", "Connection: close\r\n"),
            );
            let heard = answer(&serving, format!("{asked}{body}{close}").as_bytes());
            assert!(answers(&heard) <= 2, "{method} {at} {line:?}: {heard:?}");
            others_are_served(&client);
        }
    }
}

#[test]
fn chunks_are_read_in_one_way_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let line = "Transfer-Encoding: chunked\r\nConnection: close\r\n";
    for body in [
        "5;name=value\r\nhello\r\n0\r\n\r\n",
        "05\r\nhello\r\n0;last\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n000\r\nX-Object-Meta-Trailer: 1\r\nContent-Length: 9\r\n\r\n",
    ] {
        let put = head(&client, "PUT", "/demo/chunks", line);
        let heard = answer(&serving, format!("{put}{body}").as_bytes());
        assert_eq!(status(&heard), 201, "{body:?}: {heard:?}");
        let got = client.get("/demo/chunks");
        assert_eq!(got.body, b"hello", "{body:?}");
        assert_eq!(got.header("X-Object-Meta-Trailer"), "", "what comes late says nothing");
        assert_eq!(client.send(Method::DELETE, "/demo/chunks", &[], b"").status, 204);
    }
    let long_extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let many_extensions = format!("{}0\r\n\r\n", "1;xxxxxxxxxxxxxxx\r\na\r\n".repeat(5_000));
    let long_trailer = format!("5\r\nhello\r\n0\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let many_trailers = format!("5\r\nhello\r\n0\r\n{}\r\n", "X: y\r\n".repeat(100_000));
    for body in [
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\n\n",
        "5\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\rxhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        &long_extension,
        &many_extensions,
        &long_trailer,
        &many_trailers,
    ] {
        let put = head(&client, "PUT", "/demo/object", line);
        let heard = answer(&serving, format!("{put}{body}{}", hidden(&client)).as_bytes());
        let begin = &body[..body.len().min(60)];
        assert!(matches!(status(&heard), 0 | 400..500), "{begin:?}: {heard:?}");
        assert!(answers(&heard) <= 1, "{begin:?}: {heard:?}");
        others_are_served(&client);
    }
    assert_eq!(client.get("/demo").text(), "object\n");
}

#[test]
fn a_body_that_is_cut_off_leaves_what_was_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    for (length, body) in [
        ("Content-Length: 100\r\n", "only a part"),
        ("Content-Length: 5368709120\r\n", "only a part"),
        ("Transfer-Encoding: chunked\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", "5\r\nabcde\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nabcde\r\n0\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nabcdef\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "-5\r\nabcde\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n"),
    ] {
        let mut stream = connect(&serving);
        let put = head(&client, "PUT", "/demo/object", length);
        let sent = stream.write_all(format!("{put}{body}").as_bytes());
        sent.expect("it listens");
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let heard = hear(&mut stream);
        assert!(!heard.starts_with("HTTP/1.1 2"), "{length} {body:?}: {heard:?}");
        others_are_served(&client);
    }
    assert_eq!(client.get("/demo").text(), "object\n");
}

#[test]
fn a_body_that_lies_about_itself_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    for (lines, body, wanted) in [
        ("Content-Length: 5368709121\r\n", "", 413),
        ("Content-Length: 3\r\nETag: 00000000000000000000000000000000\r\n", "abc", 422),
        ("Content-Length: 3\r\nETag: banana\r\n", "abc", 422),
    ] {
        let put = head(&client, "PUT", "/demo/object", &format!("Connection: close\r\n{lines}"));
        let heard = answer(&serving, format!("{put}{body}").as_bytes());
        assert_eq!(status(&heard), wanted, "{lines:?}: {heard:?}");
        others_are_served(&client);
    }
}
