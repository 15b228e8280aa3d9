//! Executables that are none.

use super::room::{assert_serves, header, job_of, post, run, text};
use stayput_testkit::cluster::Store;

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own module is well-formed")
}

/// A command of this body.
fn command(body: &str) -> Vec<u8> {
    wat(&format!("(module (memory (export \"memory\") 1) (func (export \"_start\") {body}))"))
}

/// Both proxy and worker refuse the module with 400, naming node, field and `part`.
async fn assert_refused(room: &Store, name: &str, wasm: Vec<u8>, part: &str) {
    room.put(name, wasm).await;
    for asked in [&room.side.proxies, &room.side.workers] {
        let begun = room.now();
        let answer = post(asked, &job_of(name)).await;
        let said = text(&answer);
        assert_eq!(answer.status.as_u16(), 400, "{name}: {said}");
        for part in ["node \"count\"", "`exec.path`", part] {
            assert!(said.contains(part), "{name}: `{part}` is not in {said}");
        }
        assert_eq!(header(&answer, "x-nexe-validation"), "1", "{name}");
        assert_eq!(header(&answer, "x-nexe-retcode"), "-1", "{name}");
        assert!(room.now().since(begun).as_secs() < 2, "{name} is refused at once");
    }
    assert_serves(room, name).await;
}

#[test]
fn what_is_no_module_is_refused() {
    run(async |room| {
        let good = command("nop");
        let header = &good[..8];
        for (name, wasm) in [
            ("empty", Vec::new()),
            ("script", b"#!/usr/bin/env python\nprint('banana')\n".to_vec()),
            ("text", b"(module)".to_vec()),
            ("elf", b"\x7fELF\x02\x01\x01\0".to_vec()),
            ("truncated", good[..good.len() - 3].to_vec()),
            ("longer", [good.as_slice(), b"banana"].concat()),
            ("component", b"\0asm\x0d\0\x01\0".to_vec()),
            ("huge-section", [header, b"\x01\xff\xff\xff\xff\x0f"].concat()),
        ] {
            assert_refused(&room, name, wasm, "no valid WebAssembly module").await;
        }
        let huge_count = [header, b"\x03\x05\xff\xff\xff\xff\x0f"].concat();
        assert_refused(&room, "huge-count", huge_count, "has 4294967295 functions").await;
    });
}

#[test]
fn what_is_no_command_is_refused_by_what_it_lacks() {
    run(async |room| {
        let no_start = wat("(module (memory (export \"memory\") 1))");
        assert_refused(&room, "library", no_start, "`_start`").await;
        let no_memory = wat("(module (func (export \"_start\")))");
        assert_refused(&room, "no-memory", no_memory, "`memory`").await;
        let values =
            "(module (memory (export \"memory\") 1) (func (export \"_start\") (param i32)))";
        assert_refused(&room, "start-with-values", wat(values), "`_start`").await;
    });
}

#[test]
fn imports_that_do_not_exist_are_named() {
    run(async |room| {
        let importing = |import: &str| {
            wat(&format!(
                "(module {import} (memory (export \"memory\") 1) (func (export \"_start\")))"
            ))
        };
        for (name, import, part) in [
            ("invented", r#"(import "env" "launch_rocket" (func))"#, "env::launch_rocket"),
            (
                "other-wasi",
                r#"(import "wasi_snapshot_preview1" "fork" (func (result i32)))"#,
                "wasi_snapshot_preview1::fork",
            ),
            (
                "other-type",
                r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i64)))"#,
                "wasi_snapshot_preview1::fd_write",
            ),
            ("global", r#"(import "env" "g" (global i32))"#, "env::g"),
            ("table", r#"(import "env" "t" (table 1 funcref))"#, "env::t"),
        ] {
            assert_refused(&room, name, importing(import), part).await;
        }
        let long = "x".repeat(50_000);
        let import = format!("(import \"env\" \"{long}\" (func))");
        assert_refused(&room, "long-name", importing(&import), "env::xxx").await;
        let odd = "(import \"env\" \"a\\0d\\0aX-Nexe-Status: ok\" (func))";
        assert_refused(&room, "odd-name", importing(odd), "env::a").await;
    });
}

#[test]
fn kinds_of_module_that_are_not_supported_are_refused() {
    run(async |room| {
        for (name, text) in [
            (
                "64-gib",
                "(module (memory (export \"memory\") i64 1048576) (func (export \"_start\")))",
            ),
            (
                "two-memories",
                "(module (memory (export \"memory\") 1) (memory 1) (func (export \"_start\")))",
            ),
            (
                "too-large-memory",
                "(module (memory (export \"memory\") 65537) (func (export \"_start\")))",
            ),
        ] {
            let Ok(wasm) = wat::parse_str(text) else { continue };
            assert_refused(&room, name, wasm, "no valid WebAssembly module").await;
        }
    });
}

#[test]
fn deep_nesting_in_a_module_is_no_overflow() {
    run(async |room| {
        let nested = |begin: &str, end: &str, depth: usize| {
            command(&format!("{} {}", begin.repeat(depth), end.repeat(depth)))
        };
        for (name, wasm) in [
            ("blocks", nested("block\n", "end\n", 100_000)),
            ("loops", nested("loop\n", "end\n", 100_000)),
            ("ifs", nested("i32.const 1\nif\n", "end\n", 100_000)),
            ("operands", nested("i32.const 1\n", "drop\n", 100_000)),
        ] {
            room.put(name, wasm).await;
            for asked in [&room.side.proxies, &room.side.workers] {
                let answer = post(asked, &job_of(name)).await;
                let status = answer.status.as_u16();
                let said = format!(
                    "{name}: {status} {} {}",
                    header(&answer, "x-nexe-error"),
                    text(&answer)
                );
                assert!([200, 400, 500].contains(&status), "{said}");
            }
            assert_serves(&room, name).await;
        }
    });
}
