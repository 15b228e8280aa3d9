//! Header names: Swift's own, ZeroCloud's, and ours. All in lower case, as hyper wants them.
//!
//! A client can set none of those that begin with `x-backend-`: proxies drop them.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::Timestamp;

/// When the request's change happened, or when what is answered was written.
pub const X_TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
/// The timestamp of what a node has or had of it: on refusals too (a tombstone's, a newer version's).
pub const X_BACKEND_TIMESTAMP: HeaderName = HeaderName::from_static("x-backend-timestamp");
/// The timestamp of the object's data alone: POSTs change [`X_TIMESTAMP`] and not this. It names the version.
pub const X_BACKEND_DATA_TIMESTAMP: HeaderName =
    HeaderName::from_static("x-backend-data-timestamp");
/// Says that a change comes from another replica, and not from a proxy.
pub const X_BACKEND_REPLICATION: HeaderName = HeaderName::from_static("x-backend-replication");
/// Asks a node for just the version with this data timestamp; 409 if it has another one.
pub const X_BACKEND_WANT_VERSION: HeaderName = HeaderName::from_static("x-backend-want-version");
/// Asks a node to count the body of its answer as this: the name of a [`stayput_host::Purpose`].
pub const X_BACKEND_PURPOSE: HeaderName = HeaderName::from_static("x-backend-purpose");
/// Comma-joined `ip:port` of the container (or account) servers that shall hear of a change, one for each replica.
pub const X_CONTAINER_HOST: HeaderName = HeaderName::from_static("x-container-host");
/// The devices that belong to [`X_CONTAINER_HOST`], comma-joined.
pub const X_CONTAINER_DEVICE: HeaderName = HeaderName::from_static("x-container-device");
/// The partition of the container (or account).
pub const X_CONTAINER_PARTITION: HeaderName = HeaderName::from_static("x-container-partition");
/// As [`X_CONTAINER_HOST`], for the account of a container.
pub const X_ACCOUNT_HOST: HeaderName = HeaderName::from_static("x-account-host");
/// As [`X_CONTAINER_DEVICE`], for the account of a container.
pub const X_ACCOUNT_DEVICE: HeaderName = HeaderName::from_static("x-account-device");
/// As [`X_CONTAINER_PARTITION`], for the account of a container.
pub const X_ACCOUNT_PARTITION: HeaderName = HeaderName::from_static("x-account-partition");
/// Size of an object, told to its container.
pub const X_SIZE: HeaderName = HeaderName::from_static("x-size");
/// ETag of an object, told to its container.
pub const X_ETAG: HeaderName = HeaderName::from_static("x-etag");
/// Content type of an object, told to its container.
pub const X_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-content-type");
/// Tells a container when an object got its content type, if that was after it was put.
pub const X_CONTENT_TYPE_TIMESTAMP: HeaderName =
    HeaderName::from_static("x-content-type-timestamp");
/// When a container came into being, told to its account.
pub const X_PUT_TIMESTAMP: HeaderName = HeaderName::from_static("x-put-timestamp");
/// When a container was deleted, told to its account.
pub const X_DELETE_TIMESTAMP: HeaderName = HeaderName::from_static("x-delete-timestamp");
/// Objects of a container (to its account, or in its answers).
pub const X_CONTAINER_OBJECT_COUNT: HeaderName =
    HeaderName::from_static("x-container-object-count");
/// Bytes of a container.
pub const X_CONTAINER_BYTES_USED: HeaderName = HeaderName::from_static("x-container-bytes-used");
/// Containers of an account.
pub const X_ACCOUNT_CONTAINER_COUNT: HeaderName =
    HeaderName::from_static("x-account-container-count");
