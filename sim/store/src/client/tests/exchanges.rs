//! Requests that are repeated or not, listings that lie, and uploads.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::client::ObjectUpload;
use crate::http::{BodyError, SendError};
use stayput_host::TimedOut;

fn proxy() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(ip(0)), PROXY_PORT)
}

#[test]
fn only_what_another_attempt_may_mend_is_transient() {
    let what = || "GET /AUTH_a/c/o".to_owned();
    let refused = |code: u16| {
        let status = StatusCode::from_u16(code).expect("it is a status");
        ClientError::Refused { what: what(), proxy: proxy(), status, why: String::new() }
    };
    for code in 100..600 {
        let expected = matches!(code, 408 | 499 | 502 | 503 | 504);
        assert_eq!(refused(code).is_transient(), expected, "{code}");
    }
    let late = TimedOut { limit: Duration::from_secs(1) };
    let bad_name = Path::object_of("a", "c", "").expect_err("it has no name");
    let malformed = hyper::Request::builder().uri("no uri").body(()).expect_err("it has a space");
    let broken = BodyError::BrokeOff { why: "gone".to_owned() };
    let silent = SendError::TimedOut { to: proxy(), source: late };
    for (error, expected) in [
        (ClientError::NoProxies, false),
        (ClientError::BadName(bad_name), false),
        (ClientError::Malformed { what: what(), source: malformed }, false),
        (
            ClientError::InvalidResponse { what: what(), proxy: proxy(), why: "odd".to_owned() },
            false,
        ),
        (ClientError::NoAnswer { what: what(), source: silent }, true),
        (ClientError::Broken { what: what(), proxy: proxy(), source: broken }, true),
        (ClientError::Stalled { what: what(), proxy: proxy(), source: late }, true),
        (ClientError::Damaged { what: what(), proxy: proxy(), etag: HELLO.to_owned() }, true),
    ] {
        assert_eq!(error.is_transient(), expected, "{error}");
    }
}

