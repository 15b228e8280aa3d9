//! Connections by the thousand, and requests that never end: the room that they take is bounded,
//! and others are served meanwhile.
//!
//! Memory is what the system says of the process, and the bounds are generous: they are far below
//! what would have been held, had all been kept.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::super::server::{Client, Serving};
use super::{connect, head, others_are_served, start};

/// Idle connections of one client.
const IDLE: usize = 5_000;
/// Connections that are left to those who ask.
const SPARE: usize = 64;

/// As many connections as this process may have, up to `most`.
fn connections(serving: &Serving, most: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    while open.len() < most {
        match TcpStream::connect(serving.address()) {
            Ok(stream) => open.push(stream),
            Err(error) => {
                assert!(open.len() > 500, "{} connections: {error}", open.len());
                open.truncate(open.len() - SPARE);
                break;
            }
        }
    }
    open
}

fn newcomers_are_served(serving: &Serving, client: &Client) {
    for _ in 0..50 {
        others_are_served(&serving.client());
    }
    others_are_served(client);
}

#[test]
fn idle_connections_make_room_for_those_who_ask() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let _idle = connections(&serving, IDLE);
    newcomers_are_served(&serving, &client);
}

#[test]
fn heads_that_never_end_make_room_as_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let mut slow = connections(&serving, IDLE);
    for (n, stream) in slow.iter_mut().enumerate() {
        let begun = ["G", "GET / HTTP/1.1\r\n", "GET /v1 HTTP/1.1\r\nX: y", "\r\n"][n % 4];
        // One may have made room already.
        let _sent = stream.write_all(begun.as_bytes());
    }
    newcomers_are_served(&serving, &client);
    for stream in &mut slow {
        let _sent = stream.write_all(b"a");
    }
    newcomers_are_served(&serving, &client);
}

#[test]
fn bodies_that_never_end_keep_nobody_else_waiting_and_leave_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let mut slow: Vec<TcpStream> = (0..200).map(|_| connect(&serving)).collect();
    for (n, stream) in slow.iter_mut().enumerate() {
        let length = ["Content-Length: 5368709120\r\n", "Transfer-Encoding: chunked\r\n"][n % 2];
        let put = head(&client, "PUT", &format!("/demo/slow-{n}"), length);
        stream.write_all(put.as_bytes()).expect("it listens");
        stream.write_all([&b"a"[..], b"5\r\na"][n % 2]).expect("it reads");
    }
    newcomers_are_served(&serving, &client);
    client.put("/demo/beside", b"it is stored");
    assert_eq!(client.get("/demo").text(), "beside\nobject\n");
    drop(slow);
    newcomers_are_served(&serving, &client);
    assert_eq!(client.get("/demo").text(), "beside\nobject\n");
}

#[cfg(target_os = "linux")]
#[test]
fn heads_without_end_are_held_up_to_a_bound_and_no_further() {
    const HEADS: usize = 400;
    /// Of each head is sent: far more than the 64 KiB that are taken.
    const SENT: usize = 2 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    newcomers_are_served(&serving, &client);
    let before = serving.memory_bytes();
    let mut endless: Vec<TcpStream> = (0..HEADS).map(|_| connect(&serving)).collect();
    for (n, stream) in endless.iter_mut().enumerate() {
        stream.set_nonblocking(true).expect("it can be set");
        let line = ["X-Long: ", "X: y\r\n"][n % 2];
        let begun = format!("GET /v1/AUTH_test HTTP/1.1\r\n{}", line.repeat(1 + n % 2 * 9_000));
        let rest = [b'a'; 1 << 16];
        // It is cut short where it is heard no more, or where the sockets' buffers are full.
        let mut sent = stream.write(begun.as_bytes()).unwrap_or(0);
        while sent < SENT {
            match stream.write(&rest) {
                Ok(more) => sent += more,
                Err(_) => break,
            }
        }
    }
    newcomers_are_served(&serving, &client);
    let grown = serving.memory_bytes().saturating_sub(before);
    assert!(grown < (HEADS as u64) << 18, "{HEADS} heads hold {grown} bytes");
}

#[cfg(target_os = "linux")]
#[test]
fn readers_that_do_not_read_are_not_read_ahead_for() {
    const READERS: usize = 64;
    const OBJECT: usize = 16 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    client.put("/demo/large", &vec![7; OBJECT]);
    newcomers_are_served(&serving, &client);
    let before = serving.memory_bytes();
    let mut readers: Vec<TcpStream> = (0..READERS).map(|_| connect(&serving)).collect();
    for stream in &mut readers {
        let get = head(&client, "GET", "/demo/large", "");
        stream.write_all(get.as_bytes()).expect("it listens");
        let mut begin = [0; 15];
        stream.read_exact(&mut begin).expect("it answers");
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
    }
    newcomers_are_served(&serving, &client);
    let grown = serving.memory_bytes().saturating_sub(before);
    assert!(grown < (READERS as u64) << 22, "{READERS} readers hold {grown} bytes");
}

#[test]
fn a_stop_waits_for_no_client_that_takes_nothing_of_its_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    client.put("/demo/large", &vec![7; 32 << 20]);
    let get = |lines| head(&client, "GET", "/demo/large", lines);
    // What keeps a server from reading on: requests that have come already, and a body that never
    // does.
    let asked = [get("").repeat(3), get("Content-Length: 1\r\n")];
    let mut stalled: Vec<TcpStream> = asked.iter().map(|_| connect(&serving)).collect();
    for (stream, asked) in stalled.iter_mut().zip(&asked) {
        stream.write_all(asked.as_bytes()).expect("it listens");
        let mut begin = [0; 15];
        stream.read_exact(&mut begin).expect("it answers");
        assert_eq!(&begin, b"HTTP/1.1 200 OK");
    }
    // It gives them up by itself, long before those are cut off that it waits for.
    let (code, log) = serving.stop_and_log();
    assert_eq!((code, log.contains("cut off")), (0, false), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn bodies_are_not_held_while_they_come() {
    const WRITERS: usize = 8;
    const PART: usize = 1 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    newcomers_are_served(&serving, &client);
    let before = serving.memory_bytes();
    let mut writers: Vec<TcpStream> = (0..WRITERS).map(|_| connect(&serving)).collect();
    for (n, stream) in writers.iter_mut().enumerate() {
        let put = head(&client, "PUT", &format!("/demo/up-{n}"), "Content-Length: 5368709120\r\n");
        stream.write_all(put.as_bytes()).expect("it listens");
    }
    for _ in 0..32 {
        for stream in &mut writers {
            stream.write_all(&vec![7; PART]).expect("it reads");
        }
    }
    newcomers_are_served(&serving, &client);
    let grown = serving.memory_bytes().saturating_sub(before);
    assert!(grown < (WRITERS as u64) << 23, "{WRITERS} writers hold {grown} bytes");
    drop(writers);
    assert_eq!(client.get("/demo").text(), "object\n");
}
