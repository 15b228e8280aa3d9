//! Objects as the replicator meets them: by their place on the disk, before it knows their names.
//!
//! Leaves out which of them another replica lacks, and sending.

use std::collections::BTreeMap;
use std::rc::Rc;

use hyper::header::{CONTENT_TYPE, ETAG};
use stayput_host::{Host, Purpose};

use super::files::{FileName, Kind, Winners};
use super::open::{OpenObject, buried, posted};
use super::range::Span;
use super::read::stream;
use super::store::{directory, winners_of};
use super::write::make_durable;
use crate::http::{Body, HeaderMap, Method};
use crate::node::device::{Device, NameHash, Place};
use crate::node::error::NodeError;
use crate::node::reply;
use crate::node::updater::Change;
use crate::node::{NameHasher, StorageNode};
use crate::swift::{Path, Timestamp, header};

/// Where objects are.
const OBJECTS: &str = "objects";

/// An object by its place on a disk.
#[derive(Clone)]
pub(in crate::node) struct Spot {
    pub(in crate::node) device: Rc<Device>,
    pub(in crate::node) partition: u32,
    pub(in crate::node) hash: NameHash,
}

/// A change as the object server takes it.
pub(in crate::node) struct Given {
    pub(in crate::node) method: Method,
    pub(in crate::node) headers: HeaderMap,
    pub(in crate::node) body: Body,
}

