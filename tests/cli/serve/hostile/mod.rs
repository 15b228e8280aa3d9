//! Clients that mean harm, or know no better: the right status, bounded room, and no effect on
//! others.
//!
//! Leaves out what can be said in whole requests, which the tests of the proxy and of bad input
//! hold on every network.

mod framing;
mod log_ins;
mod paths;
mod requests;
mod room;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use super::server::{Client, Serving};

fn connect(serving: &Serving) -> TcpStream {
    TcpStream::connect(serving.address()).expect("it listens")
}

/// Bytes on a connection up to its end; a reset is an end.
fn hear(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Response to these bytes, up to the end.
fn answer(serving: &Serving, bytes: &[u8]) -> String {
    let mut stream = connect(serving);
    // It may have heard enough before the end.
    let _sent = stream.write_all(bytes);
    hear(&mut stream)
}

/// The status of the first answer; 0 if the connection ended without one.
fn status(heard: &str) -> u16 {
    let status = heard.strip_prefix("HTTP/1.1 ").or_else(|| heard.strip_prefix("HTTP/1.0 "));
    status.and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

/// Number of answers.
fn answers(heard: &str) -> usize {
    heard.matches("HTTP/1.1 ").count()
}

/// A request's head with the client's token and further lines, each with its end; `at` is below the
/// account.
fn head(client: &Client, method: &str, at: &str, lines: &str) -> String {
    let token = &client.token;
    format!(
        "{method} /v1/AUTH_test{at} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n{lines}\r\n"
    )
}

/// Somebody else's object is what it was.
fn others_are_served(client: &Client) {
    assert_eq!(client.get("/demo/object").body, b"as it was");
}

/// A served store with an object that all tests leave as it is.
fn start(dir: &Path) -> (Serving, Client) {
    let serving = Serving::start(dir, &[]);
    let client = serving.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"as it was");
    (serving, client)
}
