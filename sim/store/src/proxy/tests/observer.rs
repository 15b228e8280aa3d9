//! Observed requests: each once, with what its client got of it.

use std::sync::Mutex;

use super::*;
use crate::proxy::{CompletedRequest, RequestKind, ResponseEnd};

/// Record of a request that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    trans_id: String,
    what: (RequestKind, String, String),
    status: u16,
    ending: ResponseEnd,
    bytes: (u64, u64),
    user: Option<String>,
    cause: Option<String>,
    client: Option<IpAddr>,
    answered: bool,
}

#[derive(Default)]
struct Book(Mutex<Vec<Told>>);

impl RequestObserver for Book {
    fn completed(&self, request: &CompletedRequest<'_>) {
        assert!(request.answered_after.is_none_or(|after| after <= request.took));
        self.0.lock().unwrap().push(Told {
            trans_id: request.trans_id.to_owned(),
            what: (request.kind, request.method.to_string(), request.path.to_owned()),
            status: request.status,
            ending: request.end,
            bytes: (request.received_bytes, request.sent_bytes),
            user: request.user.map(ToOwned::to_owned),
            cause: request.cause.map(ToOwned::to_owned),
            client: request.client.map(|at| at.ip()),
            answered: request.answered_after.is_some(),
        });
    }

    fn metrics(&self) -> Option<(&'static str, String)> {
        Some(("text/plain; version=0.0.4", "up 1\n".to_owned()))
    }
}

fn watched(manners: &[(usize, Manner)]) -> (Room, Arc<Book>) {
    let book = Arc::new(Book::default());
    let nodes: Vec<Node> = (0..NODES).map(|_| Node::default()).collect();
    for (index, manner) in manners {
        nodes[*index].behave(*manner);
    }
    let (fakes, watch) = (nodes.clone(), Arc::clone(&book));
    let auth = FixedTokens::from([("secret".to_owned(), "AUTH_a".to_owned())]).into();
    let room = Room::with_observer(auth, Some(watch), move |index, host| {
        fakes[usize::from(index)].clone().run(host)
    });
    (Room { nodes, ..room }, book)
}

impl Book {
    /// Record of the one request since the last call.
    fn one(&self) -> Told {
        let mut told = self.0.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }
}

#[test]
fn a_request_is_told_of_once_with_its_id_and_the_bytes_of_both_bodies() {
    let (mut room, book) = watched(&[]);
    let url = "/v1/AUTH_a/c/o%20x?temp_url_sig=hush";
    let put = room.send(Method::PUT, url, &[], pattern(300_000));
    let told = book.one();
    assert_eq!(told.trans_id, put.header("x-trans-id"));
    let what =
        |method: &str| (RequestKind::Object, method.to_owned(), "/v1/AUTH_a/c/o%20x".to_owned());
    assert_eq!(told.what, what("PUT"));
    assert_eq!((told.status, told.ending), (201, ResponseEnd::Complete));
    assert_eq!(told.bytes, (300_000, put.body.expect("it came whole").len() as u64));
    assert_eq!(told.user.as_deref(), Some("the holder of AUTH_a"));
    assert!(told.client.is_some_and(|client| client != IpAddr::V4(ip(PROXY))));
    let got = room.send(Method::GET, url, &[], Bytes::new());
    let told = book.one();
    assert_eq!(told.trans_id, got.header("x-trans-id"));
    assert_eq!((told.what, told.bytes), (what("GET"), (0, 300_000)));
    room.send(Method::HEAD, url, &[], Bytes::new());
    let told = book.one();
    assert_eq!((told.what, told.bytes, told.ending), (what("HEAD"), (0, 0), ResponseEnd::Complete));
}

