//! Sessions that talk: wildcards, groups, connections, pipes.

use super::guests::{cat, cat_files, copies, dies_writing, leaves};
use super::{assert_answer, both, header, in_room, job, node};
use crate::bad_input::room::assert_serves;

const STDOUT: &str = r#"{"name": "stdout"}"#;

#[test]
fn a_wildcard_runs_a_session_for_each_match_and_joins_their_outputs() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        for name in ["c.txt", "a.txt", "b/x.txt"] {
            room.put(&format!("in/{name}"), format!("{name}\n")).await;
        }
        let stdin = r#"{"name": "stdin", "path": "swift://~/demo/in/*.txt"}, {"name": "stdout"}"#;
        for asked in both(&room) {
            let answer = job(&asked, &[node("each", "cat.wasm", stdin, "")]).await;
            assert_answer(&answer, 200, "a.txt\nb/x.txt\nc.txt\n");
            assert_eq!(header(&answer, "x-nexe-system"), "each-1,each-2,each-3");
            assert_eq!(header(&answer, "x-nexe-retcode"), "0,0,0");
            let nothing = [node("none", "cat.wasm", &stdin.replace("in/", "out/"), "")];
            let answer = job(&asked, &nothing).await;
            assert_eq!(answer.status.as_u16(), 400);
            let why = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                why.contains("\"none\", field `devices[0].path`") && why.contains("matches"),
                "{why}"
            );
        }
    });
}

#[test]
fn what_a_wildcard_matched_names_what_its_session_stores() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        room.put("in/a.txt", "one").await;
        room.put("in/b.txt", "two").await;
        for (run, asked) in both(&room).into_iter().enumerate() {
            let devices = format!(
                r#"{{"name": "stdin", "path": "swift://~/demo/in/*.txt"}},
                   {{"name": "stdout", "path": "swift://~/demo/out-{run}/*.copy", "min_size": 5,
                     "content_type": "text/x-copy", "meta": {{"by": "test"}}}}"#
            );
            let answer = job(&asked, &[node("copy", "cat.wasm", &devices, "")]).await;
            assert_answer(&answer, 200, "");
            let path = stayput_testkit::cluster::object(&format!("out-{run}/b.copy"));
            let stored = room.side.proxies.get_object(&path).await.expect("it is stored");
            assert_eq!(stored.content, "two\0\0", "it has its least size");
            assert_eq!(stored.headers["content-type"], "text/x-copy");
            assert_eq!(stored.headers["x-object-meta-by"], "test");
        }
    });
}

