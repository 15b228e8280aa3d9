//! Posted scripts: their first line names an interpreter, which is run with the script at
//! `/script`.
//!
//! Leaves out what else a description could say; who needs more posts an image.

use bytes::Bytes;
use stayput_runtime::image::executable::FIRST_LINE_BYTES_MAX;
use stayput_runtime::job::{
    self, Account, DeviceClass, DevicePath, ExecPath, Job, NodeDevice, ObjectPath, split_words,
};
use stayput_store::swift::Path;

use super::error::ScriptFlaw;

/// Path at which the interpreter finds the script.
const PLACE: &str = "script";

/// Rest of the first line after `#!`; `None` if it is no script.
pub(super) fn first_line(script: &[u8]) -> Option<&[u8]> {
    let line = script.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The job that runs a script. One that is posted to an object reads it as its standard input.
///
/// # Errors
/// The first line names no interpreter.
pub(super) fn job(first_line: &[u8], posted_to: &Path) -> Result<Job, ScriptFlaw> {
    if first_line.len() > FIRST_LINE_BYTES_MAX {
        return Err(ScriptFlaw::TooLong);
    }
    let line = std::str::from_utf8(first_line).map_err(|_| ScriptFlaw::NoText)?;
    let mut words = split_words(line)?.into_iter();
    let interpreter = words.next().ok_or(ScriptFlaw::NoInterpreter)?;
    let path = match &interpreter {
        url if url.contains("://") => url.clone(),
        place if place.starts_with('/') => format!("swift://~{place}"),
        image => match words.next() {
            Some(path) => format!("file://{image}:{path}"),
            None => return Err(ScriptFlaw::NoPath { image: image.to_owned() }),
        },
    };
    let exec =
        ExecPath::parse(&path).map_err(|why| ScriptFlaw::BadPath { path, why: why.to_string() })?;
    let mut devices = vec![NodeDevice::bare("stdout", DeviceClass::Stdout)];
    if let ExecPath::Image { image, .. } = &exec {
        let image = image.as_deref().ok_or(ScriptFlaw::NoImage)?;
        devices.push(NodeDevice::bare(image, DeviceClass::SystemImage));
    }
    if let (Some(container), Some(object)) = (posted_to.container(), posted_to.object()) {
        let path = ObjectPath::of_match(&Account::Own, container, Some(object));
        let stdin = NodeDevice::bare("stdin", DeviceClass::Stdin);
        devices.push(NodeDevice { path: Some(DevicePath::Swift(path)), ..stdin });
    }
    let args = words.chain([format!("/{PLACE}")]).collect();
    Ok(job::single(PLACE, exec, args, devices))
}

/// An image with a script in its place.
///
/// # Errors
/// It cannot be made.
pub(super) fn image(script: &[u8]) -> std::io::Result<Bytes> {
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    let mut image = tar::Builder::new(Vec::new());
    let added = image.append_data(&mut header, PLACE, script).and_then(|()| image.into_inner());
    added.map(Bytes::from)
}
