//! Every failure of a job, with the status of its answer: a new kind does not compile before it is
//! listed here.

use stayput_host::TimedOut;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job::parse;
use stayput_store::client::ClientError;
use stayput_store::http::BodyError;
use stayput_store::proxy::{FetchError, ListError, LocateError, StoreError};
use stayput_store::swift::{Path, Timestamp};

use super::*;
use crate::fixtures::{bytes_of, object};
use crate::message::decode;
use crate::plan::FieldFlaw;
use crate::posted::{ScriptFlaw, SourceFlaw};

/// Last kind of a failure of a job, of the store, of a request and of a field.
const LAST_KINDS: [usize; 4] = [13, 10, 11, 7];

fn proxy() -> SocketAddr {
    "10.0.0.1:8080".parse().expect("it is an address")
}

fn denied(status: u16) -> StoreAccessError {
    let status = StatusCode::from_u16(status).expect("it is a status");
    StoreAccessError::Denied(ErrorResponse::new(status, "no"))
}

fn refused(status: u16) -> StoreAccessError {
    let status = StatusCode::from_u16(status).expect("it is a status");
    let (what, why) = ("GET /AUTH_x/c/o".to_owned(), "no".to_owned());
    ClientError::Refused { what, proxy: proxy(), status, why }.into()
}

fn kind_of_job(error: &JobError) -> usize {
    match error {
        JobError::Request(_) => 0,
        JobError::Plan(_) => 1,
        JobError::Store(_) => 2,
        JobError::NoSlot(_) => 3,
        JobError::InputsChanged => 4,
        JobError::PushTooLarge { .. } => 5,
        JobError::NoPlace { .. } => 6,
        JobError::NoNode { .. } => 7,
        JobError::NodeRefused(_) => 8,
        JobError::Order(_) => 9,
        JobError::Malformed(_) => 10,
        JobError::Worker(_) => 11,
        JobError::Contradiction { .. } => 12,
        JobError::Admission(_) => 13,
    }
}

fn kind_of_store(error: &StoreAccessError) -> usize {
    match error {
        StoreAccessError::List(_) => 0,
        StoreAccessError::Locate(_) => 1,
        StoreAccessError::Fetch(_) => 2,
        StoreAccessError::Write(_) => 3,
        StoreAccessError::Client(_) => 4,
        StoreAccessError::Denied(_) => 5,
        StoreAccessError::NoDownload { .. } => 6,
        StoreAccessError::TooLong { .. } => 7,
        StoreAccessError::TooManyNames { .. } => 8,
        StoreAccessError::ListingTooLong { .. } => 9,
        StoreAccessError::Row { .. } => 10,
    }
}

fn kind_of_request(error: &RequestError) -> usize {
    match error {
        RequestError::Plan(_) => 0,
        RequestError::Store(_) => 1,
        RequestError::Map { .. } => 2,
        RequestError::Source { .. } => 3,
        RequestError::Body { .. } => 4,
        RequestError::Late { .. } => 5,
        RequestError::TooLong { .. } => 6,
        RequestError::UnknownType { .. } => 7,
        RequestError::Image(_) => 8,
        RequestError::NoMap => 9,
        RequestError::Script(_) => 10,
        RequestError::ScriptImage(_) => 11,
    }
}

fn kind_of_field(flaw: &FieldFlaw) -> usize {
    match flaw {
        FieldFlaw::NoImages => 0,
        FieldFlaw::NoDevice { .. } => 1,
        FieldFlaw::UnknownImage { .. } => 2,
        FieldFlaw::PostedImage => 3,
        FieldFlaw::TooLarge => 4,
        FieldFlaw::BadName(_) => 5,
        FieldFlaw::OtherAccount { .. } => 6,
        FieldFlaw::Denied(_) => 7,
    }
}

/// Asserts that each failure has its status and is transient exactly if that is 503, and that each
/// kind up to `last` is among them.
fn assert_statuses<E>(
    cases: Vec<(E, u16)>,
    kind: impl Fn(&E) -> usize,
    last: usize,
    as_job: impl Fn(E) -> JobError,
) {
    let mut kinds: Vec<usize> = cases.iter().map(|(error, _)| kind(error)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (0..=last).collect::<Vec<_>>(), "each kind is a case");
    for (error, status) in cases {
        let error = as_job(error);
        assert_eq!(error.status().as_u16(), status, "{error}");
        assert_eq!(error.is_transient(), status == 503, "{error}");
        assert!(!error.to_string().is_empty() && !error.to_string().contains("::"), "{error}");
    }
}

