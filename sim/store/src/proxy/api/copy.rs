//! Server-side copy: `COPY` with a `Destination`, and `PUT` with `X-Copy-From`.
//!
//! The proxy reads the newest version that can be reached and writes it as if a client had sent it.
//! A large object becomes one ordinary object, unless the client asks for its manifest. Leaves out
//! copies within a node.

use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::object_get;
use crate::http::Response;
use crate::proxy::auth::{Access, authorise};
use crate::proxy::error::{ManifestError, ProxyError, RequestError};
use crate::proxy::headers::{etag, picked, set};
use crate::proxy::limits::STORED_MANIFEST_BYTES_MAX;
use crate::proxy::object::put::{self, NewBody};
use crate::proxy::object::request::STORED_HEADERS;
use crate::proxy::object::upload::BodySource;
use crate::proxy::query::is_true;
use crate::proxy::request::RequestHead;
use crate::proxy::{Proxy, slo};
use crate::swift::Path;
use crate::swift::header::{
    OBJECT_META_PREFIX, X_DELETE_AFTER, X_DELETE_AT, X_NEWEST, X_STAYPUT_PURPOSE, text,
};

/// Source of a PUT that copies, as `container/object`.
pub(super) const X_COPY_FROM: HeaderName = HeaderName::from_static("x-copy-from");
/// Account of the source of a PUT, if it is another one.
const X_COPY_FROM_ACCOUNT: HeaderName = HeaderName::from_static("x-copy-from-account");
/// Destination of a COPY, as `container/object`.
const DESTINATION: HeaderName = HeaderName::from_static("destination");
/// Account of the destination of a COPY, if it is another one.
const DESTINATION_ACCOUNT: HeaderName = HeaderName::from_static("destination-account");
/// Drops the metadata of the source.
const X_FRESH_METADATA: HeaderName = HeaderName::from_static("x-fresh-metadata");
const X_COPIED_FROM: HeaderName = HeaderName::from_static("x-copied-from");
const X_COPIED_FROM_ACCOUNT: HeaderName = HeaderName::from_static("x-copied-from-account");
const X_COPIED_FROM_LAST_MODIFIED: HeaderName =
    HeaderName::from_static("x-copied-from-last-modified");

/// Answers a COPY.
pub(super) async fn to_destination(
    proxy: &Proxy,
    head: &RequestHead,
) -> Result<Response, ProxyError> {
    let destination = named(head, &DESTINATION, &DESTINATION_ACCOUNT)?;
    copy(proxy, head, &head.path, destination).await
}

/// Answers a PUT that names a source.
pub(super) async fn put(proxy: &Proxy, head: &RequestHead) -> Result<Response, ProxyError> {
    let source = named(head, &X_COPY_FROM, &X_COPY_FROM_ACCOUNT)?;
    copy(proxy, head, &source, head.path.clone()).await
}

/// Path of the object that a pair of headers names.
fn named(
    head: &RequestHead,
    name: &HeaderName,
    account: &HeaderName,
) -> Result<Path, RequestError> {
    let decoded = |name: &HeaderName| {
        let value = head.headers.get(name)?;
        percent_decode_str(value.to_str().ok()?).decode_utf8().ok()
    };
    let bad = || RequestError::BadCopyPath { header: name.clone() };
    let object = decoded(name).ok_or_else(bad)?;
    let (container, object) =
        object.strip_prefix('/').unwrap_or(&object).split_once('/').ok_or_else(bad)?;
    let account = match head.headers.contains_key(account) {
        true => decoded(account).ok_or_else(bad)?,
        false => head.path.account().into(),
    };
    Path::object_of(&account, container, object).map_err(|_| bad())
}

async fn copy(
    proxy: &Proxy,
    head: &RequestHead,
    source: &Path,
    destination: Path,
) -> Result<Response, ProxyError> {
    authorise(proxy, &head.caller, source, Access::Read).await?;
    authorise(proxy, &head.caller, &destination, Access::Write).await?;
    if text(&head.headers, &CONTENT_LENGTH).is_some_and(|length| length != "0") {
        return Err(RequestError::CopyWithBody.into());
    }
    let operation = slo::operation(head);
    if operation.as_deref() == Some("put") {
        return Err(RequestError::CopyOfNewManifest.into());
    }
    let is_manifest = operation.as_deref() == Some("get");
    let read = object_get::handle(proxy, &read_request(head, source, is_manifest)).await?;
    if !read.status().is_success() {
        return Ok(read);
    }
    let (parts, body) = read.into_parts();
    let found = parts.headers;
    let write = write_request(head, destination, &found, parts.status);
    let mut stored = if is_manifest && slo::is_manifest(&found) {
        let manifest = collect(proxy, BodySource::Copied(body)).await?;
        Box::pin(slo::put_manifest(proxy, &write, &manifest)).await?
    } else {
        let length = body.size_hint().exact().ok_or(RequestError::CopyLengthUnknown)?;
        let (length, source) = (Some(length), BodySource::Copied(body));
        put::store(proxy, &write, NewBody { length, source, own: HeaderMap::new() }).await?
    };
    describe_copy(stored.headers_mut(), source, &found, &write.headers);
    Ok(stored)
}

