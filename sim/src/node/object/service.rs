//! The object service: HTTP in front of the object store.
//!
//! Leaves out COPY, and a POST's content type: what an object is stays as it was put.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, ETAG};

use super::open::{Metadata, Posted};
use super::store::winners;
use super::write::{Deleted, Upload, check_put, delete, make_durable, post};
use super::{files::Winners, read};
use crate::http::{HeaderMap, Method, Received, Request, Response, StatusCode};
use crate::node::device::Place;
use crate::node::error::{NodeError, Waited};
use crate::node::request::{self, Parent, Target};
use crate::node::updater::{Change, check_room};
use crate::node::{Node, reply};
use crate::swift::{Path, Timestamp, header};

/// A client that sends nothing of its body for so long is given up.
const RECEIVE_MAX: Duration = Duration::from_secs(60);
const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";
/// Headers that are stored beside `x-object-meta-*`.
const SYSTEM_HEADERS: [&str; 5] =
    ["content-encoding", "content-disposition", "content-language", "cache-control", "expires"];

/// Answers one request for an object.
pub(in crate::node) async fn handle(
    node: Rc<Node>,
    target: Target,
    request: Request,
) -> Result<Response, NodeError> {
    let place = node.objects.place(&target.device, target.partition, &target.path)?;
    if target.path.object().is_none() {
        let why = "the object service wants /account/container/object".to_owned();
        return Err(NodeError::BadRequest { path: target.path.to_string(), why });
    }
    let (head, body) = request.into_parts();
    match head.method {
        Method::GET | Method::HEAD => {
            let object = node.objects.open_at(&place).await?;
            if head.headers.contains_key(header::X_BACKEND_WANT_VERSION) {
                let wants = &header::X_BACKEND_WANT_VERSION;
                object.is_version(request::timestamp(&place.path, &head.headers, wants)?)?;
            }
            read::answer(&node.host, &place.path, &head.method, &head.headers, object).await
        }
        // Boxed: whoever only reads would carry the room for all that a change keeps.
        Method::PUT => Box::pin(put(&node, &place, &head.headers, body)).await,
        Method::DELETE => Box::pin(remove(&node, &place, &head.headers)).await,
        Method::POST => {
            let timestamp = request::timestamp(&place.path, &head.headers, &header::X_TIMESTAMP)?;
            let posted = Posted { headers: stored_headers(&place.path, &head.headers)? };
            post(&place, timestamp, &posted).await?;
            Ok(reply::empty(StatusCode::ACCEPTED))
        }
        method => {
            let (path, method) = (place.path.to_string(), method.to_string());
            Err(NodeError::BadMethod { path, method })
        }
    }
}

fn stored_headers(path: &Path, headers: &HeaderMap) -> Result<BTreeMap<String, String>, NodeError> {
    request::kept(path, headers, header::OBJECT_META_PREFIX, &SYSTEM_HEADERS)
}

fn containers(path: &Path, headers: &HeaderMap) -> Result<Vec<Parent>, NodeError> {
    let names =
        [header::X_CONTAINER_HOST, header::X_CONTAINER_DEVICE, header::X_CONTAINER_PARTITION];
    request::parents(path, headers, &names)
}

