//! Modules that are small to send and large to compile, to start, or to call.

use super::wasm::{Command, body, leb, list};
use crate::script::Arg::{I, Text};
use crate::script::{OUT, Script};
use crate::support::{compile, inputs, spec};
use stayput_runtime::engine::{Engine, ModuleError};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local;
use stayput_runtime::outcome::{EndReason, LimitKind};
use stayput_runtime::session::{Pause, Session};

const EMPTY: &[u8] = b"\x02\0\x0b";

fn refusal(command: &Command) -> String {
    match Engine::new().compile(&command.wasm()) {
        Ok(_) => panic!("it compiles"),
        Err(error @ ModuleError::TooMany { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
    }
}

fn end(wasm: &[u8]) -> EndReason {
    local::run(spec(&compile(wasm), &["guest"]), inputs("")).outcome.end
}

/// One empty function that declares so many locals of a kind, so often.
fn with_locals(declarations: usize, count: usize) -> Command {
    let declaration = [leb(count), vec![0x7e]].concat();
    Command::plain(1, body(&list(declarations, &declaration.repeat(declarations)), &[]))
}

#[test]
fn a_million_functions_are_too_many() {
    let many = |count: usize| Command::plain(count, EMPTY.repeat(count));
    assert_eq!(refusal(&many(1_000_000)), "the module has 1000000 functions, the most are 100000");
    assert_eq!(end(&many(100_000).wasm()), EndReason::Exited { code: 0 });
}

#[test]
fn a_million_types_are_too_many() {
    let mut command = Command::plain(1, EMPTY.to_vec());
    command.types = list(1_000_000, &b"\x60\0\0".repeat(1_000_000));
    assert_eq!(refusal(&command), "the module has 1000000 types, the most are 100000");
}

#[test]
fn a_million_locals_are_too_many_however_they_are_written() {
    let expected = "the module has 1000000 locals in a function, the most are 2000";
    assert_eq!(refusal(&with_locals(1, 1_000_000)), expected);
    assert_eq!(refusal(&with_locals(1_000, 1_000)), expected);
    let wrapping = refusal(&with_locals(2, u32::MAX as usize));
    assert_eq!(wrapping, "the module has 8589934590 locals in a function, the most are 2000");
    assert_eq!(end(&with_locals(20, 100).wasm()), EndReason::Exited { code: 0 });
}

#[test]
fn types_of_a_thousand_values_are_too_wide() {
    for (parameters, results, expected) in [
        (1_000, 0, "the module has 1000 parameters in a type, the most are 64"),
        (0, 1_000, "the module has 1000 results in a type, the most are 64"),
    ] {
        let values = |count: usize| list(count, &vec![0x7f; count]);
        let wide = [vec![0x60], values(parameters), values(results)].concat();
        let mut command = Command::plain(1, EMPTY.to_vec());
        command.types = list(2, &[b"\x60\0\0".to_vec(), wide].concat());
        assert_eq!(refusal(&command), expected);
    }
}

/// The bounds are looked at in bytes that nobody has validated yet.
#[test]
fn sections_that_lie_about_their_lengths_are_invalid() {
    let whole = Command::plain(3, EMPTY.repeat(3)).wasm();
    let engine = Engine::new();
    for at in 8..whole.len() {
        for byte in [0x7f, 0x80, 0xff] {
            let mut lying = whole.clone();
            lying[at] = byte;
            let _ = engine.compile(&lying);
            let _ = engine.compile(&lying[..at]);
        }
    }
    for (id, section) in [(1, &b"\x05\x60"[..]), (10, b"\xff\xff\xff\xff\x0f\x01")] {
        let mut command = Command::plain(1, EMPTY.to_vec());
        command.more.push((id, section.to_vec()));
        let refused = engine.compile(&command.wasm());
        assert!(matches!(refused, Err(ModuleError::Invalid { .. })), "{refused:?}");
    }
}

#[test]
fn a_huge_data_segment_does_not_start() {
    let len = 60_000_000;
    let mut command = Command::plain(1, EMPTY.to_vec());
    command.data = Some(list(1, &[b"\0\x41\0\x0b".to_vec(), list(len, &vec![b'x'; len])].concat()));
    let outside = "not started: out of bounds memory access";
    assert_eq!(end(&command.wasm()).to_string(), outside);
    let too_large = [command.wasm(), vec![0; 8 << 20]].concat();
    let refused = Engine::new().compile(&too_large).unwrap_err();
    assert!(matches!(refused, ModuleError::TooLarge { .. }), "{refused}");
}

#[test]
fn many_data_segments_and_globals_are_only_many() {
    let many = 100_000;
    let mut command = Command::plain(1, EMPTY.to_vec());
    command.data = Some(list(many, &b"\0\x41\0\x0b\x01x".repeat(many)));
    command.more.push((6, list(many, &b"\x7f\x01\x41\0\x0b".repeat(many))));
    assert_eq!(end(&command.wasm()), EndReason::Exited { code: 0 });
}

#[test]
fn tables_are_bounded_in_number_at_the_start_and_when_they_grow() {
    let with_tables = |count: usize, elements: usize| {
        let mut command = Command::plain(1, EMPTY.to_vec());
        let table = [vec![0x70, 0], leb(elements)].concat();
        command.more.push((4, list(count, &table.repeat(count))));
        end(&command.wasm())
    };
    assert_eq!(with_tables(16, 1 << 20), EndReason::Exited { code: 0 });
    let several = with_tables(17, 1).to_string();
    assert_eq!(several, "not started: tried to instantiate too many tables");
    let large = EndReason::LimitReached { what: LimitKind::TableElements };
    assert_eq!(with_tables(1, (1 << 20) + 1), large);
    let growing = "(module (memory (export \"memory\") 1) (table $t 0 funcref)
        (func (export \"_start\")
            (loop (br_if 0
                (i32.ne (table.grow $t (ref.null func) (i32.const 65536)) (i32.const -1))))
            (if (i32.ne (table.size $t) (i32.const 1048576)) (then unreachable))))";
    assert_eq!(end(&wat::parse_str(growing).unwrap()), EndReason::Exited { code: 0 });
}

#[test]
fn recursion_through_large_frames_is_no_deeper_than_the_stack() {
    // Function 1 has all the locals that it may have, and calls itself.
    let start = body(&[0], b"\x10\x01");
    let endless = body(&list(1, &[leb(2_000), vec![0x7e]].concat()), b"\x10\x01");
    let wasm = Command::plain(2, [start, endless].concat()).wasm();
    assert_eq!(end(&wasm), EndReason::Trapped { reason: "call stack exhausted".to_owned() });
}

#[test]
fn arguments_that_do_not_fit_into_memory_are_the_guests_fault() {
    const FAULT: u32 = 21;
    let mut script = Script::default();
    script.call("args_sizes_get", &[I(OUT), I(OUT + 4)], 0).number(OUT, 2).number(OUT + 4, 70_007);
    script.call("args_get", &[I(64), I(1_024)], FAULT);
    script.call("environ_sizes_get", &[I(OUT), I(OUT + 4)], 0).number(OUT, 20_000);
    script.call("environ_get", &[I(64), I(1_024)], FAULT);
    let mut spec = spec(&compile(&script.build()), &["guest"]);
    spec.args.push("x".repeat(70_000));
    spec.env = (0..20_000).map(|number| (format!("N{number}"), String::new())).collect();
    assert_eq!(local::run(spec, inputs("")).outcome.end, EndReason::Exited { code: 0 });
}

#[test]
fn thousands_of_open_files_are_refused_one_after_the_last() {
    const MFILE: u32 = 33;
    let module = format!(
        "(module
        (import \"wasi_snapshot_preview1\" \"path_open\"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
        (memory (export \"memory\") 1) (data (i32.const 64) \"dev/input\")
        (func (export \"_start\") (local $opened i32) (local $error i32)
            (loop
                (local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9)
                    (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
                (local.set $opened (i32.add (local.get $opened) (i32.const 1)))
                (br_if 0 (i32.eqz (local.get $error))))
            (if (i32.ne (local.get $error) (i32.const {MFILE})) (then unreachable))
            (call $exit (local.get $opened))))"
    );
    let spec = spec(&compile(&wat::parse_str(module).unwrap()), &["guest"]);
    // The standard streams and the two directories are open already; the last try fails.
    let tries = SessionLimits::default().open_files_max as u32 - 5 + 1;
    assert_eq!(local::run(spec, inputs("")).outcome.end, EndReason::Exited { code: tries });
}

#[test]
fn sleeping_for_ever_asks_the_driver_for_the_end_of_time() {
    let mut script = Script::default();
    script.store(600, 0).store(616, 1).store(624, u32::MAX).store(628, u32::MAX);
    script.call("poll_oneoff", &[I(600), I(700), I(1), I(OUT)], 0);
    let mut session = Session::new(spec(&compile(&script.build()), &["guest"]));
    assert_eq!(session.step(5, 1_000_000), Pause::Sleep { until_unix_ns: u64::MAX });
    assert_eq!(session.step(6, 1_000_000), Pause::Sleep { until_unix_ns: u64::MAX });
    assert!(session.fuel_used() < 1_000);
}

#[test]
fn no_path_reads_outside_of_the_tree() {
    const NOTCAPABLE: u32 = 76;
    const ALL: u32 = 0;
    let mut script = Script::default();
    for path in [
        "..",
        "../etc/passwd",
        "dev/../../etc/passwd",
        "dev/../..",
        "./../x",
        "/dev/../..",
        "/etc/passwd",
        "//etc/passwd",
    ] {
        script.open(3, path, ALL, 16, NOTCAPABLE);
    }
    const PERM: u32 = 63;
    script.call("path_symlink", &[Text("/.."), I(3), Text("c")], PERM);
    for (link, target) in [("a", ".."), ("b", "../.."), ("d", "dev/../../x")] {
        script.call("path_symlink", &[Text(target), I(3), Text(link)], 0);
        script.open(3, link, ALL, 16, NOTCAPABLE);
        script.open(3, &format!("{link}/etc/passwd"), ALL, 16, NOTCAPABLE);
    }
    let run = local::run(spec(&compile(&script.build()), &["guest"]), inputs(""));
    assert_eq!(run.outcome.end, EndReason::Exited { code: 0 }, "the code is the step that failed");
}
