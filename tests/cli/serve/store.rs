//! What a served store does for clients that come over sockets.

use ureq::http::Method;

use super::server::Serving;

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    client.put("/demo", b"");
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    client.put("/demo/large", &large);
    client.put("/demo/empty", b"");
    client.put("/demo/a%20name%2Fwith/%C3%A4", b"odd");
    assert_eq!(serving.stop(), 0);

    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    assert_eq!(client.get("/demo/large").body, large);
    assert_eq!(client.get("/demo/empty").body, b"");
    assert_eq!(client.get("/demo/a%20name%2Fwith/%C3%A4").body, b"odd");
    assert_eq!(client.get("/demo").text(), "a name/with/ä\nempty\nlarge\n");
    assert_eq!(client.send(Method::DELETE, "/demo/large", &[], b"").status, 204);
    assert_eq!(serving.stop(), 0);

    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    assert_eq!(client.get("/demo/large").status, 404);
    assert_eq!(client.get("/demo").text(), "a name/with/ä\nempty\n");
}

#[test]
fn a_posted_job_runs_on_what_was_stored() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    client.put("/demo", b"");
    client.put("/demo/log.txt", b"apple\nbanana\ncherry\nbanana split\n");
    let module = std::fs::read(format!("{}runtime/guests/linecount.wasm", crate::support::root()));
    client.put("/demo/linecount.wasm", &module.expect("it is committed"));
    let job = r#"[{"name": "count",
        "exec": {"path": "swift://~/demo/linecount.wasm", "args": "banana"},
        "devices": [{"name": "stdout"}, {"name": "input", "path": "swift://~/demo/log.txt"}]}]"#;
    let headers = [("X-Zerovm-Execute", "1.0"), ("Content-Type", "application/json")];
    let answer = client.send(Method::POST, "", &headers, job.as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, "2\n"), "{answer:?}");
    assert_eq!(answer.header("X-Nexe-Retcode"), "0");
}

#[test]
fn without_a_token_there_is_nothing_to_see() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let mut client = serving.client();
    client.put("/demo", b"");
    client.token = "AUTH_tk0123456789abcdef".to_owned();
    assert_eq!(client.get("/demo").status, 401);
}
