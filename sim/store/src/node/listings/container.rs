//! Container service: containers, and the rows of their objects.
//!
//! Leaves out access lists beyond storing them, versioning and sharding.

use super::{ListingHeaders, ListingRequest, ListingService, listing_and_name};
use crate::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use crate::node::index::{ObjectEntry, Stats};
use crate::node::protocol::response::empty;
use crate::node::protocol::{DevicePath, request};
use crate::node::storage::{DiskPlace, NodeError, RequestFlaw};
use crate::swift::{Timestamp, header};

const HEADERS: ListingHeaders = ListingHeaders {
    meta_prefix: header::CONTAINER_META_PREFIX,
    also_stored: &["x-container-read", "x-container-write"],
    parents: Some([header::X_ACCOUNT_HOST, header::X_ACCOUNT_DEVICE, header::X_ACCOUNT_PARTITION]),
    counts,
};

fn counts(stats: Stats) -> Vec<(HeaderName, u64)> {
    vec![
        (header::X_CONTAINER_OBJECT_COUNT, stats.objects),
        (header::X_CONTAINER_BYTES_USED, stats.bytes),
    ]
}

/// Answers one request for a container or for a row of one.
pub(in crate::node) async fn handle(
    service: &ListingService<ObjectEntry>,
    target: DevicePath,
    request: Request,
) -> Result<Response, NodeError> {
    if target.path.container().is_none() {
        let flaw = RequestFlaw::Path("the container service wants /account/container[/object]");
        return Err(flaw.of(&target.path));
    }
    let (head, _unread) = request.into_parts();
    if let (Some(_), Some((container, name))) =
        (target.path.object(), listing_and_name(&target.path))
    {
        let place = service.devices.place(&target.device, target.partition, &container)?;
        return change_row(service, &target, &place, name, &head.method, &head.headers).await;
    }
    let place = &service.devices.place(&target.device, target.partition, &target.path)?;
    let (method, query, headers) = (&head.method, head.uri.query(), &head.headers);
    service.answer(&HEADERS, &ListingRequest { place, method, query, headers }).await
}

async fn change_row(
    service: &ListingService<ObjectEntry>,
    target: &DevicePath,
    place: &DiskPlace,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, NodeError> {
    let path = &target.path;
    let timestamp = || request::timestamp(path, headers, &header::X_TIMESTAMP);
    let (status, entry) = match *method {
        Method::PUT => {
            let entry = ObjectEntry {
                timestamp: timestamp()?,
                etag: request::required(path, headers, &header::X_ETAG)?.to_owned(),
                size: request::number(path, headers, &header::X_SIZE)?,
                content_type: request::required(path, headers, &header::X_CONTENT_TYPE)?.to_owned(),
                deleted: false,
                content_type_at: match headers.contains_key(header::X_CONTENT_TYPE_TIMESTAMP) {
                    true => {
                        let name = &header::X_CONTENT_TYPE_TIMESTAMP;
                        Some(request::timestamp(path, headers, name)?)
                    }
                    false => None,
                },
            };
            (StatusCode::CREATED, entry)
        }
        Method::DELETE => (StatusCode::NO_CONTENT, ObjectEntry::tombstone(timestamp()?)),
        _ => {
            let (path, method) = (path.to_string(), method.to_string());
            return Err(NodeError::UnsupportedMethod { path, method });
        }
    };
    let now = Timestamp::at(service.host.now());
    service.broker.put_row(place, now, name, entry).await?;
    Ok(empty(status))
}
