//! Answers of jobs whose sessions ended in one way or another.

use stayput_runtime::job::{Matches, parse};
use stayput_runtime::outcome::{Accounting, DeviceAccount, EndReason};

use super::*;
use crate::fixtures::{bytes_of, object};
use crate::placement::OnStorage;
use crate::plan::Planning;
use crate::session::result::Agreement;
use crate::system_images::SystemImages;

fn plan(nodes: &[&str]) -> JobPlan {
    let node = |name: &&str| {
        format!(
            r#"{{"name": "{name}", "exec": {{"path": "swift://~/c/m.wasm"}},
                "devices": [{{"name": "stderr"}}, {{"name": "stdout", "content_type": "text/csv"}}]}}"#
        )
    };
    let text = format!("[{}]", nodes.iter().map(node).collect::<Vec<_>>().join(","));
    let job = parse(text.as_bytes()).expect("it is a description");
    let planning = Planning { account: "AUTH_x", system_images: &SystemImages::default() };
    planning.plan(&job, &Matches::default()).expect("it can be planned")
}

fn session(name: &str, end: SessionEnd) -> SessionResult {
    SessionResult {
        name: name.to_owned(),
        end,
        fuel: 7,
        took: Duration::from_micros(2_500),
        core: Duration::from_micros(500),
        accounting: Accounting::default(),
        outputs: vec![
            ("stderr".to_owned(), Bytes::from_static(b"e")),
            ("stdout".to_owned(), Bytes::from(name.to_owned())),
        ],
        colocated: true,
        copies: Agreement::ALONE,
    }
}

fn exited(name: &str, code: u32) -> SessionResult {
    session(name, SessionEnd::Guest(EndReason::Exited { code }))
}

/// Session that exited with `code` and wrote `outputs`.
fn wrote(name: &str, code: u32, outputs: &[(&str, &str)]) -> SessionResult {
    crate::fixtures::exited(name, code, outputs)
}

fn context() -> AnswerContext {
    let input = Path::object_of("AUTH_x", "c", "o").expect("it is a path");
    AnswerContext {
        policy: "on-storage",
        placement: Some((SessionPlace::Proxy, OnStorage::REPLICA)),
        inputs: vec![(input, Timestamp::default())],
    }
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

#[test]
fn standard_output_comes_before_standard_error_whatever_their_order_in_the_description() {
    let plan = plan(&["a"]);
    let names: Vec<&str> =
        in_response(&plan.sessions[0].devices).iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["stdout", "stderr"]);
}

#[test]
fn an_answer_has_a_figure_for_each_session_and_the_first_content_type() {
    let (plan, sessions) = (plan(&["a", "b"]), [exited("a", 0), exited("b", 3)]);
    let response = answer(&plan, &sessions, &context());
    assert_eq!(response.status(), StatusCode::OK, "an exit code is the guest's affair");
    assert_eq!(response.body().len(), Some(4), "each has one byte for each of two devices");
    assert_eq!(header(&response, "content-type"), Some("text/csv"));
    assert_eq!(header(&response, "x-nexe-system"), Some("a,b"));
    assert_eq!(header(&response, "x-nexe-retcode"), Some("0,3"));
    assert_eq!(header(&response, "x-nexe-validation"), Some("0,0"));
    assert_eq!(header(&response, "x-nexe-colocated"), Some("1,1"));
    assert_eq!(header(&response, "x-nexe-fuel"), Some("7,7"));
    assert_eq!(header(&response, "x-nexe-policy"), Some("on-storage"));
    assert_eq!(header(&response, "x-nexe-error"), None);
    assert_eq!(header(&response, X_STAYPUT_PLACED.as_str()), Some("proxy; reason=replica"));
    let inputs = header(&response, X_STAYPUT_INPUTS.as_str()).expect("it read something");
    assert!(inputs.starts_with("/AUTH_x/c/o@"), "{inputs}");
    let etags = header(&response, "x-nexe-etag").expect("each part has one");
    assert_eq!(etags.split(',').count(), 2);
    assert_eq!(header(&response, X_STAYPUT_COPIES.as_str()), None, "there were no copies");
}

