//! Listings as answers: plain text, JSON or XML.
//!
//! Leaves out `Accept`: a proxy names the format that its client wants in the query.

use hyper::header::CONTENT_TYPE;
use serde::ser::{Serialize, SerializeMap, Serializer};
use stayput_host::Purpose;

use crate::http::{Body, Response, StatusCode};
use crate::node::index::{Entry, ListingFormat, ListingLine, ListingQuery};
use crate::node::protocol::response::set_header;
use crate::swift::{Path, escape_xml};

/// Answer to a GET of `path`: the lines in the format of the query.
pub(super) fn listing_answer<E: Entry>(
    path: &Path,
    query: &ListingQuery,
    lines: &[ListingLine<E>],
) -> Response {
    let (text, content_type) = match query.format {
        ListingFormat::Json => (as_json(lines), "application/json; charset=utf-8"),
        ListingFormat::Xml => (as_xml(path, lines), "application/xml; charset=utf-8"),
        ListingFormat::Plain => (as_text(lines), "text/plain; charset=utf-8"),
    };
    let status = if text.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    let mut response = Response::new(Body::full(Purpose::Listing, text));
    *response.status_mut() = status;
    set_header(response.headers_mut(), CONTENT_TYPE, content_type);
    response
}

impl<E: Entry> Serialize for ListingLine<E> {
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
fn as_json<E: Entry>(lines: &[ListingLine<E>]) -> String {
    serde_json::to_string(lines).expect("lines have a JSON form")
}

fn as_text<E>(lines: &[ListingLine<E>]) -> String {
    let names = lines.iter().map(|line| match line {
        ListingLine::Row(name, _) | ListingLine::Subdir(name) => name,
    });
    names.fold(String::new(), |text, name| text + name + "\n")
}

/// A listing as Swift writes it: `<container name="c"><object><name>o</name>…`, and likewise for
/// accounts.
fn as_xml<E: Entry>(path: &Path, lines: &[ListingLine<E>]) -> String {
    let (whole, part, named) = match path.container() {
        Some(container) => ("container", "object", container),
        None => ("account", "container", path.account()),
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text += &format!("<{whole} name=\"{}\">", escape_xml(named));
    for line in lines {
        match line {
            ListingLine::Row(name, entry) => {
                text += &format!("<{part}>{}", element("name", name));
                for (field, value) in entry.fields() {
                    // Swift's XML has no such element.
                    if field != "slo_etag" {
                        text += &element(field, &value.to_string());
                    }
                }
                text += &format!("</{part}>");
            }
            ListingLine::Subdir(name) => {
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
