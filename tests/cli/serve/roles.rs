//! A cluster of several processes: nodes and proxies that find each other by the cluster's file,
//! and strangers who have none.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use ureq::http::Method;

use super::server::{Client, Serving};
use crate::support::{Said, path_text, root, stayput};

/// Ports that systems give to nobody who does not name them.
const PORTS: std::ops::Range<u16> = 12_000..30_000;

/// A port that nobody has: nodes' ports are known before they start.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of several processes run at the same time: each begins elsewhere.
    let offset = (process::id().wrapping_mul(7919) % u32::from(PORTS.end - PORTS.start)) as u16;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + offset.wrapping_add(next) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A cluster's file, and a folder for each node's directory.
struct Cluster {
    folder: tempfile::TempDir,
    nodes: Vec<String>,
}

impl Cluster {
    fn new(nodes: usize) -> Self {
        let nodes = (0..nodes).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        Self::at(nodes)
    }

    fn at(nodes: Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Self { folder, nodes };
        let file = cluster.file();
        let mut words = vec!["cluster", "new", &file, "--devices-per-node", "2"];
        words.extend(cluster.nodes.iter().flat_map(|node| ["--node", node]));
        let said = stayput(&words);
        assert_eq!(said.code, 0, "{said:?}");
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> String {
        path_text(&self.path("cluster"))
    }

    /// Nodes count from 1.
    fn node(&self, number: usize) -> Serving {
        self.node_with(number, &[])
    }

    fn node_with(&self, number: usize, more: &[&str]) -> Serving {
        let data = path_text(&self.path(&format!("node-{number}")));
        let (file, number) = (self.file(), number.to_string());
        let words = ["--role", "node", "--cluster", &file, "--node", &number, "--data", &data];
        let serving = Serving::start_with(&[&words, more].concat());
        assert!(self.nodes.contains(&serving.url), "{}", serving.url);
        serving
    }

    fn all_nodes(&self) -> Vec<Serving> {
        (1..=self.nodes.len()).map(|number| self.node(number)).collect()
    }

    fn proxy(&self, number: usize) -> Serving {
        let (file, number) = (self.file(), number.to_string());
        let listen = ["--listen", "127.0.0.1:0"];
        let words = [&["--role", "proxy", "--cluster", &file, "--proxy", &number], &listen[..]];
        Serving::start_with(&words.concat())
    }
}

fn put_guest(client: &Client, name: &str) {
    let module = std::fs::read(format!("{}runtime/guests/{name}", root()));
    client.put(&format!("/demo/{name}"), &module.expect("it is committed"));
}

fn post(client: &Client, job: &str) -> (u16, String) {
    let headers = [("X-Zerovm-Execute", "1.0"), ("Content-Type", "application/json")];
    let answer = client.send(Method::POST, "", &headers, job.as_bytes());
    (answer.status, answer.text())
}

#[test]
fn what_one_proxy_stores_any_other_serves_and_jobs_run_across_processes() {
    let cluster = Cluster::new(3);
    let _nodes = cluster.all_nodes();
    let (one, other) = (cluster.proxy(1), cluster.proxy(2));
    let client = one.client();
    // A token of one proxy is good at the other.
    let mut elsewhere = other.client();
    elsewhere.token.clone_from(&client.token);
    client.put("/demo", b"");
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    client.put("/demo/large", &large);
    assert!(elsewhere.get("/demo/large").body == large, "it came back as something else");
    assert_eq!(elsewhere.send(Method::DELETE, "/demo/large", &[], b"").status, 204);
    assert_eq!(client.get("/demo/large").status, 404);

    put_guest(&client, "words.wasm");
    for number in 0..12 {
        client.put(&format!("/demo/text-{number:02}.txt"), b"banana split banana\n");
    }
    let listed = elsewhere.get("/demo").text();
    assert_eq!(listed.lines().count(), 13, "{listed}");
    let job = std::fs::read_to_string(format!("{}scenarios/jobs/wordcount.json", root()));
    let answer = post(&elsewhere, &job.expect("it is committed"));
    assert_eq!(answer, (200, "banana 24\nsplit 12\n".to_owned()));
}

#[test]
fn a_node_that_is_killed_is_done_without_and_comes_back_with_what_it_had() {
    let cluster = Cluster::new(3);
    let mut nodes = cluster.all_nodes();
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    for number in 0..8 {
        client.put(&format!("/demo/before-{number}"), format!("b{number}").as_bytes());
    }
    nodes.pop().expect("there are three").kill();
    for number in 0..8 {
        client.put(&format!("/demo/while-{number}"), format!("w{number}").as_bytes());
        assert_eq!(client.get(&format!("/demo/before-{number}")).text(), format!("b{number}"));
    }
    nodes.push(cluster.node(3));
    for number in 0..8 {
        client.put(&format!("/demo/after-{number}"), format!("a{number}").as_bytes());
        for (name, sign) in [("before", 'b'), ("while", 'w'), ("after", 'a')] {
            let found = client.get(&format!("/demo/{name}-{number}")).text();
            assert_eq!(found, format!("{sign}{number}"));
        }
    }
    // Connections that are kept for later keep nobody from ending.
    for mut serving in nodes.into_iter().chain([proxy]) {
        serving.ask("TERM");
        serving.line_with("stopping");
        let (code, log) = serving.last_words();
        assert_eq!((code, log.contains("cut off")), (0, false), "{log}");
    }
}

#[test]
fn a_node_that_was_away_gets_what_it_missed_from_the_others() {
    const OBJECTS: usize = 20;
    // Each look ends the others and starts them again; clients go on meanwhile, each time for
    // longer.
    const LOOKS_MAX: usize = 20;
    const REQUESTS: usize = 300;
    let often = ["--replicate-interval", "100ms"];
    let cluster = Cluster::new(3);
    let mut others = vec![cluster.node_with(1, &often), cluster.node_with(3, &often)];
    let away = cluster.node_with(2, &often);
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    away.kill();
    let names: Vec<String> = (0..OBJECTS).map(|number| format!("object-{number:02}")).collect();
    for name in &names {
        client.put(&format!("/demo/{name}"), name.as_bytes());
    }
    let _back = cluster.node_with(2, &often);
    for look in 1.. {
        for _request in 0..look * REQUESTS {
            assert_eq!(client.get("/demo/object-00").status, 200);
        }
        others.into_iter().for_each(Serving::kill);
        let has = |name: &String| client.get(&format!("/demo/{name}")).body == name.as_bytes();
        let listing = client.get("/demo").text();
        if names.iter().all(has) && listing.lines().eq(&names) {
            return;
        }
        assert!(look < LOOKS_MAX, "it has not got all: {listing}");
        others = vec![cluster.node_with(1, &often), cluster.node_with(3, &often)];
    }
}

/// Response to these bytes from a node's port, up to the end; a reset is an end.
fn heard(node: &Serving, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(&node.url).expect("it listens");
    // It may have heard enough before the end.
    let _sent = stream.write_all(said);
    let _ended = stream.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

#[test]
fn a_nodes_port_lets_nobody_in_who_does_not_know_the_clusters_secret() {
    let cluster = Cluster::new(1);
    let nodes = cluster.all_nodes();
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"as it was");
    let forged = "X-Backend-Timestamp: 9999999999.00000\r\nX-Timestamp: 9999999999.00000\r\n\
                  X-Backend-Storage-Policy-Index: 0\r\nContent-Length: 0\r\n";
    for device in ["d1", "d2"] {
        for method in ["GET", "PUT", "DELETE", "POST", "REPLICATE"] {
            for partition in [0, 1, 512, 1023] {
                let path = format!("/{device}/{partition}/AUTH_test/demo/object");
                let asked = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{forged}\r\n");
                let answer = heard(&nodes[0], asked.as_bytes());
                assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{asked}: {answer:?}");
                assert!(answer.contains("for the processes of a Stayput cluster"), "{answer:?}");
                assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer:?}");
            }
        }
    }
    let hello = [&b"stayput-peer/1\r\n"[..], &[7; 32], &[7; 68], b"GET /d1 HTTP/1.1\r\n\r\n"];
    for garbage in [&b"\x16\x03\x01\x02\x00"[..], b"\0\0\0\0", b"stayput", b"", b"hello\r\n"] {
        assert_eq!(heard(&nodes[0], garbage), "", "{garbage:?}");
    }
    let answer = heard(&nodes[0], &hello.concat());
    assert!(!answer.contains("HTTP"), "{answer:?}");
    assert_eq!(client.get("/demo/object").body, b"as it was");
    assert_eq!(client.get("/demo").text(), "object\n");
}