#[test]
fn every_failure_of_a_job_has_its_status() {
    let node = NodeAnswer { status: StatusCode::BAD_REQUEST, text: "why".to_owned() };
    let malformed = hyper::Request::builder().uri("no uri").body(()).expect_err("it has a space");
    let malformed = Rc::new(malformed);
    let worker = WorkerError::Refused { worker: proxy(), status: StatusCode::FORBIDDEN };
    let account = "AUTH_x".to_owned();
    let session = || "s".to_owned();
    assert_statuses(
        vec![
            (RequestError::NoMap.into(), 400),
            (PlanError::from(denied(403)).into(), 403),
            (denied(418).into(), 418),
            (NoSlot::AllTaken { running: 1 }.into(), 503),
            (NoSlot::QueueFull { running: 1, waiting: 1 }.into(), 503),
            (JobError::InputsChanged, 503),
            (JobError::PushTooLarge { bytes_max: 1 }, 413),
            (JobError::NoPlace { policy: "p" }, 503),
            (JobError::NoNode { session: session(), reasons: Vec::new() }, 503),
            (JobError::NodeRefused(node), 500),
            (MessageError::Rest.into(), 500),
            (JobError::Malformed(Rc::clone(&malformed)), 500),
            (WorkerError::Malformed(malformed).into(), 503),
            (worker.into(), 503),
            (JobError::Contradiction { session: session(), asked: 2, hosts: vec![session()] }, 500),
            (AdmissionError::NoJob.into(), 405),
            (AdmissionError::BadToken.into(), 401),
            (AdmissionError::OtherAccount { account }.into(), 403),
        ],
        kind_of_job,
        LAST_KINDS[0],
        |error| error,
    );
}

#[test]
fn every_refusal_of_the_store_keeps_its_status() {
    let (path, timestamp) = (object("o"), Timestamp::ZERO);
    let p = || path.clone();
    let what = || "GET /AUTH_x/c/o".to_owned();
    let list = |prefix: &str| ListError::TooLong { path: p(), prefix: prefix.into(), rows_max: 1 };
    let broken = BodyError::BrokeOff { why: "gone".to_owned() };
    let broken = ClientError::Broken { what: what(), proxy: proxy(), source: broken };
    let damaged = ClientError::Damaged { what: what(), proxy: proxy(), etag: "e".to_owned() };
    assert_statuses(
        vec![
            (ListError::NotFound { path: p() }.into(), 404),
            (ListError::Unavailable { path: p() }.into(), 503),
            (list("a").into(), 413),
            (LocateError::NotFound { path: p() }.into(), 404),
            (LocateError::Unavailable { path: p() }.into(), 503),
            (FetchError::Unavailable { path: p(), version: timestamp }.into(), 503),
            (FetchError::TooLong { path: p(), size: 2, limit_bytes: 1 }.into(), 413),
            (StoreError::NoContainer { path: p() }.into(), 404),
            (StoreError::BadMeta { path: p(), name: "a b".to_owned() }.into(), 400),
            (StoreError::Newer { path: p(), timestamp }.into(), 409),
            (refused(403), 403),
            (refused(404), 404),
            (refused(507), 507),
            (ClientError::NoProxies.into(), 503),
            (broken.into(), 503),
            (damaged.into(), 503),
            (denied(401), 401),
            (denied(503), 503),
            (StoreAccessError::NoDownload { path: p() }, 503),
            (StoreAccessError::TooLong { bytes_max: 1 }, 413),
            (StoreAccessError::TooManyNames { of: "c".to_owned() }, 413),
            (StoreAccessError::ListingTooLong { container: p() }, 413),
            (StoreAccessError::Row { container: p(), why: "no JSON".to_owned() }, 500),
        ],
        kind_of_store,
        LAST_KINDS[1],
        JobError::Store,
    );
}

fn description(text: &str) -> PlanError {
    parse(text.as_bytes()).expect_err("it is no description").into()
}

