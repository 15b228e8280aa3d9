//! A worker before a proxy of given answers: who is let in, and what it asks the proxies for.
//!
//! Leaves out how jobs run on it, which `runner` and whole clusters show.

use std::cell::RefCell;
use std::time::Duration;

use hyper::HeaderMap;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, SessionsConfig};
use stayput_host::contract::host_address;
use stayput_store::http::{Body, Timeouts};
use stayput_store::swift::PROXY_PORT;

use super::*;
use crate::fixtures::{ACCOUNT, ServerMain, beside, cat, object};

const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(60) };

/// Answer of the proxy to a method and a path with its query.
type Answers = Rc<dyn Fn(&Method, &str) -> (u16, Bytes)>;
type Log = Rc<RefCell<Vec<String>>>;

fn machine() -> MachineConfig {
    let rate = ByteRate::new(1_000_000_000).expect("not zero");
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: rate,
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
        sessions: SessionsConfig::default(),
    }
}

fn proxy(log: &Log, answers: &Answers) -> ServerMain {
    let (log, answers) = (Rc::clone(log), Rc::clone(answers));
    Box::new(move |host: Host| {
        let (log, answers) = (Rc::clone(&log), Rc::clone(&answers));
        let handler = move |mut request: Request| {
            let (log, answers) = (Rc::clone(&log), Rc::clone(&answers));
            async move {
                let body = request.body_mut().collect(1 << 20).await.expect("it comes whole");
                let target = request.uri().to_string();
                let shown = String::from_utf8_lossy(&body).into_owned();
                let (status, content) = answers(request.method(), &target);
                log.borrow_mut()
                    .push(format!("{} {target} {shown}", request.method()).trim().into());
                let etag = md5_of(&content);
                let mut response = Response::new(Body::full(Purpose::ObjectData, content));
                *response.status_mut() = StatusCode::from_u16(status).expect("it is a status");
                let headers = response.headers_mut();
                headers.insert("etag", etag.parse().expect("it is a value"));
                headers.insert("content-type", "application/json".parse().expect("it is one"));
                headers.insert("x-timestamp", "1704067200.00042".parse().expect("it is one"));
                response
            }
        };
        http::serve(&host, PROXY_PORT, handler).expect("the port is free");
    })
}

