//! Runs Binaryen's asyncify, by its own command under Node.
//!
//! Only the functions that are on the stack when the image is taken are changed, so that the others stay as fast as they are.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use stayput_runtime::image::Image;
use wasm_encoder::{Encode, NameMap, NameSection};

/// The functions of the pinned CPython that are on the stack when a program of `-c` calls `os.read`, by their index.
const ON_THE_STACK: [u32; 16] =
    [43, 365, 747, 1191, 1891, 3280, 3281, 3283, 4053, 4055, 4056, 4057, 4388, 7331, 11168, 11309];
const OPTIONS: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--asyncify",
    "--pass-arg=asyncify-imports@wasi_snapshot_preview1.fd_read",
    "-O2",
];

/// The module with asyncify's exports.
///
/// # Errors
/// Says what failed.
pub(super) fn asyncify(binaryen: &Image, wasm: &[u8], functions: u32) -> Result<Bytes, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, content: &[u8]| {
        std::fs::write(path(name), content).map_err(|error| format!("{name}: {error}"))
    };
    for name in ["wasm-opt", "package.json"] {
        let file = binaryen.file(&format!("package/bin/{name}"));
        write(name, &file.ok_or_else(|| format!("the package has no file bin/{name}"))?)?;
    }
    write("in.wasm", &named(wasm, functions))?;
    let names: Vec<String> = ON_THE_STACK.iter().map(|index| name_of(*index)).collect();
    let only = format!("--pass-arg=asyncify-onlylist@{}", names.join(","));
    call(folder.path(), &only)?;
    let made = std::fs::read(path("out.wasm")).map_err(|error| format!("out.wasm: {error}"))?;
    Ok(made.into())
}

fn call(folder: &Path, only: &str) -> Result<(), String> {
    let done = Command::new("node")
        .arg("wasm-opt")
        .args(OPTIONS)
        .args([only, "in.wasm", "-o", "out.wasm"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("node cannot be started: {error} (install it with npm)"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("wasm-opt ended with {}: {}", done.status, said.trim()))
}

fn name_of(function: u32) -> String {
    format!("f{function}")
}

/// The module with a name for each function, since asyncify is told of them by name.
fn named(wasm: &[u8], functions: u32) -> Vec<u8> {
    let mut map = NameMap::new();
    for index in 0..functions {
        map.append(index, &name_of(index));
    }
    let mut names = NameSection::new();
    names.functions(&map);
    let mut named = wasm.to_vec();
    // A section is its number and what follows, and that of custom ones is 0.
    named.push(0);
    names.encode(&mut named);
    named
}
