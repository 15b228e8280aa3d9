//! Listings as answers: plain text, JSON or XML.
//!
//! Leaves out `Accept`: a proxy says in the query which format its client wants.

use hyper::header::CONTENT_TYPE;
use serde::ser::{Serialize, SerializeMap, Serializer};
use stayput_host::Purpose;

use super::entry::Entry;
use super::listing::{Format, Line, Query};
use crate::http::{Body, Response, StatusCode};
use crate::node::reply;
use crate::swift::{Path, escape_xml};

/// The answer to a GET of `path`: the lines in the format that the query asks for.
pub(in crate::node) fn listing_answer<E: Entry>(
    path: &Path,
    query: &Query,
    lines: &[Line<E>],
) -> Response {
    let (text, content_type) = match query.format {
        Format::Json => (as_json(lines), "application/json; charset=utf-8"),
        Format::Xml => (as_xml(path, lines), "application/xml; charset=utf-8"),
        Format::Plain => (as_text(lines), "text/plain; charset=utf-8"),
    };
    let status = if text.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    let mut response = Response::new(Body::full(Purpose::Listing, text));
    *response.status_mut() = status;
    reply::set(response.headers_mut(), CONTENT_TYPE, content_type);
    response
}

impl<E: Entry> Serialize for Line<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Row(name, entry) => {
                map.serialize_entry("name", name)?;
                for (field, value) in entry.fields() {
                    map.serialize_entry(field, &value)?;
                }
            }
            Self::Subdir(name) => map.serialize_entry("subdir", name)?,
        }
        map.end()
    }
}

#[expect(clippy::expect_used, reason = "names, texts and numbers always have a JSON form")]
fn as_json<E: Entry>(lines: &[Line<E>]) -> String {
    serde_json::to_string(lines).expect("lines have a JSON form")
}

fn as_text<E>(lines: &[Line<E>]) -> String {
    let names = lines.iter().map(|line| match line {
        Line::Row(name, _) | Line::Subdir(name) => name,
    });
    names.fold(String::new(), |text, name| text + name + "\n")
}

/// As Swift writes it: `<container name="c"><object><name>o</name>…`, and likewise for accounts.
fn as_xml<E: Entry>(path: &Path, lines: &[Line<E>]) -> String {
    let (whole, part, named) = match path.container() {
        Some(container) => ("container", "object", container),
        None => ("account", "container", path.account()),
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text += &format!("<{whole} name=\"{}\">", escape_xml(named));
    for line in lines {
        match line {
            Line::Row(name, entry) => {
                text += &format!("<{part}>{}", element("name", name));
                for (field, value) in entry.fields() {
                    // Swift's XML has no room for it.
                    if field != "slo_etag" {
                        text += &element(field, &value.to_string());
                    }
                }
                text += &format!("</{part}>");
            }
            Line::Subdir(name) => {
                let attribute = escape_xml(name);
                text += &format!("<subdir name=\"{attribute}\">{}</subdir>", element("name", name));
            }
        }
    }
    text + &format!("</{whole}>")
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape_xml(text))
}
