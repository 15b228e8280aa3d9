//! The object service: HTTP in front of the object store.
//!
//! Leaves out COPY, which is the proxy's, and telling the container of a POST that names no content type.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};

use super::open::{Metadata, OpenObject, Posted};
use super::store::winners;
use super::write::{Deleted, Replaces, Upload, check_put, delete, make_durable, post};
use super::{files::Winners, read};
use crate::http::{HeaderMap, IncomingBody, Method, Request, Response, StatusCode};
use crate::node::device::Place;
use crate::node::error::{NodeError, Waited};
use crate::node::request;
use crate::node::request::{DevicePath, Parent};
use crate::node::updater::{Change, Untold, check_room};
use crate::node::{StorageNode, reply};
use crate::swift::{Path, Timestamp, header};

/// A client that sends nothing of its body for so long is given up.
const RECEIVE_MAX: Duration = Duration::from_secs(60);
const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";
/// Headers that are stored beside `x-object-meta-*`.
const SYSTEM_HEADERS: [&str; 10] = [
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
    "x-robots-tag",
    "x-delete-at",
    "x-static-large-object",
    "x-object-sysmeta-slo-etag",
    "x-object-sysmeta-slo-size",
];

/// Answers one request for an object.
pub(in crate::node) async fn handle(
    node: Rc<StorageNode>,
    target: DevicePath,
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
            let object = live(&node, &place).await?;
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
            let headers = stored_headers(&place.path, &head.headers)?;
            let content_type = header::text(&head.headers, &CONTENT_TYPE).map(ToOwned::to_owned);
            // To another replica what has expired here may be there: this very change may put it off.
            let object = match head.headers.contains_key(header::X_BACKEND_REPLICATION) {
                true => node.objects.open_at(&place).await?,
                false => live(&node, &place).await?,
            };
            let parents = containers(&place.path, &head.headers)?;
            note_expiry(&node, &place, timestamp, &headers, &parents).await?;
            let posted = Posted { headers, content_type };
            let Some(content_type) = &posted.content_type else {
                post(&place, timestamp, &posted).await?;
                return Ok(reply::empty(StatusCode::ACCEPTED));
            };
            let untold = untold(&place, timestamp).await?;
            post(&place, timestamp, &posted).await?;
            let change = object.metadata().as_typed(content_type, timestamp);
            node.tell(&place, parents, change).await?;
            untold.told();
            Ok(reply::empty(StatusCode::ACCEPTED))
        }
        method => {
            let (path, method) = (place.path.to_string(), method.to_string());
            Err(NodeError::BadMethod { path, method })
        }
    }
}

/// Opens an object, unless it has expired: then it is as if it had been deleted when it was put.
async fn live(node: &StorageNode, place: &Place) -> Result<OpenObject, NodeError> {
    let object = node.objects.open_at(place).await?;
    if object.metadata().has_expired(Timestamp::at(node.host.now())) {
        return Err(place.not_found(Some(object.metadata().timestamp)));
    }
    Ok(object)
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
    node: &StorageNode,
    place: &Place,
    headers: &HeaderMap,
    body: IncomingBody,
) -> Result<Response, NodeError> {
    let path = &place.path;
    let timestamp = request::timestamp(path, headers, &header::X_TIMESTAMP)?;
    let parents = containers(path, headers)?;
    let kept = stored_headers(path, headers)?;
    let length = body.length();
    check_length(node, path, length.unwrap_or(0))?;
    check_room(place)?;
    let only_new = header::text(headers, &IF_NONE_MATCH) == Some("*");
    // Sparing the upload of what would be refused after it. It is checked again when it is there.
    let found: Winners = winners(place).await?;
    if let Err(refused) = check_put(place, &found, timestamp) {
        finish_earlier_put(node, place, parents, timestamp).await?;
        return Err(refused);
    }
    let replaces = if only_new { Replaces::Nothing(found.data) } else { Replaces::Anything };
    if only_new && found.data.is_some() && live(node, place).await.is_ok() {
        return Err(NodeError::Precondition { path: path.to_string(), condition: "If-None-Match" });
    }

    let content_type = header::text(headers, &CONTENT_TYPE).unwrap_or(DEFAULT_CONTENT_TYPE);
    let said = header::text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_lowercase());
    note_expiry(node, place, timestamp, &kept, &parents).await?;
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
            length: upload.len(),
            etag,
            content_type: content_type.to_owned(),
            headers: kept,
        };
        let untold = untold(place, timestamp).await?;
        upload.commit(&metadata, replaces).await.map(|()| (metadata, untold))
    };
    let (metadata, untold) = match committed.await {
        Ok(committed) => committed,
        Err(error) => {
            upload.abandon().await;
            return Err(error);
        }
    };
    node.tell(place, parents, metadata.as_change()).await?;
    untold.told();

    let mut response = reply::empty(StatusCode::CREATED);
    reply::set(response.headers_mut(), ETAG, &format!("\"{}\"", metadata.etag));
    reply::set(response.headers_mut(), header::X_TIMESTAMP, &timestamp.to_string());
    Ok(response)
}

