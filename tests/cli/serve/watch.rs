//! Monitoring of a server: its log and its metrics agree with what was done, and tell
//! nobody's secrets.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;
use ureq::http::{Method, Request};

use super::exposition::Exposition;
use super::server::{Client, Serving};
use crate::support::{path_text, stayput};

const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The lines of a log in JSON.
fn lines(log: &str) -> Vec<Value> {
    let read =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    log.lines().map(read).collect()
}

/// The access line of the request of that transaction.
fn access<'a>(lines: &'a [Value], trans_id: &str) -> &'a Value {
    let of: Vec<&Value> = lines
        .iter()
        .filter(|line| line["target"] == "stayput::access" && line["trans_id"] == trans_id)
        .collect();
    let [line] = of.as_slice() else { panic!("{trans_id} has {} lines", of.len()) };
    line
}

/// Metrics at `url`.
fn metrics(client: &Client, url: &str) -> Exposition {
    let mut answer = client.agent.get(url).call().expect("it answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], TYPE);
    let text = answer.body_mut().read_to_string().expect("text");
    Exposition::read(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// Asks in words that no client of HTTP would send, and hears the answer to its end.
fn ask(serving: &Serving, method: &str, path: &str) {
    let at = serving.url.strip_prefix("http://").expect("it is plain");
    let mut stream = TcpStream::connect(at).expect("it listens");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it listens");
    let heard = std::io::copy(&mut stream, &mut std::io::sink()).expect("it answers");
    assert!(heard > 0, "{method} {path:?} has no answer");
}

fn run_a_job(client: &Client, module: &str) -> super::server::Answer {
    let job = format!(
        r#"[{{"name": "count", "exec": {{"path": "swift://~/demo/{module}", "args": "banana"}},
        "devices": [{{"name": "stdout"}}, {{"name": "input", "path": "swift://~/demo/log.txt"}}]}}]"#
    );
    let headers = [("X-Zerovm-Execute", "1.0"), ("Content-Type", "application/json")];
    client.send(Method::POST, "", &headers, job.as_bytes())
}

fn put_a_job(client: &Client) {
    client.put("/demo", b"");
    client.put("/demo/log.txt", b"apple\nbanana\ncherry\n");
    let module = fs::read(format!("{}runtime/guests/linecount.wasm", crate::support::root()));
    client.put("/demo/linecount.wasm", &module.expect("it is committed"));
}

#[test]
fn each_request_has_a_line_with_the_id_that_its_client_was_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &["--log", "json"]);
    let client = serving.client();
    put_a_job(&client);
    let body = vec![7; 300_000];
    let put = client.send(Method::PUT, "/demo/a%20b?temp_url_sig=hush", &[], &body);
    let got = client.get("/demo/a%20b");
    let missing = client.get("/demo/none");
    let job = run_a_job(&client, "linecount.wasm");
    assert_eq!(job.text(), "1\n");
    let (code, log) = serving.stop_and_log();
    assert_eq!(code, 0);
    let lines = lines(&log);
    let line = access(&lines, put.header("X-Trans-Id"));
    assert_eq!((&line["method"], &line["status"]), (&"PUT".into(), &201.into()), "{line}");
    assert_eq!(line["path"], "/v1/AUTH_test/demo/a%20b");
    assert_eq!((&line["account"], &line["user"]), (&"AUTH_test".into(), &"test:tester".into()));
    assert_eq!(line["received_bytes"], 300_000);
    assert!(line["client"].as_str().is_some_and(|client| client.starts_with("127.0.0.1:")));
    assert!(line["took_s"].as_f64() >= line["answered_s"].as_f64(), "{line}");
    let line = access(&lines, got.header("X-Trans-Id"));
    assert_eq!((&line["received_bytes"], &line["sent_bytes"]), (&0.into(), &300_000.into()));
    assert_eq!((&line["ending"], &line["kind"]), (&"whole".into(), &"object".into()));
    let line = access(&lines, missing.header("X-Trans-Id"));
    assert_eq!((&line["status"], &line["level"]), (&404.into(), &"INFO".into()));
    let line = access(&lines, job.header("X-Trans-Id"));
    assert_eq!(line["kind"], "job");
    assert_eq!(line["fuel"].to_string(), job.header("X-Nexe-Fuel"), "{line}");
    assert_eq!((&line["sessions"], &line["colocated"]), (&1.into(), &1.into()));
    let says = |what: &str| lines.iter().any(|line| line["message"] == what);
    assert!(says("a device has recovered") && says("serving") && says("stopped"), "{log}");
}