async fn put(
    node: &Node,
    place: &Place,
    headers: &HeaderMap,
    body: Received,
) -> Result<Response, NodeError> {
    let path = &place.path;
    let timestamp = request::timestamp(path, headers, &header::X_TIMESTAMP)?;
    let parents = containers(path, headers)?;
    let kept = stored_headers(path, headers)?;
    let length =
        body.length().ok_or_else(|| NodeError::LengthMissing { path: path.to_string() })?;
    let max = node.config.upload_bytes_max;
    if length > max {
        return Err(NodeError::TooLong { path: path.to_string(), length, max });
    }
    check_room(place)?;
    // Sparing the upload of what would be refused after it. It is checked again when it is there.
    let found: Winners = winners(place).await?;
    if let Err(refused) = check_put(place, &found, timestamp) {
        finish_earlier_put(node, place, parents, timestamp).await?;
        return Err(refused);
    }

    let content_type = header::text(headers, &CONTENT_TYPE).unwrap_or(DEFAULT_CONTENT_TYPE);
    let said = header::text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_lowercase());
    let mut upload = Upload::begin(place, node.host.checksum()).await?;
    let committed = async {
        receive(node, path, body, length, &mut upload).await?;
        let etag = upload.etag();
        if let Some(said) = said.filter(|said| *said != etag) {
            return Err(NodeError::WrongEtag { path: path.to_string(), is: etag, said });
        }
        let metadata = Metadata {
            name: path.to_string(),
            timestamp,
            length,
            etag,
            content_type: content_type.to_owned(),
            headers: kept,
        };
        upload.commit(&metadata).await.map(|()| metadata)
    };
    let metadata = match committed.await {
        Ok(metadata) => metadata,
        Err(error) => {
            upload.abandon().await;
            return Err(error);
        }
    };
    node.tell(place, parents, metadata.as_change()).await?;

    let mut response = reply::empty(StatusCode::CREATED);
    reply::set(response.headers_mut(), ETAG, &format!("\"{}\"", metadata.etag));
    reply::set(response.headers_mut(), header::X_TIMESTAMP, &timestamp.to_string());
    Ok(response)
}

/// Does what a put of `timestamp` that a crash cut off may have left undone. Its writer tries
/// again, is refused because the object is there, and takes that for success.
async fn finish_earlier_put(
    node: &Node,
    place: &Place,
    parents: Vec<Parent>,
    timestamp: Timestamp,
) -> Result<(), NodeError> {
    make_durable(place).await?;
    match node.objects.open_at(place).await {
        Ok(object) if object.is_version(timestamp).is_ok() => {
            node.tell(place, parents, object.metadata().as_change()).await
        }
        Ok(_) | Err(NodeError::NotFound { .. } | NodeError::Damaged { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the body in, all `length` bytes of it.
async fn receive(
    node: &Node,
    path: &Path,
    mut body: Received,
    length: u64,
    upload: &mut Upload,
) -> Result<(), NodeError> {
    let broke_off = |why| NodeError::BrokeOff { path: path.to_string(), why };
    while upload.len() < length {
        let slow = |_| NodeError::TooSlow {
            path: path.to_string(),
            what: Waited::Client,
            limit: RECEIVE_MAX,
        };
        let chunk = node.host.timeout(RECEIVE_MAX, body.chunk()).await.map_err(slow)?;
        // A connection that ends early may look like a body that does.
        let Some(data) = chunk.map_err(|error| broke_off(error.to_string()))? else {
            break;
        };
        upload.push(data).await?;
    }
    if upload.len() == length {
        return Ok(());
    }
    Err(broke_off(format!("{} of {length} bytes came", upload.len())))
}

async fn remove(node: &Node, place: &Place, headers: &HeaderMap) -> Result<Response, NodeError> {
    let timestamp: Timestamp = request::timestamp(&place.path, headers, &header::X_TIMESTAMP)?;
    let parents = containers(&place.path, headers)?;
    check_room(place)?;
    let (status, at) = match delete(place, timestamp).await? {
        Deleted::Data => (StatusCode::NO_CONTENT, timestamp),
        Deleted::Nothing => (StatusCode::NOT_FOUND, timestamp),
        Deleted::Before(has) => {
            make_durable(place).await?;
            if has == timestamp {
                node.tell(place, parents, Change::ObjectDelete { timestamp }).await?;
            }
            return Err(place.not_found(Some(has)));
        }
    };
    node.tell(place, parents, Change::ObjectDelete { timestamp }).await?;
    let mut response = reply::empty(status);
    reply::set(response.headers_mut(), header::X_BACKEND_TIMESTAMP, &at.to_string());
    Ok(response)
}
