//! Header names: Swift's own, ZeroCloud's, and ours. All in lower case, as hyper wants them.
//!
//! A client can set none of those that begin with `x-backend-`: proxies drop them.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::Timestamp;

/// Time of the request's change, or of the last change of an answered object.
pub const X_TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
/// Timestamp of a node's version, on refusals too (that of a tombstone, or of a newer version).
pub const X_BACKEND_TIMESTAMP: HeaderName = HeaderName::from_static("x-backend-timestamp");
/// Timestamp of the object's data alone, which names the version: POSTs change [`X_TIMESTAMP`] and
/// not this.
pub const X_BACKEND_DATA_TIMESTAMP: HeaderName =
    HeaderName::from_static("x-backend-data-timestamp");
/// Mark of a change that comes from another replica, and not from a proxy.
pub const X_BACKEND_REPLICATION: HeaderName = HeaderName::from_static("x-backend-replication");
/// Data timestamp of the only version that a node is to give; 409 if it has another one.
pub const X_BACKEND_WANT_VERSION: HeaderName = HeaderName::from_static("x-backend-want-version");
/// Purpose for which a node is to count the body of its answer: the name of a
/// [`stayput_host::Purpose`].
pub const X_BACKEND_PURPOSE: HeaderName = HeaderName::from_static("x-backend-purpose");
/// Comma-joined `ip:port` of the container servers that get an update, one for each replica.
pub const X_CONTAINER_HOST: HeaderName = HeaderName::from_static("x-container-host");
/// Devices of [`X_CONTAINER_HOST`], comma-joined.
pub const X_CONTAINER_DEVICE: HeaderName = HeaderName::from_static("x-container-device");
/// Partition of the container.
pub const X_CONTAINER_PARTITION: HeaderName = HeaderName::from_static("x-container-partition");
/// Account servers that get a container's update, as in [`X_CONTAINER_HOST`].
pub const X_ACCOUNT_HOST: HeaderName = HeaderName::from_static("x-account-host");
/// Devices of [`X_ACCOUNT_HOST`], comma-joined.
pub const X_ACCOUNT_DEVICE: HeaderName = HeaderName::from_static("x-account-device");
/// Partition of the account.
pub const X_ACCOUNT_PARTITION: HeaderName = HeaderName::from_static("x-account-partition");
/// Size of an object in bytes, in an update of its container.
pub const X_SIZE: HeaderName = HeaderName::from_static("x-size");
/// ETag of an object, in an update of its container.
pub const X_ETAG: HeaderName = HeaderName::from_static("x-etag");
/// Content type of an object, in an update of its container.
pub const X_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-content-type");
/// Time of an object's content type, in an update of its container, if it is later than its PUT.
pub const X_CONTENT_TYPE_TIMESTAMP: HeaderName =
    HeaderName::from_static("x-content-type-timestamp");
/// Time of a container's PUT, in an update of its account.
pub const X_PUT_TIMESTAMP: HeaderName = HeaderName::from_static("x-put-timestamp");
/// Time of a container's deletion, in an update of its account.
pub const X_DELETE_TIMESTAMP: HeaderName = HeaderName::from_static("x-delete-timestamp");
/// Number of a container's objects, in an update of its account or in its answers.
pub const X_CONTAINER_OBJECT_COUNT: HeaderName =
    HeaderName::from_static("x-container-object-count");
/// Number of a container's bytes.
pub const X_CONTAINER_BYTES_USED: HeaderName = HeaderName::from_static("x-container-bytes-used");
/// Number of an account's containers.
pub const X_ACCOUNT_CONTAINER_COUNT: HeaderName =
    HeaderName::from_static("x-account-container-count");
