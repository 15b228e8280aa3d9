//! GET and HEAD of an object: headers, conditions, ranges, and the body as a stream from the disk.
//!
//! A manifest of a large object is always given whole. Leaves out which replica is asked, and what a manifest stands for:
//! both are the proxy's.

use std::rc::Rc;
use std::time::Duration;

use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE,
};
use stayput_host::{Host, Purpose};

use super::conditions::{Verdict, judge};
use super::open::{OpenObject, READ_BYTES};
use super::range::{Range, Span};
use super::sums::{BLOCK_BYTES, PartReader};
use crate::http::{Body, BodySender, HeaderMap, Method, Response, StatusCode};
use crate::node::error::NodeError;
use crate::node::reply;
use crate::swift::date::{http_date, modified_seconds};
use crate::swift::header::X_BACKEND_PURPOSE;
use crate::swift::{Path, header};

/// A body up to here is read whole before its answer: it would leave in one piece anyway.
const SMALL_BYTES_MAX: u64 = 64 << 10;
/// A reader that takes nothing for so long is given up.
const SEND_MAX: Duration = Duration::from_secs(120);

/// Answers a GET or HEAD of `object`.
pub(super) async fn answer(
    host: &Host,
    path: &Path,
    method: &Method,
    asked: &HeaderMap,
    object: OpenObject,
) -> Result<Response, NodeError> {
    let length = object.metadata().length;
    let mut response = reply::empty(StatusCode::OK);
    describe(response.headers_mut(), &object);
    let modified = modified_seconds(object.changed());
    let large = object.metadata().large_etag();
    let judged = large.filter(|_| !asked.contains_key(header::X_BACKEND_MANIFEST));
    match judge(asked, judged.unwrap_or(&object.metadata().etag), modified) {
        Verdict::Go => {}
        Verdict::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Verdict::Failed(condition) => {
            return Err(NodeError::Precondition { path: path.to_string(), condition });
        }
    }
    if method == Method::HEAD {
        reply::set(response.headers_mut(), CONTENT_LENGTH, &length.to_string());
        return Ok(response);
    }
    // A range means what the manifest stands for, and the proxy needs all of it.
    let range = header::text(asked, &RANGE).filter(|_| large.is_none());
    let span = match Range::parse(range, length) {
        Range::Whole => Span { first: 0, len: length },
        Range::Unsatisfiable => {
            return Err(NodeError::RangeUnsatisfiable { path: path.to_string(), length });
        }
        Range::Part(span) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let last = span.first + span.len - 1;
            let range = format!("bytes {}-{last}/{length}", span.first);
            reply::set(response.headers_mut(), CONTENT_RANGE, &range);
            span
        }
    };
    let purpose = purpose(path, asked)?;
    *response.body_mut() = if span.len <= SMALL_BYTES_MAX {
        small(&object, span, purpose).await?
    } else {
        stream(host, object, span, purpose)
    };
    Ok(response)
}

fn purpose(path: &Path, asked: &HeaderMap) -> Result<Purpose, NodeError> {
    let Some(name) = header::text(asked, &X_BACKEND_PURPOSE) else {
        return Ok(Purpose::ObjectData);
    };
    Purpose::named(name).ok_or_else(|| {
        let names: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.name()).collect();
        let why = format!("{X_BACKEND_PURPOSE}: {name:?} is none of {}", names.join(", "));
        NodeError::BadRequest { path: path.to_string(), why }
    })
}

/// Everything that is said of an object, but for its length.
fn describe(headers: &mut HeaderMap, object: &OpenObject) {
    let metadata = object.metadata();
    reply::set_stored(headers, &metadata.headers);
    let (changed, put) = (object.changed().to_string(), metadata.timestamp.to_string());
    reply::set(headers, ETAG, &format!("\"{}\"", metadata.etag));
    reply::set(headers, CONTENT_TYPE, &metadata.content_type);
    reply::set(headers, LAST_MODIFIED, &http_date(modified_seconds(object.changed())));
    reply::set(headers, ACCEPT_RANGES, "bytes");
    reply::set(headers, header::X_TIMESTAMP, &changed);
    reply::set(headers, header::X_BACKEND_TIMESTAMP, &changed);
    reply::set(headers, header::X_BACKEND_DATA_TIMESTAMP, &put);
}

/// A body that is read and judged before the answer begins: a bad disk is an error then and no body that breaks off.
async fn small(object: &OpenObject, span: Span, purpose: Purpose) -> Result<Body, NodeError> {
    if span.len == 0 {
        return Ok(Body::empty());
    }
    if span.len == object.metadata().length {
        let data = object.read_at(span.first, span.len).await?;
        object.judge_whole(&data).await?;
        return Ok(Body::full(purpose, data));
    }
    let data = PartReader::new(object).await?.read(span, span.len + BLOCK_BYTES).await?;
    Ok(Body::full(purpose, data))
}

/// A body that a task of its own reads from the disk, ahead of the connection by a few pieces.
pub(super) fn stream(host: &Host, object: OpenObject, span: Span, purpose: Purpose) -> Body {
    let (sender, body) = Body::stream(span.len);
    let (host_of_task, object) = (host.clone(), Rc::new(object));
    host.spawn(async move {
        // Whatever goes wrong, the sender is dropped and the body breaks off: its reader sees that.
        let _sent_or_broken_off = send(&host_of_task, &object, span, purpose, &sender).await;
    });
    body
}

/// Sends the span. When that is the whole object, its MD5 is checked before the last piece goes out; each piece of a part is checked
/// before it does.
async fn send(
    host: &Host,
    object: &OpenObject,
    span: Span,
    purpose: Purpose,
    sender: &BodySender,
) -> Result<(), NodeError> {
    if span.len != object.metadata().length {
        return send_part(host, object, span, purpose, sender).await;
    }
    let (mut offset, end) = (span.first, span.first + span.len);
    let mut checksum = host.checksum();
    while offset < end {
        let data = object.read_at(offset, READ_BYTES.min(end - offset)).await?;
        offset += data.len() as u64;
        checksum.update(&data);
        if offset == end || data.is_empty() {
            object.judge(checksum.clone()).await?;
        }
        let taken = host.timeout(SEND_MAX, sender.send(purpose, data.clone())).await;
        if data.is_empty() || !matches!(taken, Ok(true)) {
            break;
        }
    }
    Ok(())
}

async fn send_part(
    host: &Host,
    object: &OpenObject,
    mut left: Span,
    purpose: Purpose,
    sender: &BodySender,
) -> Result<(), NodeError> {
    let mut reader = PartReader::new(object).await?;
    while left.len > 0 {
        let data = reader.read(left, READ_BYTES).await?;
        let sent = data.len() as u64;
        left = Span { first: left.first + sent, len: left.len - sent };
        let taken = host.timeout(SEND_MAX, sender.send(purpose, data)).await;
        if sent == 0 || !matches!(taken, Ok(true)) {
            break;
        }
    }
    Ok(())
}
