//! GET and HEAD of an object: headers, conditions, ranges, and the body as a stream from the disk.
//!
//! A manifest of a large object is always given whole. Leaves out the choice of a replica, and the
//! segments of a manifest: both are the proxy's.

use std::rc::Rc;
use std::time::Duration;

use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE,
};
use stayput_host::{Host, Purpose};

use super::conditions::{ConditionOutcome, evaluate};
use super::open::{OpenObject, READ_BYTES};
use super::range_reader::RangeReader;
use crate::http::{Body, BodySender, ByteRange, HeaderMap, Method, RangeSet, Response, StatusCode};
use crate::node::protocol::response::{empty, set_header, set_stored_headers};
use crate::node::storage::block_checksums::BLOCK_BYTES;
use crate::node::storage::{DiskPlace, NodeError, RequestFlaw};
use crate::swift::date::{http_date, modified_seconds};
use crate::swift::header::X_BACKEND_PURPOSE;
use crate::swift::{Path, header};

/// Longest body that is read whole before its answer: it would leave in one piece anyway.
const SMALL_BYTES_MAX: u64 = 64 << 10;
/// Longest wait for a reader to take the next piece.
const SEND_MAX: Duration = Duration::from_secs(120);

/// Answers a GET or HEAD of `object`.
pub(super) async fn answer(
    host: &Host,
    place: &DiskPlace,
    method: &Method,
    asked: &HeaderMap,
    object: OpenObject,
) -> Result<Response, NodeError> {
    let length = object.metadata().length;
    let mut response = empty(StatusCode::OK);
    describe(response.headers_mut(), &object);
    let modified = modified_seconds(object.changed());
    let large = object.metadata().slo_etag();
    let etag = large.filter(|_| !asked.contains_key(header::X_BACKEND_MANIFEST));
    match evaluate(asked, etag.unwrap_or(&object.metadata().etag), modified) {
        ConditionOutcome::Met => {}
        ConditionOutcome::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        ConditionOutcome::Failed(condition) => {
            return Err(place.condition_failed(condition));
        }
    }
    if method == Method::HEAD {
        set_header(response.headers_mut(), CONTENT_LENGTH, &length.to_string());
        return Ok(response);
    }
    // A range is one of the segments' bytes, for which the proxy needs all of the manifest.
    let requested = header::text(asked, &RANGE).filter(|_| large.is_none());
    let range = match requested.map_or(RangeSet::Whole, |range| RangeSet::parse(range, length)) {
        RangeSet::Unsatisfiable => {
            let path = place.path.to_string();
            return Err(NodeError::RangeUnsatisfiable { path, length });
        }
        RangeSet::Ranges(ranges) if ranges.len() == 1 => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let content_range = format!("bytes {}-{}/{length}", ranges[0].first, ranges[0].last());
            set_header(response.headers_mut(), CONTENT_RANGE, &content_range);
            ranges[0]
        }
        // The proxy asks for several ranges one by one.
        RangeSet::Ranges(_) | RangeSet::Whole => ByteRange { first: 0, length },
    };
    let purpose = purpose(&place.path, asked)?;
    *response.body_mut() = if range.length <= SMALL_BYTES_MAX {
        small(&object, range, purpose).await?
    } else {
        stream(host, object, range, purpose)
    };
    Ok(response)
}

fn purpose(path: &Path, asked: &HeaderMap) -> Result<Purpose, NodeError> {
    let Some(name) = header::text(asked, &X_BACKEND_PURPOSE) else {
        return Ok(Purpose::ObjectData);
    };
    Purpose::named(name).ok_or_else(|| {
        let names: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.name()).collect();
        RequestFlaw::Purpose(X_BACKEND_PURPOSE, name.to_owned(), names.join(", ")).of(path)
    })
}

/// Sets all headers of an object but for its length.
fn describe(headers: &mut HeaderMap, object: &OpenObject) {
    let metadata = object.metadata();
    set_stored_headers(headers, &metadata.headers);
    let (changed, put) = (object.changed().to_string(), metadata.timestamp.to_string());
    set_header(headers, ETAG, &format!("\"{}\"", metadata.etag));
    set_header(headers, CONTENT_TYPE, &metadata.content_type);
    set_header(headers, LAST_MODIFIED, &http_date(modified_seconds(object.changed())));
    set_header(headers, ACCEPT_RANGES, "bytes");
    set_header(headers, header::X_TIMESTAMP, &changed);
    set_header(headers, header::X_BACKEND_TIMESTAMP, &changed);
    set_header(headers, header::X_BACKEND_DATA_TIMESTAMP, &put);
}

/// A body that is read and verified before the answer begins: a bad disk is an error then, and no
/// body that breaks off.
async fn small(object: &OpenObject, range: ByteRange, purpose: Purpose) -> Result<Body, NodeError> {
    if range.length == 0 {
        return Ok(Body::empty());
    }
    if range.length == object.metadata().length {
        let data = object.read_at(range.first, range.length).await?;
        object.verify_whole(&data).await?;
        return Ok(Body::full(purpose, data));
    }
    let data = RangeReader::new(object).await?.read(range, range.length + BLOCK_BYTES).await?;
    Ok(Body::full(purpose, data))
}

/// A body that a task of its own reads from the disk, a few pieces ahead of the connection.
pub(super) fn stream(host: &Host, object: OpenObject, range: ByteRange, purpose: Purpose) -> Body {
    let (sender, body) = Body::stream(range.length);
    let (host_of_task, object) = (host.clone(), Rc::new(object));
    host.spawn(async move {
        // Whatever goes wrong, the sender is dropped and the body breaks off: its reader sees that.
        let _sent_or_broken_off = send(&host_of_task, &object, range, purpose, &sender).await;
    });
    body
}

/// Sends the range. Of a whole object the MD5 is verified before the last piece goes out; of a part
/// each piece is verified before it does.
async fn send(
    host: &Host,
    object: &OpenObject,
    range: ByteRange,
    purpose: Purpose,
    sender: &BodySender,
) -> Result<(), NodeError> {
    if range.length != object.metadata().length {
        return send_part(host, object, range, purpose, sender).await;
    }
    let (mut offset, end) = (range.first, range.first + range.length);
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
    mut left: ByteRange,
    purpose: Purpose,
    sender: &BodySender,
) -> Result<(), NodeError> {
    let mut reader = RangeReader::new(object).await?;
    while left.length > 0 {
        let data = reader.read(left, READ_BYTES).await?;
        let sent = data.len() as u64;
        left = ByteRange { first: left.first + sent, length: left.length - sent };
        let taken = host.timeout(SEND_MAX, sender.send(purpose, data)).await;
        if sent == 0 || !matches!(taken, Ok(true)) {
            break;
        }
    }
    Ok(())
}
