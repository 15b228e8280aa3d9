//! Containers: changes go to a quorum, and with them the account hears of the container; listings come from any replica.
//!
//! Leaves out quotas, versions and sharding.

use std::collections::VecDeque;

use hyper::header::{CONTENT_LENGTH, HeaderName};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::answer::{ErrorResponse, for_client, picked, response, set};
use super::backend::{Ask, X_BACKEND_PURPOSE, updates};
use super::formats::with_format;
use super::limits::{CHUNK_MAX, LISTING_BYTES_MAX};
use super::quorum::{Search, best_status, deleted_status};
use super::replica_nodes::ReplicaNodes;
use super::routing::{Call, no_method};
use super::{Proxy, account, metadata};
use crate::http::{Body, Response};
use crate::swift::header::{
    CONTAINER_META_PREFIX, X_CONTAINER_READ, X_CONTAINER_WRITE, X_TIMESTAMP, X_TRANS_ID,
};
use crate::swift::{Path, Service};

/// Answers a request on a container.
pub(super) async fn handle(proxy: &Proxy, call: Call) -> Result<Response, ErrorResponse> {
    match call.method {
        Method::GET | Method::HEAD => {
            let query = with_format(call.query.as_deref(), &call.headers)?;
            read(proxy, &call, Service::Container, query).await.map_err(|status| {
                ErrorResponse::of_quorum(status, format!("container {}", call.path))
            })
        }
        Method::PUT => {
            metadata::check(&call.headers, CONTAINER_META_PREFIX)?;
            account::ensure(proxy, &call).await?;
            change(proxy, &call, Service::Container, CONTAINER_META_PREFIX).await
        }
        Method::POST | Method::DELETE => {
            change(proxy, &call, Service::Container, CONTAINER_META_PREFIX).await
        }
        _ => Err(no_method(&call.method, "a container")),
    }
}

/// Whether the container of `path` is there.
///
/// # Errors
/// 404 when it is not, 503 when too few answered to know.
pub(super) async fn exists(
    proxy: &Proxy,
    path: &Path,
    nodes: &ReplicaNodes,
) -> Result<(), ErrorResponse> {
    let ask = Ask {
        method: Method::HEAD,
        service: Service::Container,
        path: path.clone(),
        partition: nodes.partition,
        query: None,
        headers: HeaderMap::new(),
    };
    let mut left = VecDeque::from(proxy.candidates(path, nodes));
    let mut search = Search::new(nodes.primaries.len());
    match proxy.find(&ask, &mut left, &mut search).await {
        Some(_) => Ok(()),
        None => Err(ErrorResponse::of_quorum(search.verdict(), format!("container {path}"))),
    }
}

/// Passes on what the first replica says that has the container or account, asked with `query`.
///
/// # Errors
/// The status to refuse with.
pub(super) async fn read(
    proxy: &Proxy,
    call: &Call,
    service: Service,
    query: Option<String>,
) -> Result<Response, StatusCode> {
    let nodes = proxy.nodes(&call.path);
    let mut headers = HeaderMap::new();
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_BACKEND_PURPOSE, Purpose::Listing.name());
    let ask = Ask {
        method: call.method.clone(),
        service,
        path: call.path.clone(),
        partition: nodes.partition,
        query,
        headers,
    };
    let mut left = VecDeque::from(proxy.candidates(&call.path, &nodes));
    let mut search = Search::new(nodes.primaries.len());
    while let Some(mut answer) = proxy.find(&ask, &mut left, &mut search).await {
        let mut shown = for_client(&answer.headers);
        if call.method == Method::HEAD {
            if let Some(length) = answer.headers.get(CONTENT_LENGTH) {
                shown.insert(CONTENT_LENGTH, length.clone());
            }
            return Ok(response(answer.status, shown, Body::empty()));
        }
        // A listing is at most some megabytes: taken whole, it is never a mixture of two replicas'.
        let whole = proxy.host().timeout(CHUNK_MAX, answer.body.collect(LISTING_BYTES_MAX)).await;
        if let Ok(Ok(listing)) = whole {
            return Ok(response(answer.status, shown, Body::full(Purpose::Listing, listing)));
        }
    }
    Err(search.verdict())
}

/// Makes a change to a container or an account on a quorum of its replicas.
pub(super) async fn change(
    proxy: &Proxy,
    call: &Call,
    service: Service,
    meta_prefix: &str,
) -> Result<Response, ErrorResponse> {
    metadata::check(&call.headers, meta_prefix)?;
    let nodes = proxy.nodes(&call.path);
    let lists: &[HeaderName] = match service {
        Service::Container => &[X_CONTAINER_READ, X_CONTAINER_WRITE],
        Service::Account | Service::Object => &[],
    };
    let mut headers = picked(&call.headers, lists, Some(meta_prefix));
    headers.extend(metadata::removed(&call.headers, meta_prefix));
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_TIMESTAMP, proxy.next_timestamp());
    let own = match service {
        Service::Container => {
            let account = proxy.nodes(&call.path.to_account());
            updates(Service::Account, &account, nodes.primaries.len())
        }
        Service::Account | Service::Object => Vec::new(),
    };
    let ask = Ask {
        method: call.method.clone(),
        service,
        path: call.path.clone(),
        partition: nodes.partition,
        query: None,
        headers,
    };
    let replies = proxy.change(&ask, &nodes, &own).await;
    let statuses: Vec<StatusCode> = replies.iter().map(|reply| reply.status).collect();
    let status = if call.method == Method::DELETE {
        deleted_status(&statuses, nodes.primaries.len())
    } else {
        best_status(&statuses, nodes.primaries.len())
    };
    if status.is_success() {
        return Ok(response(status, HeaderMap::new(), Body::empty()));
    }
    Err(ErrorResponse::of_quorum(status, &call.path))
}