fn md5_of(content: &[u8]) -> String {
    use md5::{Digest, Md5};
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn worker() -> ServerMain {
    Box::new(|host: Host| {
        let store = Client {
            host: host.clone(),
            proxies: vec![host_address(0, PROXY_PORT)],
            token: "token".to_owned(),
            account: ACCOUNT.to_owned(),
        };
        start(&host, store, &machine(), SystemImages::default(), None).expect("the port is free");
    })
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
    /// Requests of the worker.
    asked: Vec<String>,
}

fn posted(
    request: impl Fn() -> hyper::http::request::Builder + 'static,
    job: &str,
    answers: impl Fn(&Method, &str) -> (u16, Bytes) + 'static,
) -> Reply {
    let (log, job) = (Log::default(), job.to_owned());
    let answers = Rc::new(answers) as Answers;
    let request = Rc::new(request);
    let (status, headers, text) = beside(vec![proxy(&log, &answers), worker()], move |host| {
        let body = Body::full(Purpose::Control, job.clone());
        let request = request().body(body).expect("it is a request");
        async move {
            let answer = http::send(&host, host_address(1, WORKER_PORT), request, LIMITS).await;
            let mut answer = answer.expect("it is answered");
            let body = answer.body.collect(1 << 20).await.expect("it comes whole");
            (answer.status.as_u16(), answer.headers, String::from_utf8_lossy(&body).into_owned())
        }
    });
    Reply { status, headers, text, asked: log.take() }
}

fn good() -> hyper::http::request::Builder {
    hyper::Request::builder()
        .method(Method::POST)
        .uri("/v1/AUTH_x")
        .header("x-auth-token", "token")
        .header("x-zerovm-execute", "1.0")
        .header("content-type", "application/json")
}

fn nothing(_method: &Method, _target: &str) -> (u16, Bytes) {
    (404, Bytes::new())
}

#[test]
fn only_jobs_with_the_workers_own_token_and_account_are_let_in() {
    let post = || hyper::Request::builder().method(Method::POST).uri("/v1/AUTH_x");
    let job = move || post().header("x-zerovm-execute", "1.0");
    type Build = Rc<dyn Fn() -> hyper::http::request::Builder>;
    let cases: [(u16, &str, Build); 7] = [
        (405, "POST with X-Zerovm-Execute", Rc::new(|| good().method(Method::PUT))),
        (405, "POST with X-Zerovm-Execute", Rc::new(post)),
        (401, "X-Auth-Token is missing", Rc::new(job)),
        (401, "or not known", Rc::new(move || job().header("x-auth-token", "other"))),
        (403, "for the account AUTH_x", Rc::new(|| good().uri("/v1/AUTH_y"))),
        (403, "for the account AUTH_x", Rc::new(|| good().uri("/v2/AUTH_x"))),
        (403, "for the account AUTH_x", Rc::new(|| good().uri("/v1/"))),
    ];
    for (status, text, request) in cases {
        let reply = posted(move || request(), "[]", nothing);
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(reply.text.contains(text), "{reply:?}");
        assert_eq!(reply.asked, Vec::<String>::new());
    }
    assert_eq!(posted(good, "[", nothing).status, 422, "it is let in, and its flaw found");
}

fn job(devices: &str) -> String {
    format!(r#"[{{"name": "n", "exec": {{"path": "swift://~/c/m"}}, "devices": [{devices}]}}]"#)
}

#[test]
fn a_job_is_fetched_computed_and_its_output_stored_padded_to_its_least_size() {
    let job = job(r#"{"name": "stdin", "path": "swift://~/c/in"},
           {"name": "stdout", "path": "swift://~/c/out", "min_size": 8}"#);
    let reply = posted(good, &job, |method, target| match (method, target) {
        (&Method::GET, "/v1/AUTH_x/c/m") => (200, cat().into()),
        (&Method::GET, "/v1/AUTH_x/c/in") => (200, Bytes::from_static(b"banana")),
        (&Method::PUT, "/v1/AUTH_x/c/out") => (201, Bytes::new()),
        _ => (404, Bytes::new()),
    });
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    let stored = "PUT /v1/AUTH_x/c/out banana\0\0";
    assert_eq!(reply.asked, ["GET /v1/AUTH_x/c/m", "GET /v1/AUTH_x/c/in", stored]);
    assert_eq!(reply.headers["x-nexe-policy"], "download");
    let version = "1704067200.00042";
    assert_eq!(
        reply.headers["x-stayput-inputs"],
        format!("/AUTH_x/c/m@{version},/AUTH_x/c/in@{version}")
    );
    assert!(!reply.headers.contains_key("x-stayput-placed"));
}

#[test]
fn refusals_of_the_proxies_are_the_jobs() {
    let read = job(r#"{"name": "stdin", "path": "swift://~/c/in"}, {"name": "stdout"}"#);
    let written = job(r#"{"name": "stdout", "path": "swift://~/c/out"}"#);
    for (job, refused, status) in [
        (&read, "/v1/AUTH_x/c/in", 404),
        (&read, "/v1/AUTH_x/c/m", 403),
        (&written, "/v1/AUTH_x/c/out", 404),
        (&written, "/v1/AUTH_x/c/out", 422),
    ] {
        let reply = posted(good, job, move |method, target| match target {
            target if target == refused => (status, Bytes::from_static(b"no")),
            "/v1/AUTH_x/c/m" => (200, cat().into()),
            _ if *method == Method::GET => (200, Bytes::new()),
            _ => (201, Bytes::new()),
        });
        assert_eq!(reply.status, status, "{refused}: {reply:?}");
    }
}

#[test]
fn reading_another_account_is_tried_before_anything_else_and_writing_is_not() {
    let devices = r#"{"name": "stdin", "path": "swift://AUTH_y/c/in"},
                     {"name": "stdout", "path": "swift://AUTH_y/c/out"}"#;
    let denied = posted(good, &job(devices), |_, _| (403, Bytes::from_static(b"no")));
    assert_eq!(
        (denied.status, denied.asked.as_slice()),
        (403, &["HEAD /v1/AUTH_y/c/in".to_owned()][..])
    );
    assert!(denied.text.starts_with("node \"n\", field `devices.stdin.path`: "), "{denied:?}");
    let missing = posted(good, &job(devices), nothing);
    assert_eq!(missing.asked[0], "HEAD /v1/AUTH_y/c/in", "what is not there may be read");
    assert!(missing.asked[1].starts_with("GET "), "{:?}", missing.asked);
    assert_eq!(missing.status, 404);
}

#[test]
fn names_are_counted_up_to_their_bound_and_no_further() {
    let names = |count| at_most(vec![(); count], object("o"));
    assert!(names(0).is_ok() && names(NAMES_MAX).is_ok());
    let refused = names(NAMES_MAX + 1).expect_err("one too many");
    assert_eq!(
        refused.to_string(),
        "/AUTH_x/c/o has more than 100000 names that the wildcard could mean"
    );
}
