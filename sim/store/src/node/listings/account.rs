//! Account service: accounts, and the rows of their containers.
//!
//! Leaves out the reaper: an account with containers is not deleted.

use super::{ListingHeaders, ListingRequest, ListingService, listing_and_name};
use crate::http::{HeaderName, Method, Request, Response, StatusCode};
use crate::node::index::{ContainerEntry, Stats};
use crate::node::protocol::response::empty;
use crate::node::protocol::{DevicePath, request};
use crate::node::storage::{NodeError, RequestFlaw};
use crate::swift::{Timestamp, header};

const HEADERS: ListingHeaders = ListingHeaders {
    meta_prefix: header::ACCOUNT_META_PREFIX,
    also_stored: &[],
    parents: None,
    counts,
};

fn counts(stats: Stats) -> Vec<(HeaderName, u64)> {
    vec![
        (header::X_ACCOUNT_CONTAINER_COUNT, stats.rows),
        (header::X_ACCOUNT_OBJECT_COUNT, stats.objects),
        (header::X_ACCOUNT_BYTES_USED, stats.bytes),
    ]
}

/// Answers one request for an account or for a row of one.
pub(in crate::node) async fn handle(
    service: &ListingService<ContainerEntry>,
    target: DevicePath,
    request: Request,
) -> Result<Response, NodeError> {
    let (head, _unread) = request.into_parts();
    let (path, headers) = (&target.path, &head.headers);
    if path.object().is_some() {
        let flaw = RequestFlaw::Path("the account service wants /account[/container]");
        return Err(flaw.of(path));
    }
    let Some((account, name)) = listing_and_name(path) else {
        let place = &service.devices.place(&target.device, target.partition, path)?;
        let (method, query) = (&head.method, head.uri.query());
        return service.answer(&HEADERS, &ListingRequest { place, method, query, headers }).await;
    };
    if head.method != Method::PUT {
        let (path, method) = (path.to_string(), head.method.to_string());
        return Err(NodeError::UnsupportedMethod { path, method });
    }
    let place = service.devices.place(&target.device, target.partition, &account)?;
    let entry = ContainerEntry {
        put: request::timestamp(path, headers, &header::X_PUT_TIMESTAMP)?,
        deleted: request::timestamp(path, headers, &header::X_DELETE_TIMESTAMP)?,
        counted: request::timestamp(path, headers, &header::X_TIMESTAMP)?,
        objects: request::number(path, headers, &header::X_CONTAINER_OBJECT_COUNT)?,
        bytes: request::number(path, headers, &header::X_CONTAINER_BYTES_USED)?,
    };
    let now = Timestamp::at(service.host.now());
    service.broker.put_row(&place, now, name, entry).await?;
    Ok(empty(StatusCode::CREATED))
}
