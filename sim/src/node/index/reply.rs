//! Listings as answers: plain text or JSON.
//!
//! Leaves out XML.

use hyper::header::{ACCEPT, CONTENT_TYPE};

use super::entry::Entry;
use super::listing::{Format, Line, Query};
use crate::host::Purpose;
use crate::http::{Body, HeaderMap, Response, StatusCode};
use crate::node::reply;
use crate::swift::header;

/// The answer to a GET: the lines in the format that the query or `Accept` asks for.
pub(in crate::node) fn listing_answer<E: Entry>(
    query: &Query,
    asked: &HeaderMap,
    lines: &[Line<E>],
) -> Response {
    let accepts_json =
        header::text(asked, &ACCEPT).is_some_and(|accept| accept.contains("application/json"));
    let json = query.format == Format::Json || accepts_json;
    let (status, text, content_type) = if json {
        (StatusCode::OK, as_json(lines), "application/json; charset=utf-8")
    } else if lines.is_empty() {
        (StatusCode::NO_CONTENT, String::new(), "text/plain; charset=utf-8")
    } else {
        (StatusCode::OK, as_text(lines), "text/plain; charset=utf-8")
    };
    let mut response = Response::new(Body::full(Purpose::Listing, text));
    *response.status_mut() = status;
    reply::set(response.headers_mut(), CONTENT_TYPE, content_type);
    response
}

fn as_json<E: Entry>(lines: &[Line<E>]) -> String {
    let line = |line: &Line<E>| match line {
        Line::Row(name, entry) => entry.to_json(name),
        Line::Subdir(name) => serde_json::json!({ "subdir": name }),
    };
    serde_json::Value::Array(lines.iter().map(line).collect()).to_string()
}

fn as_text<E>(lines: &[Line<E>]) -> String {
    let names = lines.iter().map(|line| match line {
        Line::Row(name, _) | Line::Subdir(name) => name,
    });
    names.fold(String::new(), |text, name| text + name + "\n")
}
