//! Binaryen's asyncify transformation, by its own command under Node.
//!
//! Only the functions on the stack when the image is taken are changed, so that the others stay as
//! fast as they are. Leaves out the snapshot itself, which [`snapshot`](super::snapshot) takes.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use bytes::Bytes;
use stayput_runtime::image::Image;
use wasm_encoder::{Encode, NameMap, NameSection};

/// Indexes of the functions of the pinned CPython that are on the stack when a program of `-c`
/// calls `os.read`.
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

/// Failure of the transformation.
#[derive(Debug, thiserror::Error)]
pub(super) enum AsyncifyError {
    /// A working file cannot be written or read.
    #[error("{file}: {source}")]
    File {
        /// Name of the file.
        file: &'static str,
        /// Error of the system.
        source: io::Error,
    },
    /// The package lacks a file.
    #[error("the package has no file bin/{name}")]
    Missing {
        /// Name of the file.
        name: &'static str,
    },
    /// Node cannot be started.
    #[error("node cannot be started: {0} (install it with npm)")]
    NoNode(io::Error),
    /// The command failed.
    #[error("wasm-opt ended with {status}: {message}")]
    Failed {
        /// Exit status.
        status: ExitStatus,
        /// Its standard error.
        message: String,
    },
}

/// Module with asyncify's exports, of one with so many `functions`.
///
/// # Errors
/// [`AsyncifyError`].
pub(super) fn asyncify(
    binaryen: &Image,
    wasm: &[u8],
    functions: u32,
) -> Result<Bytes, AsyncifyError> {
    let in_file = |file| move |source| AsyncifyError::File { file, source };
    let folder = tempfile::tempdir().map_err(in_file("temporary folder"))?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &'static str, content: &[u8]| {
        std::fs::write(path(name), content).map_err(in_file(name))
    };
    for name in ["wasm-opt", "package.json"] {
        let file = binaryen.file(&format!("package/bin/{name}"));
        write(name, &file.ok_or(AsyncifyError::Missing { name })?)?;
    }
    write("in.wasm", &named(wasm, functions))?;
    let names: Vec<String> = ON_THE_STACK.iter().map(|index| name_of(*index)).collect();
    let only = format!("--pass-arg=asyncify-onlylist@{}", names.join(","));
    call(folder.path(), &only)?;
    let made = std::fs::read(path("out.wasm")).map_err(in_file("out.wasm"))?;
    Ok(made.into())
}

fn call(folder: &Path, only: &str) -> Result<(), AsyncifyError> {
    let done = Command::new("node")
        .arg("wasm-opt")
        .args(OPTIONS)
        .args([only, "in.wasm", "-o", "out.wasm"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(AsyncifyError::NoNode)?;
    if done.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(AsyncifyError::Failed { status: done.status, message })
}

fn name_of(function: u32) -> String {
    format!("f{function}")
}

/// Module with a name for each function, since asyncify takes them by name.
fn named(wasm: &[u8], functions: u32) -> Vec<u8> {
    let mut map = NameMap::new();
    for index in 0..functions {
        map.append(index, &name_of(index));
    }
    let mut names = NameSection::new();
    names.functions(&map);
    let mut named = wasm.to_vec();
    // A section begins with its number, which is 0 for custom ones.
    named.push(0);
    names.encode(&mut named);
    named
}
