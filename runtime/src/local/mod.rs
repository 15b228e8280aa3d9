//! Local runs of a session or a whole job with devices in memory, for references, tests and
//! benchmarks.
//!
//! Time stands at the epoch of sessions, except that sleeps advance it. Leaves out everything that
//! a cluster adds, which is the point of a reference.

mod job;

pub use job::{LocalSession, SessionRun, run_job, run_job_with};

use crate::device::DeviceFault;
use crate::outcome::Outcome;
use crate::session::{Pause, SESSION_EPOCH_UNIX_NS, Session, SessionSpec};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Default fuel per step.
pub const SLICE_FUEL: u64 = 100_000_000;

/// Result of a local run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRun {
    /// Outcome.
    pub outcome: Outcome,
    /// Bytes written to each writable device, by name.
    pub outputs: BTreeMap<String, Bytes>,
}

/// Runs `spec` to its end. `inputs` are the readable devices' bytes by name; a device without any
/// is empty. The devices' sizes in `spec` are set by them.
pub fn run(spec: SessionSpec, inputs: BTreeMap<String, Bytes>) -> LocalRun {
    run_sliced(spec, inputs, SLICE_FUEL, usize::MAX)
}

/// Like [`run`], in steps of `slice` fuel, with reads answered by `part_bytes` each, whether fewer
/// or more than the guest asks for.
pub fn run_sliced(
    mut spec: SessionSpec,
    inputs: BTreeMap<String, Bytes>,
    slice: u64,
    part_bytes: usize,
) -> LocalRun {
    let mut bytes = Vec::with_capacity(spec.devices.len());
    for device in &mut spec.devices {
        let input = inputs.get(&device.name).cloned().unwrap_or_default();
        device.size = if device.kind.is_readable() { input.len() as u64 } else { 0 };
        bytes.push(input);
    }
    let devices = spec.devices.clone();
    let mut written: Vec<Vec<u8>> = vec![Vec::new(); devices.len()];
    let mut session = Session::new(spec);
    let mut now = SESSION_EPOCH_UNIX_NS;
    let outcome = loop {
        match session.step(now, slice) {
            Pause::SliceUsed => {}
            Pause::Read { device, offset, len: _ } => {
                let part = part_of(&bytes[device.index()], offset, part_bytes.max(1));
                session.provide_read(Ok(part));
            }
            Pause::Write { device, offset, data } => {
                session.accept_write(store(&mut written[device.index()], offset, &data));
            }
            Pause::Sleep { until_unix_ns } => now = until_unix_ns,
            Pause::Ended(outcome) => break outcome,
        }
    };
    let outputs = devices.iter().zip(written).filter(|(device, _)| device.kind.is_writable());
    let outputs = outputs.map(|(device, bytes)| (device.name.clone(), bytes.into())).collect();
    LocalRun { outcome, outputs }
}

fn part_of(all: &Bytes, offset: u64, len: usize) -> Bytes {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
    all.slice(start..start.saturating_add(len).min(all.len()))
}

fn store(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) -> Result<(), DeviceFault> {
    let start = usize::try_from(offset).map_err(|_| DeviceFault::Quota)?;
    let end = start.checked_add(data.len()).ok_or(DeviceFault::Quota)?;
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[start..end].copy_from_slice(data);
    Ok(())
}
