//! The container service: containers, and the rows of their objects.
//!
//! Leaves out access lists beyond keeping them, versioning and sharding.

use std::rc::Rc;

use super::StorageNode;
use super::device::Place;
use super::error::NodeError;
use super::index::{Asked, Level, ObjectEntry, Stats, row_name};
use super::request::{self, DevicePath};
use crate::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use crate::node::reply;
use crate::swift::{Timestamp, header};

const LEVEL: Level = Level {
    meta_prefix: header::CONTAINER_META_PREFIX,
    also_kept: &["x-container-read", "x-container-write"],
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
pub(super) async fn handle(
    node: Rc<StorageNode>,
    target: DevicePath,
    request: Request,
) -> Result<Response, NodeError> {
    if target.path.container().is_none() {
        let why = "the container service wants /account/container[/object]".to_owned();
        return Err(NodeError::BadRequest { path: target.path.to_string(), why });
    }
    let (head, _unread) = request.into_parts();
    if let (Some(_), Some((container, name))) = (target.path.object(), row_name(&target.path)) {
        let place = node.place(&target.device, target.partition, &container)?;
        return change_row(&node, &target, &place, name, &head.method, &head.headers).await;
    }
    let place = &node.place(&target.device, target.partition, &target.path)?;
    let query = head.uri.query();
    let asked = Asked { place, method: &head.method, query, headers: &head.headers };
    LEVEL.answer(&node, &node.containers, &asked).await
}

async fn change_row(
    node: &StorageNode,
    target: &DevicePath,
    place: &Place,
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
            return Err(NodeError::BadMethod { path, method });
        }
    };
    let now = Timestamp::at(node.host.now());
    node.containers.put_row(place, now, name, entry).await?;
    Ok(reply::empty(status))
}