/// Begins a change of which the container is told after it.
async fn untold(place: &Place, timestamp: Timestamp) -> Result<Untold<'_>, NodeError> {
    let (device, changed) = (&place.device, (place.partition, place.hash));
    device.telling.open(&*device.disk, changed, timestamp).await.map_err(place.failed())
}

/// Notes when a change's object expires, if it does: before the change, so that no object is forgotten.
async fn note_expiry(
    node: &StorageNode,
    place: &Place,
    timestamp: Timestamp,
    kept: &BTreeMap<String, String>,
    parents: &[Parent],
) -> Result<(), NodeError> {
    match kept.get(header::X_DELETE_AT.as_str()).and_then(|at| at.parse().ok()) {
        Some(at) => node.expires(place, timestamp, at, parents).await,
        None => Ok(()),
    }
}

/// Does what a put of `timestamp` that a crash cut off may have left undone. Its writer tries
/// again, is refused because the object is there, and takes that for success.
async fn finish_earlier_put(
    node: &StorageNode,
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

/// Refuses a body of that length if it is too long.
fn check_length(node: &StorageNode, path: &Path, length: u64) -> Result<(), NodeError> {
    let max = node.config.upload_bytes_max;
    if length <= max {
        return Ok(());
    }
    Err(NodeError::TooLong { path: path.to_string(), length, max })
}

/// Takes the body in, all `length` bytes of it if its length was promised. One of unknown length is whole when its last chunk is there,
/// which its coding tells from one that broke off.
async fn receive(
    node: &StorageNode,
    path: &Path,
    mut body: IncomingBody,
    length: Option<u64>,
    upload: &mut Upload,
) -> Result<(), NodeError> {
    let broke_off = |why| NodeError::BrokeOff { path: path.to_string(), why };
    while length.is_none_or(|length| upload.len() < length) {
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
        check_length(node, path, upload.len() + data.len() as u64)?;
        upload.push(data).await?;
    }
    match length {
        Some(length) if upload.len() < length => {
            Err(broke_off(format!("{} of {length} bytes came", upload.len())))
        }
        _ => Ok(()),
    }
}

async fn remove(
    node: &StorageNode,
    place: &Place,
    headers: &HeaderMap,
) -> Result<Response, NodeError> {
    let timestamp: Timestamp = request::timestamp(&place.path, headers, &header::X_TIMESTAMP)?;
    let parents = containers(&place.path, headers)?;
    check_room(place)?;
    let untold = untold(place, timestamp).await?;
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
    untold.told();
    let mut response = reply::empty(status);
    reply::set(response.headers_mut(), header::X_BACKEND_TIMESTAMP, &at.to_string());
    Ok(response)
}
