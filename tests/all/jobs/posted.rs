//! Other ways to post a job: an image that holds it, a script, and the name of an object that is
//! one.

use bytes::Bytes;
use stayput_store::client::{Client, JobAnswer};
use stayput_store::http::{HeaderName, HeaderValue};

use super::guests::{cat, cat_files};
use super::{assert_answer, both, in_room, node};
use crate::bad_input::room::assert_serves;

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *bytes).expect("a tar in memory takes all");
    }
    tar.into_inner().expect("a tar in memory takes all")
}

async fn posted(
    to: &Client,
    content_type: &str,
    body: impl Into<Bytes>,
    source: Option<&str>,
) -> JobAnswer {
    let source = source.map(|source| {
        let value = HeaderValue::try_from(source).expect("a good value");
        (HeaderName::from_static("x-zerovm-source"), value)
    });
    let headers: Vec<_> = source.into_iter().collect();
    to.post_job(body.into(), content_type, &headers).await.expect("it is answered")
}

const MAP: &str =
    r#"[{"name": "app", "exec": {"path": "bin/cat.wasm"}, "devices": [{"name": "stdout"}]}]"#;

#[test]
fn an_image_with_a_map_is_a_job() {
    in_room(async |room| {
        let module = cat_files(&["etc/greeting"]);
        for map in ["boot/system.map", "boot/cluster.map"] {
            let image = tar(&[
                (map, MAP.as_bytes()),
                ("bin/cat.wasm", &module),
                ("etc/greeting", b"hello\n"),
            ]);
            for asked in both(&room) {
                assert_answer(
                    &posted(&asked, "application/x-tar", image.clone(), None).await,
                    200,
                    "hello\n",
                );
            }
        }
    });
}

#[test]
fn an_image_that_is_no_job_is_refused_by_what_it_lacks() {
    in_room(async |room| {
        let cases = [
            (tar(&[("readme", b"no map")]), 400, "boot/system.map"),
            (tar(&[("boot/system.map", b"[")]), 422, "boot/system.map"),
            (tar(&[("boot/system.map", b"[]")]), 400, "boot/system.map"),
            (vec![1; 2000], 422, "tar"),
            (b"\x1f\x8bno gzip".to_vec(), 422, "gzip"),
            (
                tar(&[(
                    "boot/system.map",
                    MAP.replace(
                        r#"{"name": "stdout"}"#,
                        r#"{"name": "image", "path": "swift://~/demo/log.txt"}"#,
                    )
                    .as_bytes(),
                )]),
                400,
                "node \"app\", field `devices`",
            ),
        ];
        for (image, status, why) in cases {
            for asked in both(&room) {
                let answer = posted(&asked, "application/gzip", image.clone(), None).await;
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                assert_eq!(answer.status.as_u16(), status, "{said}");
                assert!(said.contains(why), "`{why}` is not in {said}");
            }
        }
        assert_serves(&room, "after bad images").await;
    });
}

#[test]
fn a_script_is_run_by_the_interpreter_that_it_names() {
    in_room(async |room| {
        room.put("bin/show.wasm", cat_files(&["script"])).await;
        for first in ["#! /demo/bin/show.wasm", "#!swift://~/demo/bin/show.wasm -x"] {
            let script = format!("{first}\nprint 'Test'\n");
            for asked in both(&room) {
                let answer = posted(&asked, "application/x-python", script.clone(), None).await;
                assert_answer(&answer, 200, script.clone());
            }
        }
    });
}

#[test]
fn a_script_without_an_interpreter_is_refused_with_what_to_write() {
    in_room(async |room| {
        let cases = [
            ("#!\n", 400, "names no interpreter"),
            ("#! python\n", 400, "no path in it"),
            ("#! swift://~/demo\n", 400, "not an executable object"),
            ("#! /demo/absent\n", 404, "absent"),
            ("#! nopython bin/python\n", 400, "no system image \"nopython\""),
            ("print 'Test'\n", 415, "does not begin with `#!`"),
        ];
        for (script, status, why) in cases {
            for asked in both(&room) {
                let answer = posted(&asked, "text/x-script", script, None).await;
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                assert_eq!(answer.status.as_u16(), status, "{script:?}: {said}");
                assert!(said.contains(why), "`{why}` is not in {said}");
            }
        }
    });
}

#[test]
fn a_job_that_is_an_object_takes_the_body_as_its_data() {
    in_room(async |room| {
        room.put("cat.wasm", cat()).await;
        let devices = r#"{"name": "stdin"}, {"name": "stdout", "content_type": "text/x-answer"}"#;
        let description = format!("[{}]", node("data", "cat.wasm", devices, ""));
        let path = stayput_testkit::cluster::object("job.json");
        let stored = room.side.proxies.put_object(&path, description.into(), "application/json");
        stored.await.expect("it is stored");
        for asked in both(&room) {
            let source = Some("swift://~/demo/job.json");
            let answer = posted(&asked, "text/csv", "1,2\n", source).await;
            assert_answer(&answer, 200, "1,2\n");
            assert_eq!(answer.headers["content-type"], "text/x-answer");
            for (source, status) in [
                ("swift://~/demo/absent", 404),
                ("swift://AUTH_other/demo/job.json", 403),
                ("swift://~/demo", 400),
                ("swift://~/demo/*", 400),
                ("demo/job.json", 400),
            ] {
                let answer = posted(&asked, "text/csv", "1,2\n", Some(source)).await;
                assert_eq!(answer.status.as_u16(), status, "{source}");
            }
        }
    });
}
