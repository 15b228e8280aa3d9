//! Grants of access lists: to those who ask, and to the jobs that they post.

use std::fs;
use std::path::Path;

use ureq::http::Method;

use super::server::{Answer, Client, Serving};
use crate::support::{path_text, root};

const USERS: &str = "[[user]]\naccount = \"test\"\nname = \"tester\"\nkey = \"testing\"\ngroups = [\".admin\"]\n\
                     [[user]]\naccount = \"guest\"\nname = \"g\"\nkey = \"guesting\"\ngroups = [\".admin\"]\n";

/// Counts bananas of one object; what it writes goes to the client or into another object.
fn post(client: &Client, module: &str, input: &str, stdout: &str) -> Answer {
    let to = if stdout.is_empty() { String::new() } else { format!(r#", "path": "{stdout}""#) };
    let job = format!(
        r#"[{{"name": "count", "exec": {{"path": "{module}", "args": "banana"}},
             "devices": [{{"name": "stdout"{to}}}, {{"name": "input", "path": "{input}"}}]}}]"#
    );
    let headers = [("X-Zerovm-Execute", "1.0"), ("Content-Type", "application/json")];
    client.apart().send(Method::POST, "", &headers, job.as_bytes())
}

/// A store with an owner and a guest.
fn serve_both(dir: &Path) -> Serving {
    let users = dir.join("users.toml");
    fs::write(&users, USERS).expect("it can be written");
    // One proxy: another one would hear of a change of lists within five seconds.
    let words = ["--users", &path_text(&users), "--threads", "1"];
    Serving::start(&dir.join("store"), &words)
}

fn line_counter() -> Vec<u8> {
    fs::read(format!("{}runtime/guests/linecount.wasm", root())).expect("it is committed")
}

fn grant(owner: &Client, header: &str, to: &str) {
    let answer = owner.send(Method::POST, "/demo", &[(header, to)], b"");
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn a_job_reaches_of_other_accounts_what_their_lists_grant_its_poster() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = serve_both(dir.path());
    let (owner, guest) = (serving.client(), serving.client_of("guest:g", "guesting"));
    let module = line_counter();
    for client in [&owner, &guest] {
        client.put("/demo", b"");
        client.put("/demo/linecount.wasm", &module);
    }
    owner.put("/demo/log-1.txt", b"banana\napple\nbanana split\n");
    let (own, theirs) = ("swift://~/demo/linecount.wasm", "swift://AUTH_test/demo/linecount.wasm");
    let (input, output) = ("swift://AUTH_test/demo/log-1.txt", "swift://AUTH_test/demo/count.txt");
    let wildcard = "swift://AUTH_test/demo/log-*.txt";

    for (module, input, output) in [
        (own, input, ""),
        (own, wildcard, ""),
        (own, "swift://AUTH_test/*/log-1.txt", ""),
        (own, "swift://AUTH_test/demo/none", ""),
        (theirs, "swift://~/demo/linecount.wasm", ""),
        (own, "swift://~/demo/linecount.wasm", output),
    ] {
        let refused = post(&guest, module, input, output);
        assert_eq!(refused.status, 403, "{input} {output}: {}", refused.text());
        let why = refused.text();
        assert!(why.contains("node \"count\"") && why.contains("guest:g"), "{why}");
    }

    grant(&owner, "X-Container-Read", "guest");
    for (module, input) in [(own, input), (theirs, input), (own, wildcard)] {
        let answer = post(&guest, module, input, "");
        assert_eq!((answer.status, answer.text().as_str()), (200, "2\n"), "{module} {input}");
    }
    assert_eq!(post(&guest, own, "swift://AUTH_test/*/log-1.txt", "").status, 403);
    assert_eq!(post(&guest, own, input, output).status, 403, "reading is no writing");

    grant(&owner, "X-Container-Write", "guest:g");
    let stored = post(&guest, own, input, output);
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert_eq!(owner.get("/demo/count.txt").body, b"2\n");

    grant(&owner, "X-Container-Read", "");
    assert_eq!(post(&guest, own, input, "").status, 403, "what was taken back is gone");
    assert_eq!(post(&owner, own, input, "").text(), "2\n", "the owner needs no leave");
}

#[test]
fn a_script_of_another_account_runs_if_its_lists_grant_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = serve_both(dir.path());
    let (owner, guest) = (serving.client(), serving.client_of("guest:g", "guesting"));
    let module = line_counter();
    owner.put("/demo", b"");
    guest.put("/demo", b"");
    guest.put("/demo/linecount.wasm", &module);
    guest.put("/demo/log.txt", b"banana\n");
    let job = r#"[{"name": "count",
        "exec": {"path": "swift://~/demo/linecount.wasm", "args": "banana"},
        "devices": [{"name": "stdout"}, {"name": "input", "path": "swift://~/demo/log.txt"}]}]"#;
    let json = [("Content-Type", "application/json")];
    let put = owner.send(Method::PUT, "/demo/job.json", &json, job.as_bytes());
    assert_eq!(put.status, 201);
    let headers = [
        ("X-Zerovm-Execute", "1.0"),
        ("X-Zerovm-Source", "swift://AUTH_test/demo/job.json"),
        ("Content-Type", "application/json"),
    ];
    assert_eq!(guest.apart().send(Method::POST, "", &headers, b"{}").status, 403);
    grant(&owner, "X-Container-Read", "guest");
    let answer = guest.send(Method::POST, "", &headers, b"{}");
    assert_eq!((answer.status, answer.text().as_str()), (200, "1\n"), "`~` is the poster's own");
}

#[test]
fn a_posted_content_type_is_listed() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"abc");
    let posted = client.send(Method::POST, "/demo/object", &[("Content-Type", "x/y")], b"");
    assert_eq!(posted.status, 202);
    let listed = client.get("/demo?format=json").text();
    assert!(listed.contains("\"content_type\":\"x/y\""), "{listed}");
}
