//! Copies an object within the store: `COPY` with a `Destination`, and `PUT` with `X-Copy-From`.
//!
//! The proxy reads the newest version that can be reached and writes it as if a client had sent it. A large object is copied
//! as one ordinary object, unless its manifest is asked for. Leaves out copying on the nodes themselves, where source and
//! copy share one.

use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::put::{self, New};
use super::upload::Source;
use super::{KEPT, etag, get, large};
use crate::http::Response;
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, picked, set};
use crate::proxy::auth;
use crate::proxy::auth::Access;
use crate::proxy::limits::STORED_MANIFEST_BYTES_MAX;
use crate::proxy::query::is_true;
use crate::proxy::routing::Call;
use crate::swift::Path;
use crate::swift::header::{
    OBJECT_META_PREFIX, X_DELETE_AFTER, X_DELETE_AT, X_NEWEST, X_STAYPUT_PURPOSE, text,
};

/// Names what a PUT is to copy, as `container/object`.
pub(super) const X_COPY_FROM: HeaderName = HeaderName::from_static("x-copy-from");
/// The account of what a PUT is to copy, if it is another one.
const X_COPY_FROM_ACCOUNT: HeaderName = HeaderName::from_static("x-copy-from-account");
/// Names what a COPY is to make, as `container/object`.
const DESTINATION: HeaderName = HeaderName::from_static("destination");
/// The account of what a COPY is to make, if it is another one.
const DESTINATION_ACCOUNT: HeaderName = HeaderName::from_static("destination-account");
/// Leaves the source's metadata behind.
const X_FRESH_METADATA: HeaderName = HeaderName::from_static("x-fresh-metadata");
const X_COPIED_FROM: HeaderName = HeaderName::from_static("x-copied-from");
const X_COPIED_FROM_ACCOUNT: HeaderName = HeaderName::from_static("x-copied-from-account");
const X_COPIED_FROM_LAST_MODIFIED: HeaderName =
    HeaderName::from_static("x-copied-from-last-modified");

/// Answers a COPY.
pub(super) async fn to_destination(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    let destination = named(call, &DESTINATION, &DESTINATION_ACCOUNT)?;
    copy(proxy, call, &call.path, destination).await
}

/// Answers a PUT that names what to copy.
pub(super) async fn put(proxy: &Proxy, call: &Call) -> Result<Response, ErrorResponse> {
    let source = named(call, &X_COPY_FROM, &X_COPY_FROM_ACCOUNT)?;
    copy(proxy, call, &source, call.path.clone()).await
}

/// The object that a pair of headers names, if who asks may reach it.
fn named(call: &Call, name: &HeaderName, account: &HeaderName) -> Result<Path, ErrorResponse> {
    let decoded = |name: &HeaderName| {
        let value = call.headers.get(name)?;
        percent_decode_str(value.to_str().ok()?).decode_utf8().ok()
    };
    let bad = || {
        let why = format!("{name} must be of the form container/object, percent-encoded");
        ErrorResponse::new(StatusCode::PRECONDITION_FAILED, why)
    };
    let said = decoded(name).ok_or_else(bad)?;
    let (container, object) =
        said.strip_prefix('/').unwrap_or(&said).split_once('/').ok_or_else(bad)?;
    let account = match call.headers.contains_key(account) {
        true => decoded(account).ok_or_else(bad)?,
        false => call.path.account().into(),
    };
    Path::object_of(&account, container, object).map_err(|_| bad())
}

async fn copy(
    proxy: &Proxy,
    call: &Call,
    source: &Path,
    destination: Path,
) -> Result<Response, ErrorResponse> {
    auth::authorise(proxy, &call.caller, source, Access::Read).await?;
    auth::authorise(proxy, &call.caller, &destination, Access::Write).await?;
    if text(&call.headers, &CONTENT_LENGTH).is_some_and(|length| length != "0") {
        let why = "a copy has no body: send Content-Length: 0";
        return Err(ErrorResponse::new(StatusCode::BAD_REQUEST, why));
    }
    if large::asked(call).as_deref() == Some("put") {
        let why = "a manifest that is put cannot be a copy: ask for ?multipart-manifest=get";
        return Err(ErrorResponse::new(StatusCode::METHOD_NOT_ALLOWED, why));
    }
    let is_manifest = large::asked(call).as_deref() == Some("get");
    let asked = reading(call, source, is_manifest);
    let read = get::handle(proxy, &asked).await?;
    if !read.status().is_success() {
        return Ok(read);
    }
    let (head, body) = read.into_parts();
    let (status, found) = (head.status, head.headers);
    let writing = writing(call, destination, &found, status);
    let mut stored = if is_manifest && large::is(&found) {
        let manifest = collected(Source::Copied(body), proxy).await?;
        Box::pin(large::put_held(proxy, &writing, &manifest)).await?
    } else {
        let length = Some(body.size_hint().exact().ok_or_else(|| {
            ErrorResponse::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the source does not say how long it is",
            )
        })?);
        let (source, own) = (Source::Copied(body), HeaderMap::new());
        put::store(proxy, &writing, New { length, source, own }).await?
    };
    tell(stored.headers_mut(), source, &found, &writing.headers);
    Ok(stored)
}

