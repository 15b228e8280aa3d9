//! One job of sessions that talk over all networks: they must not matter to what comes of it.
//!
//! Leaves out times, and the bytes that move.

use stayput_host::Backend;
use stayput_store::client::JobAnswer;

use super::guests::{cat_files, copies};
use super::stage::{counts, spec};
use super::{assert_answer, header, job, node};
use stayput_testkit::cluster::assemble;
use stayput_testkit::world::{fabric, tcp, turmoil};

fn data(seed: u32) -> Vec<u8> {
    (0..150_000_u32).map(|i| ((i * seed) % 251) as u8).collect()
}

/// Runs a chain of three, of which the middle one sends to a group on its way to the last, on
/// storage and on a worker.
fn run(mut world: Box<dyn Backend>) -> [JobAnswer; 2] {
    let (_cluster, found) = assemble(&mut *world, &spec(counts(1), 1, 10), |store| async move {
        let to_group = [
            (Some("dev/in/first"), Some("dev/out/group-1")),
            (Some("dev/input"), Some("dev/out/group-2")),
        ];
        for (name, module) in [
            ("first.wasm", copies(&[(None, Some("dev/out/middle"))])),
            ("middle.wasm", copies(&to_group)),
            ("group.wasm", copies(&[(Some("dev/in/middle"), Some("dev/out/last"))])),
            ("last.wasm", cat_files(&["dev/in/group-2", "dev/in/group-1"])),
            ("one", data(1)),
            ("two", data(2)),
        ] {
            store.put(name, module).await;
        }
        let stdin = r#"{"name": "stdin", "path": "swift://~/demo/one"}"#;
        let input = r#"{"name": "input", "path": "swift://~/demo/two"}"#;
        let nodes = [
            node("first", "first.wasm", stdin, r#", "connect": ["middle"]"#),
            node("middle", "middle.wasm", input, r#", "connect": ["group"]"#),
            node("group", "group.wasm", "", r#", "count": 2, "connect": ["last"]"#),
            node("last", "last.wasm", r#"{"name": "stdout"}"#, ""),
        ];
        [job(&store.side.proxies, &nodes).await, job(&store.side.workers, &nodes).await]
    });
    found.wait(&mut *world)
}

fn assert_right(answers: &[JobAnswer; 2]) {
    for answer in answers {
        assert_answer(answer, 200, [data(2), data(1)].concat());
        assert_eq!(header(answer, "x-nexe-retcode"), "0,0,0,0,0");
    }
}

#[test]
fn sessions_that_talk_do_the_same_over_both_simulated_networks_near_and_far() {
    let (fabric, turmoil) = (run(fabric()), run(turmoil()));
    assert_right(&fabric);
    assert_right(&turmoil);
    let fuel = header(&fabric[0], "x-nexe-fuel");
    assert_eq!(fuel.split(',').filter(|fuel| *fuel != "0").count(), 5, "{fuel}");
    for answer in fabric.iter().chain(&turmoil) {
        for name in
            ["x-nexe-system", "x-nexe-retcode", "x-nexe-status", "x-nexe-etag", "x-nexe-fuel"]
        {
            assert_eq!(header(answer, name), header(&fabric[0], name), "{name}");
        }
    }
}

#[test]
fn sessions_that_talk_answer_rightly_over_real_sockets() {
    assert_right(&run(tcp()));
}
