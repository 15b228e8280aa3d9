//! The store's HTTP over every backend: an answer arrives whole, and its bytes are counted by
//! purpose.

use std::time::Duration;

use stayput_host::Purpose;
use stayput_host::contract::{ContractBackend, host_address, start_host, start_reporting};
use stayput_store::http;
use stayput_store::http::{Body, Method, Response, StatusCode, Timeouts};

const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(10) };
static BODY: [u8; 200_000] = [b'x'; 200_000];

/// Answers with the request's body, twice.
async fn echo(mut request: http::Request) -> Response {
    let got = request.body_mut().collect(1 << 20).await.expect("it arrives");
    let twice = [(Purpose::JobResult, got.clone()), (Purpose::Listing, got)];
    Response::new(Body::parts(twice))
}

fn an_answer_is_counted_by_purpose(mut backend: impl ContractBackend) {
    start_host(&mut backend, 0, |host| async move {
        http::serve(&host, 80, echo).expect("the port is free");
    });
    let report = start_reporting(&mut backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let put = hyper::Request::builder().method(Method::PUT).uri("/some/path");
        let body = Body::full(Purpose::ObjectData, BODY.to_vec());
        let put = put.body(body).expect("the parts are right");
        let sent = http::send(&host, host_address(0, 80), put, TIMEOUTS).await;
        let mut answer = sent.expect("host 0 answers");
        let body = answer.body.collect(1 << 20).await.expect("it arrives");
        (answer.status, body)
    });
    let (status, body) = report.wait(&mut backend);
    assert_eq!(status, StatusCode::OK);
    assert!(body == [BODY, BODY].concat(), "{} bytes came back", body.len());
    for purpose in [Purpose::ObjectData, Purpose::JobResult, Purpose::Listing] {
        assert_eq!(backend.body_bytes(purpose), 200_000, "{purpose:?}");
    }
    let bodies: u64 = Purpose::ALL.into_iter().map(|purpose| backend.body_bytes(purpose)).sum();
    assert_eq!(bodies, 600_000);
    let heads = backend.payload_bytes() - bodies;
    assert!((100..2_000).contains(&heads), "{heads} bytes of heads");
}

#[test]
fn an_answer_over_fabric_is_counted_by_purpose() {
    an_answer_is_counted_by_purpose(super::worlds::fabric());
}

#[test]
fn an_answer_over_turmoil_is_counted_by_purpose() {
    an_answer_is_counted_by_purpose(super::worlds::turmoil());
}

#[test]
fn an_answer_over_tcp_is_counted_by_purpose() {
    an_answer_is_counted_by_purpose(super::worlds::tcp());
}

#[cfg(unix)]
#[test]
fn an_answer_over_threads_is_counted_by_purpose() {
    an_answer_is_counted_by_purpose(super::threads::threads());
}
