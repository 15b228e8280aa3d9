//! Shutdown of a server.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::server::Serving;

/// A request that runs: its head has come, and half of its body.
fn half_a_request(serving: &Serving) -> TcpStream {
    let client = serving.client();
    client.put("/demo", b"");
    let at = serving.url.strip_prefix("http://").expect("it is plain");
    let mut stream = TcpStream::connect(at).expect("it listens");
    let head = format!(
        "PUT /v1/AUTH_test/demo/half HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {}\r\n\
         Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
        client.token
    );
    stream.write_all(head.as_bytes()).expect("it listens");
    // It is asked for its body: so it runs.
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).expect("it answers"), 1);
        heard.push(byte[0]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&heard));
    stream.write_all(b"five ").expect("it listens");
    stream
}

#[test]
fn a_request_that_runs_comes_to_its_end_when_the_server_is_told_to_stop() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut serving = Serving::start(dir.path(), &[]);
    let mut stream = half_a_request(&serving);
    serving.ask("INT");
    serving.line_with("stopping");
    stream.write_all(b"more.").expect("it listens");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("it answers");
    assert!(heard.starts_with("HTTP/1.1 201"), "{heard}");
    assert_eq!(serving.ended(), 0);
    let serving = Serving::start(dir.path(), &[]);
    assert_eq!(serving.client().get("/demo/half").text(), "five more.");
}

#[test]
fn a_server_that_is_told_before_it_serves_ends_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    // Who reads an image from a pipe waits for who writes it, and the other way round: so it is
    // known how far the start is.
    let image = folder.path().join("slow.tar");
    let made = Command::new("mkfifo").arg(&image).status().expect("there is `mkfifo`");
    assert!(made.success());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut starting = Command::new(env!("CARGO_BIN_EXE_stayput"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(dir.path())
            .arg("--images")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let _writes = File::options().write(true).open(&image).expect("it reads");
        let words = [format!("-{signal}"), starting.id().to_string()];
        let asked = Command::new("kill").args(words).status();
        assert!(asked.expect("there is `kill`").success());
        assert_eq!(starting.wait().expect("it ends").code(), Some(code));
    }
}

#[test]
fn a_server_that_is_told_twice_ends_at_once_and_has_what_it_acknowledged() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut serving = Serving::start(dir.path(), &[]);
        let _running = half_a_request(&serving);
        serving.client().put("/demo/whole", b"all of it");
        serving.ask(signal);
        serving.line_with("at once");
        serving.ask(signal);
        assert_eq!(serving.ended(), code);
        let client = Serving::start(dir.path(), &[]);
        let client = client.client();
        assert_eq!(client.get("/demo").text(), "whole\n");
    }
}