/// Nothing of it is in the log, however much is logged, nor in the metrics.
#[test]
fn keys_tokens_secrets_and_bodies_are_told_nobody() {
    let dir = tempfile::tempdir().expect("a folder");
    for form in ["human", "json"] {
        let words = ["--log", form, "--log-level", "trace"];
        let serving = Serving::start(&dir.path().join("store"), &words);
        let client = serving.client();
        client.put("/demo", b"");
        client.put("/demo/object", b"body-of-somebody");
        client.get("/demo/object?temp_url_sig=signature-of-somebody");
        client.send(Method::POST, "/demo/object", &[("X-Object-Meta-Pin", "meta-secret")], b"");
        for (name, value) in [("X-Auth-Key", "testing-not"), ("X-Auth-Key", "testing")] {
            let login = Request::get(format!("{}/auth/v1.0", serving.url))
                .header("X-Auth-User", "test:tester")
                .header(name, value);
            let _answered = client.agent.run(login.body(()).expect("a good request"));
        }
        let mut guest = client.clone();
        guest.token = "AUTH_tk-guessed-by-somebody".to_owned();
        assert_eq!(guest.get("/demo/object").status, 401);
        let url = format!("{}/metrics", serving.url);
        let told = client.agent.get(&url).call().expect("it answers").body_mut().read_to_string();
        let told = told.expect("text");
        let (token, (code, log)) = (client.token.clone(), serving.stop_and_log());
        assert_eq!(code, 0);
        let cluster = fs::read_to_string(dir.path().join("store/cluster.toml")).expect("text");
        let secrets: Vec<&str> = cluster.split('"').filter(|word| word.len() == 64).collect();
        assert_eq!(secrets.len(), 4, "the secrets of the cluster's file");
        let hushed = [
            "body-of-somebody",
            "signature-of-somebody",
            "meta-secret",
            "testing",
            "AUTH_tk",
            &token,
        ];
        assert!(log.contains("/v1/AUTH_test/demo/object"), "{log}");
        for hushed in hushed.iter().chain(&secrets) {
            assert!(!log.contains(hushed), "{hushed}: {log}");
            assert!(!told.contains(hushed), "{hushed}: {told}");
        }
        for name in ["AUTH_", "tester", "/demo"] {
            assert!(!told.contains(name), "{name}: {told}");
        }
    }
}

#[test]
fn no_client_can_put_a_line_into_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    client.put("/demo%0AINJECTED%1b[31m", b"");
    // Raw bytes that a client sends in the place of an encoded path, and a path beyond all bounds.
    for path in ["/v1/AUTH_test/\x07INJECTED", "/v1/\u{2028}INJECTED", "/v1/\u{85}INJECTED"] {
        ask(&serving, "GET", path);
    }
    client.get(&format!("/demo/{}", "x".repeat(4_000)));
    let (_, log) = serving.stop_and_log();
    for line in log.lines() {
        assert!(line.starts_with("20") && line.len() < 2_500, "{line:?}");
        assert!(!line.chars().any(|char| char.is_control() || char == '\u{2028}'), "{line:?}");
    }
    assert!(log.contains("%0AINJECTED%1b[31m"), "as it was sent: {log}");
    assert!(log.contains("xxx…\""), "it is cut: {log}");
}

#[test]
fn metrics_move_by_what_was_done() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let (client, url) = (serving.client(), format!("{}/metrics", serving.url));
    put_a_job(&client);
    let before = metrics(&client, &url);
    let body = vec![7; 300_000];
    client.put("/demo/a", &body);
    assert_eq!(client.get("/demo/a").body.len(), 300_000);
    assert_eq!(client.get("/demo/none").status, 404);
    let job = run_a_job(&client, "linecount.wasm");
    assert_eq!(run_a_job(&client, "none.wasm").status, 404);
    let after = metrics(&client, &url);
    let moved =
        |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    let requests = "stayput_http_requests_total";
    let object = ("kind", "object");
    assert_eq!(moved(requests, &[("method", "PUT"), ("status", "201"), object]), 1.0);
    assert_eq!(moved(requests, &[("method", "GET"), ("status", "200"), object]), 1.0);
    assert_eq!(moved(requests, &[("method", "GET"), ("status", "404"), object]), 1.0);
    assert_eq!(moved("stayput_http_request_duration_seconds_count", &[object]), 3.0);
    assert_eq!(moved("stayput_http_answer_delay_seconds_count", &[object]), 3.0);
    assert_eq!(moved("stayput_http_received_bytes_total", &[object]), 300_000.0);
    assert!(moved("stayput_http_sent_bytes_total", &[object]) >= 300_000.0);
    // Once from the client to the nodes for each replica, and once back for what was read, on both
    // hops.
    let data = moved("stayput_sent_bytes_total", &[("purpose", "object-data"), ("part", "body")]);
    assert!(data >= 5.0 * 300_000.0, "{data}");
    assert_eq!(moved("stayput_jobs_total", &[("outcome", "succeeded")]), 1.0);
    assert_eq!(moved("stayput_jobs_total", &[("outcome", "refused")]), 1.0);
    assert_eq!(moved("stayput_jobs_total", &[]), 2.0);
    assert_eq!(moved("stayput_fuel_total", &[]).to_string(), job.header("X-Nexe-Fuel"));
    assert_eq!(moved("stayput_sessions_total", &[]), 1.0);
    for still in ["sessions_running", "sessions_waiting"] {
        assert_eq!(after.sum(&format!("stayput_{still}"), &[]), 0.0, "{still}");
    }
    for queue in ["disk_calls_waiting", "updates_pending"] {
        assert!(after.sum(&format!("stayput_{queue}"), &[]) >= 0.0, "{queue}");
    }
    for none in ["disk_failures", "connections_refused", "log_lines_dropped"] {
        assert_eq!(after.sum(&format!("stayput_{none}_total"), &[]), 0.0, "{none}");
    }
    assert!(after.sum("stayput_connections_open", &[]) >= 1.0);
    assert!(after.sum("process_start_time_seconds", &[]) > 1_704_067_200.0, "after 2023");
    assert_eq!(moved("process_start_time_seconds", &[]), 0.0);
}

