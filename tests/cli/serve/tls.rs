//! A store that speaks TLS with its clients.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::server::Serving;
use crate::support::{path_text, stayput};

/// For 127.0.0.1, signed by itself, good until the year 9999.
const CERTIFICATE: &[u8] = include_bytes!("certificates/server.pem");

fn file(name: &str) -> String {
    format!("{}tests/cli/serve/certificates/{name}", crate::support::root())
}

fn start(dir: &std::path::Path) -> Serving {
    let (certificate, key) = (file("server.pem"), file("server.key"));
    Serving::start(dir, &["--tls-cert", &certificate, "--tls-key", &key])
}

/// Trusts that certificate alone.
fn agent() -> Agent {
    let certificate = Certificate::from_pem(CERTIFICATE).expect("it is one");
    let roots = RootCerts::Specific(Arc::new(vec![certificate]));
    let tls = TlsConfig::builder().root_certs(roots).build();
    Agent::config_builder().http_status_as_error(false).tls_config(tls).build().into()
}

#[test]
fn a_client_that_trusts_the_certificate_is_served_over_tls() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = start(dir.path());
    assert!(serving.url.starts_with("https://127.0.0.1:"), "{}", serving.url);
    let client = serving.client_by(agent(), "test:tester", "testing");
    assert!(client.storage.starts_with(&serving.url), "{}", client.storage);
    client.put("/demo", b"");
    // More than any buffer on the way holds.
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    client.put("/demo/large", &large);
    for _ in 0..3 {
        assert!(client.get("/demo/large").body == large, "it came back as something else");
    }
    assert_eq!(client.get("/demo").text(), "large\n");
    let stranger: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let error = stranger.get(format!("{}/info", serving.url)).call().expect_err("it is unknown");
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    assert_eq!(serving.stop(), 0);
}

#[test]
fn who_speaks_no_tls_gets_an_alert_and_others_are_served() {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = start(dir.path());
    let client = serving.client_by(agent(), "test:tester", "testing");
    client.put("/demo", b"");
    let at = serving.url.strip_prefix("https://").expect("it speaks TLS");
    let mut silent = Vec::new();
    for said in [
        &b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x80\x2e\x01\x00\x02",
        b"hello\r\n",
    ] {
        let mut stream = TcpStream::connect(at).expect("it listens");
        stream.write_all(said).expect("it listens");
        silent.push(TcpStream::connect(at).expect("it listens"));
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("it closes, and resets nothing");
        // An alert, of any version of TLS.
        assert!(heard.starts_with(&[21, 3]), "{said:?}: {heard:?}");
        assert!(!String::from_utf8_lossy(&heard).contains("HTTP"));
        assert_eq!(client.get("/demo").status, 204);
    }
}

#[test]
fn a_certificate_or_a_key_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = path_text(dir.path());
    let (certificate, key, other) = (file("server.pem"), file("server.key"), file("other.key"));
    let missing = path_text(&dir.path().join("missing.pem"));
    let cases = [
        (&certificate, &other, vec![&certificate, &other], "do not belong together"),
        (&key, &key, vec![&key], "no certificate"),
        (&certificate, &certificate, vec![&certificate], "no private key"),
        (&missing, &key, vec![&missing], "cannot read it"),
        (&certificate, &missing, vec![&missing], "cannot read it"),
    ];
    for (cert, key, named, why) in cases {
        let said = stayput(&["serve", "--data", &data, "--tls-cert", cert, "--tls-key", key]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(why), "{said:?}");
        assert!(named.iter().all(|name| said.stderr.contains(name.as_str())), "{said:?}");
        assert!(!said.stderr.contains("PRIVATE"), "{said:?}");
    }
    for (one, other) in [("--tls-cert", "--tls-key"), ("--tls-key", "--tls-cert")] {
        let said = stayput(&["serve", "--data", &data, one, &key]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(other), "{said:?}");
    }
}