#[test]
fn a_node_counts_strangers_and_peers_and_tells_it_at_an_address_of_its_own() {
    let cluster = Cluster::new(1);
    let mut node = cluster.node_with(1, &["--metrics", "127.0.0.1:0"]);
    let said = node.line_with("metrics are here");
    let url = said.split("url=").nth(1).map(str::trim_end).expect("it says where").to_owned();
    for _ in 0..3 {
        assert!(heard(&node, b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401"));
    }
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    client.put("/demo/object", &[7; 10_000]);
    assert_eq!(client.get("/demo/object").body, [7; 10_000]);
    let told = client.agent.get(&url).call().expect("it answers").body_mut().read_to_string();
    let told = told.expect("it is text");
    let value = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}: {told}")).parse::<f64>().expect("a number")
    };
    assert_eq!(value("stayput_strangers_refused_total"), 3.0);
    assert!(value("stayput_peer_connections_open") >= 1.0);
}

#[test]
fn strangers_who_only_wait_keep_no_peer_out() {
    let cluster = Cluster::new(1);
    let nodes = cluster.all_nodes();
    let mut waiting = Vec::new();
    for _ in 0..600 {
        waiting.push(TcpStream::connect(&nodes[0].url).expect("it listens"));
    }
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"as it was");
    assert_eq!(client.get("/demo/object").body, b"as it was");
}

