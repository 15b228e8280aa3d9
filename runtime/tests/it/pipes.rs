//! Whole jobs on one machine: sessions that talk through pipes.

use crate::support::{compile, device, spec};
use bytes::Bytes;
use stayput_runtime::device::DeviceKind;
use stayput_runtime::job::{JobPipe, PipeTip};
use stayput_runtime::local::{LocalSession, SessionRun, run_job};
use stayput_runtime::outcome::EndReason;
use stayput_runtime::pipe::PIPE_BYTES;
use std::collections::BTreeMap;

/// Copies its standard input to its standard output by `buffer` bytes; exits with the error number
/// of what fails.
fn cat(buffer: u32) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 32)
            (func (export "_start") (local $error i32)
                (loop $again
                    (i32.store (i32.const 0) (i32.const 64))
                    (i32.store (i32.const 4) (i32.const {buffer}))
                    (local.set $error (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                    (if (local.get $error) (then (call $exit (local.get $error))))
                    (if (i32.eqz (i32.load (i32.const 8))) (then (return)))
                    (i32.store (i32.const 4) (i32.load (i32.const 8)))
                    (local.set $error (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
                    (if (local.get $error) (then (call $exit (local.get $error))))
                    (br $again))))"#
    ))
    .unwrap()
}

/// Writes once and traps.
fn dies() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "last words")
            (func (export "_start")
                (i32.store (i32.const 0) (i32.const 64))
                (i32.store (i32.const 4) (i32.const 10))
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                unreachable))"#,
    )
    .unwrap()
}

/// Ends at once.
fn leaves() -> Vec<u8> {
    wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#).unwrap()
}

/// A session of `module` with standard input and output.
fn session(module: &[u8], input: impl Into<Bytes>) -> LocalSession {
    let mut spec = spec(&compile(module), &["it"]);
    spec.devices = vec![
        device("stdin", DeviceKind::SequentialRead),
        device("stdout", DeviceKind::SequentialWrite),
    ];
    LocalSession { spec, inputs: BTreeMap::from([("stdin".to_owned(), input.into())]) }
}

/// From the output of a session to the input of another.
fn pipe(from: usize, to: usize) -> JobPipe {
    JobPipe { from: PipeTip { session: from, device: 1 }, to: PipeTip { session: to, device: 0 } }
}

fn exit_code(run: &SessionRun) -> Option<u32> {
    run.outcome.as_ref().and_then(|outcome| outcome.end.exit_code())
}

#[test]
fn what_one_session_writes_the_next_one_reads() {
    let data: Vec<u8> = (0..3 * PIPE_BYTES).map(|i| (i % 251) as u8).collect();
    let sessions = vec![
        session(&cat(70_000), data.clone()),
        session(&cat(1_000), ""),
        session(&cat(33_333), ""),
    ];
    let runs = run_job(sessions, &[pipe(0, 1), pipe(1, 2)]);
    assert!(runs.iter().all(|run| exit_code(run) == Some(0)), "{runs:?}");
    assert_eq!(runs[2].outputs["stdout"], data);
    assert!(runs[0].outputs.is_empty(), "what went into a pipe is no output");
}

#[test]
fn the_order_of_sessions_changes_nothing_that_they_do() {
    let data = vec![7_u8; 100_000];
    let forwards =
        run_job(vec![session(&cat(9_000), data.clone()), session(&cat(4_000), "")], &[pipe(0, 1)]);
    let backwards =
        run_job(vec![session(&cat(4_000), ""), session(&cat(9_000), data)], &[pipe(1, 0)]);
    assert_eq!(forwards[0], backwards[1]);
    assert_eq!(forwards[1], backwards[0]);
}

#[test]
fn the_reader_of_a_session_that_died_gets_what_it_wrote_and_then_an_error() {
    const EIO: u32 = 29;
    let runs = run_job(vec![session(&dies(), ""), session(&cat(4), "")], &[pipe(0, 1)]);
    assert!(matches!(runs[0].outcome.as_ref().unwrap().end, EndReason::Trapped { .. }));
    assert_eq!(exit_code(&runs[1]), Some(EIO));
    assert_eq!(runs[1].outputs["stdout"], "last words");
}

#[test]
fn the_writer_to_a_session_that_left_goes_on_to_its_end() {
    let data = vec![1_u8; 5 * PIPE_BYTES];
    let runs = run_job(vec![session(&cat(10_000), data), session(&leaves(), "")], &[pipe(0, 1)]);
    assert_eq!(exit_code(&runs[0]), Some(0));
    assert_eq!(
        runs[0].outcome.as_ref().unwrap().accounting.devices[1].written_bytes,
        5 * PIPE_BYTES as u64
    );
}

#[test]
fn sessions_that_wait_for_each_other_are_told_of_and_not_waited_for() {
    let runs = run_job(
        vec![session(&cat(10), ""), session(&cat(10), ""), session(&cat(10), "x")],
        &[pipe(0, 1), pipe(1, 0)],
    );
    assert!(runs[0].outcome.is_none() && runs[1].outcome.is_none());
    assert_eq!(exit_code(&runs[2]), Some(0), "who has no part in it ends as ever");
}
