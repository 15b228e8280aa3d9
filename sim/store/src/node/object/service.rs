//! Object service: HTTP in front of the object store.
//!
//! Leaves out COPY, which is the proxy's, and updates of the container for a POST that names no
//! content type.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use stayput_host::Host;

use super::changes::Deletion;
use super::expirer::record_expiry;
use super::hash_dir::{make_durable, object_files};
use super::metadata::{ObjectMetadata, PostedMetadata};
use super::open::OpenObject;
use super::read;
use super::store::ObjectStore;
use super::upload::{Replaces, Upload, check_put};
use crate::http::{HeaderMap, IncomingBody, Method, Request, Response, StatusCode};
use crate::node::protocol::response::{empty, set_header};
use crate::node::protocol::{DevicePath, ParentServer, request};
use crate::node::storage::{DiskPlace, NodeError, RequestFlaw, SlowParty};
use crate::node::updater::{ListingUpdate, Updater};
use crate::swift::{Path, Timestamp, header};

/// Longest wait for the next piece of a client's body.
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

/// Object service of a node.
pub(crate) struct ObjectService {
    pub(crate) host: Host,
    pub(crate) objects: Rc<ObjectStore>,
    pub(crate) updater: Rc<Updater>,
    /// Longest object that is taken, in bytes.
    pub(crate) upload_bytes_max: u64,
}

impl ObjectService {
    /// Answers one request for an object.
    pub(crate) async fn handle(
        &self,
        target: DevicePath,
        request: Request,
    ) -> Result<Response, NodeError> {
        let DevicePath { device, partition, path } = &target;
        let place = self.objects.devices.place(device, *partition, path)?;
        if path.object().is_none() {
            let flaw = RequestFlaw::Path("the object service wants /account/container/object");
            return Err(flaw.of(path));
        }
        let (head, body) = request.into_parts();
        match head.method {
            Method::GET | Method::HEAD => {
                let object = self.open_live(&place).await?;
                if head.headers.contains_key(header::X_BACKEND_WANT_VERSION) {
                    let wants = &header::X_BACKEND_WANT_VERSION;
                    object.is_version(request::timestamp(&place.path, &head.headers, wants)?)?;
                }
                read::answer(&self.host, &place, &head.method, &head.headers, object).await
            }
            // Boxed: readers would carry the room for all that a change keeps.
            Method::PUT => Box::pin(self.put(&place, &head.headers, body)).await,
            Method::DELETE => Box::pin(self.delete(&place, &head.headers)).await,
            Method::POST => Box::pin(self.post(&place, &head.headers)).await,
            method => {
                let (path, method) = (place.path.to_string(), method.to_string());
                Err(NodeError::UnsupportedMethod { path, method })
            }
        }
    }

    /// Opens an object, unless it has expired: then it counts as deleted when it was put.
    async fn open_live(&self, place: &DiskPlace) -> Result<OpenObject, NodeError> {
        let object = self.objects.open_at(place).await?;
        if object.metadata().has_expired(Timestamp::at(self.host.now())) {
            return Err(place.not_found(Some(object.metadata().timestamp)));
        }
        Ok(object)
    }

    async fn post(&self, place: &DiskPlace, headers: &HeaderMap) -> Result<Response, NodeError> {
        let timestamp = request::timestamp(&place.path, headers, &header::X_TIMESTAMP)?;
        let stored = stored_headers(&place.path, headers)?;
        let content_type = header::text(headers, &CONTENT_TYPE).map(ToOwned::to_owned);
        // Another replica may put off the expiry of a copy that has expired here by this very POST.
        let object = match headers.contains_key(header::X_BACKEND_REPLICATION) {
            true => self.objects.open_at(place).await?,
            false => self.open_live(place).await?,
        };
        let parents = container_servers(&place.path, headers)?;
        record_expiry(place, timestamp, &stored, &parents).await?;
        let posted = PostedMetadata { headers: stored, content_type };
        let Some(content_type) = &posted.content_type else {
            self.objects.post(place, timestamp, &posted).await?;
            return Ok(empty(StatusCode::ACCEPTED));
        };
        let change = self.updater.begin_change(place, timestamp).await?;
        self.objects.post(place, timestamp, &posted).await?;
        let update = object.metadata().content_type_update(content_type, timestamp);
        self.updater.deliver(place, parents, update).await?;
        change.delivered();
        Ok(empty(StatusCode::ACCEPTED))
    }

    async fn put(
        &self,
        place: &DiskPlace,
        headers: &HeaderMap,
        body: IncomingBody,
    ) -> Result<Response, NodeError> {
        let path = &place.path;
        let timestamp = request::timestamp(path, headers, &header::X_TIMESTAMP)?;
        let parents = container_servers(path, headers)?;
        let stored = stored_headers(path, headers)?;
        let length = body.length();
        self.check_length(path, length.unwrap_or(0))?;
        self.updater.check_backlog(place)?;
        let replaces = self.check_before_upload(place, headers, timestamp, &parents).await?;

        let content_type = header::text(headers, &CONTENT_TYPE).unwrap_or(DEFAULT_CONTENT_TYPE);
        let expected =
            header::text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_lowercase());
        record_expiry(place, timestamp, &stored, &parents).await?;
        let mut upload = Upload::begin(&self.objects, place, self.host.checksum()).await?;
        let committed = async {
            self.receive(path, body, length, &mut upload).await?;
            let etag = upload.etag();
            if let Some(expected) = expected.filter(|expected| *expected != etag) {
                return Err(NodeError::WrongEtag {
                    path: path.to_string(),
                    actual: etag,
                    expected,
                });
            }
            let metadata = ObjectMetadata {
                name: path.to_string(),
                timestamp,
                length: upload.len(),
                etag,
                content_type: content_type.to_owned(),
                headers: stored,
            };
            let change = self.updater.begin_change(place, timestamp).await?;
            upload.commit(&metadata, replaces).await.map(|()| (metadata, change))
        };
        let (metadata, change) = match committed.await {
            Ok(committed) => committed,
            Err(error) => {
                upload.abandon().await;
                return Err(error);
            }
        };
        self.updater.deliver(place, parents, metadata.put_update()).await?;
        change.delivered();

