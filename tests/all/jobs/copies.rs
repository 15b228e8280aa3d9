//! Copies of sessions: where they run, and what happens when one is lost.

use super::guests::{cat, cat_files, copies};
use super::{assert_answer, header, in_room, job, node};

const DEVICES: &str = r#"{"name": "stdin", "path": "swift://~/demo/log.txt"}, {"name": "stdout"}"#;
const LOG: &str = "a banana\nan apple\nbananabanana\n";

#[test]
fn copies_run_and_agree() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        for copies in [2, 3] {
            let more = format!(r#", "replicate": {copies}"#);
            let answer = job(&room.side.proxies, &[node("twin", "cat.wasm", DEVICES, &more)]).await;
            assert_answer(&answer, 200, LOG);
            assert_eq!(header(&answer, "x-stayput-copies"), format!("{copies}/{copies}"));
            assert_eq!(header(&answer, "x-stayput-deviating"), "");
            assert_eq!(header(&answer, "x-nexe-system"), "twin", "copies are not named");
        }
    });
}

#[test]
fn copies_beside_an_object_that_they_write_are_as_many_as_its_replicas() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        let stdout = r#"{"name": "stdout", "path": "swift://~/demo/out"}"#;
        let nodes = [node("twin", "cat.wasm", stdout, r#", "replicate": 2"#)];
        let answer = job(&room.side.proxies, &nodes).await;
        assert_answer(&answer, 200, "");
        assert_eq!(header(&answer, "x-stayput-copies"), "3/3");
    });
}

#[test]
fn copies_of_sessions_that_talk_talk_among_themselves() {
    in_room(async |room| {
        room.put("send.wasm", copies(&[(None, Some("dev/out/reader"))])).await;
        room.put("reader.wasm", cat_files(&["dev/in/writer"])).await;
        let stdin = r#"{"name": "stdin", "path": "swift://~/demo/log.txt"}"#;
        let nodes = [
            node("writer", "send.wasm", stdin, r#", "connect": ["reader"]"#),
            node("reader", "reader.wasm", r#"{"name": "stdout"}"#, r#", "replicate": 3"#),
        ];
        let answer = job(&room.side.proxies, &nodes).await;
        assert_answer(&answer, 200, LOG);
        assert_eq!(header(&answer, "x-stayput-copies"), "3/3,3/3");
    });
}
