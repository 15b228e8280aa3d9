//! Shared parts of the fuzz targets: a session within small bounds, run twice in different steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
use stayput_runtime::engine::Module;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{LocalRun, run_sliced};
use stayput_runtime::session::SessionSpec;

/// Limits of an image in a fuzz target, so that a run stays short.
pub const IMAGE_LIMITS: ImageLimits =
    ImageLimits { unpacked_bytes_max: 1 << 20, members_max: 1_000 };

/// Runs a module in large steps and in small ones: both must come to the same outcome and outputs.
///
/// # Panics
/// They do not.
pub fn run(module: &Module, images: &[Arc<Image>]) -> LocalRun {
    let inputs = || BTreeMap::from([("input".to_owned(), b"the input\nof a job\n"[..].into())]);
    let whole = run_sliced(spec(module, images), inputs(), 100_000, usize::MAX);
    let parts = run_sliced(spec(module, images), inputs(), 997, 7);
    assert_eq!(whole, parts, "steps of another size change the outcome");
    assert!(whole.outcome.fuel <= limits().fuel_max);
    whole
}

fn spec(module: &Module, images: &[Arc<Image>]) -> SessionSpec {
    let device = |name: &str, kind: DeviceKind| {
        let mode = if kind.is_random() { DeviceMode::File } else { DeviceMode::Pipe };
        DeviceSpec { name: name.to_owned(), kind, mode, size: 0 }
    };
    SessionSpec {
        module: module.clone(),
        args: vec!["guest".to_owned(), "banana".to_owned()],
        env: vec![("K".to_owned(), "v".to_owned())],
        devices: vec![
            device("stdin", DeviceKind::SequentialRead),
            device("stdout", DeviceKind::SequentialWrite),
            device("input", DeviceKind::RandomRead),
            device("output", DeviceKind::RandomWrite),
            device("in/peer", DeviceKind::SequentialRead),
        ],
        images: images.to_vec(),
        limits: limits(),
        entropy: [7; 32],
    }
}

fn limits() -> SessionLimits {
    SessionLimits {
        fuel_max: 200_000,
        memory_bytes_max: 4 << 20,
        table_elements_max: 10_000,
        channel_bytes_max: 100_000,
        channel_operations_max: 1_000,
        tree_bytes_max: 1 << 20,
        open_files_max: 32,
    }
}
