//! scratch
mod wasm;
use crate::support::{inputs, spec};
use stayput_runtime::engine::Engine;
use stayput_runtime::local;
use wasm::*;

fn rss() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
        .map(|s| s.split_whitespace().nth(1).unwrap().to_owned())
        .collect::<Vec<_>>()
        .join("/")
}

fn try_it(what: &str, wasm: Vec<u8>) {
    #[allow(clippy::disallowed_types, clippy::disallowed_methods)]
    let t = std::time::Instant::now();
    let m = Engine::new().compile(&wasm);
    let c = t.elapsed();
    match m {
        Ok(m) => {
            let mut s = spec(&m, &["g"]);
            s.limits.fuel_max = 100_000_000;
            let run = local::run(s, inputs(""));
            println!(
                "{what}: {} bytes, compile {:?}, run {:?}: {} fuel {}, rss {}",
                wasm.len(),
                c,
                t.elapsed() - c,
                run.outcome.end,
                run.outcome.fuel,
                rss()
            );
        }
        Err(e) => println!(
            "{what}: {} bytes, compile {:?}: {}, rss {}",
            wasm.len(),
            c,
            e.to_string().chars().take(150).collect::<String>(),
            rss()
        ),
    }
}

#[test]
fn scratch() {
    let empty = body(&[0], &[]);
    try_it("million functions", Command::plain(1_000_000, empty.repeat(1_000_000)).wasm());
    try_it("1.5 million functions", Command::plain(1_500_000, empty.repeat(1_500_000)).wasm());
    // locals: one decl of N i64
    for n in [1_000usize, 30_000, 50_000, 60_000, 4_000_000_000] {
        let f = body(&list(1, &[leb(n), vec![0x7e]].concat()), &[]);
        // _start: loop { call 1; br 0 }
        let s = body(&[0], b"\x03\x40\x10\x01\x0c\x00\x0b");
        try_it(&format!("locals {n}"), Command::plain(2, [s, f].concat()).wasm());
    }
    // many functions with many locals
    let f = body(&list(1, &[leb(50_000), vec![0x7e]].concat()), &[]);
    try_it("100k functions of 50k locals", Command::plain(100_000, f.repeat(100_000)).wasm());
    // dense ops: i32.const 1 drop
    let f = body(&[0], &b"\x41\x01\x1a".repeat(2_000_000));
    try_it("dense", Command::plain(3, f.repeat(3)).wasm());
    let f = body(&[0], &b"\x41\x01\x45\x45\x45\x45\x45\x45\x1a".repeat(700_000));
    try_it("dense eqz 60MB", Command::plain(9, f.repeat(9)).wasm());
    // br_table with many results
    for (results, targets, tables) in
        [(1usize, 60_000usize, 50usize), (100, 60_000, 1), (1000, 60_000, 1), (1000, 60_000, 10)]
    {
        // type 1: () -> (i32 x results)
        let types = list(
            2,
            &[b"\x60\0\0".to_vec(), [vec![0x60, 0], list(results, &vec![0x7f; results])].concat()]
                .concat(),
        );
        let mut code = Vec::new();
        for _ in 0..tables {
            code.extend(b"\x02\x01"); // block type 1
            code.extend(b"\x02\x01"); // block type 1
            code.extend(b"\x41\x07".repeat(results));
            code.extend(b"\x41\x00\x0e"); // i32.const 0 br_table
            let t: Vec<u8> = (0..targets).map(|i| (i % 2) as u8).collect();
            code.extend(list(targets, &t));
            code.push(0);
            code.push(0x0b);
            code.push(0x0b);
            code.extend(vec![0x1a; results]);
        }
        let s = body(&[0], &code);
        let mut c = Command::plain(1, s);
        c.types = types;
        try_it(&format!("br_table {results} results {targets} targets {tables} tables"), c.wasm());
    }
    // br_if with many results
    let results = 1000;
    let types = list(
        2,
        &[b"\x60\0\0".to_vec(), [vec![0x60, 0], list(results, &vec![0x7f; results])].concat()]
            .concat(),
    );
    let mut code = b"\x02\x01".to_vec();
    code.extend(b"\x41\x07".repeat(results));
    code.extend(b"\x41\x00\x0d\x00".repeat(1_500_000));
    code.push(0x0b);
    code.extend(vec![0x1a; results]);
    let mut c = Command::plain(1, body(&[0], &code));
    c.types = types.clone();
    try_it("br_if 1000 results x 1.5M", c.wasm());
    // local.get many times then return values? local.tee preserving: locals on the stack get preserved on local.set
    let mut code = Vec::new();
    code.extend(b"\x20\x00".repeat(1000));
    code.extend(b"\x41\x01\x21\x00\x20\x00\x1a".repeat(500_000));
    code.extend(vec![0x1a; 1000]);
    try_it("preserve locals", Command::plain(1, body(&list(1, b"\x01\x7f"), &code)).wasm());
    // deep nest then many br to outermost with end-fixups
    let mut code = Vec::new();
    code.extend(b"\x02\x40".repeat(200_000));
    code.extend(b"\x0b".repeat(200_000));
    try_it("nest", Command::plain(1, body(&[0], &code)).wasm());
    let mut code = b"\x02\x40".to_vec();
    code.extend(b"\x41\x00\x0d\x00".repeat(1_500_000));
    code.push(0x0b);
    try_it("many forward branches", Command::plain(1, body(&[0], &code)).wasm());
    // ifs with 1000 params
    let types = list(
        2,
        &[
            b"\x60\0\0".to_vec(),
            [vec![0x60], list(1000, &vec![0x7f; 1000]), list(1000, &vec![0x7f; 1000])].concat(),
        ]
        .concat(),
    );
    let mut code = b"\x41\x07".repeat(1000);
    code.extend(b"\x41\x00\x04\x01\x0b".repeat(1_000_000));
    code.extend(vec![0x1a; 1000]);
    let mut c = Command::plain(1, body(&[0], &code));
    c.types = types.clone();
    try_it("1M ifs of 1000 params", c.wasm());
    let mut code = b"\x41\x07".repeat(1000);
    code.extend(b"\x03\x01\x0b".repeat(1_000_000));
    code.extend(vec![0x1a; 1000]);
    let mut c = Command::plain(1, body(&[0], &code));
    c.types = types.clone();
    try_it("1M loops of 1000 params", c.wasm());
    // calls of 1000 params
    let mut code = b"\x20\x00".repeat(1000);
    code.extend(b"\x10\x01".repeat(1_000_000));
    code.extend(vec![0x1a; 1000]);
    // types, data segments
    let t = b"\x60\0\0".repeat(1_000_000);
    let mut c = Command::plain(1, empty.clone());
    c.types = list(1_000_000, &t);
    try_it("1M types", c.wasm());
    let big = [vec![0x60], list(1000, &vec![0x7f; 1000]), list(1000, &vec![0x7f; 1000])].concat();
    let mut c = Command::plain(1, empty.clone());
    c.types = list(20_001, &[b"\x60\0\0".to_vec(), big.repeat(20_000)].concat());
    try_it("20k types of 2000 values", c.wasm());
    let mut c = Command::plain(1, empty.clone());
    c.data = Some(list(100_000, &b"\0\x41\0\x0b\x01x".repeat(100_000)));
    try_it("100k segments", c.wasm());
    let mut c = Command::plain(1, empty.clone());
    c.data = Some(list(
        1,
        &[b"\0\x41\0\x0b".to_vec(), list(60_000_000, &vec![b'x'; 60_000_000])].concat(),
    ));
    try_it("60 MB segment", c.wasm());
    // globals, exports
    let mut c = Command::plain(1, empty.clone());
    c.more.push((6, list(1_000_000, &b"\x7f\x01\x41\0\x0b".repeat(1_000_000))));
    try_it("1M globals", c.wasm());
    for tables in [16usize, 17, 90, 101] {
        let mut c = Command::plain(1, empty.clone());
        c.more.push((4, list(tables, &[vec![0x70, 0], leb(1 << 20)].concat().repeat(tables))));
        try_it(&format!("{tables} tables"), c.wasm());
    }
}