#[test]
fn labels_have_values_of_short_lists_whatever_clients_send() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let (client, url) = (serving.client(), format!("{}/metrics", serving.url));
    for number in 0..20 {
        ask(&serving, &format!("WORD{number}"), &format!("/v1/AUTH_test/c{number}"));
    }
    let told = metrics(&client, &url);
    assert_eq!(told.sum("stayput_http_requests_total", &[("method", "other")]), 20.0);
    let values = told.label_values();
    assert!(!values.iter().any(|value| value.contains("WORD") || value.contains("c1")));
}

#[test]
fn metrics_can_have_an_address_of_their_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut serving = Serving::start(dir.path(), &["--metrics", "127.0.0.1:0"]);
    let (client, said) = (serving.client(), serving.line_with("metrics are here"));
    let url = said.split("url=").nth(1).map(str::trim_end);
    let url = url.unwrap_or_else(|| panic!("no address: {said}"));
    assert!(metrics(&client, url).sum("stayput_connections_total", &[]) >= 1.0);
    let of_clients =
        client.agent.get(format!("{}/metrics", serving.url)).call().expect("it answers");
    assert_eq!(of_clients.status(), 404);
    let elsewhere = client.agent.get(url.replace("/metrics", "/info")).call().expect("it answers");
    assert_eq!(elsewhere.status(), 404);
    let posted = client.agent.post(url).send_empty().expect("it answers");
    assert_eq!(
        (posted.status(), &posted.headers()["allow"]),
        (405.try_into().expect("one"), &"GET, HEAD".parse().expect("text"))
    );
    assert_eq!(client.agent.head(url).call().expect("it answers").status(), 200);
}

/// Lets nothing be stored on any device any more: where files were is a file.
fn break_disks(store: &Path) {
    for device in fs::read_dir(store.join("devices")).expect("it is there") {
        let files = device.expect("it can be listed").path().join("files");
        fs::rename(&files, files.with_extension("away")).expect("it is there");
        fs::write(&files, "").expect("the folder is writable");
    }
}

#[test]
fn disks_that_fail_are_logged_and_counted_and_so_is_what_their_clients_were_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &["--log", "json", "--log-level", "warn"]);
    let (client, url) = (serving.client(), format!("{}/metrics", serving.url));
    client.put("/demo", b"");
    assert_eq!(metrics(&client, &url).sum("stayput_disk_failures_total", &[]), 0.0);
    break_disks(dir.path());
    let put = client.send(Method::PUT, "/demo/object", &[], b"nowhere to go");
    assert!(put.status >= 500, "{put:?}");
    assert!(metrics(&client, &url).sum("stayput_disk_failures_total", &[]) >= 2.0);
    let (_, log) = serving.stop_and_log();
    let lines = lines(&log);
    let line = access(&lines, put.header("X-Trans-Id"));
    assert_eq!((&line["level"], &line["status"]), (&"ERROR".into(), &put.status.into()));
    assert_eq!(line["cause"], put.text().trim_end(), "{line}");
    let says = |what: &str| {
        let says = |line: &&Value| line["message"] == what;
        lines.iter().find(says).unwrap_or_else(|| panic!("{what:?} is not in {log}"))
    };
    let disk = says("a disk fails");
    assert!(disk["error"].as_str().is_some_and(|why| why.contains("/AUTH_test/demo/object")));
    let node = says("a node fails");
    assert_eq!(node["span"]["trans_id"], put.header("X-Trans-Id"), "{node}");
    assert_eq!((&node["method"], &node["path"]), (&"PUT".into(), &"/AUTH_test/demo/object".into()));
    assert!(lines.iter().all(|line| line["level"] != "INFO"), "{log}");
}

#[test]
fn a_server_that_goes_on_after_a_kill_says_what_it_mends() {
    let dir = tempfile::tempdir().expect("a folder");
    Serving::start(dir.path(), &[]).kill();
    let mut serving = Serving::start(dir.path(), &[]);
    let line = serving.line_with("was not left in order");
    assert!(line.contains(" WARN ") && line.contains("devices/d"), "{line}");
    assert_eq!(serving.stop(), 0);
    let (_, log) = Serving::start(dir.path(), &[]).stop_and_log();
    assert!(!log.contains("was not left in order"), "{log}");
}

#[test]
fn a_level_that_is_misspelt_is_refused_with_a_way_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = stayput(&["serve", "--data", &path_text(dir.path()), "--log-level", "inof"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("write error, warn, info"), "{said:?}");
}