        let mut response = empty(StatusCode::CREATED);
        set_header(response.headers_mut(), ETAG, &format!("\"{}\"", metadata.etag));
        set_header(response.headers_mut(), header::X_TIMESTAMP, &timestamp.to_string());
        Ok(response)
    }

    /// Refuses an upload before its bytes come, if it would be refused after them: all is checked
    /// again then. Returns what the upload may replace.
    async fn check_before_upload(
        &self,
        place: &DiskPlace,
        headers: &HeaderMap,
        timestamp: Timestamp,
        parents: &[ParentServer],
    ) -> Result<Replaces, NodeError> {
        let files = object_files(place).await?;
        if let Err(refused) = check_put(place, &files, timestamp) {
            self.finish_earlier_put(place, parents, timestamp).await?;
            return Err(refused);
        }
        if header::text(headers, &IF_NONE_MATCH) != Some("*") {
            return Ok(Replaces::Anything);
        }
        if files.data.is_some() && self.open_live(place).await.is_ok() {
            return Err(place.condition_failed("If-None-Match"));
        }
        Ok(Replaces::Nothing(files.data))
    }

    /// Finishes a put of `timestamp` that a crash cut off. Its writer tries again, is refused
    /// because the object is there, and takes that for success.
    async fn finish_earlier_put(
        &self,
        place: &DiskPlace,
        parents: &[ParentServer],
        timestamp: Timestamp,
    ) -> Result<(), NodeError> {
        make_durable(place).await?;
        match self.objects.open_at(place).await {
            Ok(object) if object.is_version(timestamp).is_ok() => {
                let update = object.metadata().put_update();
                self.updater.deliver(place, parents.to_vec(), update).await
            }
            Ok(_) | Err(NodeError::NotFound { .. } | NodeError::Damaged { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Refuses a body of that length if it is too long.
    fn check_length(&self, path: &Path, length: u64) -> Result<(), NodeError> {
        let max = self.upload_bytes_max;
        if length <= max {
            return Ok(());
        }
        Err(NodeError::TooLong { path: path.to_string(), length, max })
    }

    /// Receives the body, all `length` bytes of it if its length was promised. One of unknown
    /// length is complete with its last chunk, by which it differs from one that broke off.
    async fn receive(
        &self,
        path: &Path,
        mut body: IncomingBody,
        length: Option<u64>,
        upload: &mut Upload,
    ) -> Result<(), NodeError> {
        let cut_off = |reason| NodeError::UploadCutOff { path: path.to_string(), reason };
        while length.is_none_or(|length| upload.len() < length) {
            let slow = |_| NodeError::TooSlow {
                path: path.to_string(),
                party: SlowParty::Client,
                limit: RECEIVE_MAX,
            };
            let chunk = self.host.timeout(RECEIVE_MAX, body.chunk()).await.map_err(slow)?;
            // A connection that ends early may look like a body that does.
            let Some(data) = chunk.map_err(|error| cut_off(error.to_string()))? else {
                break;
            };
            self.check_length(path, upload.len() + data.len() as u64)?;
            upload.push(data).await?;
        }
        match length {
            Some(length) if upload.len() < length => {
                Err(cut_off(format!("{} of {length} bytes came", upload.len())))
            }
            _ => Ok(()),
        }
    }

    async fn delete(&self, place: &DiskPlace, headers: &HeaderMap) -> Result<Response, NodeError> {
        let timestamp = request::timestamp(&place.path, headers, &header::X_TIMESTAMP)?;
        let parents = container_servers(&place.path, headers)?;
        self.updater.check_backlog(place)?;
        let change = self.updater.begin_change(place, timestamp).await?;
        let update = ListingUpdate::ObjectDelete { timestamp };
        let status = match self.objects.delete(place, timestamp).await? {
            Deletion::Deleted => StatusCode::NO_CONTENT,
            Deletion::NothingThere => StatusCode::NOT_FOUND,
            Deletion::DeletedBefore(has) => {
                make_durable(place).await?;
                if has == timestamp {
                    self.updater.deliver(place, parents, update).await?;
                }
                return Err(place.not_found(Some(has)));
            }
        };
        self.updater.deliver(place, parents, update).await?;
        change.delivered();
        let mut response = empty(status);
        let at = timestamp.to_string();
        set_header(response.headers_mut(), header::X_BACKEND_TIMESTAMP, &at);
        Ok(response)
    }
}

fn stored_headers(path: &Path, headers: &HeaderMap) -> Result<BTreeMap<String, String>, NodeError> {
    request::stored_headers(path, headers, header::OBJECT_META_PREFIX, &SYSTEM_HEADERS)
}

/// Container servers that get the object's update.
fn container_servers(path: &Path, headers: &HeaderMap) -> Result<Vec<ParentServer>, NodeError> {
    let names =
        [header::X_CONTAINER_HOST, header::X_CONTAINER_DEVICE, header::X_CONTAINER_PARTITION];
    request::parents(path, headers, &names)
}
