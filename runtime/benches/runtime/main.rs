//! Measures the runtime: the line counter's rate, the start of a cached module, and what our
//! devices cost against bare wasmi. Wall clock of one core, medians; run it with `--release`.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark is timed")]

mod bare;

use bytes::Bytes;
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::limits::Limits;
use stayput_runtime::local;
use stayput_runtime::session::{Pause, Session, SessionSpec};
use std::collections::BTreeMap;
use std::time::Instant;

const LINECOUNT: &[u8] = include_bytes!("../../guests/linecount.wasm");
const SMALL: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call 0 (i32.const 3))))"#;

const LOG_BYTES: usize = 64 << 20;
const ROUNDS: usize = 41;
const STARTS: usize = 2_000;
/// Ranks that hold the median of 41 rounds with 95 % certainty (binomial, p = 1/2).
const INTERVAL_RANKS: (usize, usize) = (13, 27);

fn main() {
    let engine = Engine::new();
    let log = log(LOG_BYTES);
    let (ours, bare) = compare(&engine, &log);
    let ratios = sorted(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    let rate = |seconds: &[f64]| LOG_BYTES as f64 / 1e6 / sorted(seconds.to_vec())[ROUNDS / 2];
    let starts = starts(&engine);
    let compiles: Vec<f64> = (0..200).map(|_| timed(|| drop(engine.compile(LINECOUNT)))).collect();

    println!("line counter, {} MiB of log, {ROUNDS} rounds interleaved", LOG_BYTES >> 20);
    println!("  our devices          {:8.0} MB/s", rate(&ours));
    println!("  bare wasmi           {:8.0} MB/s", rate(&bare));
    println!(
        "  time, ours to bare   {:8.4}  (95 % of the median: {:.4} to {:.4}; aim: at most 1.05)",
        ratios[ROUNDS / 2],
        ratios[INTERVAL_RANKS.0],
        ratios[INTERVAL_RANKS.1]
    );
    println!("small module, {STARTS} starts");
    println!("  cached, to its exit  {:8.1} us  (aim: below 100)", starts[STARTS / 2] * 1e6);
    println!("  99th percentile      {:8.1} us", starts[STARTS * 99 / 100] * 1e6);
    println!("compiling linecount    {:8.1} us", sorted(compiles)[100] * 1e6);
}

/// Seconds of each round, ours and bare in turn; who goes first alternates.
fn compare(engine: &Engine, log: &Bytes) -> (Vec<f64>, Vec<f64>) {
    let module = engine.compile(LINECOUNT).expect("the guest is valid");
    let bare_module = bare::Bare::new(LINECOUNT);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let mut answers = [String::new(), String::new()];
    for round in 0..=ROUNDS {
        let mut times = [0.0; 2];
        for which in [round % 2, 1 - round % 2] {
            times[which] = timed(|| {
                answers[which] = if which == 0 {
                    count(&module, log)
                } else {
                    bare_module.count(&["linecount", "banana"], log)
                };
            });
        }
        assert_eq!(answers[0], answers[1], "both count the same");
        // The first round warms up.
        if round > 0 {
            ours.push(times[0]);
            bare.push(times[1]);
        }
    }
    (ours, bare)
}

fn count(module: &Module, log: &Bytes) -> String {
    let mut spec = spec(module);
    spec.args = vec!["linecount".to_owned(), "banana".to_owned()];
    let device = |name: &str, kind, mode| DeviceSpec { name: name.to_owned(), kind, mode, size: 0 };
    spec.devices = vec![
        device("stdout", DeviceKind::SequentialWrite, DeviceMode::Pipe),
        device("input", DeviceKind::RandomRead, DeviceMode::File),
    ];
    let run = local::run(spec, BTreeMap::from([("input".to_owned(), log.clone())]));
    String::from_utf8_lossy(&run.outputs["stdout"]).into_owned()
}

fn starts(engine: &Engine) -> Vec<f64> {
    let wasm = wat::parse_str(SMALL).expect("the module is valid");
    let module = engine.compile(&wasm).expect("the module is valid");
    let start = || {
        let mut session = Session::new(spec(&module));
        assert!(matches!(session.step(0, 1_000_000), Pause::Ended(_)));
    };
    sorted((0..STARTS).map(|_| timed(start)).collect())
}

fn spec(module: &Module) -> SessionSpec {
    SessionSpec {
        module: module.clone(),
        args: vec!["guest".to_owned()],
        env: Vec::new(),
        devices: Vec::new(),
        images: Vec::new(),
        limits: Limits::default(),
        entropy: [0; 32],
    }
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

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
