//! Stores an object that something beside the proxy has made, under a timestamp that it names.
//!
//! Leaves out bodies that are still being made: what is stored here is held whole.

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::ask;
use super::upload::{Plan, Source, told, upload};
use crate::http::{HeaderName, HeaderValue};
use crate::proxy::answer::{ErrorResponse, set};
use crate::proxy::backend::{Reply, updates};
use crate::proxy::quorum::{NotStored, stored};
use crate::proxy::{Proxy, container};
use crate::swift::header::{OBJECT_META_PREFIX, X_BACKEND_TIMESTAMP, X_TIMESTAMP, timestamp};
use crate::swift::{Path, Service, Timestamp};

/// An object to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Where.
    pub path: Path,
    /// What.
    pub content: Bytes,
    /// Its content type.
    pub content_type: String,
    /// Its metadata: names without `X-Object-Meta-`, and values.
    pub meta: Vec<(String, String)>,
    /// The timestamp that it gets. Storing the same again under the same timestamp changes nothing.
    pub timestamp: Timestamp,
    /// What its bytes are counted as on their way to the nodes.
    pub purpose: Purpose,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The MD5, if a node said it: those that had it already do not.
    pub etag: Option<String>,
}

/// Why an object is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The container is not there.
    #[error("there is no container for {path}: make it first")]
    NoContainer {
        /// Which object.
        path: Path,
    },
    /// What its metadata says cannot stand in headers.
    #[error("the metadata {name:?} of {path} cannot stand in a header")]
    BadMeta {
        /// Which object.
        path: Path,
        /// Which name.
        name: String,
    },
    /// A majority of the replicas has something newer.
    #[error("{path} is newer than {timestamp} already")]
    Newer {
        /// Which object.
        path: Path,
        /// The timestamp it was to get.
        timestamp: Timestamp,
    },
    /// Too few replicas took it.
    #[error("too few replicas took {path}: {why}")]
    Unavailable {
        /// Which object.
        path: Path,
        /// What they said.
        why: String,
    },
}

impl Proxy {
    /// Stores an object on a quorum of its replicas.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn store(&self, object: NewObject) -> Result<StoredObject, StoreError> {
        let headers = headers_of(&object)?;
        let NewObject { path, content, timestamp: at, purpose, .. } = object;
        let unavailable = |why: String| StoreError::Unavailable { path: path.clone(), why };
        let no_container = || StoreError::NoContainer { path: path.clone() };
        let container = path.to_container().ok_or_else(no_container)?;
        let container_nodes = self.nodes(&container);
        container::exists(self, &container, &container_nodes).await.map_err(
            |ErrorResponse { status, why }| match status {
                StatusCode::NOT_FOUND => no_container(),
                _ => unavailable(why),
            },
        )?;
        let nodes = self.nodes(&path);
        let own = updates(Service::Container, &container_nodes, nodes.primaries.len());
        let ask = ask(Method::PUT, &path, &nodes, headers);
        let plan = Plan { ask, nodes, own, length: Some(content.len() as u64), purpose };
        let replies = upload(self, &plan, Source::Held(content))
            .await
            .map_err(|broken| unavailable(broken.to_string()))?;
        outcome(&path, at, &replies, plan.nodes.primaries.len())
    }
}

fn headers_of(object: &NewObject) -> Result<HeaderMap, StoreError> {
    let mut headers = HeaderMap::new();
    set(&mut headers, CONTENT_TYPE, &object.content_type);
    set(&mut headers, X_TIMESTAMP, object.timestamp);
    for (name, value) in &object.meta {
        let bad = || StoreError::BadMeta { path: object.path.clone(), name: name.clone() };
        let full = format!("{OBJECT_META_PREFIX}{}", name.to_lowercase());
        let full = HeaderName::try_from(full).map_err(|_| bad())?;
        headers.insert(full, HeaderValue::try_from(value).map_err(|_| bad())?);
    }
    Ok(headers)
}

/// A node that has just this timestamp has the object already, from an attempt whose answer was lost.
fn outcome(
    path: &Path,
    at: Timestamp,
    replies: &[Reply],
    replicas: usize,
) -> Result<StoredObject, StoreError> {
    let has_it = |reply: &&Reply| {
        reply.status == StatusCode::CONFLICT
            && timestamp(&reply.headers, &X_BACKEND_TIMESTAMP) == Some(at)
    };
    let mut told = told(replies);
    let etag = told
        .iter()
        .find_map(|(status, etag)| etag.clone().filter(|_| *status == StatusCode::CREATED));
    let had = replies.iter().filter(has_it).count();
    told.extend(
        (0..had).map(|_| (StatusCode::CREATED, etag.clone().or_else(|| Some(String::new())))),
    );
    let unavailable = |why: String| StoreError::Unavailable { path: path.clone(), why };
    match stored(&told, replicas) {
        Ok(_) => Ok(StoredObject { etag }),
        Err(NotStored::Newer) => Err(StoreError::Newer { path: path.clone(), timestamp: at }),
        Err(NotStored::Refused(status)) => Err(unavailable(format!("they say {status}"))),
        Err(NotStored::Disagree) => Err(unavailable("they disagree on what they got".to_owned())),
    }
}
