//! Tokens that open nothing any more, or not that, and log-ins by the thousand.

use std::fs;
use std::path::Path;

use ureq::http::Method;

use super::super::server::{Client, Serving};
use super::{answer, answers, others_are_served, start};
use crate::support::{path_text, stayput};

/// Requests in which a token of a second must come to its end.
const ASKED_MAX: usize = 200_000;

const USERS: &str = "[[user]]\naccount = \"test\"\nname = \"tester\"\nkey = \"testing\"\ngroups = [\".admin\"]\n\
                     [[user]]\naccount = \"other\"\nname = \"tester\"\nkey = \"otherwise\"\ngroups = [\".admin\"]\n";

/// Starts a store for the users of a file that says so.
fn start_for(dir: &Path, users: &str) -> Serving {
    let file = dir.join("users.toml");
    fs::write(&file, users).expect("it can be written");
    Serving::start(&dir.join("store"), &["--users", &path_text(&file)])
}

fn every_request_gets(client: &Client, wanted: u16) {
    let execute = ("X-Zerovm-Execute", "1.0");
    for (method, path, headers) in [
        (Method::GET, "", &[][..]),
        (Method::GET, "/demo", &[]),
        (Method::GET, "/demo/object", &[]),
        (Method::HEAD, "/demo/object", &[]),
        (Method::PUT, "/demo/object", &[]),
        (Method::POST, "/demo/object", &[]),
        (Method::DELETE, "/demo/object", &[]),
        (Method::PUT, "/demo", &[]),
        (Method::DELETE, "/demo", &[]),
        (Method::POST, "", &[execute]),
    ] {
        let got = client.apart().send(method.clone(), path, headers, b"");
        assert_eq!(got.status, wanted, "{method} {path}: {}", got.text());
    }
}

#[test]
fn a_token_whose_time_is_over_opens_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = start_for(dir.path(), &format!("{USERS}[tokens]\nlife = \"1s\"\n"));
    let client = serving.client();
    let mut asked = 0;
    while client.get("").status != 401 {
        asked += 1;
        assert!(asked < ASKED_MAX, "it never ends");
    }
    let said = client.get("");
    assert_eq!(said.status, 401);
    assert!(said.text().contains("expired"), "{}", said.text());
    every_request_gets(&client, 401);
    assert!(matches!(serving.client().get("").status, 200 | 204), "a new one is good");
}

#[test]
fn tokens_that_would_be_good_for_no_time_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, store) = (dir.path().join("users.toml"), dir.path().join("store"));
    for life in ["0s", "999ms", "-1s", "banana"] {
        let text = format!("{USERS}[tokens]\nlife = \"{life}\"\n");
        fs::write(&file, text).expect("it can be written");
        let (file, data) = (path_text(&file), path_text(&store));
        let said =
            stayput(&["serve", "--listen", "127.0.0.1:0", "--data", &data, "--users", &file]);
        assert_eq!(said.code, 2, "{life}: {said:?}");
        assert!(said.stderr.contains("[tokens] `life`"), "{said:?}");
        assert!(!store.exists(), "{life}");
    }
}

#[test]
fn a_token_of_another_account_opens_its_own_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = start_for(dir.path(), USERS);
    let (owner, mut other) = (serving.client(), serving.client_of("other:tester", "otherwise"));
    owner.put("/demo", b"");
    owner.put("/demo/object", b"as it was");
    other.put("/mine", b"");
    other.storage.clone_from(&owner.storage);
    every_request_gets(&other, 403);
    let copy = other.storage.replace("AUTH_test", "AUTH_other");
    other.storage = copy;
    for from in [("X-Copy-From", "demo/object"), ("X-Copy-From-Account", "AUTH_test")] {
        let headers = [("X-Copy-From", "demo/object"), ("X-Copy-From-Account", "AUTH_test"), from];
        let got = other.apart().send(Method::PUT, "/mine/copy", &headers, b"");
        assert!(matches!(got.status, 400..500), "{from:?}: {} {}", got.status, got.text());
    }
    others_are_served(&owner);
}

#[test]
fn a_token_ends_with_its_user_its_key_and_its_cluster() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = start_for(dir.path(), USERS);
    let (owner, other) = (serving.client(), serving.client_of("other:tester", "otherwise"));
    owner.put("/demo", b"");
    owner.put("/demo/object", b"as it was");
    assert_eq!(serving.stop(), 0);
    let (first, second) = USERS.split_at(USERS.rfind("[[user]]").expect("there are two"));

    let after = |users: &str, old: &Client, wanted: &[u16]| {
        let serving = start_for(dir.path(), users);
        let client = old.at(&serving);
        let got = client.get("/demo/object");
        assert!(wanted.contains(&got.status), "{users}: {} {}", got.status, got.text());
        if wanted == [401] {
            every_request_gets(&client, 401);
        }
        assert_eq!(serving.stop(), 0);
    };
    after(USERS, &owner, &[200]);
    after(first, &other, &[401]);
    after(second, &owner, &[401]);
    after(&USERS.replace("\"testing\"", "\"changed\""), &owner, &[401]);
    after(&USERS.replace("[\".admin\"]", "[]"), &owner, &[403]);
    after(USERS, &owner, &[200]);

    let elsewhere = tempfile::tempdir().expect("another folder");
    let (serving, _client) = start(elsewhere.path());
    every_request_gets(&owner.at(&serving), 401);
}

#[test]
fn a_token_that_was_changed_anywhere_opens_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let good = client.token.clone();
    let mut changed = client.clone();
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        // Of each digit and letter this is another one.
        bytes[at] ^= 1;
        changed.token = String::from_utf8(bytes).expect("it is ASCII");
        assert_eq!(changed.get("/demo/object").status, 401, "byte {at}");
    }
    for token in [&good[..good.len() - 1], &format!("{good}0"), &good.to_uppercase(), "AUTH_tk"] {
        changed.token = token.to_owned();
        assert_eq!(changed.get("/demo/object").status, 401, "{token}");
    }
    let twice = format!(
        "GET /v1/AUTH_test/demo/object HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         X-Auth-Token: AUTH_tk0\r\nX-Auth-Token: {good}\r\nX-Storage-Token: {good}\r\n\r\n"
    );
    let heard = answer(&serving, twice.as_bytes());
    assert_eq!(super::status(&heard), 401, "the first counts: {heard}");
    others_are_served(&client);
}

#[test]
fn failing_log_ins_by_the_thousand_lock_nobody_out_and_are_told_nothing() {
    const TRIES: usize = 2_000;
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let log_in = |user: &str, key: &str, line: &str| {
        format!(
            "GET /auth/v1.0 HTTP/1.1\r\nHost: x\r\nX-Auth-User: {user}\r\nX-Auth-Key: {key}\r\n{line}\r\n"
        )
    };
    let mut tries: String = (0..TRIES).map(|n| log_in("test:tester", &n.to_string(), "")).collect();
    tries += &log_in("test:nobody", "testing", "");
    tries += &log_in("test:tester", &"k".repeat(60_000), "Connection: close\r\n");
    let heard = answer(&serving, tries.as_bytes());
    assert_eq!(heard.matches("HTTP/1.1 401 ").count(), TRIES + 2);
    assert_eq!(answers(&heard), TRIES + 2);
    let whys: std::collections::BTreeSet<_> =
        heard.lines().filter(|line| line.starts_with("X-Auth-User")).collect();
    assert_eq!(whys.len(), 1, "who is there is not told: {whys:?}");
    // The honest user comes in all the same.
    others_are_served(&serving.client());
    others_are_served(&client);
}
