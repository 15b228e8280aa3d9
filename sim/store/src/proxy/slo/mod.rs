//! Static large objects (SLO): a manifest names the segments that a GET joins.
//!
//! Stored as Swift stores them: the manifest is an object of its own, with `X-Static-Large-Object`
//! and the size and ETag of the large object. Leaves out data in the manifest itself, parts by
//! their number, and deletion in the background.

pub(super) mod composite;
mod delete;
mod get;
mod manifest;
mod manifest_request;
mod put;
mod read;

use std::borrow::Cow;

use hyper::HeaderMap;

pub(super) use delete::delete;
pub(super) use get::{get, get_manifest};
pub(super) use put::{put, put_manifest};

use crate::proxy::query;
use crate::proxy::query::is_true;
use crate::proxy::request::RequestHead;
use crate::swift::header::{X_STATIC_LARGE_OBJECT, text};

/// Operation on the manifest itself that the query asks for: `put`, `get` or `delete`.
pub(super) fn operation(head: &RequestHead) -> Option<Cow<'_, str>> {
    query::value(head.query.as_deref(), "multipart-manifest")
}

/// True if these headers of a node are those of a manifest.
pub(super) fn is_manifest(headers: &HeaderMap) -> bool {
    text(headers, &X_STATIC_LARGE_OBJECT).is_some_and(is_true)
}
