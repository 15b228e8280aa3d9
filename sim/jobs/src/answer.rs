//! Answer of a job: its output, and ZeroCloud's header for each figure.
//!
//! Leaves out answers that set their own headers (`message/http`) and chained jobs.

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest, Md5};
use stayput_host::Purpose;
use stayput_store::http::{Body, HeaderName, HeaderValue, Response, StatusCode};
use stayput_store::proxy::ErrorResponse;
use stayput_store::swift::header::{
    X_STAYPUT_COPIES, X_STAYPUT_DEVIATING, X_STAYPUT_INPUTS, X_STAYPUT_PLACED,
};
use stayput_store::swift::{Path, Timestamp};

use crate::placement::{PlacementReason, SessionPlace};
use crate::plan::{JobPlan, PlannedDevice};
use crate::session::result::{SessionEnd, SessionRefusal, SessionResult};

/// Placement and inputs of a job, for its answer.
#[derive(Clone, Debug)]
pub struct AnswerContext {
    /// Policy that placed it.
    pub policy: &'static str,
    /// Place and reason, if the answer is to have them.
    pub placement: Option<(SessionPlace, PlacementReason)>,
    /// Versions that it read.
    pub inputs: Vec<(Path, Timestamp)>,
}

/// Status that a job has for the sake of one session.
fn status_of(session: &SessionResult) -> StatusCode {
    match &session.end {
        SessionEnd::Refused(SessionRefusal::Module { .. }) => StatusCode::BAD_REQUEST,
        SessionEnd::Refused(SessionRefusal::Image { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        end if end.exit_code().is_some() => StatusCode::OK,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Place and reason of a session that never began.
fn refusal_of(session: &SessionResult) -> Option<String> {
    let SessionEnd::Refused(refusal) = &session.end else { return None };
    let field = match refusal {
        SessionRefusal::Module { .. } => "exec.path",
        SessionRefusal::Image { .. } => "devices.image.path",
    };
    Some(format!("node {:?}, field `{field}`: {refusal}", session.name))
}

/// Part of the response that a session adds.
fn response_of(session: &SessionResult, devices: &[PlannedDevice]) -> Bytes {
    let parts: Vec<Bytes> =
        in_response(devices).iter().map(|device| session.output(&device.name)).collect();
    match parts.as_slice() {
        [one] => one.clone(),
        several => several.concat().into(),
    }
}

/// Order in which the outputs of a session without a path go into the response.
const RESPONSE_ORDER: [&str; 3] = ["stdout", "stderr", "output"];

/// Devices of a session whose outputs are in the response, in its order.
#[must_use]
pub fn in_response(devices: &[PlannedDevice]) -> Vec<&PlannedDevice> {
    let unnamed = |name: &str| devices.iter().find(|d| d.name == name && d.is_response());
    RESPONSE_ORDER.iter().filter_map(|name| unnamed(name)).collect()
}

/// The answer of a job. `sessions` are the plan's, in its order.
#[must_use]
pub fn answer(plan: &JobPlan, sessions: &[SessionResult], around: &AnswerContext) -> Response {
    let devices = || plan.sessions.iter().map(|session| session.devices.as_slice());
    let parts: Vec<Bytes> =
        sessions.iter().zip(devices()).map(|(session, of)| response_of(session, of)).collect();
    let refused =
        sessions.iter().find_map(|session| Some((status_of(session), refusal_of(session)?)));
    let mut response = match refused {
        Some((status, why)) => ErrorResponse::new(status, why).into_response(),
        None => {
            let whole = parts.iter().map(|part| (Purpose::JobResult, part.clone()));
            let mut response = Response::new(Body::parts(whole));
            let named = devices().flat_map(in_response).find_map(|d| d.content_type.as_deref());
            set(&mut response, "content-type", named.unwrap_or("text/plain"));
            response
        }
    };
    let worst = sessions.iter().map(status_of).max().unwrap_or(StatusCode::OK);
    *response.status_mut() = worst;
    describe(&mut response, sessions, around, &parts);
    response
}

fn describe(
    response: &mut Response,
    sessions: &[SessionResult],
    around: &AnswerContext,
    parts: &[Bytes],
) {
    let mut each = |name: &'static str, figure: &dyn Fn(&SessionResult) -> String| {
        let figures: Vec<String> = sessions.iter().map(figure).collect();
        set(response, name, &figures.join(","));
    };
    each("x-nexe-system", &|session| session.name.clone());
    each("x-nexe-status", &|session| session.end.to_string());
    each("x-nexe-retcode", &|session| match session.end.exit_code() {
        Some(code) => code.to_string(),
        None => "-1".to_owned(),
    });
    each("x-nexe-validation", &|session| match session.end {
        SessionEnd::Refused(_) => "1".to_owned(),
        _ => "0".to_owned(),
    });
    each("x-nexe-colocated", &|session| u8::from(session.colocated).to_string());
    each("x-nexe-fuel", &|session| session.fuel.to_string());
    let failed = sessions.iter().filter(|session| session.end.exit_code().is_none());
    let errors: Vec<String> = failed
        .map(|session| match sessions.len() {
            1 => session.end.to_string(),
            _ => format!("{}: {}", session.name, session.end),
        })
        .collect();
    if !errors.is_empty() {
        set(response, "x-nexe-error", &errors.join(","));
    }
    let etag = |part: &Bytes| {
        Md5::digest(part).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    set(response, "x-nexe-etag", &parts.iter().map(etag).collect::<Vec<_>>().join(","));
    set(response, "x-nexe-cdr-line", &cdr_line(sessions));
    set(response, "x-nexe-policy", around.policy);
    if let Some((place, reason)) = &around.placement {
        put_placement(response, place, *reason);
    }
    describe_copies(response, sessions);
    let inputs =
        around.inputs.iter().map(|(path, version)| format!("{}@{version}", path.encoded()));
    put(response, X_STAYPUT_INPUTS, &inputs.collect::<Vec<_>>().join(","));
}

/// Sets the headers of copies: how many agreed, and which did not.
fn describe_copies(response: &mut Response, sessions: &[SessionResult]) {
    if sessions.iter().all(|session| session.copies.asked == 1) {
        return;
    }
    let copies = sessions
        .iter()
        .map(|session| format!("{}/{}", session.copies.agreeing, session.copies.asked));
    put(response, X_STAYPUT_COPIES, &copies.collect::<Vec<_>>().join(","));
    let deviating = sessions.iter().flat_map(|session| {
        session.copies.deviating.iter().map(|place| format!("{}@{place}", session.name))
    });
    let deviating: Vec<String> = deviating.collect();
    if !deviating.is_empty() {
        put(response, X_STAYPUT_DEVIATING, &deviating.join(","));
    }
}

/// ZeroCloud's accounting line: total seconds; then of each session its own, and `sys user reads
/// rbytes writes wbytes nreads nrbytes nwrites nwbytes`.
fn cdr_line(sessions: &[SessionResult]) -> String {
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    let total = sessions.iter().map(|session| session.took).max().unwrap_or_default();
    let mut line = vec![seconds(total)];
    for session in sessions {
        line.push(seconds(session.took));
        // Of devices, and of the connections to other sessions.
        let mut figures = [[0_u64; 4]; 2];
        for account in &session.accounting.devices {
            let is_peer = account.name.starts_with("in/") || account.name.starts_with("out/");
            let of = [account.reads, account.read_bytes, account.writes, account.written_bytes];
            for (sum, figure) in figures[usize::from(is_peer)].iter_mut().zip(of) {
                *sum += figure;
            }
        }
        let figures = figures.concat().iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        line.push(format!("0.000000 {} {figures}", seconds(session.core)));
    }
    line.join(", ")
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    put(response, HeaderName::from_static(name), value);
}

/// Sets the header of place and reason.
pub(crate) fn put_placement(
    response: &mut Response,
    place: &SessionPlace,
    reason: PlacementReason,
) {
    put(response, X_STAYPUT_PLACED, &format!("{}; reason={}", place.name(), reason.name()));
}

/// Sets a header; characters that cannot stand in one become question marks.
pub(crate) fn put(response: &mut Response, name: HeaderName, value: &str) {
    let plain: String =
        value.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect();
    if let Ok(value) = HeaderValue::try_from(plain) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests;