#[test]
fn proxies_are_asked_in_turn_with_pauses_that_double() {
    let times: Rc<RefCell<Vec<(u8, u64)>>> = Rc::default();
    let seen = Rc::clone(&times);
    let took = against(
        move |proxy, number, _request: &Request| {
            seen.borrow_mut().push((proxy, number as u64));
            status(503)
        },
        |client| async move {
            let failed = client.head(&object()).await;
            (failed.is_err(), client.host.now().since(Time::ZERO))
        },
    );
    let asked: Vec<u8> = times.borrow().iter().map(|(proxy, _)| *proxy).collect();
    assert_eq!(asked, [0, 1, 0, 1, 0, 1]);
    // 200 ms, 400 ms, … 3.2 s: none after the last.
    let (is_failed, took) = took;
    assert!(is_failed && (6_200..6_300).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn a_client_without_proxies_says_so_and_asks_nobody() {
    let failed = against(
        |_, _, _: &Request| panic!("nobody is asked"),
        |client| async move {
            let client = Client { proxies: Vec::new(), ..client };
            client.head(&object()).await.map(drop)
        },
    );
    assert!(matches!(failed, Err(ClientError::NoProxies)), "{failed:?}");
}

fn listed(
    page: impl Fn(usize) -> Response + 'static,
    rows_max: usize,
) -> Result<Vec<String>, ClientError> {
    let rows = against(
        move |_, number, _: &Request| page(number),
        move |client| async move {
            client.list(&object().to_container().expect("it has one"), "", rows_max).await
        },
    );
    Ok(rows?.into_iter().map(|row| row.name).collect())
}

fn page(names: &[String]) -> Response {
    let row = |name: &String| {
        serde_json::json!({
            "name": name, "hash": "0", "bytes": 1, "content_type": "t", "last_modified": "m",
        })
    };
    let rows: Vec<serde_json::Value> = names.iter().map(row).collect();
    Response::new(Body::full(Purpose::Listing, serde_json::Value::from(rows).to_string()))
}

#[test]
fn a_listing_that_does_not_go_on_or_is_none_is_an_error_and_no_loop() {
    let full: Vec<String> = (0..limits::PAGE_ROWS).map(|row| format!("{row:05}")).collect();
    for names in [full, vec![String::new()]] {
        let stuck = listed(move |_| page(&names), 2 * limits::PAGE_ROWS);
        let Err(error @ ClientError::InvalidResponse { .. }) = stuck else { panic!("it went on") };
        assert!(error.to_string().contains("does not go on"), "{error}");
    }
    for body in ["", "{}", "[{}]", "[1]", "null", "[{\"name\": \"a\"}", "<html>"] {
        let broken = listed(move |_| Response::new(Body::full(Purpose::Listing, body)), 5);
        let Err(error @ ClientError::InvalidResponse { .. }) = broken else { panic!("{body:?}") };
        assert!(error.to_string().contains("its listing is no JSON"), "{body:?}: {error}");
    }
    let empty = listed(|_| status(204), 5);
    assert_eq!(empty.expect("it is empty"), Vec::<String>::new());
}

#[test]
fn an_upload_goes_with_its_type_purpose_and_metadata_and_its_etag_comes_back() {
    let answer = |_, _, request: &Request| {
        let header = |name: &str| request.headers()[name].to_str().unwrap_or_default().to_owned();
        assert_eq!((request.method(), request.uri().path()), (&Method::PUT, "/v1/AUTH_a/c/o"));
        assert_eq!(header("content-type"), "text/csv");
        assert_eq!(header("x-object-meta-colour"), "blue");
        assert_eq!(header("x-auth-token"), "secret");
        assert_eq!(header("content-length"), "0");
        assert_eq!(header("x-stayput-purpose"), Purpose::JobResult.name());
        let mut response = status(201);
        response.headers_mut().insert("etag", HeaderValue::from_static("\"e\""));
        response
    };
    let etag = against(answer, |client| async move {
        let meta = BTreeMap::from([("Colour".to_owned(), "blue".to_owned())]);
        let (content, purpose) = (Bytes::new(), Purpose::JobResult);
        let upload = ObjectUpload { content, content_type: "text/csv", meta: &meta, purpose };
        client.put_content(&object(), upload).await
    });
    assert_eq!(etag.expect("it is stored"), "e");
}

#[test]
fn an_upload_that_another_one_overtook_is_sent_again_and_one_without_an_etag_is_refused() {
    let answer = |_, number, _: &Request| {
        let mut response = status(if number < 2 { 202 } else { 201 });
        if number < 2 {
            response.headers_mut().insert("etag", HeaderValue::from_static("e"));
        }
        response
    };
    let stored = against(answer, |client| async move {
        client.put_object(&object(), Bytes::from_static(b"x"), "text/plain").await
    });
    let Err(error) = stored else { panic!("the third answer has no ETag") };
    assert!(error.to_string().contains("it names no ETag"), "{error}");
}

#[test]
fn metadata_that_no_header_can_hold_is_refused_unsent() {
    let failed = against(
        |_, _, _: &Request| panic!("nothing is sent"),
        |client| async move {
            let meta = BTreeMap::from([("a b".to_owned(), "x".to_owned())]);
            let (content, purpose) = (Bytes::new(), Purpose::ObjectData);
            let upload = ObjectUpload { content, content_type: "", meta: &meta, purpose };
            client.put_content(&object(), upload).await
        },
    );
    let Err(error @ ClientError::Malformed { .. }) = failed else { panic!("{failed:?}") };
    assert!(error.to_string().starts_with("the metadata x-object-meta-a b of "), "{error}");
}

#[test]
fn a_deletion_of_what_is_not_there_did_not_delete() {
    let deleted = |code: u16| {
        against(
            move |_, _, _: &Request| status(code),
            |client| async move { client.delete(&object()).await },
        )
    };
    assert!(deleted(204).expect("it is answered"));
    assert!(!deleted(404).expect("it is answered"));
    assert!(deleted(409).is_err());
}

#[test]
fn every_answer_of_a_job_is_one_but_that_there_is_no_slot() {
    for code in [200, 400, 404, 413, 500, 507] {
        let answer = against(
            move |_, number, _: &Request| {
                assert!(number <= 1, "it was asked again");
                status(if number == 0 { 503 } else { code })
            },
            |client| async move { client.post_job(Bytes::new(), "application/json", &[]).await },
        );
        let answer = answer.expect("it is answered");
        assert_eq!((answer.status.as_u16(), answer.body), (code, Bytes::from("because")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_listing_in_pages_is_the_whole_up_to_what_is_wanted(
        names in prop::collection::btree_set("[a-z%/é ]{1,6}", 0..12), rows_max in 1_usize..15,
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let stored = names.clone();
        let answer = move |_, _, request: &Request| {
            let query = request.uri().query().expect("it has a query").to_owned();
            let value = |key: &str| {
                let pair = query.split('&').find_map(|pair| pair.strip_prefix(key));
                let pair = pair.and_then(|pair| pair.strip_prefix('=')).expect("it is there");
                percent_encoding::percent_decode_str(pair).decode_utf8_lossy().into_owned()
            };
            let limit: usize = value("limit").parse().expect("it is a number");
            let after = stored.iter().filter(|name| **name > value("marker"));
            page(&after.take(limit).cloned().collect::<Vec<_>>())
        };
        let rows = against(answer, move |client| async move {
            client.list(&object().to_container().expect("it has one"), "", rows_max).await
        });
        let found: Vec<String> =
            rows.expect("it is a listing").into_iter().map(|row| row.name).collect();
        prop_assert_eq!(found, names.into_iter().take(rows_max).collect::<Vec<_>>());
    }
}
