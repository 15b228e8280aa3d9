//! One attempt of one session on one node: the order, and what comes back.
//!
//! Leaves out which node, and what to do when it fails: that is the schedule's.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use stayput_host::Purpose;
use stayput_store::http::{IncomingResponse, Method, StatusCode, Timeouts};
use stayput_store::proxy::{Proxy, Refusal};
use stayput_store::swift::ReplicaTarget;
use stayput_store::swift::job_port;

use super::inputs::Part;
use super::liveness::lost;
use crate::answer::{Agreement, SessionResult};
use crate::message::{
    PEER_LOST, PartRole, SessionOrder, SessionReport, decode, encode, status_path,
};
use crate::placement::NodeLoad;
use crate::session::driver::{SESSION_TIME_MAX, STAGED_BYTES_MAX};

/// For a node's answer: the session's time, that of those before it in the queue, and what is read and pushed around it.
const LIMITS: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    answer: Duration::from_secs(3 * SESSION_TIME_MAX.as_secs()),
};
/// For the next piece of a node's answer.
const CHUNK_MAX: Duration = Duration::from_secs(3);
/// The longest answer: all that may be staged, and room for its head.
const ANSWER_BYTES_MAX: u64 = STAGED_BYTES_MAX + (1 << 20);

/// What became of an attempt.
pub(super) enum Attempt {
    /// The session ended.
    Done(Box<SessionResult>),
    /// The node could not run it: another one may.
    Next(Failure),
}

/// Why a node could not run a session.
#[derive(Debug)]
pub(super) struct Failure {
    /// What it said.
    pub(super) why: String,
    /// It had no room.
    pub(super) is_full: bool,
    /// Another session of the gang was lost, which this one talked to.
    pub(super) is_peers: bool,
}

fn next(why: impl Into<String>) -> Attempt {
    Attempt::Next(Failure { why: why.into(), is_full: false, is_peers: false })
}

/// Where a node takes orders.
pub(super) fn address(target: &ReplicaTarget) -> SocketAddr {
    SocketAddr::new(target.ip, job_port(target.port))
}

/// Sends the order to the node and waits for the session to end; says what the node told of its load, if it did. The parts are sent
/// for `again` if it is given, else each for its own purpose.
///
/// # Errors
/// The node says that no other would do better.
pub(super) async fn attempt(
    proxy: &Proxy,
    target: &ReplicaTarget,
    order: &SessionOrder,
    parts: &[Part],
    again: Option<Purpose>,
) -> Result<(Attempt, Option<NodeLoad>), Refusal> {
    let broken = |why: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why);
    let pushed =
        parts.iter().map(|(_, purpose, content)| (again.unwrap_or(*purpose), content.clone()));
    let body = encode(order, pushed.collect()).map_err(|error| broken(error.to_string()))?;
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(status_path(&order.id, order.attempt))
        .body(body)
        .map_err(|error| broken(error.to_string()))?;
    let address = address(target);
    let head = pin!(proxy.pool().send(address, request, LIMITS));
    let lost = pin!(lost(proxy.host(), proxy.pool(), address, &order.id, order.attempt));
    let mut answer = match select(head, lost).await {
        Either::Left((Ok(answer), _)) => answer,
        Either::Left((Err(error), _)) => return Ok((next(error.to_string()), None)),
        Either::Right(((), _)) => return Ok((next("it lost the session"), None)),
    };
    let body = match collect(proxy, &mut answer).await {
        Ok(body) => body,
        Err(why) => return Ok((next(why), None)),
    };
    let status = answer.status;
    if status != StatusCode::OK {
        let why = format!("{status}: {}", String::from_utf8_lossy(&body).trim_end());
        let passes = status.is_server_error()
            || [StatusCode::NOT_FOUND, StatusCode::CONFLICT, PEER_LOST].contains(&status);
        let (is_full, is_peers) = (status == StatusCode::SERVICE_UNAVAILABLE, status == PEER_LOST);
        return match passes {
            true => Ok((Attempt::Next(Failure { why, is_full, is_peers }), None)),
            false => Err(broken(why)),
        };
    }
    let (report, outputs) = match decode::<SessionReport>(body) {
        Ok(decoded) => decoded,
        Err(bad) => return Ok((next(bad.to_string()), None)),
    };
    if (report.id.as_str(), report.attempt) != (order.id.as_str(), order.attempt) {
        return Ok((next("it answered for another attempt"), None));
    }
    let load = report.load;
    Ok((Attempt::Done(Box::new(session_of(order, report, outputs))), load))
}

/// The whole of a node's answer, if none of its pieces is late.
async fn collect(proxy: &Proxy, answer: &mut IncomingResponse) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    loop {
        let chunk = proxy.host().timeout(CHUNK_MAX, answer.body.chunk()).await;
        let chunk = chunk.map_err(|late| late.to_string())?;
        match chunk.map_err(|broken| broken.to_string())? {
            Some(chunk) => whole.extend_from_slice(&chunk),
            None => return Ok(whole.freeze()),
        }
        if whole.len() as u64 > ANSWER_BYTES_MAX {
            return Err(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes"));
        }
    }
}

fn session_of(
    order: &SessionOrder,
    report: SessionReport,
    outputs: Vec<(PartRole, Bytes)>,
) -> SessionResult {
    let output = |(role, content)| match role {
        PartRole::Device(name) => Some((name, content)),
        PartRole::Module | PartRole::Image => None,
    };
    SessionResult {
        name: order.session.clone(),
        end: report.end,
        fuel: report.fuel,
        took: Duration::from_micros(report.took_us),
        core: Duration::from_micros(report.core_us),
        accounting: report.accounting,
        outputs: outputs.into_iter().filter_map(output).collect(),
        colocated: order.local.is_some(),
        copies: Agreement::ALONE,
    }
}
