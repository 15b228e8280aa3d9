//! Flaws of a client's request: in its path, its query, its headers, or while its body arrives.
//!
//! Leaves out flaws of metadata, expiry dates, access lists and manifests, which have errors of
//! their own.

use hyper::Method;
use hyper::header::HeaderName;

use crate::proxy::limits::{CLIENT_CHUNK_MAX, OBJECT_BYTES_MAX};
use crate::swift::BadName;

/// Flaw in the head of a request.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum RequestError {
    #[error("there is no {url_path}: paths begin with /v1/")]
    NoSuchPath { url_path: String },
    #[error(transparent)]
    BadPath(#[from] BadName),
    #[error("{pair:?} in the query is not UTF-8")]
    QueryNotUtf8 { pair: String },
    #[error("{method} does not go with {resource}")]
    MethodNotAllowed { method: Method, resource: String },
    #[error(transparent)]
    Unsupported(#[from] UnsupportedFeature),
    #[error("Content-Length is missing: say how long the body is")]
    LengthRequired,
    #[error("Content-Length {value:?} is no number of bytes")]
    BadLength { value: String },
    #[error("If-None-Match on a PUT takes only *: store it if there is no object")]
    BadIfNoneMatch,
    #[error(
        "X-Static-Large-Object is for the store to set: \
         send the manifest with ?multipart-manifest=put"
    )]
    StaticLargeObjectSet,
    #[error("{header} must be of the form container/object, percent-encoded")]
    BadCopyPath { header: HeaderName },
    #[error("a copy has no body: send Content-Length: 0")]
    CopyWithBody,
    #[error("a manifest that is put cannot be a copy: ask for ?multipart-manifest=get")]
    CopyOfNewManifest,
    #[error("the source does not say how long it is")]
    CopyLengthUnknown,
}

/// Feature of Swift that this store lacks. A request for it is refused, because it would seem to
/// succeed if it were ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum UnsupportedFeature {
    #[error("this store takes no bulk requests: send one request for each object")]
    Bulk,
    #[error("this store has no dynamic large objects: put a manifest with ?multipart-manifest=put")]
    DynamicLargeObject,
    #[error("this store has no access lists of accounts: set X-Container-Read")]
    AccountAcl,
    #[error("this store has no symlinks: copy the object")]
    Symlink,
    #[error("this proxy runs no jobs")]
    Jobs,
}

/// Failure of a body's source before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum RequestBodyError {
    #[error("the body broke off before its Content-Length")]
    ClientLeft,
    #[error("the next chunk of the body did not come within {} s", CLIENT_CHUNK_MAX.as_secs())]
    Stalled,
    #[error("the body is longer than {OBJECT_BYTES_MAX} bytes: send it in segments")]
    TooLong,
    #[error("what was to be copied broke off: try again later")]
    CopySourceLost,
}
