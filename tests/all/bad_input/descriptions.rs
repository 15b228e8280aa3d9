//! Job descriptions with a flaw: the status that fits, and a message that names node and field.

use bytes::Bytes;
use stayput_store::client::Client;

use super::room::{assert_serves, good_job, job_of, post, run, text};
use stayput_testkit::cluster::Store;

/// Text in the place of the good node's parts.
struct Node {
    name: &'static str,
    exec: &'static str,
    devices: &'static str,
    more: &'static str,
}

const GOOD: Node = Node {
    name: r#""n""#,
    exec: r#"{"path": "swift://~/demo/linecount.wasm", "args": "banana"}"#,
    devices: r#"{"name": "stdout"}, {"name": "input", "path": "swift://~/demo/log.txt"}"#,
    more: "",
};

impl Node {
    fn json(&self) -> String {
        let Self { name, exec, devices, more } = self;
        format!(r#"{{"name": {name}, "exec": {exec}, "devices": [{devices}]{more}}}"#)
    }
}

fn named(name: &'static str) -> String {
    Node { name, ..GOOD }.json()
}

fn exec(exec: &'static str) -> String {
    Node { exec, ..GOOD }.json()
}

fn devices(devices: &'static str) -> String {
    Node { devices, ..GOOD }.json()
}

fn more(more: &'static str) -> String {
    Node { more, ..GOOD }.json()
}

/// Posts a job of that one node to proxy and worker: both refuse it with that status, in words with
/// each of `parts`.
async fn assert_refused(room: &Store, node: &str, status: u16, parts: &[&str]) {
    let description = format!("[{node}]");
    for asked in [&room.side.proxies, &room.side.workers] {
        let answer = post(asked, &description).await;
        assert_eq!(answer.status.as_u16(), status, "{description}: {}", text(&answer));
        for part in parts {
            let text = text(&answer);
            assert!(text.contains(part), "`{part}` is not in {text} for {description}");
        }
    }
}

/// Node `n` is refused with 400, and the field is named.
async fn assert_flaws(room: Store, flaws: Vec<(String, &'static str)>) {
    for (node, field) in flaws {
        let field = format!("`{field}`");
        assert_refused(&room, &node, 400, &["node \"n\"", &field]).await;
    }
    assert_serves(&room, "after flawed descriptions").await;
}

#[test]
fn a_flawed_name_or_executable_is_named() {
    run(async |room| {
        let long = format!("\"{}\"", "n".repeat(65));
        let long = GOOD.json().replace("\"n\"", &long);
        for (name, field) in [
            (named("7"), "`name`"),
            (named("null"), "`name`"),
            (named(r#""""#), "`name`"),
            (named(r#""a/b""#), "`name`"),
            (named(r#""bananä""#), "`name`"),
            (long, "`name`"),
            ("7".to_owned(), "`node`"),
            (r#"{"exec": {"path": "swift://~/c/o"}}"#.to_owned(), "`name`"),
        ] {
            assert_refused(&room, &name, 400, &["node 0", field]).await;
        }
        let flaws = vec![
            (r#"{"name": "n"}"#.to_owned(), "exec"),
            (exec("7"), "exec"),
            (exec("{}"), "exec.path"),
            (exec(r#"{"path": ""}"#), "exec.path"),
            (exec(r#"{"path": "swift://~/demo"}"#), "exec.path"),
            (exec(r#"{"path": "swift://~/demo/*.wasm"}"#), "exec.path"),
            (exec(r#"{"path": "swift://~"}"#), "exec.path"),
            (exec(r#"{"path": "swift://*/demo/m.wasm"}"#), "exec.path"),
            (exec(r#"{"path": "swift://~/demo/%zz"}"#), "exec.path"),
            (exec(r#"{"path": "swift://~/demo/%ff"}"#), "exec.path"),
            (exec(r#"{"path": "/etc/passwd"}"#), "exec.path"),
            (exec(r#"{"path": "../../etc/passwd"}"#), "exec.path"),
            (exec(r#"{"path": "https://example.org/m.wasm"}"#), "exec.path"),
            (exec(r#"{"path": "m.wasm"}"#), "exec.path"),
            (exec(r#"{"path": "file://python2.7:python"}"#), "exec.path"),
            (exec(r#"{"path": "swift://~/c/o", "args": "it's"}"#), "exec.args"),
            (exec(r#"{"path": "swift://~/c/o", "args": "a\u0000b"}"#), "exec.args"),
            (exec(r#"{"path": "swift://~/c/o", "args": {"a": 1}}"#), "exec.args"),
            (exec(r#"{"path": "swift://~/c/o", "args": ["a", 1]}"#), "exec.args[1]"),
            (exec(r#"{"path": "swift://~/c/o", "env": []}"#), "exec.env"),
            (exec(r#"{"path": "swift://~/c/o", "env": {"A=B": "c"}}"#), "exec.env"),
            (exec(r#"{"path": "swift://~/c/o", "env": {"A": "b\nc"}}"#), "exec.env.A"),
        ];
        assert_flaws(room, flaws).await;
    });
}

#[test]
fn a_flawed_device_is_named() {
    run(async |room| {
        let flaws = vec![
            (
                r#"{"name": "n", "exec": {"path": "swift://~/c/o"}, "devices": 7}"#.to_owned(),
                "devices",
            ),
            (devices("7"), "devices[0]"),
            (devices("{}"), "devices[0].name"),
            (devices(r#"{"name": ""}"#), "devices[0].name"),
            (devices(r#"{"name": "../x"}"#), "devices[0].name"),
            (devices(r#"{"name": "stdout"}, {"name": "stdout"}"#), "devices[1].name"),
            (devices(r#"{"name": "stdout", "device": "stdout"}"#), "devices[0].device"),
            (devices(r#"{"name": "stdout", "mode": "socket"}"#), "devices[0].mode"),
            (devices(r#"{"name": "stdout", "mode": 7}"#), "devices[0].mode"),
            (devices(r#"{"name": "stdout", "min_size": -1}"#), "devices[0].min_size"),
            (devices(r#"{"name": "stdout", "min_size": 1e99}"#), "devices[0].min_size"),
            (devices(r#"{"name": "stdout", "meta": "x"}"#), "devices[0].meta"),
            (devices(r#"{"name": "stdout", "content_type": 7}"#), "devices[0].content_type"),
            (
                devices(r#"{"name": "stdout", "content_type": "a\r\nX-Nexe-Status: ok"}"#),
                "devices[0].content_type",
            ),
            (devices(r#"{"name": "stdin"}"#), "devices[0].path"),
            (devices(r#"{"name": "input"}"#), "devices[0].path"),
            (devices(r#"{"name": "image"}"#), "devices[0].path"),
            (devices(r#"{"name": "input", "path": "demo/log.txt"}"#), "devices[0].path"),
            (devices(r#"{"name": "input", "path": "swift://*/demo/log.txt"}"#), "devices[0].path"),
            (devices(r#"{"name": "output", "path": "swift://~/demo"}"#), "devices[0].path"),
            (devices(r#"{"name": "input", "path": "zvm://other:/dev/output"}"#), "devices[0].path"),
            (devices(r#"{"name": "input", "path": "tcp://example.org:80"}"#), "devices[0].path"),
            (devices(r#"{"name": "debug", "path": "tcp://example.org"}"#), "devices[0].path"),
            (devices(r#"{"name": "debug", "path": "tcp://example.org:80"}"#), "devices[0].path"),
            (devices(r#"{"name": "python2.7"}"#), "devices.python2.7"),
            (devices(r#"{"name": "python2.7", "path": "swift://~/c/o"}"#), "devices[0].path"),
            (more(r#", "file_list": []"#), "file_list"),
            (more(r#", "attach": "stdin""#), "attach"),
            (more(r#", "replicate": 0"#), "replicate"),
            (more(r#", "replicate": 4"#), "replicate"),
            (more(r#", "replicate": "2""#), "replicate"),
            (more(r#", "count": 0"#), "count"),
            (more(r#", "count": 1e9"#), "count"),
            (more(r#", "connect": "n""#), "connect"),
            (more(r#", "connect": ["n"]"#), "connect[0]"),
            (more(r#", "connect": ["other"]"#), "connect[0]"),
            (more(r#", "location": 7"#), "location"),
        ];
        assert_flaws(room, flaws).await;
    });
}

#[test]
fn flaws_of_the_whole_list_are_named() {
    run(async |room| {
        for (description, status, parts) in [
            ("[]".to_owned(), 400, ["the job", "`nodes`"]),
            ("{}".to_owned(), 400, ["the job", "`nodes`"]),
            ("null".to_owned(), 400, ["the job", "`nodes`"]),
            (format!("[{0}, {0}]", GOOD.json()), 400, ["node 1", "`name`"]),
            ("[{\"name\"".to_owned(), 422, ["no JSON", "column"]),
            (String::new(), 422, ["no JSON", "EOF"]),
            ("banana".to_owned(), 422, ["no JSON", "line 1"]),
            ("[".repeat(10_000), 422, ["no JSON", "recursion limit"]),
            ("{\"a\":".repeat(10_000), 422, ["no JSON", "recursion limit"]),
            (format!("[{}]", " ".repeat(64 << 10)), 413, ["job description", "65536"]),
        ] {
            let answer = room.post(&description).await;
            let start: String = description.chars().take(40).collect();
            assert_eq!(answer.status.as_u16(), status, "{start}: {}", text(&answer));
            for part in parts {
                assert!(text(&answer).contains(part), "{start}: {}", text(&answer));
            }
        }
        let answer = room.side.proxies.post_job("[\"\u{fffd}".into(), "application/json", &[]);
        assert_eq!(answer.await.expect("it is answered").status.as_u16(), 422);
        let no_text = Bytes::from_static(b"[\"\xff\xfe\"]");
        let answer = room.side.proxies.post_job(no_text, "application/json", &[]);
        assert_eq!(answer.await.expect("it is answered").status.as_u16(), 422);
        assert_serves(&room, "after broken lists").await;
    });
}

#[test]
fn objects_that_are_not_there_are_named() {
    run(async |room| {
        for asked in [&room.side.proxies, &room.side.workers] {
            let answer = post(asked, &job_of("absent.wasm")).await;
            assert_eq!(answer.status.as_u16(), 404, "{}", text(&answer));
            assert!(text(&answer).contains("demo/absent.wasm"), "{}", text(&answer));
            let answer = post(asked, &good_job().replace("log.txt", "absent%20%25.txt")).await;
            assert_eq!(answer.status.as_u16(), 404, "{}", text(&answer));
            assert!(text(&answer).contains("demo/absent"), "{}", text(&answer));
            let nowhere = r#""stdout", "path": "swift://~/absent/answer""#;
            let answer = post(asked, &good_job().replace("\"stdout\"", nowhere)).await;
            assert_eq!(answer.status.as_u16(), 404, "{}", text(&answer));
            assert!(text(&answer).contains("absent"), "{}", text(&answer));
        }
        assert_serves(&room, "after missing objects").await;
    });
}

#[test]
fn strangers_run_nothing() {
    run(async |room| {
        let own = &room.side.proxies;
        let stranger = Client { token: "guess".to_owned(), ..own.clone() };
        let answer = post(&stranger, &good_job()).await;
        assert_eq!(answer.status.as_u16(), 401, "{}", text(&answer));
        assert!(text(&answer).contains("X-Auth-Token"), "{}", text(&answer));
        let elsewhere = Client { account: "AUTH_other".to_owned(), ..own.clone() };
        let answer = post(&elsewhere, &good_job()).await;
        assert_eq!(answer.status.as_u16(), 403, "{}", text(&answer));
        assert!(text(&answer).contains("AUTH_other"), "{}", text(&answer));
        for (what, field) in [("log.txt", "devices"), ("linecount.wasm", "exec.path")] {
            let own = format!("swift://~/demo/{what}");
            let others = format!("swift://AUTH_other/demo/{what}");
            for to in [&room.side.proxies, &room.side.workers] {
                let answer = post(to, &good_job().replace(&own, &others)).await;
                assert_eq!(answer.status.as_u16(), 403, "{}", text(&answer));
                for part in ["node \"count\"", field, "AUTH_other"] {
                    assert!(text(&answer).contains(part), "`{part}` is not in {}", text(&answer));
                }
            }
        }
        assert_serves(&room, "after strangers").await;
    });
}

#[test]
fn a_job_of_another_content_type_is_refused() {
    run(async |room| {
        for content_type in ["text/plain", "", "application/jsonx", ";"] {
            for asked in [&room.side.proxies, &room.side.workers] {
                let answer = asked.post_job(good_job().into(), content_type, &[]).await;
                let answer = answer.expect("it is answered");
                assert_eq!(answer.status.as_u16(), 415, "{}", text(&answer));
                assert!(text(&answer).contains("application/json"), "{}", text(&answer));
            }
        }
        let answer = room.side.proxies.post_job(good_job().into(), "application/x-tar", &[]).await;
        assert_eq!(answer.expect("it is answered").status.as_u16(), 422, "JSON is no tar");
        let job = good_job().into();
        let answer = room.side.proxies.post_job(job, "application/json; charset=utf-8", &[]).await;
        assert_eq!(answer.expect("it is answered").status.as_u16(), 200);
    });
}