#[test]
fn the_worst_session_decides_the_status_and_is_named() {
    let plan = plan(&["a", "b"]);
    let sessions = [exited("a", 0), session("b", SessionEnd::OutOfTime)];
    let response = answer(&plan, &sessions, &context());
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(header(&response, "x-nexe-error"), Some("b: out of time"));
    assert_eq!(header(&response, "x-nexe-retcode"), Some("0,-1"));
    let alone = answer(&plan_of_one(), &[session("a", SessionEnd::OutOfTime)], &context());
    assert_eq!(header(&alone, "x-nexe-error"), Some("out of time"), "one needs no name");
}

fn plan_of_one() -> JobPlan {
    plan(&["a"])
}

#[test]
fn a_session_that_never_began_is_answered_with_node_and_field() {
    let refused = |refusal: SessionRefusal| {
        answer(&plan_of_one(), &[session("a", SessionEnd::Refused(refusal))], &context())
    };
    let module = refused(SessionRefusal::Module { why: "no module".to_owned() });
    assert_eq!(module.status(), StatusCode::BAD_REQUEST);
    assert_eq!(header(&module, "x-nexe-validation"), Some("1"));
    let text = "node \"a\", field `exec.path`: no module\n";
    assert_eq!(module.body().len(), Some(text.len() as u64));
    let image = refused(SessionRefusal::Image { why: "no tar".to_owned() });
    assert_eq!(image.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn copies_are_counted_and_those_that_deviate_are_named_with_their_hosts() {
    let copies = Agreement { agreeing: 2, asked: 3, deviating: vec!["10.1.0.2".to_owned()] };
    let sessions = [SessionResult { copies, ..exited("a", 0) }];
    let response = answer(&plan_of_one(), &sessions, &context());
    assert_eq!(header(&response, X_STAYPUT_COPIES.as_str()), Some("2/3"));
    assert_eq!(header(&response, X_STAYPUT_DEVIATING.as_str()), Some("a@10.1.0.2"));
}

#[test]
fn the_accounting_line_has_the_longest_session_and_then_each_with_its_own() {
    let slow = SessionResult { took: Duration::from_millis(9), ..exited("b", 0) };
    let line = cdr_line(&[exited("a", 0), slow]);
    assert_eq!(
        line,
        "0.009000, 0.002500, 0.000000 0.000500 0 0 0 0 0 0 0 0, \
         0.009000, 0.000000 0.000500 0 0 0 0 0 0 0 0"
    );
}

#[test]
fn what_cannot_stand_in_a_header_is_replaced_and_not_lost() {
    let mut response = Response::new(Body::empty());
    put(&mut response, HeaderName::from_static("x-test"), "a\nb\u{e9}c");
    assert_eq!(header(&response, "x-test"), Some("a?b?c"));
}

#[test]
fn each_end_of_a_session_has_its_status() {
    let reason = || "why".to_owned();
    let device = || "input".to_owned();
    let refused = |refusal| SessionEnd::Refused(refusal);
    for (end, status, text) in [
        (SessionEnd::Guest(EndReason::Exited { code: 0 }), 200, "ok"),
        (SessionEnd::Guest(EndReason::Exited { code: u32::MAX }), 200, "ok"),
        (SessionEnd::Guest(EndReason::Trapped { reason: reason() }), 500, "trap: why"),
        (SessionEnd::Guest(EndReason::OutOfFuel), 500, "out of fuel"),
        (SessionEnd::Guest(EndReason::OutOfMemory), 500, "out of memory"),
        (SessionEnd::Guest(EndReason::NotStarted { reason: reason() }), 500, "not started: why"),
        (
            SessionEnd::Guest(EndReason::DeviceFailed { device: device(), reason: reason() }),
            500,
            "device input failed: why",
        ),
        (SessionEnd::OutOfTime, 500, "out of time"),
        (refused(SessionRefusal::Module { why: reason() }), 400, "refused: why"),
        (refused(SessionRefusal::Image { why: reason() }), 422, "refused: why"),
    ] {
        let response = answer(&plan_of_one(), &[session("a", end)], &context());
        assert_eq!(response.status().as_u16(), status, "{text}");
        assert_eq!(header(&response, "x-nexe-status"), Some(text));
        assert_eq!(header(&response, "x-nexe-error").is_none(), status == 200, "{text}");
    }
}

fn body_of(plan: &JobPlan, sessions: &[SessionResult]) -> Bytes {
    bytes_of(answer(plan, sessions, &context()).into_body())
}

#[test]
fn the_body_is_what_each_session_says_in_the_order_of_the_plan_and_of_its_devices() {
    let sessions = [
        wrote("a", 0, &[("stderr", "e1"), ("stdout", "o1")]),
        wrote("b", 1, &[("stderr", "e2"), ("stdout", "o2")]),
    ];
    assert_eq!(body_of(&plan(&["a", "b"]), &sessions), "o1e1o2e2");
    let silent = wrote("b", 0, &[]);
    assert_eq!(body_of(&plan(&["a", "b"]), &[sessions[0].clone(), silent]), "o1e1");
}

#[test]
fn each_part_has_its_own_etag() {
    let sessions = [wrote("a", 0, &[("stdout", "hello world")]), wrote("b", 0, &[])];
    let response = answer(&plan(&["a", "b"]), &sessions, &context());
    let md5s = "5eb63bbbe01eeed093cb22bb8f5acdc3,d41d8cd98f00b204e9800998ecf8427e";
    assert_eq!(header(&response, "x-nexe-etag"), Some(md5s));
}

#[test]
fn a_refused_session_gives_its_reason_in_the_place_of_all_output() {
    let end = SessionEnd::Refused(SessionRefusal::Module { why: "no module".to_owned() });
    let body = body_of(&plan(&["a", "b"]), &[exited("a", 0), session("b", end)]);
    assert_eq!(body, "node \"b\", field `exec.path`: no module\n");
}

#[test]
fn an_answer_without_a_named_type_is_text() {
    let response = answer(&plan_without_output(), &[exited("a", 0)], &context());
    assert_eq!(header(&response, "content-type"), Some("text/plain"));
    assert_eq!(response.body().len(), Some(0));
}

fn plan_without_output() -> JobPlan {
    let mut plan = plan_of_one();
    plan.sessions[0].devices.clear();
    plan
}

#[test]
fn the_accounting_line_sums_devices_and_connections_apart() {
    let account = |name: &str, scale: u64| DeviceAccount {
        name: name.to_owned(),
        reads: scale,
        read_bytes: 2 * scale,
        writes: 3 * scale,
        written_bytes: 4 * scale,
    };
    let devices = vec![
        account("stdin", 1),
        account("in/mapper-1", 100),
        account("stdout", 10),
        account("out/reducer", 1_000),
        account("input", 0),
    ];
    let accounting = Accounting { devices, ..Accounting::default() };
    let line = cdr_line(&[SessionResult { accounting, ..exited("a", 0) }]);
    assert_eq!(line, "0.002500, 0.002500, 0.000000 0.000500 11 22 33 44 1100 2200 3300 4400");
}

#[test]
fn figures_stand_in_the_order_of_the_sessions() {
    let away = SessionResult { colocated: false, fuel: 9, ..exited("b", 0) };
    let response = answer(&plan(&["a", "b"]), &[exited("a", 2), away], &context());
    for (name, expected) in [
        ("x-nexe-colocated", "1,0"),
        ("x-nexe-fuel", "7,9"),
        ("x-nexe-status", "ok,ok"),
        ("x-nexe-retcode", "2,0"),
    ] {
        assert_eq!(header(&response, name), Some(expected), "{name}");
    }
}

#[test]
fn inputs_are_listed_in_the_order_of_their_reading_and_placement_only_if_it_is_to_be_seen() {
    let read = |name: &str| (object(name), Timestamp::ZERO);
    let inputs = vec![read("b"), read("a b,c")];
    let around = AnswerContext { placement: None, inputs, ..context() };
    let response = answer(&plan_of_one(), &[exited("a", 0)], &around);
    let expected = "/AUTH_x/c/b@0000000000.00000,/AUTH_x/c/a%20b%2Cc@0000000000.00000";
    assert_eq!(header(&response, X_STAYPUT_INPUTS.as_str()), Some(expected));
    assert_eq!(header(&response, X_STAYPUT_PLACED.as_str()), None);
}