/// Number of an account's objects.
pub const X_ACCOUNT_OBJECT_COUNT: HeaderName = HeaderName::from_static("x-account-object-count");
/// Number of an account's bytes.
pub const X_ACCOUNT_BYTES_USED: HeaderName = HeaderName::from_static("x-account-bytes-used");
/// Request for the newest version that any reachable replica has.
pub const X_NEWEST: HeaderName = HeaderName::from_static("x-newest");
/// Auth token of the request.
pub const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// Auth token of the request, by an older name.
pub const X_STORAGE_TOKEN: HeaderName = HeaderName::from_static("x-storage-token");
/// Access list for readers of a container beside its owners.
pub const X_CONTAINER_READ: HeaderName = HeaderName::from_static("x-container-read");
/// Access list for writers of a container beside its owners.
pub const X_CONTAINER_WRITE: HeaderName = HeaderName::from_static("x-container-write");
/// Transaction id: the name of a request on all servers that it passes.
pub const X_TRANS_ID: HeaderName = HeaderName::from_static("x-trans-id");
/// Client's name for the work that a request belongs to, passed on to every request that follows
/// from it. For people who read logs: nothing is decided by it.
pub const X_TRANS_ID_EXTRA: HeaderName = HeaderName::from_static("x-trans-id-extra");
/// Transaction id, as in [`X_TRANS_ID`], by OpenStack's name.
pub const X_OPENSTACK_REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
/// Expiry of an object, in Unix seconds.
pub const X_DELETE_AT: HeaderName = HeaderName::from_static("x-delete-at");
/// Expiry of an object, in seconds after the request.
pub const X_DELETE_AFTER: HeaderName = HeaderName::from_static("x-delete-after");
/// Mark of the manifest of a static large object: `True`.
pub const X_STATIC_LARGE_OBJECT: HeaderName = HeaderName::from_static("x-static-large-object");
/// ETag of a static large object, stored with its manifest.
pub const X_SLO_ETAG: HeaderName = HeaderName::from_static("x-object-sysmeta-slo-etag");
/// Number of bytes in all segments of a static large object, stored with its manifest.
pub const X_SLO_SIZE: HeaderName = HeaderName::from_static("x-object-sysmeta-slo-size");
/// Request to evaluate a manifest's conditions by the ETag of its own bytes, and not of its large
/// object.
pub const X_BACKEND_MANIFEST: HeaderName = HeaderName::from_static("x-backend-manifest");
/// Request to run a job; in an answer, mark of a job to be run next.
pub const X_ZEROVM_EXECUTE: HeaderName = HeaderName::from_static("x-zerovm-execute");
/// Object with the job, image or script that is to run; the body is its data then.
pub const X_ZEROVM_SOURCE: HeaderName = HeaderName::from_static("x-zerovm-source");
/// Purpose of a client's GET or PUT, for which its bytes are counted: `object-data`, `job-code`
/// (modules and images) or `job-result`.
pub const X_STAYPUT_PURPOSE: HeaderName = HeaderName::from_static("x-stayput-purpose");
/// Versions that an answer was computed from: `path@timestamp`, paths percent-encoded,
/// comma-joined.
pub const X_STAYPUT_INPUTS: HeaderName = HeaderName::from_static("x-stayput-inputs");
/// Place where a client wants its job to run, under policies that go by that: `node:2`, `proxy` or
/// `worker`.
pub const X_STAYPUT_PLACE: HeaderName = HeaderName::from_static("x-stayput-place");
/// Place of a job and the reason for it, under policies that give one: `node; reason=less-loaded`.
pub const X_STAYPUT_PLACED: HeaderName = HeaderName::from_static("x-stayput-placed");
/// Agreement of a job's copies, for each session: those that agreed, of those that were asked for,
/// such as `2/3`.
pub const X_STAYPUT_COPIES: HeaderName = HeaderName::from_static("x-stayput-copies");
/// Copies of a job that did not agree or did not end, as `session@host`.
pub const X_STAYPUT_DEVIATING: HeaderName = HeaderName::from_static("x-stayput-deviating");

/// Prefix of an object's user metadata.
pub const OBJECT_META_PREFIX: &str = "x-object-meta-";
/// Prefix of a container's user metadata.
pub const CONTAINER_META_PREFIX: &str = "x-container-meta-";
/// Prefix of an account's user metadata.
pub const ACCOUNT_META_PREFIX: &str = "x-account-meta-";
/// Prefix of headers that proxies store with an object, and that no client sets or sees.
pub const OBJECT_SYSMETA_PREFIX: &str = "x-object-sysmeta-";
/// Prefix of headers between proxies and nodes.
pub const BACKEND_PREFIX: &str = "x-backend-";
/// Prefix of the job service's headers.
pub const NEXE_PREFIX: &str = "x-nexe-";

/// Reads a header, if it is there and text.
#[must_use]
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Reads a timestamp from a header, if it is there and one.
#[must_use]
pub fn timestamp(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    text(headers, name).and_then(|value| value.parse().ok())
}
