//! A program of C's, built here with wasi-libc: our WASI is what it was made for.
//!
//! Leaves out what the committed guests show: those are Rust's.

use crate::images::tar;
use crate::support::{compile, inputs, spec, text};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::local;
use std::process::Command;
use std::sync::Arc;

/// Builds the program with Debian's clang and wasi-libc.
fn build() -> Vec<u8> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/programs/c.c");
    let wasm = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_program.wasm");
    let status = Command::new("clang")
        .args(["--target=wasm32-wasi", "--sysroot=/usr", "-I/usr/include/wasm32-wasi"])
        .args(["-L/usr/lib/wasm32-wasi", "-O2", "-o"])
        .arg(&wasm)
        .arg(source)
        .status()
        .expect("clang is there");
    assert!(status.success(), "clang builds it");
    std::fs::read(wasm).unwrap()
}

#[test]
#[ignore = "needs clang, wasi-libc and libclang-rt-14-dev-wasm32"]
fn a_program_of_c_finds_what_it_expects() {
    let mut spec = spec(&compile(&build()), &["c", "banana"]);
    spec.env = vec![("WHO".to_owned(), "c".to_owned())];
    let image = tar(&[("etc/motto", b"stay put")]);
    spec.images = vec![Arc::new(Image::from_tar(&image, ImageLimits::default()).unwrap())];
    let log = "a banana\nno\nbananas\n".repeat(1_000);
    let run = local::run(spec, inputs(log.clone()));
    assert_eq!(run.outcome.end.exit_code(), Some(42), "{:?}", run.outcome.end);
    assert_eq!(text(&run, "stdout"), format!("2000 {} stay put 1 c\n", log.len()));
    assert_eq!(text(&run, "stderr"), "said aside");
    assert_eq!(text(&run, "output"), "last");
}
