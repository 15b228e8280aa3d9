//! Stores an object for the job service, under a timestamp that it names.
//!
//! Leaves out streams: the body is held in memory.

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::request::object_request;
use super::upload::{BodySource, UploadPlan, statuses_and_etags, upload};
use crate::http::{HeaderName, HeaderValue};
use crate::proxy::Proxy;
use crate::proxy::backend::{BackendReply, update_headers};
use crate::proxy::error::RequestBodyError;
use crate::proxy::headers::set;
use crate::proxy::index::check_container;
use crate::proxy::quorum::{NotStored, QuorumError, QuorumFailure, stored};
use crate::swift::header::{OBJECT_META_PREFIX, X_BACKEND_TIMESTAMP, X_TIMESTAMP, timestamp};
use crate::swift::{Path, Service, Timestamp};

/// Object to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Path of the object.
    pub path: Path,
    /// Data of the object.
    pub content: Bytes,
    /// Content type.
    pub content_type: String,
    /// Metadata: names without `X-Object-Meta-`, and values.
    pub meta: Vec<(String, String)>,
    /// Timestamp of the write. Storing the same again under the same timestamp changes nothing.
    pub timestamp: Timestamp,
    /// Purpose that its bytes are counted as on their way to the nodes.
    pub purpose: Purpose,
}

/// Object that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// MD5 of the data; `None` if all nodes had it already.
    pub etag: Option<String>,
}

/// Reason why an object is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The container does not exist.
    #[error("there is no container for {path}: make it first")]
    NoContainer {
        /// Path of the object.
        path: Path,
    },
    /// A header cannot hold this item of the metadata.
    #[error("the metadata {name:?} of {path} cannot stand in a header")]
    BadMeta {
        /// Path of the object.
        path: Path,
        /// Name of the item.
        name: String,
    },
    /// A majority of the replicas has a newer version.
    #[error("{path} is newer than {timestamp} already")]
    Newer {
        /// Path of the object.
        path: Path,
        /// Timestamp of the write.
        timestamp: Timestamp,
    },
    /// Too few replicas stored it.
    #[error("too few replicas took {path}: {reason}")]
    Unavailable {
        /// Path of the object.
        path: Path,
        /// Failure of the write.
        reason: StoreFailure,
    },
}

/// Failure of a write that another attempt may overcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct StoreFailure(#[from] FailedStep);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum FailedStep {
    #[error(transparent)]
    Container(QuorumError),
    #[error(transparent)]
    Body(RequestBodyError),
    #[error("they say {}", .0.status())]
    Refused(QuorumFailure),
    #[error("they disagree on what they got")]
    Disagree,
}

impl Proxy {
    /// Stores an object on a quorum of its replicas.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn store(&self, object: NewObject) -> Result<StoredObject, StoreError> {
        let headers = headers_of(&object)?;
        let NewObject { path, content, timestamp: at, purpose, .. } = object;
        let unavailable = |step: FailedStep| unavailable(&path, step);
        let no_container = || StoreError::NoContainer { path: path.clone() };
        let container = path.to_container().ok_or_else(no_container)?;
        let container_nodes = self.nodes(&container);
        let checked = check_container(self, &container, &container_nodes).await;
        checked.map_err(|error| match error.failure {
            QuorumFailure::NotFound => no_container(),
            _ => unavailable(FailedStep::Container(error)),
        })?;
        let nodes = self.nodes(&path);
        let own = update_headers(Service::Container, &container_nodes, nodes.primaries.len());
        let request = object_request(Method::PUT, &path, &nodes, headers);
        let length = Some(content.len() as u64);
        let plan = UploadPlan { request, nodes, own, length, purpose };
        let replies = upload(self, &plan, BodySource::Held(content)).await;
        let replies = replies.map_err(|error| unavailable(FailedStep::Body(error)))?;
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

/// Outcome of a write. A node whose conflict names this very timestamp has the object already, from
/// an attempt whose answer was lost.
fn outcome(
    path: &Path,
    at: Timestamp,
    replies: &[BackendReply],
    replicas: usize,
) -> Result<StoredObject, StoreError> {
    let has_it = |reply: &&BackendReply| {
        reply.status == StatusCode::CONFLICT
            && timestamp(&reply.headers, &X_BACKEND_TIMESTAMP) == Some(at)
    };
    let mut answers = statuses_and_etags(replies);
    let etag = answers
        .iter()
        .find_map(|(status, etag)| etag.clone().filter(|_| *status == StatusCode::CREATED));
    let had = replies.iter().filter(has_it).count();
    answers.extend(
        (0..had).map(|_| (StatusCode::CREATED, etag.clone().or_else(|| Some(String::new())))),
    );
    match stored(&answers, replicas) {
        Ok(_) => Ok(StoredObject { etag }),
        Err(NotStored::Newer) => Err(StoreError::Newer { path: path.clone(), timestamp: at }),
        Err(NotStored::Failed(failure)) => Err(unavailable(path, FailedStep::Refused(failure))),
        Err(NotStored::Disagree) => Err(unavailable(path, FailedStep::Disagree)),
    }
}

fn unavailable(path: &Path, step: FailedStep) -> StoreError {
    StoreError::Unavailable { path: path.clone(), reason: step.into() }
}
