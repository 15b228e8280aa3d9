//! Objects for the replicator: their names, the requests that give their files to another replica,
//! and the updates of their containers.
//!
//! Leaves out which files another replica lacks, and sending.

use std::collections::BTreeMap;

use hyper::header::{CONTENT_TYPE, ETAG};
use stayput_host::{DiskError, Host, Purpose};

use super::files::{FileKind, ObjectFiles};
use super::open::{posted_metadata, tombstone};
use super::read::stream;
use super::store::ObjectStore;
use crate::http::{Body, ByteRange, HeaderMap, Method};
use crate::node::protocol::response::{set_header, set_stored_headers};
use crate::node::storage::{DiskPlace, NodeError};
use crate::node::updater::ListingUpdate;
use crate::swift::{Path, Timestamp, header};

/// Request to the object service of another replica that gives it one of an object's files.
pub(crate) struct ReplicationRequest {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl ObjectStore {
    /// Place with the name of the object at `nameless`, which one of its `files` has; `None` if it
    /// went meanwhile, or is damaged and was put aside.
    pub(crate) async fn named(
        &self,
        nameless: &DiskPlace,
        files: &ObjectFiles,
    ) -> Result<Option<DiskPlace>, NodeError> {
        let name = match (files.data, files.tombstone) {
            (Some(data), _) => {
                let opened = self.open_file(nameless, data, None).await;
                opened.map(|object| object.metadata().name.clone())
            }
            (None, Some(deleted)) => tombstone(nameless, deleted).await.map(|it| it.name),
            (None, None) => return Ok(None),
        };
        let path = match if_intact(name)?.and_then(|name| path_of(&name)) {
            Some(path) if self.devices.hash(&path) == nameless.hash => path,
            _ => return Ok(None),
        };
        Ok(Some(DiskPlace { path, ..nameless.clone() }))
    }

    /// Request that gives another replica one of the object's files; `None` for a file that is not
    /// there any more, or has expired.
    pub(crate) async fn replication_request(
        &self,
        host: &Host,
        place: &DiskPlace,
        files: &ObjectFiles,
        (kind, timestamp): (FileKind, Timestamp),
    ) -> Result<Option<ReplicationRequest>, NodeError> {
        let mut headers = HeaderMap::new();
        set_header(&mut headers, header::X_BACKEND_REPLICATION, "true");
        set_header(&mut headers, header::X_TIMESTAMP, &timestamp.to_string());
        let (method, body) = match kind {
            FileKind::Tombstone => (Method::DELETE, Body::empty()),
            FileKind::Meta => {
                let posted = if_intact(posted_metadata(place, timestamp).await)?;
                let Some(posted) = posted else { return Ok(None) };
                set_metadata(&mut headers, &posted.headers, posted.content_type.as_deref());
                (Method::POST, Body::empty())
            }
            FileKind::Data => {
                let object = if_intact(self.open_file(place, timestamp, None).await)?;
                let Some(object) = object else { return Ok(None) };
                let metadata = object.metadata();
                let now = if_intact(self.open_file(place, timestamp, files.meta).await)?;
                let Some(now) = now else { return Ok(None) };
                if now.metadata().has_expired(Timestamp::at(host.now())) {
                    return Ok(None);
                }
                set_metadata(&mut headers, &metadata.headers, Some(&metadata.content_type));
                set_header(&mut headers, ETAG, &metadata.etag);
                let whole = ByteRange { first: 0, length: metadata.length };
                let body = match whole.length {
                    0 => Body::empty(),
                    _ => stream(host, object, whole, Purpose::Replication),
                };
                (Method::PUT, body)
            }
        };
        Ok(Some(ReplicationRequest { method, headers, body }))
    }

    /// Update of the container of the object at `place`, if anything is there.
    pub(crate) async fn listing_update(
        &self,
        place: &DiskPlace,
        files: &ObjectFiles,
    ) -> Result<Option<ListingUpdate>, NodeError> {
        if let Some(timestamp) = files.tombstone {
            return Ok(Some(ListingUpdate::ObjectDelete { timestamp }));
        }
        let Some(object) = if_intact(self.open_at(place).await)? else { return Ok(None) };
        let metadata = object.metadata();
        if let Some(at) = files.meta
            && let Some(posted) = if_intact(posted_metadata(place, at).await)?
            && let Some(content_type) = &posted.content_type
        {
            return Ok(Some(metadata.content_type_update(content_type, at)));
        }
        Ok(Some(metadata.put_update()))
    }
}

/// `None` for a file that is missing or damaged.
fn if_intact<T>(read: Result<T, NodeError>) -> Result<Option<T>, NodeError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(NodeError::Damaged { .. } | NodeError::NotFound { .. }) => Ok(None),
        Err(NodeError::Disk { source: DiskError::NotFound { .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Path of a stored name.
fn path_of(name: &str) -> Option<Path> {
    let mut parts = name.strip_prefix('/')?.splitn(3, '/');
    let (account, container, object) = (parts.next()?, parts.next()?, parts.next()?);
    Path::object_of(account, container, object).ok()
}

fn set_metadata(
    headers: &mut HeaderMap,
    stored: &BTreeMap<String, String>,
    content_type: Option<&str>,
) {
    set_stored_headers(headers, stored);
    if let Some(content_type) = content_type {
        set_header(headers, CONTENT_TYPE, content_type);
    }
}
