//! GET and HEAD of an object: whole, one range, several ranges, a large object, or its manifest.
//!
//! Leaves out how replicas are found: see `object::find`.

use hyper::header::{CONTENT_LENGTH, RANGE};
use hyper::{HeaderMap, Method, StatusCode};

use crate::http::{ByteRange, RangeSet, Response};
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{etag, response, set};
use crate::proxy::object::find::{FoundObject, find, purpose_of, respond, shown};
use crate::proxy::object::multi_range;
use crate::proxy::quorum::QuorumFailure;
use crate::proxy::request::RequestHead;
use crate::proxy::slo::composite::{self, ObjectRange, Part};
use crate::proxy::{Proxy, slo};
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, text, timestamp};

/// Answers a GET or a HEAD.
pub(super) async fn handle(proxy: &Proxy, head: &RequestHead) -> Result<Response, ProxyError> {
    if head.method == Method::GET && multi_range::is_requested(&head.headers) {
        return Box::pin(several_ranges(proxy, head)).await;
    }
    if head.query.is_some() && slo::operation(head).as_deref() == Some("get") {
        return Box::pin(slo::get_manifest(proxy, head)).await;
    }
    let found = find(proxy, head, &head.method, HeaderMap::new()).await?;
    if slo::is_manifest(&found.answer.headers) {
        return Box::pin(slo::get(proxy, head, found)).await;
    }
    respond(proxy, found).await
}

/// Answers a GET for several ranges.
async fn several_ranges(proxy: &Proxy, head: &RequestHead) -> Result<Response, ProxyError> {
    let header = text(&head.headers, &RANGE).unwrap_or_default().to_owned();
    let mut plain = head.clone();
    plain.headers.remove(RANGE);
    if head.query.is_some() && slo::operation(head).as_deref() == Some("get") {
        // A manifest is sent whole.
        return Box::pin(handle(proxy, &plain)).await;
    }
    // The ranges follow from the object's length.
    let found = find(proxy, &plain, &Method::HEAD, HeaderMap::new()).await?;
    if slo::is_manifest(&found.answer.headers) {
        let found = find(proxy, &plain, &Method::GET, HeaderMap::new()).await?;
        return slo::get(proxy, head, found).await;
    }
    if !found.answer.status.is_success() {
        return respond(proxy, found).await;
    }
    let size = text(&found.answer.headers, &CONTENT_LENGTH).and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| ProxyError::LengthUnknown { path: head.path.clone() })?;
    match RangeSet::parse(&header, size) {
        RangeSet::Whole => Box::pin(handle(proxy, &plain)).await,
        RangeSet::Unsatisfiable => Ok(multi_range::unsatisfiable(shown(&found.answer), size)),
        RangeSet::Ranges(ranges) => match ranges[..] {
            [range] => {
                set(&mut plain.headers, RANGE, range.header());
                Box::pin(handle(proxy, &plain)).await
            }
            _ => multipart(proxy, head, &found, size, &ranges).await,
        },
    }
}

async fn multipart(
    proxy: &Proxy,
    head: &RequestHead,
    found: &FoundObject,
    size: u64,
    ranges: &[ByteRange],
) -> Result<Response, ProxyError> {
    let of = |range| {
        Part::Object(ObjectRange {
            path: head.path.clone(),
            range,
            size,
            etag: etag(&found.answer.headers),
            version: timestamp(&found.answer.headers, &X_BACKEND_DATA_TIMESTAMP),
        })
    };
    let mut headers = shown(&found.answer);
    let pieces = multi_range::framed(proxy, head, &mut headers, size, ranges);
    let parts = composite::parts(pieces, of);
    let body = composite::body(proxy, head, purpose_of(&head.headers), parts).await;
    let body = body.ok_or_else(|| QuorumFailure::Unavailable.on(&head.path))?;
    Ok(response(StatusCode::PARTIAL_CONTENT, headers, body))
}
