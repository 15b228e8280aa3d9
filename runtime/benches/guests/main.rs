//! Measures each role of the example jobs by itself: megabytes of its input per second of one core,
//! and fuel per byte.
//!
//! Wall clock, medians; run it with `--release`. What a role reads from its peers is what they
//! wrote in a run before, and goes in and out of memory. Leaves out pipes and scheduling.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark is timed")]

use bytes::Bytes;
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::session::SessionSpec;
use std::collections::BTreeMap;
use std::time::Instant;

const CSVFILTER: &[u8] = include_bytes!("../../guests/csvfilter.wasm");
const SORT: &[u8] = include_bytes!("../../guests/sort.wasm");
const WORDS: &[u8] = include_bytes!("../../guests/words.wasm");

const INPUT_BYTES: usize = 16_000_000;
const DISTINCT_BYTES: usize = 4_000_000;
const ROUNDS: usize = 9;
const RECORD_BYTES: usize = 100;

fn main() {
    let engine = Engine::new();
    let compile = |wasm: &[u8]| engine.compile(wasm).expect("the guest is valid");
    let (words, sort, csv) = (compile(WORDS), compile(SORT), compile(CSVFILTER));
    println!("role                    MB/s   fuel/byte   of {ROUNDS} rounds");

    for (what, text) in [("words", text()), ("all different", distinct())] {
        let mapped =
            measure(&format!("map, {what}"), &words, "map", &[("input", text)], &["out/r"]);
        let counts = mapped.outputs["out/r"].clone();
        let reduced = measure("  reduce", &words, "reduce", &[("in/m", counts)], &["out/x"]);
        let sorted = reduced.outputs["out/x"].clone();
        measure("  merge", &words, "merge", &[("in/r", sorted)], &["stdout"]);
    }

    let inputs = [("input", records()), ("in/sampler", splits())];
    let sorters = ["out/sampler", "out/s-1", "out/s-2", "out/s-3", "out/s-4"];
    let parts = measure("partition in four", &sort, "partition", &inputs, &sorters);
    let part = parts.outputs["out/s-1"].clone();
    let range = measure("sort", &sort, "sort", &[("in/p", part)], &["output"]);
    measure("check", &sort, "check", &[("input", range.outputs["output"].clone())], &["stdout"]);

    for share in ["0.01", "0.2", "1"] {
        let args = format!("--keep {share}");
        measure(&format!("csv {args}"), &csv, &args, &[("input", table())], &["output"]);
    }
}

fn measure(
    what: &str,
    module: &Module,
    args: &str,
    inputs: &[(&str, Bytes)],
    outputs: &[&str],
) -> LocalRun {
    let mut times = Vec::new();
    let mut ran = None;
    for _ in 0..ROUNDS {
        let spec = spec(module, args, inputs, outputs);
        let inputs: BTreeMap<String, Bytes> =
            inputs.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
        let start = Instant::now();
        let run = local::run(spec, inputs);
        times.push(start.elapsed().as_secs_f64());
        assert_eq!(run.outcome.end.exit_code(), Some(0), "{what}: {:?}", run.outputs.get("stderr"));
        ran = Some(run);
    }
    times.sort_by(f64::total_cmp);
    let ran = ran.expect("there is a round");
    let len = inputs[0].1.len() as f64;
    println!(
        "{what:<20} {:>7.0} {:>11.2}",
        len / 1e6 / times[ROUNDS / 2],
        ran.outcome.fuel as f64 / len
    );
    ran
}

fn spec(module: &Module, args: &str, inputs: &[(&str, Bytes)], outputs: &[&str]) -> SessionSpec {
    let device = |name: &str, kind| DeviceSpec {
        name: name.to_owned(),
        kind,
        mode: DeviceMode::File,
        size: 0,
    };
    let read = inputs.iter().map(|(name, _)| match *name {
        "input" => device(name, DeviceKind::RandomRead),
        pipe => device(pipe, DeviceKind::SequentialRead),
    });
    let written = outputs.iter().map(|name| device(name, DeviceKind::SequentialWrite));
    let stderr = device("stderr", DeviceKind::SequentialWrite);
    SessionSpec {
        module: module.clone(),
        args: ["guest"].into_iter().chain(args.split(' ')).map(str::to_owned).collect(),
        env: Vec::new(),
        devices: read.chain(written).chain([stderr]).collect(),
        images: Vec::new(),
        limits: SessionLimits::default(),
        entropy: [0; 32],
    }
}

struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 29)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

/// Words of one to eight letters, of which those of rank k are about as frequent as 1 / k.
fn text() -> Bytes {
    let mut draws = Draws(1);
    let mut text = Vec::with_capacity(INPUT_BYTES + 16);
    while text.len() < INPUT_BYTES {
        let bound = 1 << draws.below(12);
        let mut rank = (bound + draws.below(bound)).wrapping_mul(0x9e37_79b9) | 1;
        let len = 1 + bound.trailing_zeros() as usize / 2 + (rank >> 8) as usize % 3;
        for _ in 0..len {
            text.push(b'a' + (rank % 26) as u8);
            rank /= 26;
        }
        text.push(b' ');
    }
    text.into()
}

fn distinct() -> Bytes {
    let mut text = String::with_capacity(DISTINCT_BYTES + 16);
    for number in 0_u64.. {
        if text.len() >= DISTINCT_BYTES {
            break;
        }
        text.push_str(&format!("{:x} ", number * 7_919 + 1));
    }
    text.into()
}

fn records() -> Bytes {
    let mut draws = Draws(2);
    let mut all = vec![0; INPUT_BYTES / RECORD_BYTES * RECORD_BYTES];
    all.fill_with(|| (draws.next() >> 24) as u8);
    all.into()
}

/// Answer of a sampler: three keys that split evenly spread ones into four, and the end.
fn splits() -> Bytes {
    let mut frame = 30_u32.to_le_bytes().to_vec();
    for first in [0x40, 0x80, 0xc0] {
        frame.extend_from_slice(&[first, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    frame.extend_from_slice(&[0; 4]);
    frame.into()
}

/// Rows of about sixty bytes.
fn table() -> Bytes {
    let mut draws = Draws(3);
    let mut text = "id,score,city,remark\n".to_owned();
    let remark = "sold at the door in the morning, and paid for in the evening";
    for id in 0.. {
        if text.len() >= INPUT_BYTES {
            break;
        }
        let remark = &remark[..draws.below(32) as usize];
        text.push_str(&format!("{id},0.{:06},Lisbon or so,{remark}\n", draws.below(1_000_000)));
    }
    text.into()
}
