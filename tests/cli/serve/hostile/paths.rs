//! Paths that lead out, headers that only proxies and nodes may say, and doors that are none.

use std::io::ErrorKind;
use std::net::TcpListener;

use ureq::http::Method;

use super::{answer, head, others_are_served, start, status};

#[test]
fn paths_that_lead_nowhere_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let long = format!("/v1/AUTH_test/demo/{}", "a".repeat(1025));
    let long_container = format!("/v1/AUTH_test/{}", "a".repeat(257));
    let long_account = format!("/v1/AUTH_{}/demo", "a".repeat(252));
    let cases: &[(&str, &[u16])] = &[
        ("/", &[404]),
        ("//", &[404]),
        ("/d1/0/AUTH_test/demo/object", &[404]),
        ("/d1", &[404]),
        ("/../../etc/passwd", &[404]),
        ("/v1/../../etc/passwd", &[403]),
        ("/v1/%2e%2e/%2e%2e/etc/passwd", &[403]),
        ("/v1/AUTH_test/../AUTH_other/demo", &[404]),
        ("//etc/passwd", &[404]),
        ("//v1/AUTH_test/demo/object", &[404]),
        ("/v1//AUTH_test/demo/object", &[404]),
        ("/v1/AUTH_test//demo/object", &[404]),
        ("/v1/AUTH_test/demo%2Fobject", &[404]),
        ("/v1/AUTH_test%2Fdemo/object", &[404]),
        ("/v1/AUTH_test/demo/%00", &[412]),
        ("/v1/AUTH_test/demo/object%00", &[412]),
        ("/v1/AUTH_test/demo/%ff", &[412]),
        ("/v1/AUTH_test/demo/%c0%ae%c0%ae", &[412]),
        ("/v1/AUTH_test/demo/%ed%a0%80", &[412]),
        ("/v1/AUTH_test/demo?prefix=%ff", &[412]),
        (&long, &[400]),
        (&long_container, &[400]),
        (&long_account, &[400, 403]),
        ("/v1.1/AUTH_test/demo/object", &[404]),
        ("/v1/AUTH_other/demo/object", &[403]),
        ("/v1/auth_test/demo/object", &[403]),
        ("/v1/.expiring/demo/object", &[403]),
        ("*", &[400, 404]),
        ("example.org:80", &[400, 404]),
        ("v1/AUTH_test/demo/object", &[400, 404]),
        ("http://example.org/v1/AUTH_other/demo/object", &[403]),
        ("http://user@example.org/d1/0/AUTH_test/demo/object", &[400, 404]),
    ];
    for (target, wanted) in cases {
        for method in ["GET", "HEAD", "DELETE", "POST", "PUT"] {
            let lines = "Content-Length: 0\r\nConnection: close\r\n";
            let asked = head(&client, method, "", lines).replace("/v1/AUTH_test ", "TARGET ");
            let asked = asked.replacen("TARGET", target, 1);
            let heard = answer(&serving, asked.as_bytes());
            let is_query = target.contains('?');
            let is_right = wanted.contains(&status(&heard)) || is_query && method == "PUT";
            assert!(is_right, "{method} {target}: {heard:?}");
            assert!(!heard.contains("root:"), "{target}");
        }
    }
    let heard = answer(
        &serving,
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(matches!(status(&heard), 400..500), "{heard:?}");
    let raw = head(&client, "GET", "/demo/RAW", "Connection: close\r\n").into_bytes();
    let at = raw.windows(3).position(|it| it == b"RAW").expect("it is there");
    for bytes in [b"\xff\xfe\xfd", b"\xc3\xa4\xff", b"a\x7fb", b"a\tb"] {
        let mut asked = raw.clone();
        asked[at..at + 3].copy_from_slice(bytes);
        let heard = answer(&serving, &asked);
        assert!(matches!(status(&heard), 400..500), "{bytes:?}: {heard:?}");
    }
    others_are_served(&client);
    assert_eq!(client.get("/demo").text(), "object\n");
}

#[test]
fn an_absolute_form_is_the_same_path_whatever_host_it_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let asked = head(&client, "GET", "/demo/object", "Connection: close\r\n");
    let asked = asked.replacen("/v1/", "http://elsewhere.example/v1/", 1);
    let heard = answer(&serving, asked.as_bytes());
    assert!(status(&heard) == 200 && heard.ends_with("as it was"), "{heard:?}");
}

