//! Digest of a spec: two sessions with the same digest and the same answers do the same.
//!
//! Leaves out the answers, which the tree of steps keeps.

use crate::device::{DeviceKind, DeviceMode, DeviceSpec};
use crate::digest::{Digest, Digester};
use crate::limits::SessionLimits;
use crate::session::SessionSpec;

/// Digest of `spec`.
pub(super) fn of(spec: &SessionSpec) -> Digest {
    let SessionSpec { module, args, env, devices, images, limits, entropy } = spec;
    let mut digester = Digester::default();
    digester.part(module.digest().as_bytes());
    digester.number(args.len() as u64);
    args.iter().for_each(|word| digester.part(word.as_bytes()));
    digester.number(env.len() as u64);
    for (name, value) in env {
        digester.part(name.as_bytes());
        digester.part(value.as_bytes());
    }
    digester.number(devices.len() as u64);
    devices.iter().for_each(|device| add_device(&mut digester, device));
    digester.number(images.len() as u64);
    images.iter().for_each(|image| digester.part(image.digest().as_bytes()));
    add_limits(&mut digester, limits);
    digester.part(entropy);
    digester.digest()
}

fn add_device(digester: &mut Digester, device: &DeviceSpec) {
    let DeviceSpec { name, kind, mode, size } = device;
    digester.part(name.as_bytes());
    digester.number(match kind {
        DeviceKind::SequentialRead => 0,
        DeviceKind::SequentialWrite => 1,
        DeviceKind::RandomRead => 2,
        DeviceKind::RandomWrite => 3,
    });
    digester.number(match mode {
        DeviceMode::File => 0,
        DeviceMode::Char => 1,
        DeviceMode::Block => 2,
        DeviceMode::Pipe => 3,
    });
    digester.number(*size);
}

fn add_limits(digester: &mut Digester, limits: &SessionLimits) {
    let SessionLimits {
        fuel_max,
        memory_bytes_max,
        table_elements_max,
        channel_bytes_max,
        channel_operations_max,
        tree_bytes_max,
        open_files_max,
    } = limits;
    let sizes = [memory_bytes_max, table_elements_max, open_files_max];
    sizes.into_iter().for_each(|size| digester.number(*size as u64));
    let counts = [fuel_max, channel_bytes_max, channel_operations_max, tree_bytes_max];
    counts.into_iter().for_each(|count| digester.number(*count));
}
