//! Accounts and containers on their replicas: whether they exist, listings, and changes.
//!
//! Leaves out quotas, sharding and the reaper of deleted accounts' containers.

use std::collections::VecDeque;

use hyper::header::{CONTENT_LENGTH, HeaderName};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::backend::{BackendReply, BackendRequest, X_BACKEND_PURPOSE, update_headers};
use super::error::ProxyError;
use super::headers::{for_client, picked, response, set};
use super::limits::{CHUNK_MAX, LISTING_BYTES_MAX};
use super::quorum::{QuorumError, QuorumFailure, ReplicaSearch, changed, deleted};
use super::replica_nodes::ReplicaNodes;
use super::request::RequestHead;
use super::{Proxy, metadata};
use crate::http::{Body, Response};
use crate::swift::header::{X_CONTAINER_READ, X_CONTAINER_WRITE, X_TIMESTAMP, X_TRANS_ID};
use crate::swift::{Path, Service};

/// Checks that the container exists.
///
/// # Errors
/// `NotFound`, or `Unavailable` when too few replicas answered to know.
pub(super) async fn check_container(
    proxy: &Proxy,
    container: &Path,
    nodes: &ReplicaNodes,
) -> Result<(), QuorumError> {
    let request = index_request(Method::HEAD, Service::Container, container, nodes);
    let mut left = VecDeque::from(proxy.candidates(container, nodes));
    let mut search = ReplicaSearch::new(nodes.primaries.len());
    match proxy.find(&request, &mut left, &mut search).await {
        Some(_) => Ok(()),
        None => Err(search.failure().on(format!("container {container}"))),
    }
}

/// Creates the account of the request's path unless it exists.
pub(super) async fn ensure_account(proxy: &Proxy, head: &RequestHead) -> Result<(), QuorumError> {
    let path = head.path.to_account();
    let nodes = proxy.nodes(&path);
    let mut request = index_request(Method::HEAD, Service::Account, &path, &nodes);
    set(&mut request.headers, X_TRANS_ID, &head.trans_id);
    set(&mut request.headers, X_TIMESTAMP, proxy.next_timestamp());
    let replicas = nodes.primaries.len();
    let outcome = |replies: Vec<BackendReply>| changed(&statuses(&replies), replicas);
    if outcome(proxy.change(&request, &nodes, &[]).await).is_ok() {
        return Ok(());
    }
    request.method = Method::PUT;
    let put = outcome(proxy.change(&request, &nodes, &[]).await);
    put.map(drop).map_err(|failure| failure.on(format!("account {path}")))
}

/// Relays the response of the first replica that has the container or account. `query` is sent in
/// the place of the client's.
pub(super) async fn read(
    proxy: &Proxy,
    head: &RequestHead,
    service: Service,
    query: Option<String>,
) -> Result<Response, QuorumFailure> {
    let nodes = proxy.nodes(&head.path);
    let mut request = index_request(head.method.clone(), service, &head.path, &nodes);
    request.query = query;
    set(&mut request.headers, X_TRANS_ID, &head.trans_id);
    set(&mut request.headers, X_BACKEND_PURPOSE, Purpose::Listing.name());
    let mut left = VecDeque::from(proxy.candidates(&head.path, &nodes));
    let mut search = ReplicaSearch::new(nodes.primaries.len());
    while let Some(mut answer) = proxy.find(&request, &mut left, &mut search).await {
        let mut shown = for_client(&answer.headers);
        if head.method == Method::HEAD {
            if let Some(length) = answer.headers.get(CONTENT_LENGTH) {
                shown.insert(CONTENT_LENGTH, length.clone());
            }
            return Ok(response(answer.status, shown, Body::empty()));
        }
        // A listing is at most some megabytes: taken whole, it never mixes two replicas.
        let whole = proxy.host().timeout(CHUNK_MAX, answer.body.collect(LISTING_BYTES_MAX)).await;
        if let Ok(Ok(listing)) = whole {
            return Ok(response(answer.status, shown, Body::full(Purpose::Listing, listing)));
        }
    }
    Err(search.failure())
}

/// Changes a container or an account on a quorum of its replicas.
pub(super) async fn change(
    proxy: &Proxy,
    head: &RequestHead,
    service: Service,
    meta_prefix: &str,
) -> Result<Response, ProxyError> {
    metadata::check(&head.headers, meta_prefix)?;
    let nodes = proxy.nodes(&head.path);
    let acls: &[HeaderName] = match service {
        Service::Container => &[X_CONTAINER_READ, X_CONTAINER_WRITE],
        Service::Account | Service::Object => &[],
    };
    let mut request = index_request(head.method.clone(), service, &head.path, &nodes);
    request.headers = picked(&head.headers, acls, Some(meta_prefix));
    request.headers.extend(metadata::removed(&head.headers, meta_prefix));
    set(&mut request.headers, X_TRANS_ID, &head.trans_id);
    set(&mut request.headers, X_TIMESTAMP, proxy.next_timestamp());
    let replicas = nodes.primaries.len();
    let own = match service {
        Service::Container => {
            let account = proxy.nodes(&head.path.to_account());
            update_headers(Service::Account, &account, replicas)
        }
        Service::Account | Service::Object => Vec::new(),
    };
    let statuses = statuses(&proxy.change(&request, &nodes, &own).await);
    let outcome = match head.method {
        Method::DELETE => deleted(&statuses, replicas),
        _ => changed(&statuses, replicas),
    };
    let status = outcome.map_err(|failure| failure.on(&head.path))?;
    Ok(response(status, HeaderMap::new(), Body::empty()))
}

fn statuses(replies: &[BackendReply]) -> Vec<StatusCode> {
    replies.iter().map(|reply| reply.status).collect()
}

fn index_request(
    method: Method,
    service: Service,
    path: &Path,
    nodes: &ReplicaNodes,
) -> BackendRequest {
    let (partition, headers) = (nodes.partition, HeaderMap::new());
    BackendRequest { method, service, path: path.clone(), partition, query: None, headers }
}