#[test]
fn sessions_stream_to_each_other_whatever_lies_where() {
    in_room(async |room| {
        // Several times what a pipe holds.
        let data: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
        room.put("data", data.clone()).await;
        room.put("send.wasm", copies(&[(None, Some("dev/out/middle"))])).await;
        room.put("pass.wasm", copies(&[(Some("dev/in/first"), Some("dev/out/last"))])).await;
        room.put("last.wasm", cat_files(&["dev/in/middle"])).await;
        let stdin = r#"{"name": "stdin", "path": "swift://~/demo/data"}"#;
        let nodes = [
            node("first", "send.wasm", stdin, r#", "connect": ["middle"]"#),
            node("middle", "pass.wasm", "", r#", "connect": ["last"]"#),
            node("last", "last.wasm", STDOUT, ""),
        ];
        for asked in both(&room) {
            let answer = job(&asked, &nodes).await;
            assert_answer(&answer, 200, data.clone());
            let line: Vec<&str> = header(&answer, "x-nexe-cdr-line").split(", ").collect();
            let figures: Vec<&str> = line[4].split(' ').collect();
            let bytes = data.len().to_string();
            assert_eq!((figures[2], figures[7], figures[9]), ("0", &*bytes, &*bytes), "{line:?}");
        }
    });
}

#[test]
fn many_to_many_and_a_path_to_a_node_work_together() {
    in_room(async |room| {
        let to_both = [(None, Some("dev/out/red-1")), (Some("dev/input"), Some("dev/out/red-2"))];
        room.put("map.wasm", copies(&to_both)).await;
        room.put("all.wasm", copies(&[(Some("dev/in/red-2"), None), (Some("dev/in/red-1"), None)]))
            .await;
        room.put("cat.wasm", cat()).await;
        room.put("in/x", "x").await;
        room.put("in/y", "y").await;
        let input = r#"{"name": "stdin", "path": "swift://~/demo/in/*"},
                       {"name": "input", "path": "swift://~/demo/in/*"}"#;
        let nodes = [
            node("map", "map.wasm", input, r#", "connect": ["red"]"#),
            node("red", "pass.wasm", "", r#", "count": 2, "connect": ["all"]"#),
            node("all", "all.wasm", r#"{"name": "stdout", "path": "zvm://end:/dev/stdin"}"#, ""),
            node("end", "cat.wasm", STDOUT, ""),
        ];
        room.put(
            "pass.wasm",
            copies(&[
                (Some("dev/in/map-1"), Some("dev/out/all")),
                (Some("dev/in/map-2"), Some("dev/out/all")),
            ]),
        )
        .await;
        for asked in both(&room) {
            assert_answer(&job(&asked, &nodes).await, 200, "xyxy");
        }
    });
}

#[test]
fn a_session_that_dies_gives_its_reader_an_error_and_the_job_says_so() {
    in_room(async |room| {
        room.put("dies.wasm", dies_writing("dev/out/reader")).await;
        room.put("reader.wasm", cat_files(&["dev/in/writer"])).await;
        let nodes = [
            node("writer", "dies.wasm", "", r#", "connect": ["reader"]"#),
            node("reader", "reader.wasm", STDOUT, ""),
        ];
        for asked in both(&room) {
            let answer = job(&asked, &nodes).await;
            assert_answer(&answer, 500, "dev/");
            assert_eq!(header(&answer, "x-nexe-retcode"), "-1,29", "the reader's last read failed");
            assert!(header(&answer, "x-nexe-error").starts_with("writer: trap: "));
        }
    });
}

#[test]
fn a_session_that_leaves_early_holds_nobody_up() {
    in_room(async |room| {
        room.put("data", vec![7; 3_000_000]).await;
        room.put("send.wasm", copies(&[(None, Some("dev/out/gone"))])).await;
        room.put("leaves.wasm", leaves()).await;
        let stdin = r#"{"name": "stdin", "path": "swift://~/demo/data"}"#;
        let nodes = [
            node("writer", "send.wasm", stdin, r#", "connect": ["gone"]"#),
            node("gone", "leaves.wasm", "", ""),
        ];
        for asked in both(&room) {
            let answer = job(&asked, &nodes).await;
            assert_answer(&answer, 200, "");
            assert_eq!(header(&answer, "x-nexe-retcode"), "0,0");
        }
    });
}

#[test]
fn sessions_that_wait_for_each_other_are_out_of_time_and_others_go_on() {
    in_room(async |room| {
        room.put("wait-a.wasm", cat_files(&["dev/in/b"])).await;
        room.put("wait-b.wasm", cat_files(&["dev/in/a"])).await;
        let nodes = [
            node("a", "wait-a.wasm", STDOUT, r#", "connect": ["b"]"#),
            node("b", "wait-b.wasm", "", r#", "connect": ["a"]"#),
        ];
        for asked in both(&room) {
            let begun = room.now();
            let answer = job(&asked, &nodes).await;
            assert_answer(&answer, 500, "");
            assert!(
                header(&answer, "x-nexe-status").contains("out of time"),
                "{:?}",
                answer.headers
            );
            assert!(room.now().since(begun).as_secs() < 30);
        }
        assert_serves(&room, "after a deadlock").await;
    });
}

#[test]
fn a_container_is_read_as_the_lines_of_its_listing() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        for asked in both(&room) {
            let stdin = r#"{"name": "stdin", "path": "swift://~/demo"}, {"name": "stdout"}"#;
            let answer = job(&asked, &[node("list", "cat.wasm", stdin, "")]).await;
            assert_eq!(answer.status.as_u16(), 200, "{:?}", answer.headers);
            let rows: Vec<serde_json::Value> = answer
                .body
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).expect("each line is an object"))
                .collect();
            let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
            assert_eq!(names, ["cat.wasm", "linecount.wasm", "log.txt"]);
            for key in ["bytes", "hash", "content_type", "last_modified"] {
                assert!(!rows[2][key].is_null(), "{key} is missing: {}", rows[2]);
            }
        }
    });
}

#[test]
fn a_wildcard_of_containers_lists_each_of_them() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        let stdin = r#"{"name": "stdin", "path": "swift://~/de*/log*"}, {"name": "stdout"}"#;
        for asked in both(&room) {
            let answer = job(&asked, &[node("all", "cat.wasm", stdin, "")]).await;
            assert_answer(&answer, 200, "a banana\nan apple\nbananabanana\n");
        }
    });
}
