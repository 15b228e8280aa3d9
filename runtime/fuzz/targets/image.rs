//! Images: any bytes. What unpacks stays within its bounds, and a guest can walk through it.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use stayput_fuzz::{IMAGE_LIMITS, run};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::image::Image;

/// Lists the root, then opens some names.
static WALKER: LazyLock<Module> = LazyLock::new(|| {
    let open = |at: u32, len: u32| {
        format!(
            "(drop (call $open (i32.const 3) (i32.const 1) (i32.const {at}) (i32.const {len}) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))"
        )
    };
    let text = format!(
        r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_readdir"
            (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 64) "a/b/c l/x dev/../a")
        (func (export "_start")
            (drop (call $readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (i64.const 0) (i32.const 8)))
            {} {} {} {}))"#,
        open(64, 1),
        open(64, 5),
        open(70, 3),
        open(74, 8)
    );
    let wasm = wat::parse_str(text).expect("the target's own module is well-formed");
    Engine::new().compile(&wasm).expect("the target's own module compiles")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = Image::from_tar(bytes, IMAGE_LIMITS) else { return };
    assert!(image.unpacked_bytes() <= IMAGE_LIMITS.unpacked_bytes_max);
    assert!(image.members() <= IMAGE_LIMITS.members_max);
    for path in ["a", "/a/b", "l", "l/x", "..", "a/../..", ""] {
        if let Some(file) = image.file(path) {
            assert!(file.len() as u64 <= image.unpacked_bytes());
        }
    }
    run(&WALKER, &[Arc::new(image)]);
});
