//! Jobs that a proxy posts on to a worker: verbatim, with the caller's token, and back as they
//! come.

use super::*;

fn forwarded(worker: fn(u8, Request) -> Response) -> Seen {
    let cluster = Cluster { policy: "download", worker, ..Cluster::default() };
    let seen = cluster.post(&one(), |_, _| Reaction::Exits("ran"));
    assert_eq!(seen.nodes(), Vec::<u8>::new(), "no node is asked");
    seen
}

fn says(text: &'static str) -> Response {
    Response::new(Body::full(Purpose::JobResult, text))
}

#[test]
fn a_worker_gets_the_job_with_the_callers_token_and_its_answer_goes_back() {
    let seen = forwarded(|index, request| {
        let header = |name: &str| request.headers()[name].to_str().unwrap_or_default().to_owned();
        assert_eq!(
            (index, request.method(), request.uri().path()),
            (6, &Method::POST, "/v1/AUTH_x")
        );
        assert_eq!(
            (header("x-auth-token"), header("x-zerovm-execute")),
            ("token".into(), "1.0".into())
        );
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("content-length"), one().len().to_string());
        let mut response = says("from the worker");
        for (name, value) in [("x-nexe-retcode", "7"), ("content-type", "text/csv")] {
            response.headers_mut().insert(name, value.parse().expect("it is a value"));
        }
        response
    });
    seen.assert_answer(200, "from the worker");
    assert_eq!(seen.header("x-nexe-retcode"), "7");
    assert_eq!(seen.header("content-type"), "text/csv");
    assert_eq!(seen.header("x-nexe-policy"), "download");
    assert_eq!(seen.header("content-length"), "15");
}

#[test]
fn a_worker_that_does_not_take_the_job_leads_to_the_next() {
    for answer in [
        |index, _| if index == 6 { status(503) } else { says("second") },
        |index, _| if index == 6 { status(401) } else { says("second") },
        |index, _| if index == 6 { status(403) } else { says("second") },
        |index, _| if index == 6 { status(405) } else { says("second") },
    ] as [fn(u8, Request) -> Response; 4]
    {
        forwarded(answer).assert_answer(200, "second");
    }
}

#[test]
fn a_flaw_of_the_job_is_an_answer() {
    for answer in [|_, _| status(400), |_, _| status(422), |_, _| status(500)]
        as [fn(u8, Request) -> Response; 3]
    {
        let seen = forwarded(answer);
        assert_eq!(seen.text(), "because\n");
        assert!([400, 422, 500].contains(&seen.status.unwrap_or_default()), "{seen:?}");
    }
}

#[test]
fn when_no_worker_takes_it_the_last_one_says_why() {
    let seen = forwarded(|_, _| status(503));
    let text = format!("{}: 503 Service Unavailable\n", host_address(7, WORKER_PORT));
    assert_eq!((seen.status, seen.text()), (Some(503), text));
}

#[test]
fn an_answer_that_stalls_breaks_off_for_the_client() {
    let seen = forwarded(|_, _| {
        let (sender, body) = Body::stream(100);
        let sent = sender.send(Purpose::JobResult, Bytes::from_static(b"begin"));
        assert_eq!(futures_util::FutureExt::now_or_never(sent), Some(true));
        std::mem::forget(sender);
        Response::new(body)
    });
    assert_eq!((seen.status, seen.body), (Some(200), None));
}

#[test]
fn an_answer_of_unknown_length_comes_whole() {
    let seen = forwarded(|_, _| {
        let (sender, body) = Body::open();
        let sent = sender.send(Purpose::JobResult, Bytes::from_static(b"streamed"));
        assert_eq!(futures_util::FutureExt::now_or_never(sent), Some(true));
        assert_eq!(futures_util::FutureExt::now_or_never(sender.finish()), Some(()));
        Response::new(body)
    });
    seen.assert_answer(200, "streamed");
}