#[test]
fn every_flaw_of_a_request_has_its_status() {
    let source = |flaw| RequestError::Source { source_name: "s".to_owned(), flaw };
    let body = |error| RequestError::Body { what: "the script", error };
    let error = parse(b"[]").expect_err("it has no nodes");
    let no_json = parse(b"[").expect_err("it is no JSON");
    let map = |error| RequestError::Map { map: "boot/system.map", error };
    let late = TimedOut { limit: std::time::Duration::from_secs(1) };
    let image = Image::from_tar(&[1; 600], ImageLimits::default()).expect_err("it is no tar");
    let bad_name = Path::object_of("AUTH_x", "c", "").expect_err("it has no name");
    assert_statuses(
        vec![
            (description("[]").into(), 400),
            (description("[").into(), 422),
            (description(&" ".repeat(65_537)).into(), 413),
            (denied(404).into(), 404),
            (map(error), 400),
            (map(no_json), 422),
            (source(SourceFlaw::NoPath("is none".to_owned())), 400),
            (source(SourceFlaw::NotOneObject), 400),
            (source(SourceFlaw::BadName(bad_name)), 400),
            (body(BodyError::BrokeOff { why: "gone".to_owned() }), 499),
            (body(BodyError::TooLong { limit_bytes: 1 }), 413),
            (RequestError::Late { what: "the script", late }, 408),
            (RequestError::TooLong { what: "the job", path: object("o"), bytes_max: 1 }, 413),
            (RequestError::UnknownType { content_type: "text/plain".to_owned() }, 415),
            (RequestError::Image(image), 422),
            (RequestError::NoMap, 400),
            (RequestError::Script(ScriptFlaw::NoImage), 400),
            (RequestError::Script(ScriptFlaw::TooLong), 400),
            (RequestError::ScriptImage(Rc::new(std::io::Error::other("full"))), 500),
        ],
        kind_of_request,
        LAST_KINDS[2],
        JobError::from,
    );
}

#[test]
fn every_flaw_of_a_field_is_the_callers_but_for_what_the_store_says() {
    let text = br#"[{"name": "n", "exec": {"path": "swift://~/c/m"}}]"#;
    let job = parse(text).expect("it is a description");
    let bad_name = Path::object_of("AUTH_x", "c", "").expect_err("it has no name");
    let image = || "python".to_owned();
    assert_statuses(
        vec![
            (FieldFlaw::NoImages, 400),
            (FieldFlaw::NoDevice { image: image() }, 400),
            (FieldFlaw::UnknownImage { image: image(), known: "there are none".to_owned() }, 400),
            (FieldFlaw::PostedImage, 400),
            (FieldFlaw::TooLarge, 400),
            (FieldFlaw::BadName(bad_name), 400),
            (FieldFlaw::OtherAccount { path: object("o"), account: "AUTH_y".to_owned() }, 403),
            (FieldFlaw::Denied(denied(403)), 403),
            (FieldFlaw::Denied(denied(503)), 503),
        ],
        kind_of_field,
        LAST_KINDS[3],
        |flaw| {
            let error = PlanError::field(&job.nodes[0], "devices.input.path", flaw);
            assert!(error.to_string().starts_with("node \"n\", field `devices.input.path`: "));
            error.into()
        },
    );
}

#[test]
fn a_pattern_with_a_bad_name_is_the_callers_flaw() {
    let error = Path::account_only("").expect_err("it has no name");
    let error = JobError::from(PlanError::Pattern { pattern: "swift:///c/*".to_owned(), error });
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert!(error.to_string().starts_with("swift:///c/*: "), "{error}");
}

#[test]
fn the_answer_of_a_failure_is_one_line_with_its_status() {
    let error = JobError::PushTooLarge { bytes_max: 7 };
    let response = error.into_response();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(bytes_of(response.into_body()), "more than 7 bytes would have to be pushed\n");
}

#[test]
fn the_reasons_of_all_nodes_are_in_the_text() {
    let reasons = vec!["10.1.0.1: full".to_owned(), "10.1.0.2: no answer".to_owned()];
    let error = JobError::NoNode { session: "s".to_owned(), reasons };
    let text = "no node could run s: 10.1.0.1: full; 10.1.0.2: no answer";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_denial_keeps_its_status_and_says_only_why() {
    let denied = ErrorResponse::new(StatusCode::FORBIDDEN, "not yours");
    let error = JobError::Store(StoreAccessError::Denied(denied));
    assert_eq!((error.status(), error.to_string()), (StatusCode::FORBIDDEN, "not yours".into()));
}

#[test]
fn a_message_that_no_node_could_send_is_a_failure_of_the_proxy() {
    let error = decode::<crate::message::SessionReport>(bytes::Bytes::new());
    let error = JobError::from(error.expect_err("it has no head"));
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(error.to_string().starts_with("the message is malformed"), "{error}");
}
