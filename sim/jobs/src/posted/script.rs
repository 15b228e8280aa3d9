//! Posted scripts: their first line names an interpreter, which is run with the script at `/script`.
//!
//! Leaves out what else a description could say; who needs more posts an image.

use bytes::Bytes;
use stayput_runtime::image::executable::FIRST_LINE_BYTES_MAX;
use stayput_runtime::job::{
    self, Account, DeviceClass, DevicePath, ExecPath, Job, NodeDevice, ObjectPath, split_words,
};
use stayput_store::http::StatusCode;
use stayput_store::proxy::Refusal;
use stayput_store::swift::Path;

/// Where the interpreter finds the script.
const PLACE: &str = "script";

fn bad(why: impl std::fmt::Display) -> Refusal {
    let fix = "write `#! image path/to/interpreter` or `#! /container/interpreter`";
    Refusal::new(StatusCode::BAD_REQUEST, format!("the script's first line {why}: {fix}"))
}

/// What follows `#!` in the first line; `None` if it is no script.
pub(super) fn first_line(script: &[u8]) -> Option<&[u8]> {
    let line = script.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The job that runs a script. One that is posted to an object reads it as its standard input.
///
/// # Errors
/// 400: the first line names no interpreter.
pub(super) fn job(first_line: &[u8], posted_to: &Path) -> Result<Job, Refusal> {
    if first_line.len() > FIRST_LINE_BYTES_MAX {
        return Err(bad(format!("is longer than {FIRST_LINE_BYTES_MAX} bytes")));
    }
    let line = std::str::from_utf8(first_line).map_err(|_| bad("is no text"))?;
    let mut words = split_words(line).map_err(bad)?.into_iter();
    let interpreter = words.next().ok_or_else(|| bad("names no interpreter"))?;
    let path = match &interpreter {
        url if url.contains("://") => url.clone(),
        place if place.starts_with('/') => format!("swift://~{place}"),
        image => match words.next() {
            Some(path) => format!("file://{image}:{path}"),
            None => return Err(bad(format!("names the image {image:?} and no path in it"))),
        },
    };
    let exec = ExecPath::parse(&path).map_err(|why| bad(format!("names {path:?}, which {why}")))?;
    let mut devices = vec![NodeDevice::bare("stdout", DeviceClass::Stdout)];
    if let ExecPath::Image { image, .. } = &exec {
        let image = image.as_deref().ok_or_else(|| bad("names no image"))?;
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

/// The image that has a script in its place.
///
/// # Errors
/// It cannot be made.
pub(super) fn image(script: &[u8]) -> Result<Bytes, Refusal> {
    let mut header = tar::Header::new_ustar();
    header.set_size(script.len() as u64);
    header.set_mode(0o755);
    let mut image = tar::Builder::new(Vec::new());
    let added = image.append_data(&mut header, PLACE, script).and_then(|()| image.into_inner());
    match added {
        Ok(tar) => Ok(tar.into()),
        Err(error) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}