/// The partitions of which the device has a directory.
pub(in crate::node) async fn partitions(device: &Device) -> Result<Vec<u32>, NodeError> {
    Ok(list(device, OBJECTS).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// The objects of a partition, deleted ones included.
pub(in crate::node) async fn hashes(
    device: &Device,
    partition: u32,
) -> Result<Vec<NameHash>, NodeError> {
    let (dir, mut hashes) = (format!("{OBJECTS}/{partition}"), Vec::new());
    for suffix in list(device, &dir).await? {
        let names = list(device, &format!("{dir}/{suffix}")).await?;
        hashes.extend(names.iter().filter_map(|name| NameHash::parse(name)));
    }
    Ok(hashes)
}

async fn list(device: &Device, dir: &str) -> Result<Vec<String>, NodeError> {
    device.disk.list(dir).await.map_err(|source| device.failed_at(dir, source))
}

impl Spot {
    /// What is there.
    pub(in crate::node) async fn winners(&self) -> Result<Winners, NodeError> {
        let found = winners_of(&self.device, self.partition, self.hash).await;
        found.map_err(|source| self.device.failed_at(&self.hash.hex(), source))
    }

    /// Where it is, with its name; `None` if nothing there tells it: it went meanwhile, or is damaged and was put aside.
    pub(in crate::node) async fn place(
        &self,
        is: &Winners,
        name_hash: &NameHasher,
    ) -> Result<Option<Place>, NodeError> {
        let Some(nameless) = self.nameless() else { return Ok(None) };
        let name = match (is.data, is.tombstone) {
            (Some(data), _) => {
                open(&nameless, data).await.map(|object| object.metadata().name.clone())
            }
            (None, Some(tombstone)) => buried(&nameless, tombstone).await.map(|buried| buried.name),
            (None, None) => return Ok(None),
        };
        let path = match known(name)?.and_then(|name| path_of(&name)) {
            Some(path) if name_hash(&path) == self.hash.0 => path,
            _ => return Ok(None),
        };
        Ok(Some(Place { path, ..nameless }))
    }

    /// For errors its hash stands for its name.
    fn nameless(&self) -> Option<Place> {
        let path = Path::account_only(&self.hash.hex()).ok()?;
        let Self { device, partition, hash } = self.clone();
        Some(Place { device, partition, hash, path })
    }

    /// Makes what is there durable: it may come from a process that crashed before it had synced it.
    pub(in crate::node) async fn make_durable(&self) -> Result<(), NodeError> {
        match self.nameless() {
            Some(place) => make_durable(&place).await,
            None => Ok(()),
        }
    }

    /// Removes it, unless it is not as it was any more.
    pub(in crate::node) async fn remove(&self, was: &Winners) -> Result<(), NodeError> {
        let Some(place) = self.nameless() else { return Ok(()) };
        let _alone = self.device.lock(self.hash).await;
        if self.winners().await? != *was {
            return Ok(());
        }
        let changing = self.device.digests.change(self.partition);
        let dir = directory(&place);
        for name in list(&self.device, &dir).await? {
            let removed = self.device.disk.remove(&format!("{dir}/{name}")).await;
            removed.map_err(place.failed())?;
        }
        changing.to(self.hash, was, &Winners::default());
        Ok(())
    }
}

async fn open(place: &Place, data: Timestamp) -> Result<OpenObject, NodeError> {
    OpenObject::open(place, FileName { timestamp: data, kind: Kind::Data }, None).await
}

/// Nothing, of what is not there or damaged.
fn known<T>(found: Result<T, NodeError>) -> Result<Option<T>, NodeError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(NodeError::Damaged { .. } | NodeError::NotFound { .. }) => Ok(None),
        Err(NodeError::Disk { source: stayput_host::DiskError::NotFound { .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The path of a stored name.
fn path_of(name: &str) -> Option<Path> {
    let mut parts = name.strip_prefix('/')?.splitn(3, '/');
    let (account, container, object) = (parts.next()?, parts.next()?, parts.next()?);
    Path::object_of(account, container, object).ok()
}

/// What makes another replica have one of the object's files; `None` of what is not there any more, or has expired.
pub(in crate::node) async fn given(
    host: &Host,
    place: &Place,
    is: &Winners,
    (kind, timestamp): (Kind, Timestamp),
) -> Result<Option<Given>, NodeError> {
    let mut headers = HeaderMap::new();
    reply::set(&mut headers, header::X_BACKEND_REPLICATION, "true");
    reply::set(&mut headers, header::X_TIMESTAMP, &timestamp.to_string());
    let (method, body) = match kind {
        Kind::Tombstone => (Method::DELETE, Body::empty()),
        Kind::Meta => {
            let Some(posted) = known(posted(place, timestamp).await)? else { return Ok(None) };
            say(&mut headers, &posted.headers, posted.content_type.as_deref());
            (Method::POST, Body::empty())
        }
        Kind::Data => {
            let Some(object) = known(open(place, timestamp).await)? else { return Ok(None) };
            let metadata = object.metadata();
            let name = FileName { timestamp, kind };
            let Some(now) = known(OpenObject::open(place, name, is.meta).await)? else {
                return Ok(None);
            };
            if now.metadata().has_expired(Timestamp::at(host.now())) {
                return Ok(None);
            }
            say(&mut headers, &metadata.headers, Some(&metadata.content_type));
            reply::set(&mut headers, ETAG, &metadata.etag);
            let whole = Span { first: 0, len: metadata.length };
            let body = match whole.len {
                0 => Body::empty(),
                _ => stream(host, object, whole, Purpose::Replication),
            };
            (Method::PUT, body)
        }
    };
    Ok(Some(Given { method, headers, body }))
}

fn say(headers: &mut HeaderMap, stored: &BTreeMap<String, String>, content_type: Option<&str>) {
    reply::set_stored(headers, stored);
    if let Some(content_type) = content_type {
        reply::set(headers, CONTENT_TYPE, content_type);
    }
}

impl StorageNode {
    /// What the container of the object at `place` is to hear, if anything is there.
    pub(in crate::node) async fn change_at(
        &self,
        place: &Place,
        is: &Winners,
    ) -> Result<Option<Change>, NodeError> {
        if let Some(timestamp) = is.tombstone {
            return Ok(Some(Change::ObjectDelete { timestamp }));
        }
        let Some(object) = known(self.objects.open_at(place).await)? else { return Ok(None) };
        let metadata = object.metadata();
        if let Some(at) = is.meta
            && let Some(posted) = known(posted(place, at).await)?
            && let Some(content_type) = &posted.content_type
        {
            return Ok(Some(metadata.as_typed(content_type, at)));
        }
        Ok(Some(metadata.as_change()))
    }
}
