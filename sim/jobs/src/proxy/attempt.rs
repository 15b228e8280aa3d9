//! One attempt of one session on one node: the order, and the answer.
//!
//! Leaves out choosing the node, and other nodes when it fails: that is the schedule's.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use stayput_host::{Purpose, TimedOut};
use stayput_store::http::{
    Body, BodyError, IncomingResponse, Method, SendError, StatusCode, Timeouts,
};
use stayput_store::proxy::Proxy;
use stayput_store::swift::{ReplicaTarget, job_port};

use super::inputs::Part;
use super::liveness::lost;
use crate::error::{JobError, NodeAnswer};
use crate::message::{
    MessageError, PEER_LOST, PartRole, SessionOrder, SessionReport, decode, encode, status_path,
};
use crate::placement::NodeLoad;
use crate::session::result::{Agreement, SESSION_TIME_MAX, STAGED_BYTES_MAX, SessionResult};

/// Timeouts of an answer of a node or a worker: the session's time, that of those before it in the
/// queue, and the transfers around it.
pub(super) const LIMITS: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    answer: Duration::from_secs(3 * SESSION_TIME_MAX.as_secs()),
};
/// Timeout of the next piece of such an answer, and of a client that takes it.
pub(super) const CHUNK_MAX: Duration = Duration::from_secs(3);
/// Limit on the bytes of a node's answer: all that may be staged, and its head.
const ANSWER_BYTES_MAX: u64 = STAGED_BYTES_MAX + (1 << 20);

/// Outcome of an attempt.
pub(super) enum Attempt {
    /// The session ended.
    Done(Box<SessionResult>),
    /// The node could not run it: another one may.
    Next(AttemptError),
}

/// Failure of a node to run a session, which another node may not have.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// It has no slot.
    #[error("{0}")]
    NoSlot(NodeAnswer),
    /// It lost another session of the gang, which this one talked to.
    #[error("{0}")]
    PeerLost(NodeAnswer),
    /// Its replica is missing or of another version.
    #[error("{0}")]
    Replica(NodeAnswer),
    /// It failed, such as by a disk.
    #[error("{0}")]
    Failed(NodeAnswer),
    /// It gave no answer.
    #[error(transparent)]
    NoAnswer(#[from] SendError),
    /// It does not know the session any more, or is gone.
    #[error("it lost the session")]
    SessionLost,
    /// Its answer was too slow.
    #[error(transparent)]
    Late(#[from] TimedOut),
    /// Its answer broke off.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Its answer is longer than any report.
    #[error("its answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// Its answer is no report.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Its answer is the report of another attempt.
    #[error("it answered for another attempt")]
    OtherAttempt,
}

impl AttemptError {
    /// Reads the answer of a node that did not run a session.
    ///
    /// # Errors
    /// A refusal that all nodes would repeat.
    fn of_answer(answer: NodeAnswer) -> Result<Self, JobError> {
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => Ok(Self::NoSlot(answer)),
            PEER_LOST => Ok(Self::PeerLost(answer)),
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(Self::Replica(answer)),
            status if status.is_server_error() => Ok(Self::Failed(answer)),
            _ => Err(JobError::NodeRefused(answer)),
        }
    }
}

/// Address at which a node takes orders.
pub(super) fn address(target: &ReplicaTarget) -> SocketAddr {
    SocketAddr::new(target.ip, job_port(target.port))
}

/// Sends an order to a node and awaits the end of the session; with the load that the node reports.
/// The parts are sent for `again` if it is given, else each for its own purpose.
///
/// # Errors
/// A failure that all nodes would repeat.
pub(super) async fn attempt(
    proxy: &Proxy,
    target: &ReplicaTarget,
    order: &SessionOrder,
    parts: &[Part],
    again: Option<Purpose>,
) -> Result<(Attempt, Option<NodeLoad>), JobError> {
    let pushed =
        parts.iter().map(|(_, purpose, content)| (again.unwrap_or(*purpose), content.clone()));
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(status_path(&order.id, order.attempt))
        .body(encode(order, pushed.collect())?)
        .map_err(|error| JobError::Malformed(Rc::new(error)))?;
    let (status, body) = match answer_of(proxy, target, order, request).await {
        Ok(answer) => answer,
        Err(error) => return Ok((Attempt::Next(error), None)),
    };
    if status != StatusCode::OK {
        let text = String::from_utf8_lossy(&body).trim_end().to_owned();
        let error = AttemptError::of_answer(NodeAnswer { status, text })?;
        return Ok((Attempt::Next(error), None));
    }
    Ok(match report_of(order, body) {
        Ok((report, outputs)) => {
            let load = report.load;
            (Attempt::Done(Box::new(session_of(order, report, outputs))), load)
        }
        Err(error) => (Attempt::Next(error), None),
    })
}

/// Status and body of a node's answer, unless the session is lost before.
async fn answer_of(
    proxy: &Proxy,
    target: &ReplicaTarget,
    order: &SessionOrder,
    request: hyper::Request<Body>,
) -> Result<(StatusCode, Bytes), AttemptError> {
    let address = address(target);
    let head = pin!(proxy.pool().send(address, request, LIMITS));
    let lost = pin!(lost(proxy.host(), proxy.pool(), address, &order.id, order.attempt));
    let mut answer = match select(head, lost).await {
        Either::Left((answer, _)) => answer?,
        Either::Right(((), _)) => return Err(AttemptError::SessionLost),
    };
    let body = collect(proxy, &mut answer).await?;
    Ok((answer.status, body))
}

/// The whole of a node's answer, if none of its pieces is late.
async fn collect(proxy: &Proxy, answer: &mut IncomingResponse) -> Result<Bytes, AttemptError> {
    let mut whole = BytesMut::new();
    loop {
        match proxy.host().timeout(CHUNK_MAX, answer.body.chunk()).await?? {
            Some(chunk) => whole.extend_from_slice(&chunk),
            None => return Ok(whole.freeze()),
        }
        if whole.len() as u64 > ANSWER_BYTES_MAX {
            return Err(AttemptError::TooLong);
        }
    }
}

fn report_of(
    order: &SessionOrder,
    body: Bytes,
) -> Result<(SessionReport, Vec<(PartRole, Bytes)>), AttemptError> {
    let (report, outputs) = decode::<SessionReport>(body)?;
    if (report.id.as_str(), report.attempt) != (order.id.as_str(), order.attempt) {
        return Err(AttemptError::OtherAttempt);
    }
    Ok((report, outputs))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16) -> Result<AttemptError, JobError> {
        let status = StatusCode::from_u16(status).expect("it is a status");
        AttemptError::of_answer(NodeAnswer { status, text: "why".to_owned() })
    }

    #[test]
    fn a_nodes_status_becomes_what_happened_and_keeps_its_text() {
        assert!(matches!(read(503), Ok(AttemptError::NoSlot(_))));
        assert!(matches!(read(424), Ok(AttemptError::PeerLost(_))));
        assert!(matches!(read(404), Ok(AttemptError::Replica(_))));
        assert!(matches!(read(409), Ok(AttemptError::Replica(_))));
        assert!(matches!(read(507), Ok(AttemptError::Failed(_))));
        let text = read(507).expect("another node may do").to_string();
        assert_eq!(text, "507 Insufficient Storage: why");
    }

    #[test]
    fn what_all_nodes_would_refuse_is_tried_on_no_other() {
        let refused = read(400).expect_err("the order is flawed");
        assert!(!refused.is_transient(), "{refused}");
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
