//! What a client gets of a job: the output, and a header for each figure, as ZeroCloud has them.
//!
//! Leaves out answers that set their own headers (`message/http`) and chained jobs.

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest, Md5};
use stayput_runtime::outcome::Accounting;

use super::plan::PlannedDevice;
use super::run::{Ran, Refused, SessionEnd};
use crate::host::Purpose;
use crate::http::{Body, HeaderName, HeaderValue, Response, StatusCode};
use crate::proxy::Refusal;
use crate::swift::header::X_STAYPUT_INPUTS;
use crate::swift::{Path, Timestamp};

/// What became of a session, wherever it ran.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub end: SessionEnd,
    /// Fuel that it used.
    pub fuel: u64,
    /// From its start to its end.
    pub took: Duration,
    /// Of that on a core.
    pub core: Duration,
    /// What it read and wrote.
    pub accounting: Accounting,
    /// What its devices wrote, by name.
    pub outputs: Vec<(String, Bytes)>,
}

impl Session {
    /// Of a session that ran here.
    #[must_use]
    pub fn of(name: &str, ran: Ran, core: Duration, devices: &[PlannedDevice]) -> Self {
        let written = devices.iter().zip(ran.outputs).filter(|(d, _)| d.kind.is_writable());
        Self {
            name: name.to_owned(),
            end: ran.end,
            fuel: ran.fuel,
            took: ran.took,
            core,
            accounting: ran.accounting,
            outputs: written.map(|(device, output)| (device.name.clone(), output)).collect(),
        }
    }

    /// What its device of that name wrote.
    #[must_use]
    pub fn output(&self, device: &str) -> Bytes {
        let found = self.outputs.iter().find(|(name, _)| name == device);
        found.map(|(_, output)| output.clone()).unwrap_or_default()
    }
}

/// Where and on what it ran.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The policy that placed it.
    pub policy: &'static str,
    /// Whether it ran on a host that holds its input.
    pub colocated: bool,
    /// The versions that it read.
    pub inputs: Vec<(Path, Timestamp)>,
}

/// The order in which the outputs without a path go into the response.
const RESPONSE_ORDER: [&str; 3] = ["stdout", "stderr", "output"];

/// The devices whose outputs are the response, in its order.
#[must_use]
pub fn in_response(devices: &[PlannedDevice]) -> Vec<&PlannedDevice> {
    let unnamed = |name: &str| {
        devices.iter().find(|d| d.name == name && d.kind.is_writable() && d.path.is_none())
    };
    RESPONSE_ORDER.iter().filter_map(|name| unnamed(name)).collect()
}

/// The answer that a client gets.
#[must_use]
pub fn answer(devices: &[PlannedDevice], session: &Session, around: &Circumstances) -> Response {
    if let SessionEnd::Refused(refused) = &session.end {
        let (status, field) = match refused {
            Refused::Module { .. } => (StatusCode::BAD_REQUEST, "exec.path"),
            Refused::Image { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "devices.image.path"),
        };
        let why = format!("node {:?}, field `{field}`: {refused}", session.name);
        let mut response = Refusal::new(status, why).into_response();
        describe(&mut response, session, around, &Bytes::new());
        return response;
    }
    let to_response = in_response(devices);
    let parts: Vec<Bytes> = to_response.iter().map(|d| session.output(&d.name)).collect();
    let whole = Bytes::from(parts.concat());
    let body = Body::full(Purpose::JobResult, whole.clone());
    let mut response = Response::new(body);
    if session.end.exit_code().is_none() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let content_type = to_response.iter().find_map(|d| d.content_type.as_deref());
    set(&mut response, "content-type", content_type.unwrap_or("text/plain"));
    describe(&mut response, session, around, &whole);
    response
}

fn describe(response: &mut Response, session: &Session, around: &Circumstances, body: &Bytes) {
    let status = session.end.to_string();
    let refused = matches!(session.end, SessionEnd::Refused(_));
    let code = session.end.exit_code().map_or_else(|| "-1".to_owned(), |code| code.to_string());
    set(response, "x-nexe-system", &session.name);
    set(response, "x-nexe-status", &status);
    set(response, "x-nexe-retcode", &code);
    let etag: String = Md5::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    set(response, "x-nexe-etag", &etag);
    set(response, "x-nexe-validation", if refused { "1" } else { "0" });
    set(response, "x-nexe-cdr-line", &cdr_line(session));
    set(response, "x-nexe-policy", around.policy);
    set(response, "x-nexe-colocated", if around.colocated { "1" } else { "0" });
    set(response, "x-nexe-fuel", &session.fuel.to_string());
    if session.end.exit_code().is_none() {
        set(response, "x-nexe-error", &status);
    }
    let inputs =
        around.inputs.iter().map(|(path, version)| format!("{}@{version}", path.encoded()));
    put(response, X_STAYPUT_INPUTS, &inputs.collect::<Vec<_>>().join(","));
}

/// ZeroCloud's accounting line: total seconds; then the session's, and `sys user reads rbytes writes wbytes nreads nrbytes
/// nwrites nwbytes`.
fn cdr_line(session: &Session) -> String {
    let total = session.accounting.total();
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    format!(
        "{took}, {took}, 0.000000 {core} {} {} {} {} 0 0 0 0",
        total.reads,
        total.read_bytes,
        total.writes,
        total.written_bytes,
        took = seconds(session.took),
        core = seconds(session.core),
    )
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    put(response, HeaderName::from_static(name), value);
}

/// Sets a header; a value that cannot stand in one is put so that it can.
fn put(response: &mut Response, name: HeaderName, value: &str) {
    let plain: String =
        value.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect();
    if let Ok(value) = HeaderValue::try_from(plain) {
        response.headers_mut().insert(name, value);
    }
}