#[test]
fn a_proxy_of_another_cluster_reaches_nothing_and_says_why() {
    let cluster = Cluster::new(1);
    let _nodes = cluster.all_nodes();
    let proxy = cluster.proxy(1);
    let client = proxy.client();
    client.put("/demo", b"");
    client.put("/demo/object", b"as it was");

    let theirs = Cluster::at(cluster.nodes.clone());
    let mut foreign = theirs.proxy(1);
    let why = foreign.line_with("cannot be reached");
    assert!(why.contains(&cluster.nodes[0]) && why.contains("same cluster file"), "{why}");
    let stranger = foreign.client();
    assert_eq!(stranger.get("/demo/object").status, 503);
    assert_eq!(stranger.send(Method::PUT, "/demo/object", &[], b"theirs").status, 503);
    // A token of theirs is none here.
    let mut stranger = client.clone();
    stranger.token = foreign.client().token;
    assert_eq!(stranger.get("/demo/object").status, 401);
    assert_eq!(client.get("/demo/object").body, b"as it was");
}

fn refused(words: &[&str], parts: &[&str]) {
    let said: Said = stayput(&[&["serve"], words].concat());
    assert_eq!(said.code, 2, "{words:?}: {said:?}");
    for part in parts {
        assert!(said.stderr.contains(part), "{words:?}: `{part}` is not in {}", said.stderr);
    }
}

#[test]
fn options_that_do_not_go_together_are_refused_with_a_fix() {
    let cluster = Cluster::new(2);
    let (file, data) = (cluster.file(), path_text(&cluster.path("data")));
    let node = ["--role", "node", "--cluster", &file];
    let proxy = ["--role", "proxy", "--cluster", &file];
    let with = |words: &[&'static str], more: &[&str], parts: &[&str]| {
        refused(&[words, more].concat(), parts);
    };
    refused(&[], &["--data DIR"]);
    refused(&["--data", &data, "--cluster", &file], &["--cluster", "--role node"]);
    refused(&["--data", &data, "--node", "1"], &["--node", "--role node"]);
    with(&["--role", "node"], &["--node", "1", "--data", &data], &["stayput cluster new"]);
    with(&["--role", "proxy"], &["--proxy", "1"], &["stayput cluster new"]);
    refused(&[&node[..], &["--data", &data]].concat(), &["--node N", "the cluster has 2"]);
    refused(&[&node[..], &["--data", &data, "--node", "3"]].concat(), &["no node 3", "--node N"]);
    refused(&[&node[..], &["--node", "1"]].concat(), &["--data DIR"]);
    refused(&[&node[..], &["--node", "1", "--users", "x"]].concat(), &["--users", "proxies start"]);
    refused(&[&node[..], &["--node", "1", "--replicas", "2"]].concat(), &["--replicas", "file"]);
    refused(&proxy, &["--proxy N", "the cluster has 2"]);
    refused(&[&proxy[..], &["--proxy", "3"]].concat(), &["no proxy 3", "--proxy N"]);
    refused(&[&proxy[..], &["--proxy", "1", "--data", &data]].concat(), &["--data", "nodes start"]);
    let rests = [&proxy[..], &["--proxy", "1", "--replicate-interval", "5s"]].concat();
    refused(&rests, &["--replicate-interval", "nodes start"]);
    refused(&["--role", "gateway"], &["proxy", "node"]);
    assert!(!cluster.path("data").exists(), "nothing was made");
}

#[test]
fn files_with_secrets_that_others_can_read_are_told_of() {
    let cluster = Cluster::new(1);
    let open_to = |path: &str, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("it is ours");
    };
    for mode in [0o644, 0o640, 0o604] {
        open_to(&cluster.file(), mode);
        let warning = cluster.node(1).line_with("others have rights to it");
        assert!(warning.contains(&cluster.file()), "{warning}");
    }
    open_to(&cluster.file(), 0o600);
    let node = cluster.node(1);
    let (code, log) = node.stop_and_log();
    assert_eq!((code, log.contains("others have rights")), (0, false), "{log}");
    let users = path_text(&cluster.path("users.toml"));
    let user = "[[user]]\naccount = \"a\"\nname = \"b\"\nkey = \"long-enough\"\n";
    std::fs::write(&users, user).expect("it is ours");
    open_to(&users, 0o640);
    let data = cluster.path("data");
    let warning = Serving::start(&data, &["--users", &users]).line_with("others have rights to it");
    assert!(warning.contains(&users), "{warning}");
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let cluster = Cluster::new(2);
    assert_eq!(cluster.node(1).stop(), 0);
    let (file, data) = (cluster.file(), path_text(&cluster.path("node-1")));
    let words = ["--role", "node", "--cluster", &file, "--node", "2", "--data", &data];
    refused(&words, &["belongs to node 1 of cluster", "not to node 2"]);
    let theirs = Cluster::at(cluster.nodes.clone());
    let file = theirs.file();
    let words = ["--role", "node", "--cluster", &file, "--node", "1", "--data", &data];
    refused(&words, &["belongs to node 1 of cluster"]);
}
