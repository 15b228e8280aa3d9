//! Storing objects while nodes misbehave and clients leave.

use std::future::poll_fn;

use hyper::Method;
use stayput_host::Label;

use super::node::md5;
use super::*;

const URL: &str = "/v1/AUTH_a/c/o";

#[test]
fn an_object_reads_back_as_it_was_put() {
    let mut room = Room::new(&[]);
    let data = pattern(300_000);
    let put = room.send(Method::PUT, URL, &[], data.clone());
    assert_eq!((put.status, put.header("etag")), (StatusCode::CREATED, &*md5(&data)));
    assert_eq!(room.holding(), [0, 1, 2]);
    let got = room.get(&[]);
    assert_eq!((got.status, got.body), (StatusCode::OK, Some(data)));
}

#[test]
fn each_replica_of_the_container_hears_of_a_put_from_one_node() {
    let mut room = Room::new(&[(1, Manner::Full)]);
    room.send(Method::PUT, URL, &[], pattern(10));
    let mut told: Vec<String> = [0, 2, 3]
        .iter()
        .flat_map(|index| room.nodes[*index].told(&Method::PUT, "x-container-host"))
        .collect();
    told.sort();
    assert_eq!(told, ["10.0.0.1:6201", "10.0.0.2:6201", "10.0.0.3:6201"]);
    assert_eq!(room.nodes[0].paths(), ["/d0/7/AUTH_a/c/o"]);
}

#[test]
fn a_handoff_stands_in_for_each_primary_that_does_not_take_an_object() {
    for (len, how) in [(10, Manner::Down), (300_000, Manner::Down), (10, Manner::Full)] {
        let mut room = Room::new(&[(0, how), (2, Manner::Full)]);
        let put = room.send(Method::PUT, URL, &[], pattern(len));
        assert_eq!(put.status, StatusCode::CREATED);
        assert_eq!(room.holding(), [1, 3, 4], "{len} bytes, {how:?}");
    }
}

#[test]
fn a_node_that_stalls_in_the_middle_of_a_body_is_dropped() {
    let mut room = Room::new(&[(1, Manner::StallsAfter(4_000_000))]);
    let put = room.send(Method::PUT, URL, &[], pattern(8_000_000));
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(room.holding(), [0, 2]);
}

#[test]
fn a_node_that_takes_nothing_gives_its_place_to_a_handoff() {
    for len in [10, 8_000_000] {
        let mut room = Room::new(&[(1, Manner::Silent)]);
        let put = room.send(Method::PUT, URL, &[], pattern(len));
        assert_eq!(put.status, StatusCode::CREATED);
        // A short body is acknowledged while the third node may still be answering.
        let holding: &[usize] = if len == 10 { &[0, 2] } else { &[0, 2, 3] };
        assert_eq!(room.holding(), holding, "{len} bytes");
    }
}

