//! Every bound and every end: what the guest sees and what is reported.

use crate::script::{Arg, OUT, Script};
use crate::support::{compile, inputs, spec};
use bytes::Bytes;
use stayput_runtime::device::DeviceFault;
use stayput_runtime::engine::{Engine, ModuleError};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local;
use stayput_runtime::outcome::{EndReason, LimitKind, Outcome};
use stayput_runtime::session::{Pause, Session};

fn end_with(limits: SessionLimits, wat: &str) -> Outcome {
    let module = compile(&wat::parse_str(wat).unwrap());
    let mut spec = spec(&module, &["guest"]);
    spec.limits = limits;
    local::run(spec, inputs("")).outcome
}

fn end(wat: &str) -> EndReason {
    end_with(SessionLimits::default(), wat).end
}

fn refused(wat: &str) -> ModuleError {
    Engine::new().compile(&wat::parse_str(wat).unwrap()).unwrap_err()
}

fn start(body: &str) -> String {
    format!("(module (memory (export \"memory\") 1) (func (export \"_start\") {body}))")
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    let limits = SessionLimits { fuel_max: 1_000_000, ..SessionLimits::default() };
    let outcome = end_with(limits, &start("(loop (br 0))"));
    assert_eq!((outcome.end, outcome.fuel), (EndReason::OutOfFuel, 1_000_000));
}

#[test]
fn memory_beyond_the_limit_is_not_given() {
    let greedy = "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))";
    assert_eq!(end(&start(greedy)), EndReason::OutOfMemory);
    let patient = "(drop (memory.grow (i32.const 60000)))";
    assert_eq!(end(&start(patient)), EndReason::Exited { code: 0 });
    let retried = "(drop (memory.grow (i32.const 60000))) (drop (memory.grow (i32.const 1)))
        unreachable";
    assert!(matches!(end(&start(retried)), EndReason::Trapped { .. }));
    let large = start("").replace("\"memory\") 1", "\"memory\") 65536");
    assert_eq!(end(&large), EndReason::OutOfMemory);
}

#[test]
fn sixty_four_gibibytes_are_refused_when_compiling() {
    let huge = start("").replace("\"memory\") 1", "\"memory\") i64 1048576");
    assert!(matches!(refused(&huge), ModuleError::Invalid { .. }));
}

#[test]
fn a_huge_table_is_a_limit_of_its_own() {
    let huge = start("").replace("(memory", "(table 9000000 funcref) (memory");
    assert_eq!(end(&huge), EndReason::LimitReached { what: LimitKind::TableElements });
}

