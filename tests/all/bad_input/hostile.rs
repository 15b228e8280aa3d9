//! Jobs that mean harm, beside good ones on the same nodes: the nodes stay up, the good jobs are as
//! if alone, and the outcome names the bound.
//!
//! Leaves out each single bound of a guest and of an image, which the runtime's own tests hold.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{HeaderName, HeaderValue};
use stayput_cluster::{OTHER_ACCOUNT, OTHER_TOKEN};
use stayput_store::client::{Client, JobAnswer};
use stayput_store::swift::Path;
use tar::{EntryType, Header};

use super::room::{assert_serves, good_job, header, job_of, object, post, run, text};
use stayput_testkit::cluster::Store;

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own module is well-formed")
}

fn command(body: &str) -> Vec<u8> {
    wat(&format!(
        "(module (memory (export \"memory\") 1) (func $f (call $f)) (table $t 1 funcref)
        (func (export \"_start\") {body}))"
    ))
}

/// A length as modules have it.
fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A module of so many functions, each with so many locals.
fn module_of(functions: usize, locals: usize) -> Vec<u8> {
    let declared = [vec![1], leb(locals), vec![0x7f, 0x0b]].concat();
    let body = [leb(declared.len()), declared].concat();
    let sections = [
        (1, b"\x01\x60\0\0".to_vec()),
        (3, [leb(functions), vec![0; functions]].concat()),
        (5, b"\x01\0\x01".to_vec()),
        (7, b"\x02\x06memory\x02\0\x06_start\0\0".to_vec()),
        (10, [leb(functions), body.repeat(functions)].concat()),
    ];
    let section = |(id, body): (u8, Vec<u8>)| [vec![id], leb(body.len()), body].concat();
    let sections = sections.into_iter().map(section);
    [b"\0asm\x01\0\0\0".to_vec(), sections.collect::<Vec<_>>().concat()].concat()
}

/// Answer of a good job, without the times that it took.
fn essence(answer: &JobAnswer) -> (u16, Bytes, Vec<String>) {
    let named = ["x-nexe-system", "x-nexe-status", "x-nexe-retcode", "x-nexe-etag", "x-nexe-error"];
    let headers = named.map(|name| header(answer, name).to_owned());
    (answer.status.as_u16(), answer.body.clone(), headers.to_vec())
}

/// Posts a hostile job and good ones at the same time; gives the hostile one's answer.
async fn beside_good_ones(room: &Store, job: &str) -> JobAnswer {
    let alone = essence(&room.post(&good_job()).await);
    assert_eq!(alone.0, 200);
    let (proxies, hostile) = (room.side.proxies.clone(), job.to_owned());
    let neighbours = async {
        for _ in 0..6 {
            assert_eq!(essence(&room.post(&good_job()).await), alone, "beside {job}");
        }
    };
    let hostile = async move { post(&proxies, &hostile).await };
    let (answer, ()) = tokio::join!(hostile, neighbours);
    assert_serves(room, job).await;
    answer
}

#[test]
fn a_hostile_guest_leaves_its_neighbours_untouched_and_its_outcome_names_the_bound() {
    run(async |room| {
        for (name, wasm, status, why) in [
            ("loop", command("(loop (br 0))"), 500, "out of"),
            (
                "memory",
                command("(loop (br_if 0 (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable"),
                500,
                "out of memory",
            ),
            (
                "fill",
                command("(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0))"),
                500,
                "out of",
            ),
            (
                "table-growth",
                command("(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 99999)) (i32.const -1))))
                    (call_indirect $t (i32.const 0))"),
                500,
                "trap",
            ),
            ("recursion", command("(call $f)"), 500, "trap: call stack exhausted"),
            ("large-table", wat("(module (table 9000000 funcref) (memory (export \"memory\") 1)
                (func (export \"_start\")))"), 500, "limit reached: table elements"),
            ("outside", command("(drop (i32.load (i32.const -1)))"), 500, "trap: out of bounds"),
        ] {
            room.put(name, wasm).await;
            let answer = beside_good_ones(&room, &job_of(name)).await;
            let said = header(&answer, "x-nexe-error");
            assert_eq!(answer.status.as_u16(), status, "{name}: {said}");
            assert!(said.starts_with(why), "{name}: {said}");
        }
    });
}

#[test]
fn a_module_that_declares_too_much_is_refused_beside_good_ones() {
    run(async |room| {
        for (name, wasm, why) in [
            ("functions", module_of(1_000_000, 0), "has 1000000 functions, the most are 100000"),
            (
                "locals",
                module_of(1, 1_000_000),
                "has 1000000 locals in a function, the most are 2000",
            ),
        ] {
            room.put(name, wasm).await;
            let answer = beside_good_ones(&room, &job_of(name)).await;
            assert_eq!(answer.status.as_u16(), 400, "{name}: {}", text(&answer));
            for part in ["node \"count\"", "`exec.path`", why] {
                assert!(text(&answer).contains(part), "{name}: {part} is not in {}", text(&answer));
            }
        }
    });
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A member's header, whose names are written as they are, since the builder refuses bad ones
/// itself.
fn member(name: &str, kind: EntryType, link: &str) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(0);
    let raw = header.as_ustar_mut().expect("it was made as one");
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn an_image_with_a_bomb_in_it_is_refused_beside_good_ones() {
    run(async |room| {
        let with_end = |members: &[Vec<u8>]| [members.concat(), vec![0; 1024]].concat();
        for (name, image, why) in [
            ("bomb", gzip(&vec![0; 1 << 20]).repeat(257), "unpacks to more than 268435456 bytes"),
            (
                "absolute",
                with_end(&[member("/etc/passwd", EntryType::Regular, "")]),
                "has an absolute path",
            ),
            (
                "climbing",
                with_end(&[member("a/../../x", EntryType::Regular, "")]),
                "has `..` in its path",
            ),
            (
                "link-out",
                with_end(&[member("l", EntryType::Symlink, "../../x")]),
                "leads out of the image",
            ),
            ("device", with_end(&[member("null", EntryType::Char, "")]), "is a device"),
            ("deep", with_end(&[member(&"d/".repeat(49), EntryType::Directory, "")]), ""),
            ("no-tar", vec![b'x'; 4096], "no valid tar"),
            ("no-gzip", b"\x1f\x8bbanana, no gzip".to_vec(), "no valid gzip"),
        ] {
            room.put(name, image).await;
            let image = format!(r#"{{"name": "image", "path": "swift://~/demo/{name}"}}"#);
            let job = good_job()
                .replace(r#"{"name": "stdout"}"#, &format!(r#"{{"name": "stdout"}}, {image}"#));
            let answer = beside_good_ones(&room, &job).await;
            let wanted = if why.is_empty() { 200 } else { 422 };
            assert_eq!(answer.status.as_u16(), wanted, "{name}: {}", text(&answer));
            assert!(text(&answer).contains(why), "{name}: {}", text(&answer));
        }
    });
}

#[test]
fn arguments_and_environments_of_a_whole_description_run_and_longer_ones_do_not() {
    run(async |room| {
        let with = |len: usize| {
            let env = format!(r#"{{"A": "{}"}}"#, "x".repeat(len / 2));
            let args = format!(r#""args": ["banana", "{}"], "env": {env}"#, "y".repeat(len / 2));
            good_job().replace(r#""args": "banana""#, &args)
        };
        let answer = beside_good_ones(&room, &with(60_000)).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", text(&answer));
        let answer = beside_good_ones(&room, &with(70_000)).await;
        assert_eq!(answer.status.as_u16(), 413, "{}", text(&answer));
    });
}

#[test]
fn what_a_client_says_in_the_services_name_is_not_repeated() {
    run(async |room| {
        let forged = [
            "x-nexe-system",
            "x-nexe-status",
            "x-nexe-retcode",
            "x-nexe-etag",
            "x-nexe-error",
            "x-nexe-validation",
            "x-nexe-cdr-line",
            "x-nexe-policy",
            "x-nexe-colocated",
            "x-nexe-forged",
            "x-backend-timestamp",
        ];
        let headers =
            forged.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("forged")));
        let honest = room.post(&good_job()).await;
        let posted = room.side.proxies.post_job(good_job().into(), "application/json", &headers);
        let answer = posted.await.expect("it is answered");
        assert_eq!(essence(&answer), essence(&honest));
        for (name, value) in &answer.headers {
            assert!(
                !value.as_bytes().windows(6).any(|part| part == b"forged"),
                "{name}: {value:?}"
            );
        }
        // Nor what an object's metadata, a content type or a guest's output says.
        let meta = r#"{"name": "stdout", "content_type": "text/x; X-Nexe-Status=forged", "meta": {"X-Nexe-Status": "forged"}}"#;
        let job = good_job().replace(r#"{"name": "stdout"}"#, meta);
        let answer = room.post(&job).await;
        assert_eq!(header(&answer, "x-nexe-status"), "ok", "{}", text(&answer));
        assert_eq!(answer.headers.get_all("x-nexe-status").iter().count(), 1);
        let echo = wat(r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\2a\00\00\00HTTP/1.1 200 OK\0d\0aX-Nexe-Status: forged\0d\0a\0d\0a")
            (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))"#);
        room.put("echo", echo).await;
        let answer = room.post(&job_of("echo")).await;
        assert_eq!(header(&answer, "x-nexe-status"), "ok");
        assert!(text(&answer).starts_with("HTTP/1.1 200 OK"), "it is the body, and no head");
    });
}

/// Somebody who has an account of their own, with a container and a log of the same names.
async fn neighbour(room: &Store) -> Client {
    let client = Client {
        token: OTHER_TOKEN.to_owned(),
        account: OTHER_ACCOUNT.to_owned(),
        ..room.side.proxies.clone()
    };
    let container = Path::account_only(OTHER_ACCOUNT).and_then(|path| path.with_container("demo"));
    client.put_container(&container.expect("a good name")).await.expect("it is made");
    let log = Path::object_of(OTHER_ACCOUNT, "demo", "log.txt").expect("a good name");
    client.put_object(&log, Bytes::from("my own\n"), "text/plain").await.expect("it is stored");
    client
}

#[test]
fn a_module_in_the_cache_runs_only_for_those_who_may_read_it() {
    run(async |room| {
        let neighbour = neighbour(&room).await;
        // Every node has it compiled by now.
        for _ in 0..6 {
            assert_eq!(room.post(&good_job()).await.status.as_u16(), 200);
        }
        let own = post(&neighbour, &good_job()).await;
        assert_eq!(own.status.as_u16(), 404, "{}", text(&own));
        let named = good_job().replace("~/demo/linecount", "AUTH_stayput/demo/linecount");
        let answer = post(&neighbour, &named).await;
        assert_eq!(answer.status.as_u16(), 403, "{}", text(&answer));
        for part in ["`exec.path`", "may not read /AUTH_stayput/demo/linecount.wasm"] {
            assert!(text(&answer).contains(part), "{}", text(&answer));
        }
        // A copy of one's own is another matter.
        let copy = Path::object_of(OTHER_ACCOUNT, "demo", "linecount.wasm").expect("a good name");
        let module =
            room.side.proxies.get_object(&object("linecount.wasm")).await.expect("it is there");
        neighbour
            .put_object(&copy, module.content, "application/wasm")
            .await
            .expect("it is stored");
        let answer = post(&neighbour, &good_job()).await;
        assert_eq!((answer.status.as_u16(), text(&answer).as_str()), (200, "0\n"));
    });
}

#[test]
fn another_accounts_objects_are_neither_read_nor_written_nor_matched() {
    run(async |room| {
        let neighbour = neighbour(&room).await;
        let module =
            room.side.proxies.get_object(&object("linecount.wasm")).await.expect("it is there");
        let copy = Path::object_of(OTHER_ACCOUNT, "demo", "linecount.wasm").expect("a good name");
        neighbour
            .put_object(&copy, module.content, "application/wasm")
            .await
            .expect("it is stored");
        let devices = |devices: &str| {
            format!(
                r#"[{{"name": "n", "exec": {{"path": "swift://~/demo/linecount.wasm", "args": "banana"}},
                      "devices": [{devices}]}}]"#
            )
        };
        let theirs = "swift://AUTH_stayput/demo";
        for (job, status) in [
            (
                devices(&format!(
                    r#"{{"name": "stdout"}}, {{"name": "input", "path": "{theirs}/log.txt"}}"#
                )),
                403,
            ),
            (
                devices(&format!(
                    r#"{{"name": "stdout"}}, {{"name": "input", "path": "{theirs}/*"}}"#
                )),
                403,
            ),
            (
                devices(&format!(
                    r#"{{"name": "stdout"}}, {{"name": "input", "path": "{theirs}"}}"#
                )),
                403,
            ),
            (devices(&format!(r#"{{"name": "stdout", "path": "{theirs}/log.txt"}}"#)), 403),
            (devices(&format!(r#"{{"name": "image", "path": "{theirs}/log.txt"}}"#)), 403),
            (
                devices(
                    r#"{"name": "stdout"}, {"name": "input", "path": "swift://AUTH_*/demo/*"}"#,
                ),
                400,
            ),
            (
                devices(
                    r#"{"name": "stdout"}, {"name": "input", "path": "swift://~/../AUTH_stayput/demo/log.txt"}"#,
                ),
                404,
            ),
            (
                devices(
                    r#"{"name": "stdout"}, {"name": "input", "path": "swift://~/demo/linecount.wasm/../../../AUTH_stayput/demo/log.txt"}"#,
                ),
                404,
            ),
            (
                devices(
                    r#"{"name": "stdout"}, {"name": "input", "path": "swift://~%2f..%2fAUTH_stayput/demo/log.txt"}"#,
                ),
                400,
            ),
        ] {
            let answer = post(&neighbour, &job).await;
            assert_eq!(answer.status.as_u16(), status, "{job}: {}", text(&answer));
            assert!(!text(&answer).contains("banana"), "{job}: {}", text(&answer));
        }
        // A wildcard over one's own account matches one's own objects only.
        let own = devices(r#"{"name": "stdout"}, {"name": "input", "path": "swift://~/*/*.txt"}"#);
        let answer = post(&neighbour, &own).await;
        assert_eq!((answer.status.as_u16(), text(&answer).as_str()), (200, "0\n"));
        let log = room.side.proxies.get_object(&object("log.txt")).await.expect("it is there");
        assert!(log.content.starts_with(b"a banana"), "nobody has written to it");
        let source = HeaderName::from_static("x-zerovm-source");
        let taken = HeaderValue::from_static("swift://AUTH_stayput/demo/job.json");
        room.put("job.json", good_job()).await;
        let headers = [(source, taken)];
        let posted = neighbour.post_job(Bytes::new(), "application/json", &headers);
        let answer = posted.await.expect("it is answered");
        assert_eq!(answer.status.as_u16(), 403, "{}", text(&answer));
    });
}