#[test]
fn each_kind_of_request_is_told_apart() {
    let (mut room, book) = watched(&[]);
    let execute: &[(&str, &str)] = &[("x-zerovm-execute", "1.0")];
    let cases = [
        ("GET", "/v1/AUTH_a", &[][..], RequestKind::Account),
        ("GET", "/v1.0/AUTH_a/c", &[], RequestKind::Container),
        ("GET", "/v1/AUTH_a/c/o", &[], RequestKind::Object),
        ("POST", "/v1/AUTH_a", execute, RequestKind::Job),
        ("GET", "/info", &[], RequestKind::Info),
        ("GET", "/metrics", &[], RequestKind::Info),
        ("GET", "/nothing", &[], RequestKind::Other),
    ];
    for (method, path, headers, kind) in cases {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let got = room.send(method, path, headers, Bytes::new());
        let told = book.one();
        assert_eq!((told.what.0, told.status), (kind, got.status.as_u16()), "{path}");
    }
}

#[test]
fn somebody_who_is_not_known_is_told_of_without_a_name() {
    let (mut room, book) = watched(&[]);
    let wrong = [("x-auth-token", "wrong")];
    assert_eq!(room.get(&wrong).status, StatusCode::UNAUTHORIZED);
    let told = book.one();
    assert_eq!((told.status, told.user, told.cause), (401, None, None));
    assert_eq!(told.what.0, RequestKind::Object);
}

#[test]
fn a_failure_of_the_store_is_told_with_its_cause() {
    let down: Vec<_> = (0..6).map(|index| (index, Manner::Down)).collect();
    let (mut room, book) = watched(&down);
    let got = room.get(&[]);
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    let told = book.one();
    assert_eq!(told.cause.as_deref(), Some(got.text().trim_end()));
}

#[test]
fn an_answer_that_breaks_off_is_told_as_cut_off_with_what_was_sent_of_it() {
    let (mut room, book) = watched(&[(1, Manner::Down), (2, Manner::Down)]);
    room.nodes[0].hold(at(5), &pattern(90_000), &pattern(90_000));
    room.nodes[0].behave(Manner::BreaksAfter(50_000));
    let got = room.get(&[]);
    assert_eq!((got.status, got.body), (StatusCode::OK, None));
    let told = book.one();
    assert_eq!((told.status, told.ending), (200, ResponseEnd::Aborted));
    assert!(told.bytes.1 <= 50_000, "{told:?}");
}

#[test]
fn a_client_that_leaves_before_its_answer_is_told_of_as_499() {
    let silent: Vec<_> = (0..6).map(|index| (index, Manner::Silent)).collect();
    let (mut room, book) = watched(&silent);
    room.client(|host| async move {
        let asking = request(Method::GET, "/v1/AUTH_a/c/o", &[], Body::empty());
        let left = host.timeout(Duration::from_millis(50), send(&host, asking)).await;
        assert!(left.is_err(), "nobody can have answered");
        host.sleep(Duration::from_secs(1)).await;
    });
    let told = book.one();
    assert_eq!((told.status, told.ending, told.answered), (499, ResponseEnd::Aborted, false));
}

#[test]
fn metrics_are_told_to_anybody_where_they_are_to_be_told_and_nowhere_else() {
    let (mut room, _book) = watched(&[]);
    let nobody = [("x-auth-token", "")];
    let got = room.send(Method::GET, "/metrics", &nobody, Bytes::new());
    assert_eq!((got.status, got.text()), (StatusCode::OK, "up 1\n"));
    assert_eq!(got.header("content-type"), "text/plain; version=0.0.4");
    let head = room.send(Method::HEAD, "/metrics", &nobody, Bytes::new());
    assert_eq!((head.status, head.text()), (StatusCode::OK, ""));
    let put = room.send(Method::PUT, "/metrics", &nobody, Bytes::new());
    assert_eq!((put.status, put.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    let unwatched = Room::new(&[]).send(Method::GET, "/metrics", &[], Bytes::new());
    assert_eq!(unwatched.status, StatusCode::NOT_FOUND);
}