/// Objects of an account.
pub const X_ACCOUNT_OBJECT_COUNT: HeaderName = HeaderName::from_static("x-account-object-count");
/// Bytes of an account.
pub const X_ACCOUNT_BYTES_USED: HeaderName = HeaderName::from_static("x-account-bytes-used");
/// Asks a proxy for the newest version that any reachable replica has.
pub const X_NEWEST: HeaderName = HeaderName::from_static("x-newest");
/// Who asks.
pub const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// Who asks, by an older name.
pub const X_STORAGE_TOKEN: HeaderName = HeaderName::from_static("x-storage-token");
/// Who may read a container beside its owners.
pub const X_CONTAINER_READ: HeaderName = HeaderName::from_static("x-container-read");
/// Who may write to a container beside its owners.
pub const X_CONTAINER_WRITE: HeaderName = HeaderName::from_static("x-container-write");
/// Names a request through all the servers that it passes.
pub const X_TRANS_ID: HeaderName = HeaderName::from_static("x-trans-id");
/// What the request belongs to, in its client's words; every request that it leads to says it on. For people who look into
/// what happened: nothing is decided by it, so anybody may say anything.
pub const X_TRANS_ID_EXTRA: HeaderName = HeaderName::from_static("x-trans-id-extra");
/// The same as [`X_TRANS_ID`], by the name that all of OpenStack has for it.
pub const X_OPENSTACK_REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
/// The Unix second from which on an object is no longer there.
pub const X_DELETE_AT: HeaderName = HeaderName::from_static("x-delete-at");
/// The same, in seconds from the request on.
pub const X_DELETE_AFTER: HeaderName = HeaderName::from_static("x-delete-after");
/// Says `True` of an object that is the manifest of a static large object.
pub const X_STATIC_LARGE_OBJECT: HeaderName = HeaderName::from_static("x-static-large-object");
/// The ETag of a static large object, stored with its manifest.
pub const X_SLO_ETAG: HeaderName = HeaderName::from_static("x-object-sysmeta-slo-etag");
/// The bytes of all segments of a static large object, stored with its manifest.
pub const X_SLO_SIZE: HeaderName = HeaderName::from_static("x-object-sysmeta-slo-size");
/// Asks a node to judge a manifest's conditions by the ETag of its own bytes, and not of what it stands for.
pub const X_BACKEND_MANIFEST: HeaderName = HeaderName::from_static("x-backend-manifest");
/// Asks for a job to be run; says of an answer that it is one to be run next.
pub const X_ZEROVM_EXECUTE: HeaderName = HeaderName::from_static("x-zerovm-execute");
/// Names the object that holds the job, image or script that is to run; the body is its data then.
pub const X_ZEROVM_SOURCE: HeaderName = HeaderName::from_static("x-zerovm-source");
/// What a client gets or puts an object for: `object-data`, `job-code` (modules and images) or `job-result`. Its bytes are
/// counted as that.
pub const X_STAYPUT_PURPOSE: HeaderName = HeaderName::from_static("x-stayput-purpose");
/// The versions that an answer was computed from: `path@timestamp`, paths percent-encoded, comma-joined.
pub const X_STAYPUT_INPUTS: HeaderName = HeaderName::from_static("x-stayput-inputs");
/// Where a client wants its job to run, for proxies that go by that: `node:2`, `proxy` or `worker`.
pub const X_STAYPUT_PLACE: HeaderName = HeaderName::from_static("x-stayput-place");
/// Where a job ran and why there, under policies that say so: `node; reason=less-loaded`.
pub const X_STAYPUT_PLACED: HeaderName = HeaderName::from_static("x-stayput-placed");

/// Prefix of an object's user metadata.
pub const OBJECT_META_PREFIX: &str = "x-object-meta-";
/// Prefix of a container's user metadata.
pub const CONTAINER_META_PREFIX: &str = "x-container-meta-";
/// Prefix of an account's user metadata.
pub const ACCOUNT_META_PREFIX: &str = "x-account-meta-";
/// Prefix of what proxies keep with an object and no client sets or sees.
pub const OBJECT_SYSMETA_PREFIX: &str = "x-object-sysmeta-";
/// Prefix of what only backends say to each other.
pub const BACKEND_PREFIX: &str = "x-backend-";
/// Prefix of what only the job service says.
pub const NEXE_PREFIX: &str = "x-nexe-";

/// The header's value, if it is there and readable.
#[must_use]
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The header's timestamp, if it is there and one.
#[must_use]
pub fn timestamp(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    text(headers, name).and_then(|value| value.parse().ok())
}
/// Of a job with copies, for each session: how many agreed, of how many that were asked for, such as `2/3`.
pub const X_STAYPUT_COPIES: HeaderName = HeaderName::from_static("x-stayput-copies");
/// Of a job with copies: the copies that did not agree or came to no end, as `session@host`.
pub const X_STAYPUT_DEVIATING: HeaderName = HeaderName::from_static("x-stayput-deviating");