#[test]
fn a_minority_is_no_acknowledgement() {
    for len in [10, 300_000] {
        let put = |manner| {
            let others: Vec<_> = (1..6).map(|index| (index, manner)).collect();
            Room::new(&others).send(Method::PUT, URL, &[], pattern(len)).status
        };
        assert_eq!(put(Manner::Down), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(put(Manner::Full), StatusCode::INSUFFICIENT_STORAGE);
    }
}

#[test]
fn a_put_that_loses_to_a_newer_one_is_accepted_and_changes_nothing() {
    let mut room = Room::new(&[]);
    let (newer, never) = (pattern(20), "9999999999.00000".parse().unwrap());
    for index in [0, 2] {
        room.nodes[index].hold(never, &newer, &newer);
    }
    let put = room.send(Method::PUT, URL, &[], pattern(10));
    assert_eq!((put.status, put.header("etag")), (StatusCode::ACCEPTED, ""));
    assert_eq!(room.nodes[0].holds(), Some(newer.clone()));
    assert_eq!(room.nodes[2].holds(), Some(newer));
}

#[test]
fn an_object_needs_its_container() {
    let missing: Vec<_> = (0..6).map(|index| (index, Manner::NoContainer)).collect();
    let put = |manners: &[_]| Room::new(manners).send(Method::PUT, URL, &[], pattern(10)).status;
    assert_eq!(put(&missing), StatusCode::NOT_FOUND);
    assert_eq!(put(&missing[..1]), StatusCode::CREATED, "one replica of it is behind");
    let down: Vec<_> = (0..6).map(|index| (index, Manner::Down)).collect();
    assert_eq!(put(&down), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_body_that_is_not_what_its_etag_says_is_refused() {
    let mut room = Room::new(&[]);
    let wrong = md5(b"something else");
    let put = room.send(Method::PUT, URL, &[("etag", &wrong)], pattern(10));
    assert_eq!(put.status, StatusCode::UNPROCESSABLE_ENTITY);
    let quoted = format!("\"{}\"", md5(&pattern(10)));
    let put = room.send(Method::PUT, URL, &[("etag", &quoted)], pattern(10));
    assert_eq!(put.status, StatusCode::CREATED);
}

#[test]
fn a_client_that_leaves_in_the_middle_stores_nothing() {
    for sent in [0, 50_000, 900_000] {
        let mut room = Room::new(&[]);
        room.client(move |host| async move {
            let (sender, body) = Body::stream(1_000_000);
            let request = request(Method::PUT, URL, &[], body);
            let sending = {
                let host = host.clone();
                host.clone().spawn_guarded(async move {
                    let to = SocketAddr::new(IpAddr::V4(ip(PROXY)), PROXY_PORT);
                    let _answer = http::send(&host, to, request, LIMITS).await;
                })
            };
            for chunk in pattern(sent).chunks(10_000) {
                assert!(sender.send(Purpose::ObjectData, Bytes::copy_from_slice(chunk)).await);
            }
            host.sleep(Duration::from_millis(100)).await;
            drop(sending);
            host.sleep(Duration::from_secs(30)).await;
        });
        assert_eq!(room.holding(), [] as [usize; 0], "{sent} bytes sent");
    }
}

#[test]
fn what_clients_say_in_the_backends_name_is_dropped() {
    let mut room = Room::new(&[]);
    let headers = [("x-backend-purpose", "replication"), ("x-object-meta-color", "red")];
    room.send(Method::PUT, URL, &headers, pattern(10));
    assert!(room.nodes[0].told(&Method::PUT, "x-backend-purpose").is_empty());
    assert_eq!(room.nodes[0].told(&Method::PUT, "x-object-meta-color"), ["red"]);
}

#[test]
fn a_put_says_how_long_its_body_is() {
    let mut request = request(Method::PUT, URL, &[], Body::empty());
    request.headers_mut().remove("content-length");
    let mut room = Room::new(&[]);
    let put = room.client(|host| async move { send(&host, request).await });
    assert_eq!(put.status, StatusCode::LENGTH_REQUIRED);
    let put = room.send(Method::PUT, URL, &[], Bytes::new());
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(room.get(&[]).body, Some(Bytes::new()));
}

#[test]
fn a_chunked_body_is_stored_whole() {
    let mut room = Room::new(&[]);
    let answer = room.client(|host| async move {
        let to = SocketAddr::new(IpAddr::V4(ip(PROXY)), PROXY_PORT);
        let mut stream = host.connect(to).await.unwrap();
        let mut text: &[u8] = b"PUT /v1/AUTH_a/c/o HTTP/1.1\r\nHost: p\r\nX-Auth-Token: secret\r\n\
            Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
        while !text.is_empty() {
            let sent = poll_fn(|cx| stream.poll_write(cx, text, Label::HEAD)).await.unwrap();
            text = &text[sent..];
        }
        poll_fn(|cx| stream.poll_read(cx, 1000)).await.unwrap()
    });
    assert!(answer.starts_with(b"HTTP/1.1 201"), "{answer:?}");
    assert_eq!(room.nodes[1].holds(), Some(Bytes::from("hello world")));
}
