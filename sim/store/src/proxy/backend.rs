//! Requests to storage nodes: to one, to one after the other until a replica has it, or to all.
//!
//! Leaves out conclusions from their answers: see `quorum`.

use std::cell::RefCell;
use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::header::{CONTENT_LENGTH, HeaderName};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::AttemptKind;

use super::Proxy;
use super::headers::set;
use super::limits::{NODE_TIMEOUTS, QUORUM_GRACE, REQUEST_MAX};
use super::quorum::{ReplicaSearch, majority};
use super::replica_nodes::{ReplicaCandidate, ReplicaNodes};
use crate::http::{Body, IncomingResponse, SendError};
use crate::swift::header::{
    X_ACCOUNT_DEVICE, X_ACCOUNT_HOST, X_ACCOUNT_PARTITION, X_BACKEND_DATA_TIMESTAMP,
    X_BACKEND_TIMESTAMP, X_CONTAINER_DEVICE, X_CONTAINER_HOST, X_CONTAINER_PARTITION, timestamp,
};
use crate::swift::{Path, ReplicaTarget, Service, encode_part};

/// Purpose that the node counts the bytes of its response body as: the name of a
/// [`stayput_host::Purpose`].
pub(super) const X_BACKEND_PURPOSE: HeaderName = HeaderName::from_static("x-backend-purpose");

/// Request to one or several nodes.
#[derive(Clone, Debug)]
pub(super) struct BackendRequest {
    pub(super) method: Method,
    pub(super) service: Service,
    pub(super) path: Path,
    pub(super) partition: u32,
    /// Percent-encoded, without its question mark.
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
}

/// Reason why a node gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackendError {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("a request for {path} on {device} is no HTTP request: {source}")]
    Malformed { path: Path, device: String, source: hyper::http::Error },
}

impl BackendRequest {
    /// Builds the HTTP request to `target`, with the headers that are for it alone.
    pub(super) fn http_request(
        &self,
        target: &ReplicaTarget,
        own: &HeaderMap,
        body: Body,
    ) -> Result<hyper::Request<Body>, BackendError> {
        let device = encode_part(&target.device);
        let mut uri = format!("/{device}/{}{}", self.partition, self.path.encoded());
        if let Some(query) = &self.query {
            uri.push('?');
            uri.push_str(query);
        }
        let mut request =
            hyper::Request::builder().method(&self.method).uri(uri).body(body).map_err(
                |source| BackendError::Malformed {
                    path: self.path.clone(),
                    device: target.device.clone(),
                    source,
                },
            )?;
        let length = request.body().len();
        *request.headers_mut() = self.headers.clone();
        if self.method == Method::PUT {
            // hyper leaves it out for a body of nothing.
            if let Some(length) = length {
                set(request.headers_mut(), CONTENT_LENGTH, length);
            }
        }
        request.headers_mut().extend(own.clone());
        Ok(request)
    }
}

/// Answer of a node to a change, without its body.
#[derive(Debug)]
pub(super) struct BackendReply {
    pub(super) primary: bool,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl BackendReply {
    pub(super) fn new(primary: bool, answer: IncomingResponse) -> Self {
        Self { primary, status: answer.status, headers: answer.headers }
    }
}

impl Proxy {
    /// Sends `request`, which has no body, to one node.
    pub(super) async fn send(
        &self,
        target: &ReplicaTarget,
        request: &BackendRequest,
        own: &HeaderMap,
    ) -> Result<IncomingResponse, BackendError> {
        let message = request.http_request(target, own, Body::empty())?;
        let mut trying = self.host().attempt(AttemptKind::Replica, "replica");
        let answer =
            self.pool().send(target.address(request.service), message, NODE_TIMEOUTS).await;
        match &answer {
            Ok(answer) if !answer.status.is_server_error() => trying.progressed(),
            _ => trying.failed(),
        }
        log_failure(target, request, &answer);
        Ok(answer?)
    }