#[test]
fn deep_recursion_traps_and_the_host_survives() {
    let module = "(module (memory (export \"memory\") 1)
        (func $f (param i64 i64 i64 i64) (call $f (local.get 0) (local.get 1) (local.get 2)
            (i64.add (local.get 3) (i64.const 1))))
        (func (export \"_start\")
            (call $f (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))";
    assert_eq!(end(module), EndReason::Trapped { reason: "call stack exhausted".to_owned() });
}

#[test]
fn traps_say_what_happened() {
    let reason = |body: &str| end(&start(body)).to_string();
    assert_eq!(reason("unreachable"), "trap: wasm `unreachable` instruction executed");
    assert!(reason("(drop (i32.load (i32.const -4)))").contains("out of bounds memory access"));
    assert!(reason("(drop (i32.div_u (i32.const 1) (i32.const 0)))").contains("divide by zero"));
}

#[test]
fn data_outside_of_memory_does_not_start() {
    let module = start("").replace("(func", "(data (i32.const 70000) \"x\") (func");
    assert!(matches!(end(&module), EndReason::NotStarted { .. } | EndReason::Trapped { .. }));
}

#[test]
fn the_start_section_runs_first_and_may_do_io() {
    let module = "(module
        (import \"wasi_snapshot_preview1\" \"fd_write\"
            (func $w (param i32 i32 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
        (memory (export \"memory\") 1) (global $g (mut i32) (i32.const 1))
        (data (i32.const 8) \"\\10\\00\\00\\00\\05\\00\\00\\00hello\")
        (func $init (global.set $g (call $w (i32.const 1) (i32.const 8) (i32.const 1)
            (i32.const 0))))
        (start $init)
        (func (export \"_start\") (call $exit (i32.add (global.get $g) (i32.const 40)))))";
    let module = compile(&wat::parse_str(module).unwrap());
    let run = local::run(spec(&module, &["guest"]), inputs(""));
    assert_eq!(run.outcome.end, EndReason::Exited { code: 40 });
    assert_eq!(&run.outputs["stdout"][..], b"hello");
}

#[test]
fn writing_without_end_meets_the_quota() {
    const DQUOT: u32 = 19;
    let mut script = Script::default();
    let write = [Arg::I(1), Arg::I(24), Arg::I(1), Arg::I(OUT)];
    script.buffer(24, 0, 600);
    script.call("fd_write", &write, 0).number(OUT, 600);
    script.call("fd_write", &write, 0).number(OUT, 400);
    script.call("fd_write", &write, DQUOT);
    let module = compile(&script.build());
    let mut spec = spec(&module, &["guest"]);
    spec.limits.channel_bytes_max = 1_000;
    let run = local::run(spec, inputs(""));
    assert_eq!((run.outcome.end.exit_code(), run.outputs["stdout"].len()), (Some(0), 1_000));
}

#[test]
fn a_write_that_is_refused_is_paid_for() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 17)
        (data (i32.const 0) "\10\00\00\00\00\00\10\00")
        (func (export "_start") (loop
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (br 0))))"#;
    let module = compile(&wat::parse_str(module).unwrap());
    let mut spec = spec(&module, &["guest"]);
    spec.limits.fuel_max = 1_000_000;
    let mut session = Session::new(spec);
    let mut refused = 0;
    let end = loop {
        match session.step(0, 100_000) {
            Pause::Write { .. } => {
                refused += 1;
                session.accept_write(Err(DeviceFault::Quota));
            }
            Pause::Ended(outcome) => break outcome.end,
            _ => {}
        }
    };
    assert_eq!(end, EndReason::OutOfFuel);
    assert!((1..=61).contains(&refused), "a MiB costs 16,384, but {refused} were tried");
}

#[test]
fn operations_are_counted_too() {
    let mut script = Script::default();
    let write = [Arg::I(1), Arg::I(24), Arg::I(1), Arg::I(OUT)];
    script.buffer(24, 0, 1).call("fd_write", &write, 0).call("fd_write", &write, 0);
    script.call("fd_write", &write, 19);
    let module = compile(&script.build());
    let mut spec = spec(&module, &["guest"]);
    spec.limits.channel_operations_max = 2;
    assert_eq!(local::run(spec, inputs("")).outcome.end, EndReason::Exited { code: 0 });
}

#[test]
fn a_failed_device_ends_the_session_and_a_full_one_is_the_guests_to_handle() {
    let mut script = Script::default();
    let write = [Arg::I(1), Arg::I(24), Arg::I(1), Arg::I(OUT)];
    script.buffer(24, 0, 9).call("fd_write", &write, 19).call("fd_write", &write, 0);
    let mut session = Session::new(spec(&compile(&script.build()), &["guest"]));
    assert!(matches!(session.step(0, 1_000_000), Pause::Write { .. }));
    session.accept_write(Err(DeviceFault::Quota));
    assert!(matches!(session.step(0, 1_000_000), Pause::Write { .. }));
    session.accept_write(Err(DeviceFault::Failed { reason: "gone".to_owned() }));
    let Pause::Ended(outcome) = session.step(0, 1_000_000) else { panic!("it goes on") };
    assert_eq!(outcome.end.to_string(), "device stdout failed: gone");
}

#[test]
fn modules_that_cannot_run_are_refused_with_the_reason() {
    let engine = Engine::new();
    for bytes in [&b""[..], b"no wasm", b"\0asm\x01\0\0\0\xff", b"\0asm\x0d\0\x01\0"] {
        assert!(engine.compile(bytes).is_err(), "{bytes:?}");
    }
    let missing = refused("(module (memory (export \"memory\") 1))").to_string();
    assert!(missing.contains("lacks the export `_start`"), "{missing}");
    let missing = refused("(module (func (export \"_start\")))").to_string();
    assert!(missing.contains("lacks the export `memory`"), "{missing}");
    let unknown = refused("(module (import \"env\" \"f\" (func)))").to_string();
    assert!(unknown.contains("imports env::f, which does not exist"), "{unknown}");
    let wrong = "(module (import \"wasi_snapshot_preview1\" \"fd_close\" (func)))";
    assert!(matches!(refused(wrong), ModuleError::WrongImport { .. }));
    let relaxed = start(
        "(drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0)
        (v128.const i64x2 0 0)))",
    );
    assert!(matches!(refused(&relaxed), ModuleError::Invalid { .. }));
}

#[test]
fn a_deeply_nested_module_does_not_hurt_the_host() {
    let depth = 100_000;
    let mut body = vec![0];
    body.extend([0x02, 0x40].repeat(depth));
    body.extend(vec![0x0b; depth + 1]);
    let leb = |mut value: usize| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let code = [vec![1], leb(body.len()), body].concat();
    let exports = [&b"\x02\x06memory\x02\0\x06_start\0\0"[..]].concat();
    let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01".to_vec();
    for (id, section) in [(7, exports), (10, code)] {
        wasm.push(id);
        wasm.extend(leb(section.len()));
        wasm.extend(section);
    }
    if let Ok(module) = Engine::new().compile(&wasm) {
        let run = local::run(spec(&module, &["guest"]), inputs(""));
        assert_eq!(run.outcome.end, EndReason::Exited { code: 0 });
    }
}

#[test]
fn an_absent_stdin_is_empty_and_an_absent_stdout_swallows() {
    let mut script = Script::default();
    script.buffer(24, 100, 9);
    script.call("fd_read", &[Arg::I(0), Arg::I(24), Arg::I(1), Arg::I(OUT)], 0).number(OUT, 0);
    script.call("fd_write", &[Arg::I(1), Arg::I(24), Arg::I(1), Arg::I(OUT)], 0).number(OUT, 9);
    let mut spec = spec(&compile(&script.build()), &["guest"]);
    spec.devices.clear();
    assert_eq!(local::run(spec, inputs(Bytes::new())).outcome.end, EndReason::Exited { code: 0 });
}

/// The interpreter's instructions jump to each other; one that called instead would use up the
/// host's stack in a loop, which an unsuitable build profile does (see the root `Cargo.toml`).
#[test]
fn long_loops_of_instructions_do_not_use_the_hosts_stack() {
    let bodies = [
        "(drop (memory.grow (i32.const 0)))",
        "(drop (memory.grow (i32.const 1)))",
        "(drop (memory.grow (i32.const -1)))",
        "(drop (memory.size))",
        "(memory.copy (i32.const 9) (i32.const 0) (i32.const 20))",
        "(memory.fill (i32.const 9) (i32.const 0) (i32.const 20))",
        "(drop (table.grow $t (ref.null func) (i32.const 0)))",
        "(drop (table.grow $t (ref.null func) (i32.const 1)))",
        "(drop (table.grow $t (ref.null func) (i32.const -1)))",
        "(table.set $t (i32.const 0) (table.get $t (i32.const 0)))",
        "(call_indirect $t (type $plain) (i32.const 0))",
        "(call $nothing)",
        "(drop (call $yield))",
        "(drop (f32.nearest (f32.load (i32.const 0)))) (drop (f64.floor (f64.load (i32.const 0))))",
        "(i32.store (i32.const 8) (i32.trunc_sat_f64_s (f64.sqrt (f64.load (i32.const 0)))))",
        "(i64.store (i32.const 8) (i64.div_s (i64.load (i32.const 0)) (i64.const 7)))",
        "(v128.store (i32.const 0) (i8x16.eq (v128.load (i32.const 0)) (v128.load (i32.const 9))))",
        "(v128.store (i32.const 0) (i8x16.swizzle (v128.load (i32.const 0))
            (i16x8.narrow_i32x4_s (v128.load (i32.const 9)) (v128.load (i32.const 5)))))",
        "(block (result i32 i32) (block (result i32 i32) (i32.const 1) (i32.const 2)
            (br_table 0 1 (local.get $i))) ) (drop) (drop)",
    ];
    for body in bodies {
        let module = format!(
            "(module
            (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $yield (result i32)))
            (memory (export \"memory\") 1) (type $plain (func))
            (table $t funcref (elem $nothing)) (func $nothing)
            (func (export \"_start\") (local $i i32)
                (loop {body}
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $i) (i32.const 200000))))))"
        );
        assert_eq!(end(&module), EndReason::Exited { code: 0 }, "{body}");
    }
}
