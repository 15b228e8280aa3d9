//! Modules that take what they can get: time, memory, stack, output.

use std::time::Duration;

use stayput_jobs::session::result::{SESSION_TIME_MAX, STAGED_BYTES_MAX};
use stayput_store::client::JobAnswer;

use super::room::{assert_serves, header, job_of, object, post, run, text};
use stayput_testkit::cluster::Store;

const IMPORTS: &str = r#"
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pwrite"
        (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
"#;

/// WASI's number for a quota that is used up.
const EDQUOT: &str = "19";

fn command(memory_pages: u32, body: &str) -> Vec<u8> {
    let text = format!(
        "(module {IMPORTS} (memory (export \"memory\") {memory_pages})
            (data (i32.const 0) \"\\10\\00\\00\\00\\00\\00\\10\\00\")
            (func $f (call $f)) (func $g (call $h)) (func $h (call $g))
            (func (export \"_start\") (local $e i32) {body}))"
    );
    wat::parse_str(text).expect("the test's own module is well-formed")
}

/// Posts a job of that module to proxy and worker. Both answer in bounded time, and serve
/// afterwards.
async fn post_to_both(room: &Store, name: &str, wasm: Vec<u8>) -> Vec<JobAnswer> {
    room.put(name, wasm).await;
    let mut answers = Vec::new();
    for asked in [&room.side.proxies, &room.side.workers] {
        let begun = room.now();
        let answer = post(asked, &job_of(name)).await;
        let took = room.now().since(begun);
        assert!(took < SESSION_TIME_MAX + Duration::from_secs(5), "{name} took {took:?}");
        answers.push(answer);
    }
    assert_serves(room, name).await;
    answers
}

async fn assert_fails(name: &'static str, room: &Store, wasm: Vec<u8>, wanted: &[&str]) {
    for answer in post_to_both(room, name, wasm).await {
        let why = header(&answer, "x-nexe-error");
        assert_eq!(answer.status.as_u16(), 500, "{name}: {why} {}", text(&answer));
        assert!(wanted.iter().any(|wanted| why.starts_with(wanted)), "{name}: {why}");
        assert_eq!(header(&answer, "x-nexe-status"), why);
        assert_eq!(header(&answer, "x-nexe-retcode"), "-1");
        assert_eq!(header(&answer, "x-nexe-validation"), "0");
    }
}

#[test]
fn a_module_that_loops_for_ever_is_out_of_fuel_or_time() {
    run(async |room| {
        let ends = ["out of fuel", "out of time"];
        let empty = "(loop $l (br $l))";
        assert_fails("empty-loop", &room, command(1, empty), &ends).await;
        let filling =
            "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))";
        assert_fails("filling", &room, command(1, filling), &ends).await;
        let growing = "(loop $l (drop (memory.grow (i32.const 1))) (br $l))";
        assert_fails("growing", &room, command(1, growing), &ends).await;
    });
}

#[test]
fn a_module_whose_start_section_loops_for_ever_is_stopped_as_well() {
    run(async |room| {
        let text = "(module (memory (export \"memory\") 1) (func $l (loop $l (br $l))) (start $l)
                    (func (export \"_start\")))";
        let wasm = wat::parse_str(text).expect("well-formed");
        assert_fails("start-loop", &room, wasm, &["out of fuel", "out of time"]).await;
    });
}

#[test]
fn a_module_that_sleeps_for_ever_is_out_of_time() {
    run(async |room| {
        // A subscription to the monotonic clock, for the longest time that there is.
        let sleep = "(i32.store8 (i32.const 72) (i32.const 0))
            (i32.store (i32.const 80) (i32.const 1))
            (i64.store (i32.const 88) (i64.const -1))
            (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))
            unreachable";
        assert_fails("sleeper", &room, command(1, sleep), &["out of time"]).await;
    });
}

#[test]
fn a_module_that_asks_for_too_much_memory_is_out_of_memory() {
    run(async |room| {
        let give_up =
            "(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))";
        assert_fails("grow-at-once", &room, command(1, give_up), &["out of memory"]).await;
        let by_and_by =
            "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
        assert_fails("grow-by-and-by", &room, command(1, by_and_by), &["out of memory"]).await;
        let from_the_start = command(65_536, "nop");
        assert_fails("four-gib", &room, from_the_start, &["out of memory"]).await;
        let table = "(module (table 4000000000 funcref) (memory (export \"memory\") 1)
                     (func (export \"_start\")))";
        let wasm = wat::parse_str(table).expect("well-formed");
        assert_fails("table", &room, wasm, &["limit reached: table elements"]).await;
    });
}

#[test]
fn a_module_that_recurses_without_end_traps() {
    run(async |room| {
        assert_fails("recursion", &room, command(1, "(call $f)"), &["trap"]).await;
        assert_fails("two-in-turn", &room, command(1, "(call $g)"), &["trap"]).await;
    });
}

#[test]
fn traps_are_told_apart_from_exit_codes() {
    run(async |room| {
        assert_fails("unreachable", &room, command(1, "unreachable"), &["trap"]).await;
        let divide = "(drop (i32.div_u (i32.const 1) (i32.const 0)))";
        assert_fails("division", &room, command(1, divide), &["trap"]).await;
        let outside = "(drop (i32.load (i32.const -1)))";
        assert_fails("outside", &room, command(1, outside), &["trap"]).await;
        let wasm = command(1, "(call $exit (i32.const 77))");
        for answer in post_to_both(&room, "exit", wasm).await {
            assert_eq!(answer.status.as_u16(), 200);
            assert_eq!(header(&answer, "x-nexe-retcode"), "77");
            assert_eq!(header(&answer, "x-nexe-error"), "");
        }
    });
}

#[test]
fn a_module_that_writes_without_end_gets_edquot_and_no_more_is_staged() {
    run(async |room| {
        let until_refused = "(loop $l
            (local.set $e (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (br_if $l (i32.eqz (local.get $e))))
            (call $exit (local.get $e))";
        for answer in post_to_both(&room, "writer", command(17, until_refused)).await {
            assert_eq!(answer.status.as_u16(), 200, "{}", header(&answer, "x-nexe-error"));
            assert_eq!(header(&answer, "x-nexe-retcode"), EDQUOT);
            assert_eq!(answer.body.len() as u64, STAGED_BYTES_MAX);
        }
    });
}

#[test]
fn a_module_that_does_not_hear_edquot_is_stopped() {
    run(async |room| {
        let deaf = "(loop $l
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (br $l))";
        for answer in post_to_both(&room, "deaf-writer", command(17, deaf)).await {
            let why = header(&answer, "x-nexe-error");
            assert_eq!(answer.status.as_u16(), 500, "{why}");
            assert!(["out of fuel", "out of time"].contains(&why), "{why}");
            assert!(answer.body.len() as u64 <= STAGED_BYTES_MAX);
        }
    });
}

#[test]
fn a_hole_of_a_terabyte_is_refused_and_the_output_is_stored_without_it() {
    run(async |room| {
        // Opens /dev/output below the only directory that it is given, and writes far behind its
        // end.
        let body = "(i32.store (i32.const 32) (i32.const 0))
            (local.set $e (call $open (i32.const 3) (i32.const 0) (i32.const 48) (i32.const 10)
                (i32.const 0) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
            (if (local.get $e) (then (call $exit (i32.add (i32.const 100) (local.get $e)))))
            (i32.store (i32.const 4) (i32.const 1))
            (call $exit (call $pwrite (i32.load (i32.const 32)) (i32.const 0) (i32.const 1)
                (i64.const 1099511627776) (i32.const 8)))";
        let wasm = command(17, &format!("{} {body}", store_text(48, "dev/output")));
        room.put("hole", wasm).await;
        let job = job_of("hole").replace(
            "{\"name\": \"stdout\"}",
            "{\"name\": \"stdout\"}, {\"name\": \"output\", \"path\": \"swift://~/demo/hole.out\"}",
        );
        for asked in [&room.side.proxies, &room.side.workers] {
            let answer = post(asked, &job).await;
            assert_eq!(
                answer.status.as_u16(),
                200,
                "{} {}",
                header(&answer, "x-nexe-error"),
                text(&answer)
            );
            assert_eq!(header(&answer, "x-nexe-retcode"), EDQUOT);
            let stored = room.side.proxies.get_object(&object("hole.out")).await;
            assert_eq!(stored.expect("it is stored").content.len(), 0);
        }
        assert_serves(&room, "hole").await;
    });
}

/// Instructions that put `text` at `address`.
fn store_text(address: usize, text: &str) -> String {
    let store = |(offset, byte): (usize, u8)| {
        format!("(i32.store8 (i32.const {}) (i32.const {byte}))", address + offset)
    };
    text.bytes().enumerate().map(store).collect()
}

#[test]
fn many_rude_jobs_at_once_leave_room_for_a_good_one() {
    run(async |room| {
        room.put("loop", command(1, "(loop $l (br $l))")).await;
        for _ in 0..20 {
            let proxies = room.side.proxies.clone();
            room.side.host.spawn(async move {
                // Whether it is run or turned away, it gets an answer or gives up.
                let _ended = proxies.post_job(job_of("loop").into(), "application/json", &[]).await;
            });
        }
        room.side.host.sleep(Duration::from_millis(200)).await;
        assert_serves(&room, "while others loop").await;
    });
}