    /// Sends `request` to one candidate after the other, until one has the resource. Candidates
    /// that were asked are removed from `left`.
    pub(super) async fn find(
        &self,
        request: &BackendRequest,
        left: &mut VecDeque<ReplicaCandidate>,
        search: &mut ReplicaSearch,
    ) -> Option<IncomingResponse> {
        while let Some(ReplicaCandidate { target, primary }) = left.pop_front() {
            // The reason of one silent replica matters only when all are silent.
            let Ok(answer) = self.send(&target, request, &HeaderMap::new()).await else {
                continue;
            };
            match answer.status {
                StatusCode::NOT_FOUND => {
                    search.missing(primary, timestamp(&answer.headers, &X_BACKEND_TIMESTAMP));
                }
                status if has_it(status) => {
                    let version = timestamp(&answer.headers, &X_BACKEND_DATA_TIMESTAMP)
                        .or_else(|| timestamp(&answer.headers, &X_BACKEND_TIMESTAMP));
                    if search.accepts(primary, version) {
                        return Some(answer);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Sends `request` to all primaries at once, and to a handoff in the place of each that does
    /// not answer. `own` holds the headers for each. Returns when all have answered, or
    /// [`QUORUM_GRACE`] after a majority has.
    pub(super) async fn change(
        &self,
        request: &BackendRequest,
        nodes: &ReplicaNodes,
        own: &[HeaderMap],
    ) -> Vec<BackendReply> {
        let spare = RefCell::new(VecDeque::from(nodes.handoffs.clone()));
        let none = HeaderMap::new();
        let one = |index: usize, target: ReplicaTarget| {
            let (spare, own) = (&spare, own.get(index).unwrap_or(&none));
            async move {
                let mut next = Some((target, true));
                while let Some((target, primary)) = next {
                    if let Ok(answer) = self.send(&target, request, own).await
                        && !answer.status.is_server_error()
                    {
                        return Some(BackendReply::new(primary, answer));
                    }
                    next = spare.borrow_mut().pop_front().map(|target| (target, false));
                }
                None
            }
        };
        let waiting = nodes.primaries.iter().cloned().enumerate();
        let waiting = waiting.map(|(index, target)| one(index, target)).collect();
        self.gather(waiting, nodes.primaries.len(), |_| true).await
    }

    /// Collects the results of the futures until all are done, or [`QUORUM_GRACE`] has passed since
    /// a majority of `replicas` gave a result that counts.
    pub(super) async fn gather<F, T>(
        &self,
        mut waiting: FuturesUnordered<F>,
        replicas: usize,
        counts: impl Fn(&T) -> bool,
    ) -> Vec<T>
    where
        F: Future<Output = Option<T>>,
    {
        let mut given = Vec::new();
        let mut end = self.host().now() + REQUEST_MAX;
        let mut reached = false;
        loop {
            let limit = end.since(self.host().now());
            match self.host().timeout(limit, waiting.next()).await {
                Ok(Some(Some(reply))) => given.push(reply),
                Ok(Some(None)) => {}
                Ok(None) | Err(_) => return given,
            }
            let counting = given.iter().filter(|reply| counts(reply)).count();
            if !reached && counting >= majority(replicas) {
                reached = true;
                end = self.host().now() + QUORUM_GRACE;
            }
        }
    }
}

/// Logs which node does not answer, or fails.
pub(super) fn log_failure(
    target: &ReplicaTarget,
    request: &BackendRequest,
    answer: &Result<IncomingResponse, SendError>,
) {
    let (device, method) = (target.device.as_str(), request.method.as_str());
    match answer {
        Err(error) => tracing::warn!(
            device,
            method,
            path = request.path.encoded(),
            %error,
            "a node does not answer"
        ),
        Ok(answer) if answer.status.is_server_error() => tracing::warn!(
            node = %target.address(request.service),
            device,
            method,
            path = request.path.encoded(),
            status = answer.status.as_u16(),
            "a node fails"
        ),
        Ok(_) => {}
    }
}

/// True if a node that answers with `status` has the resource.
fn has_it(status: StatusCode) -> bool {
    let conditions = [
        StatusCode::NOT_MODIFIED,
        StatusCode::PRECONDITION_FAILED,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    status.is_success() || conditions.contains(&status)
}

/// Headers for each of `slots` nodes that name the container servers (or, with
/// [`Service::Account`], the account servers) to which it sends an update. Together they name all.
pub(super) fn update_headers(
    receiver: Service,
    nodes: &ReplicaNodes,
    slots: usize,
) -> Vec<HeaderMap> {
    let (host, device, partition) = match receiver {
        Service::Account => (X_ACCOUNT_HOST, X_ACCOUNT_DEVICE, X_ACCOUNT_PARTITION),
        Service::Object | Service::Container => {
            (X_CONTAINER_HOST, X_CONTAINER_DEVICE, X_CONTAINER_PARTITION)
        }
    };
    let share = |slot: usize| {
        let targets = nodes.primaries.iter().skip(slot).step_by(slots.max(1));
        let (hosts, devices): (Vec<_>, Vec<_>) = targets
            .map(|target| (target.address(receiver).to_string(), target.device.clone()))
            .unzip();
        let mut headers = HeaderMap::new();
        if !hosts.is_empty() {
            set(&mut headers, host.clone(), hosts.join(","));
            set(&mut headers, device.clone(), devices.join(","));
            set(&mut headers, partition.clone(), nodes.partition);
        }
        headers
    };
    (0..slots).map(share).collect()
}