/// Request that reads the source, under the client's conditions and range.
fn read_request(head: &RequestHead, source: &Path, is_manifest: bool) -> RequestHead {
    let mut read = head.related(Method::GET, source.clone());
    let passed =
        [RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, X_STAYPUT_PURPOSE];
    read.headers = picked(&head.headers, &passed, None);
    set(&mut read.headers, X_NEWEST, "true");
    if is_manifest {
        read.query = Some("multipart-manifest=get&format=raw".to_owned());
    }
    read
}

/// Request that writes the copy: headers of the client, and others of the source.
fn write_request(
    head: &RequestHead,
    destination: Path,
    found: &HeaderMap,
    status: StatusCode,
) -> RequestHead {
    let mut write = head.related(Method::PUT, destination);
    let mut copied = STORED_HEADERS.to_vec();
    copied.push(X_DELETE_AT);
    let fresh = text(&head.headers, &X_FRESH_METADATA).is_some_and(is_true);
    if !fresh {
        write.headers = picked(found, &copied, Some(OBJECT_META_PREFIX));
    }
    copied.extend([X_DELETE_AFTER, CONTENT_TYPE, ETAG, X_STAYPUT_PURPOSE]);
    write.headers.extend(picked(&head.headers, &copied, Some(OBJECT_META_PREFIX)));
    if !write.headers.contains_key(CONTENT_TYPE) {
        write.headers.extend(found.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone())));
    }
    // The ETag of a range is not that of the whole, and a large object's is no MD5 of its bytes.
    if status == StatusCode::OK
        && !slo::is_manifest(found)
        && let Some(etag) = etag(found)
    {
        set(&mut write.headers, ETAG, etag);
    }
    write
}

/// Reads a manifest to its end.
async fn collect(proxy: &Proxy, mut source: BodySource) -> Result<Bytes, ProxyError> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = source.next(proxy).await? {
        whole.extend_from_slice(&chunk);
        if whole.len() as u64 > STORED_MANIFEST_BYTES_MAX {
            return Err(ManifestError::StoredTooLong.into());
        }
    }
    Ok(whole.freeze())
}

/// Adds the headers that name the source of a copy, and its metadata.
fn describe_copy(headers: &mut HeaderMap, source: &Path, found: &HeaderMap, written: &HeaderMap) {
    let encoded = source.encoded();
    let mut parts = encoded.splitn(3, '/').skip(1);
    set(headers, X_COPIED_FROM_ACCOUNT, parts.next().unwrap_or_default());
    set(headers, X_COPIED_FROM, parts.next().unwrap_or_default());
    let modified = found.get(LAST_MODIFIED);
    headers.extend(modified.map(|modified| (X_COPIED_FROM_LAST_MODIFIED, modified.clone())));
    headers.extend(picked(written, &[X_DELETE_AT], Some(OBJECT_META_PREFIX)));
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::proxy::auth::Caller;

    fn source(from: &[u8], account: Option<&[u8]>) -> Result<Path, RequestError> {
        let path = Path::object_of("AUTH_a", "c", "o").unwrap();
        let (method, trans_id) = (Method::PUT, String::new());
        let (query, headers, caller) = (None, HeaderMap::new(), Caller::default());
        let mut head = RequestHead { method, path, query, headers, trans_id, caller };
        let given = [(X_COPY_FROM, Some(from)), (X_COPY_FROM_ACCOUNT, account)];
        for (name, value) in given {
            let value = value.and_then(|value| HeaderValue::from_bytes(value).ok());
            head.headers.extend(value.map(|value| (name, value)));
        }
        named(&head, &X_COPY_FROM, &X_COPY_FROM_ACCOUNT)
    }

    #[test]
    fn what_is_to_be_copied_is_named_with_or_without_a_slash_and_encoded() {
        let path = |object| Path::object_of("AUTH_a", "s", object).unwrap();
        assert_eq!(source(b"s/a/b", None).unwrap(), path("a/b"));
        assert_eq!(source(b"/s/a%20b%2Fc", None).unwrap(), path("a b/c"));
        assert_eq!(source(b"/s/../t", None).unwrap(), path("../t"), "a name like any other");
        let other = Path::object_of("AUTH_b", "s", "a").unwrap();
        assert_eq!(source(b"s/a", Some(b"AUTH_b")).unwrap(), other);
    }

    proptest! {
        #[test]
        fn any_bytes_name_an_object_or_are_refused(
            from in prop::collection::vec(any::<u8>(), 0..60),
            account in prop::option::of(prop::collection::vec(any::<u8>(), 0..30)),
            text in "[/%a-z0-9.]{0,60}",
        ) {
            for from in [&from[..], text.as_bytes()] {
                match source(from, account.as_deref()) {
                    Ok(path) => prop_assert!(path.object().is_some_and(|name| !name.is_empty())),
                    Err(error) => {
                        prop_assert!(matches!(error, RequestError::BadCopyPath { .. }), "{error}");
                    }
                }
            }
        }
    }
}