#[test]
fn names_that_look_like_paths_are_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let longest = "%C3%A4".repeat(512);
    let names =
        ["..%2F..%2Fetc%2Fpasswd", "..", "../../x", "a//b", "%2e", "a%0d%0aX-Evil:%201", &longest];
    for (n, name) in names.into_iter().enumerate() {
        let body = n.to_string();
        let put = head(&client, "PUT", "/demo/NAME", "Content-Length: 1\r\nConnection: close\r\n");
        let heard = answer(&serving, format!("{}{body}", put.replacen("NAME", name, 1)).as_bytes());
        assert_eq!(status(&heard), 201, "{name}: {heard:?}");
        let get = head(&client, "GET", "/demo/NAME", "Connection: close\r\n");
        let heard = answer(&serving, get.replacen("NAME", name, 1).as_bytes());
        assert!(heard.ends_with(&format!("\r\n\r\n{body}")), "{name}: {heard:?}");
        assert!(!heard.contains("X-Evil"), "{heard:?}");
    }
    let listed = client.get("/demo?format=json").text();
    assert_eq!(listed.matches("\"name\"").count(), names.len() + 1, "{listed}");
    others_are_served(&client);
}

/// A socket that nobody may connect to.
fn trap() -> (TcpListener, String) {
    let trap = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    trap.set_nonblocking(true).expect("it can be set");
    let at = trap.local_addr().expect("it is bound").to_string();
    (trap, at)
}

#[test]
fn forged_backend_headers_reach_no_node_and_lead_nobody_astray() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_serving, client) = start(dir.path());
    let (trap, at) = trap();
    let old = "0000000001.00000";
    let headers = [
        ("X-Timestamp", old),
        ("X-Backend-Timestamp", old),
        ("X-Backend-Data-Timestamp", old),
        ("X-Backend-Want-Version", old),
        ("X-Backend-Manifest", "1"),
        ("X-Backend-Purpose", "banana"),
        ("X-Backend-Storage-Policy-Index", "7"),
        ("X-Backend-Replication", "True"),
        ("X-Container-Host", &at),
        ("X-Container-Device", "../../etc"),
        ("X-Container-Partition", "99999999"),
        ("X-Account-Host", &at),
        ("X-Account-Device", "d1"),
        ("X-Account-Partition", "0"),
        ("X-Object-Sysmeta-Slo-Etag", "forged"),
        ("X-Object-Sysmeta-Slo-Size", "1"),
        ("X-Put-Timestamp", old),
        ("X-Delete-Timestamp", "9999999999.00000"),
        ("X-Object-Count", "7"),
        ("X-Bytes-Used", "7"),
        ("X-Size", "7"),
        ("X-Etag", "forged"),
        ("X-Trans-Id", "forged"),
        ("X-Nexe-Status", "forged"),
    ];
    let send = |method, path, body| {
        let answer = client.send(method, path, &headers, body);
        for (name, value) in &answer.head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("forged"), "{path}: {name}: {value}");
        }
        answer
    };
    let put = send(Method::PUT, "/demo/forged", b"new");
    assert_eq!(put.status, 201, "{}", put.text());
    let got = send(Method::GET, "/demo/forged", b"");
    assert_eq!((got.status, &got.body[..]), (200, &b"new"[..]));
    assert_ne!(got.header("X-Timestamp"), old);
    let large = ("X-Static-Large-Object", "True");
    assert_eq!(client.apart().send(Method::PUT, "/demo/forged", &[large], b"new").status, 400);
    assert_eq!(send(Method::POST, "/demo/forged", b"").status, 202);
    assert_eq!(client.get("/demo/forged").body, b"new");
    assert_eq!(send(Method::PUT, "/forged", b"").status, 201);
    assert_eq!(send(Method::POST, "/forged", b"").status, 204);
    assert!(matches!(send(Method::HEAD, "/forged", b"").header("X-Container-Object-Count"), "0"));
    assert_eq!(send(Method::POST, "", b"").status, 204);
    assert_eq!(send(Method::DELETE, "/demo/forged", b"").status, 204);
    assert_eq!(client.get("/demo/forged").status, 404, "an old deletion would have lost");
    assert_eq!(send(Method::DELETE, "/forged", b"").status, 204);
    assert_eq!(client.get("/demo").text(), "object\n");
    let nobody = trap.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock), "it was told where to connect to");
    others_are_served(&client);
}

#[cfg(target_os = "linux")]
#[test]
fn nodes_have_no_port_to_be_spoken_to_at() {
    use std::collections::BTreeSet;
    use std::fs;
    let dir = tempfile::tempdir().expect("a folder");
    let (serving, client) = start(dir.path());
    let process = format!("/proc/{}", serving.process());
    let open = fs::read_dir(format!("{process}/fd")).expect("it runs");
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let sockets: BTreeSet<String> = links
        .filter_map(|link| {
            Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut listening = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        // A machine without IPv6 has no table of it.
        let Ok(table) = fs::read_to_string(format!("{process}/net/{table}")) else { continue };
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // 0A listens; 07 is what a UDP socket that takes all is in.
            if ["0A", "07"].contains(&fields[3]) && sockets.contains(fields[9]) {
                listening.push(fields[1].to_owned());
            }
        }
    }
    let port: u16 =
        serving.address().rsplit(':').next().and_then(|it| it.parse().ok()).expect("a port");
    assert_eq!(listening, [format!("0100007F:{port:04X}")]);
    others_are_served(&client);
}
