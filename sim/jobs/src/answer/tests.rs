//! Answers of jobs whose sessions ended in one way or another.

use stayput_runtime::job::{Matches, parse};
use stayput_runtime::outcome::{Accounting, EndReason};

use super::*;
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