/// The reading of the source: under the client's conditions and range.
fn reading(call: &Call, source: &Path, is_manifest: bool) -> Call {
    let mut asked = call.along(Method::GET, source.clone());
    let passed =
        [RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, X_STAYPUT_PURPOSE];
    asked.headers = picked(&call.headers, &passed, None);
    set(&mut asked.headers, X_NEWEST, "true");
    if is_manifest {
        asked.query = Some("multipart-manifest=get&format=raw".to_owned());
    }
    asked
}

/// The writing of the copy: with what the client says of it, and what the source has beside that.
fn writing(call: &Call, destination: Path, found: &HeaderMap, status: StatusCode) -> Call {
    let mut writing = call.along(Method::PUT, destination);
    let mut kept = KEPT.to_vec();
    kept.push(X_DELETE_AT);
    let fresh = text(&call.headers, &X_FRESH_METADATA).is_some_and(is_true);
    if !fresh {
        writing.headers = picked(found, &kept, Some(OBJECT_META_PREFIX));
    }
    kept.extend([X_DELETE_AFTER, CONTENT_TYPE, ETAG, X_STAYPUT_PURPOSE]);
    writing.headers.extend(picked(&call.headers, &kept, Some(OBJECT_META_PREFIX)));
    if !writing.headers.contains_key(CONTENT_TYPE) {
        writing.headers.extend(found.get(CONTENT_TYPE).map(|said| (CONTENT_TYPE, said.clone())));
    }
    // The ETag of a part is not that of the whole, and a large object's is no MD5 of its bytes.
    if status == StatusCode::OK
        && !large::is(found)
        && let Some(etag) = etag(found)
    {
        set(&mut writing.headers, ETAG, etag);
    }
    writing
}

/// All of a body that is small.
async fn collected(mut source: Source, proxy: &Proxy) -> Result<Bytes, ErrorResponse> {
    let mut whole = BytesMut::new();
    let broken = |why: String| ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE, why);
    while let Some(chunk) = source.next(proxy).await.map_err(|why| broken(why.to_string()))? {
        whole.extend_from_slice(&chunk);
        if whole.len() as u64 > STORED_MANIFEST_BYTES_MAX {
            return Err(broken("the manifest is longer than a manifest may be".to_owned()));
        }
    }
    Ok(whole.freeze())
}

/// Says what was copied, and with which metadata.
fn tell(headers: &mut HeaderMap, source: &Path, found: &HeaderMap, written: &HeaderMap) {
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

    fn source(from: &[u8], account: Option<&[u8]>) -> Result<Path, StatusCode> {
        let path = Path::object_of("AUTH_a", "c", "o").unwrap();
        let (method, trans_id) = (Method::PUT, String::new());
        let (query, headers, caller) = (None, HeaderMap::new(), Caller::default());
        let mut call = Call { method, path, query, headers, trans_id, caller };
        let said = [(X_COPY_FROM, Some(from)), (X_COPY_FROM_ACCOUNT, account)];
        for (name, value) in said {
            let value = value.and_then(|value| HeaderValue::from_bytes(value).ok());
            call.headers.extend(value.map(|value| (name, value)));
        }
        named(&call, &X_COPY_FROM, &X_COPY_FROM_ACCOUNT).map_err(|refusal| refusal.status)
    }

    #[test]
    fn what_is_to_be_copied_is_named_with_or_without_a_slash_and_encoded() {
        let path = |object| Ok(Path::object_of("AUTH_a", "s", object).unwrap());
        assert_eq!(source(b"s/a/b", None), path("a/b"));
        assert_eq!(source(b"/s/a%20b%2Fc", None), path("a b/c"));
        assert_eq!(source(b"/s/../t", None), path("../t"), "a name like any other");
        let other = Path::object_of("AUTH_b", "s", "a").unwrap();
        assert_eq!(source(b"s/a", Some(b"AUTH_b")), Ok(other));
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
                    Err(status) => prop_assert_eq!(status, StatusCode::PRECONDITION_FAILED),
                }
            }
        }
    }
}
