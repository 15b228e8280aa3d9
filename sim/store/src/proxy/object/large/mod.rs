//! Static large objects: a manifest names the segments that a large object is put together from when it is read.
//!
//! StoredObject as Swift stores them: the manifest is an object of its own, with `X-Static-Large-Object` and the large object's size and ETag.
//! Leaves out data in the manifest itself, parts by their number, and deletion in the background.

mod delete;
mod get;
pub(super) mod manifest;
mod put;
mod spec;

use std::borrow::Cow;

use hyper::HeaderMap;

pub(super) use delete::delete;
pub(super) use get::{get, get_manifest, read};
pub(super) use put::{put, put_held};

use crate::proxy::query;
use crate::proxy::query::is_true;
use crate::proxy::routing::Call;
use crate::swift::header::{X_STATIC_LARGE_OBJECT, text};

/// What the client wants done with a manifest rather than with what it stands for: `put`, `get` or `delete`.
pub(super) fn asked(call: &Call) -> Option<Cow<'_, str>> {
    query::value(call.query.as_deref(), "multipart-manifest")
}

/// Whether a node's answer is about a manifest.
pub(super) fn is(headers: &HeaderMap) -> bool {
    text(headers, &X_STATIC_LARGE_OBJECT).is_some_and(is_true)
}
