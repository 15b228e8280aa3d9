//! Requests to other replicas, and the replicas that do not answer.
//!
//! Leaves out the content of requests.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_host::{Host, Purpose};

use super::REPLICATE;
use crate::http::{Body, IncomingResponse, Method, SendError, Timeouts, send};
use crate::node::storage::NodeError;
use crate::swift::{ReplicaTarget, Service, encode_part};

/// Timeouts of a request to another replica, which may have to count what it has first.
pub(super) const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(2), answer: Duration::from_secs(60) };
/// Longest answer of another replica, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Failure of an exchange with another replica.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    /// No answer.
    #[error("{0} does not answer")]
    Silent(SocketAddr),
    /// An answer that is none to the request.
    #[error("{0} refuses")]
    Refused(SocketAddr),
    /// An error of this node.
    #[error(transparent)]
    Local(#[from] NodeError),
}

/// The other replicas of a round. One that does not answer is left alone for the rest of the round.
pub(super) struct Peers<'a> {
    host: &'a Host,
    silent: BTreeSet<SocketAddr>,
}

impl<'a> Peers<'a> {
    pub(super) const fn new(host: &'a Host) -> Self {
        Self { host, silent: BTreeSet::new() }
    }

    /// True if at least one did not answer.
    pub(super) fn are_silent(&self) -> bool {
        !self.silent.is_empty()
    }

    /// Sends a question by [`REPLICATE`] about `path` of the target's device, and reads the answer.
    pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        path: &str,
        question: &Q,
    ) -> Result<A, PeerError> {
        let address = target.address(service);
        let refused = || PeerError::Refused(address);
        let body = serde_json::to_vec(question).map_err(|_| refused())?;
        let body = Body::full(Purpose::Replication, body);
        let method = Method::from_bytes(REPLICATE.as_bytes()).map_err(|_| refused())?;
        let path = format!("/{}{path}", encode_part(&target.device));
        let mut request = hyper::Request::new(body);
        *request.method_mut() = method;
        let mut answer = self.send(target, service, &path, request, TIMEOUTS).await?;
        if !answer.status.is_success() {
            return Err(refused());
        }
        let body = answer.body.collect(ANSWER_BYTES_MAX);
        let Ok(body) = self.host.timeout(TIMEOUTS.answer, body).await else {
            self.silent.insert(address);
            return Err(PeerError::Silent(address));
        };
        let body = body.map_err(|_| refused())?;
        serde_json::from_slice(&body).map_err(|_| refused())
    }

    /// Sends a request.
    pub(super) async fn send(
        &mut self,
        target: &ReplicaTarget,
        service: Service,
        path: &str,
        mut request: hyper::Request<Body>,
        timeouts: Timeouts,
    ) -> Result<IncomingResponse, PeerError> {
        let address = target.address(service);
        if self.silent.contains(&address) {
            return Err(PeerError::Silent(address));
        }
        *request.uri_mut() = path.parse().map_err(|_| PeerError::Refused(address))?;
        match send(self.host, address, request, timeouts).await {
            Ok(answer) => Ok(answer),
            // A body that breaks off here ends the connection as well.
            Err(SendError::Broken { .. }) => Err(PeerError::Refused(address)),
            Err(error) => {
                tracing::warn!(%error, "another replica is silent");
                self.silent.insert(address);
                Err(PeerError::Silent(address))
            }
        }
    }
}
