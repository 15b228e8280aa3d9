//! Served store, by clients over sockets.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Every file below a folder that is at least so long.
fn files_of(folder: &Path, bytes: u64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        // What is renamed meanwhile is none of those that are looked for.
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() {
            found.extend(files_of(&path, bytes));
        } else if meta.len() >= bytes && path.to_string_lossy().contains(".data") {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_byte_that_rots_on_a_disk_reaches_no_reader() {
    const LEN: usize = 1_000_000;
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(dir.path(), &[]);
    let client = serving.client();
    client.put("/demo", b"");
    let body: Vec<u8> = (0..LEN).map(|n| (n * 31 % 251) as u8).collect();
    for (round, rotten) in [0, 70_000, 500_000, LEN - 1].into_iter().enumerate() {
        let path = format!("/demo/object-{round}");
        client.put(&path, &body);
        let copies = files_of(dir.path(), LEN as u64);
        let copies: Vec<_> = copies.iter().rev().take(3).collect();
        assert_eq!(copies.len(), 3, "{copies:?}");
        for copy in &copies[..2] {
            let mut content = fs::read(copy).expect("it is there");
            content[rotten] ^= 1;
            fs::write(copy, content).expect("it can be written");
        }
        for (first, last) in [(rotten, rotten), (0, LEN - 2), (1, LEN - 1), (60_000, 80_000)] {
            for _ in 0..3 {
                let range = format!("bytes={first}-{last}");
                let got = client.try_send(Method::GET, &path, &[("Range", &range)], b"");
                let got = got.unwrap_or_else(|broken| panic!("{range} of {path}: {broken}"));
                assert_eq!(got.status, 206, "{range}: {}", got.text());
                assert!(got.body == body[first..=last], "{range} of {path} with byte {rotten} bad");
            }
        }
        // Of a whole object the end tells: it breaks off, or is what was put.
        if let Ok(got) = client.try_send(Method::GET, &path, &[], b"") {
            assert!(got.body == body, "{path} with byte {rotten} bad");
        }
        assert_eq!(client.send(Method::DELETE, &path, &[], b"").status, 204);
        for rest in files_of(dir.path(), LEN as u64) {
            fs::remove_file(rest).expect("what was put aside can go");
        }
    }
}
