//! Runs of interpreters in the runtime, under the limits of jobs.
//!
//! Leaves out clusters: a local run is enough.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stayput_engine::archive::Archive;
use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::image::executable::{NamedImage, USER_IMAGE, find};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::session::SessionSpec;

use super::ImageBuildError;

fn named(name: &str, archive: &Archive) -> Result<NamedImage, ImageBuildError> {
    let image = Image::from_tar(&archive.tar(), ImageLimits::default());
    let image = image.map_err(|error| broken("read its image", error.to_string()))?;
    Ok(NamedImage { name: name.to_owned(), image: Arc::new(image) })
}

fn broken(task: &'static str, why: impl Into<String>) -> ImageBuildError {
    ImageBuildError::Interpreter { task, why: why.into() }
}

/// Output to `/dev/output` of a program, run by the interpreter `wasm` with these trees at `/`.
pub(super) fn output(
    wasm: &[u8],
    trees: &[&Archive],
    task: &'static str,
    args: &[&str],
) -> Result<Bytes, ImageBuildError> {
    let module = Engine::default().compile(wasm);
    let module = module.map_err(|error| broken(task, error.to_string()))?;
    let images = trees.iter().map(|tree| named(USER_IMAGE, tree)).collect::<Result<Vec<_>, _>>()?;
    let line = [&["python"], args].concat().into_iter().map(str::to_owned).collect();
    let mut run = run(module, &images, line);
    ended_well(&run, task)?;
    Ok(run.outputs.remove("output").unwrap_or_default())
}

/// Fuel of the smallest program, run by the executable `python` of an image.
pub(super) fn try_out(name: &str, archive: &Archive) -> Result<u64, ImageBuildError> {
    const TASK: &str = "print a number";
    let images = [named(name, archive)?];
    let found = find(&images, Some(name), "python");
    let found = found.map_err(|error| broken(TASK, error.to_string()))?;
    let module = Engine::default().compile(&found.module.bytes);
    let module = module.map_err(|error| broken(TASK, error.to_string()))?;
    let words = ["python", "-c", "print(7 // 2)"].map(str::to_owned);
    let run = run(module, &images, found.command_line(words.to_vec()));
    ended_well(&run, TASK)?;
    match run.outputs.get("stdout") {
        Some(printed) if printed.as_ref() == b"3\n" => Ok(run.outcome.fuel),
        printed => Err(broken(TASK, format!("it printed {printed:?}"))),
    }
}

fn run(module: Module, images: &[NamedImage], args: Vec<String>) -> LocalRun {
    let device = |name: &str, kind| {
        let mode = if name == "output" { DeviceMode::File } else { DeviceMode::Pipe };
        DeviceSpec { name: name.to_owned(), kind, mode, size: 0 }
    };
    let spec = SessionSpec {
        module,
        args,
        env: Vec::new(),
        devices: vec![
            device("stdin", DeviceKind::SequentialRead),
            device("stdout", DeviceKind::SequentialWrite),
            device("stderr", DeviceKind::SequentialWrite),
            device("output", DeviceKind::RandomWrite),
        ],
        images: images.iter().map(|named| Arc::clone(&named.image)).collect(),
        limits: SessionLimits::default(),
        entropy: [0; 32],
    };
    local::run(spec, BTreeMap::new())
}

fn ended_well(run: &LocalRun, task: &'static str) -> Result<(), ImageBuildError> {
    if run.outcome.end.exit_code() == Some(0) {
        return Ok(());
    }
    let stderr = run.outputs.get("stderr").cloned().unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr);
    Err(broken(task, format!("{}: {}", run.outcome.end, stderr.trim())))
}
