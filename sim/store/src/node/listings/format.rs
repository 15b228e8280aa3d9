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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::node::index::{ContainerEntry, ObjectEntry};
    use crate::swift::{Timestamp, decode_path};

    fn object(size: u64, content_type: &str) -> ObjectEntry {
        ObjectEntry {
            timestamp: "1704067200.00042".parse().unwrap(),
            etag: "d41d8cd9".to_owned(),
            size,
            content_type: content_type.to_owned(),
            deleted: false,
            content_type_at: None,
        }
    }

    /// The text that an XML parser would read; `None` if it is not escaped as it must.
    fn unescaped(text: &str) -> Option<String> {
        let mut read = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['&', '<', '>', '"']) {
            read.push_str(&rest[..at]);
            let (entity, after) = rest[at..].strip_prefix('&')?.split_once(';')?;
            read.push(match entity {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                number => char::from_u32(number.strip_prefix('#')?.parse().ok()?)?,
            });
            rest = after;
        }
        Some(read + rest)
    }

    /// Texts between each `<name>` and `</name>`.
    fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let after = xml.split(open.as_str()).skip(1);
        after.map(|rest| rest.split(close.as_str()).next().unwrap_or_default()).collect()
    }

    #[test]
    fn an_objects_line_has_swifts_fields_in_each_format() {
        let lines = [
            ListingLine::Row("a/b".to_owned(), object(9, "text/plain")),
            ListingLine::Subdir("c/".to_owned()),
        ];
        assert_eq!(as_text(&lines), "a/b\nc/\n");
        assert_eq!(
            as_json(&lines),
            "[{\"name\":\"a/b\",\"hash\":\"d41d8cd9\",\"bytes\":9,\
             \"content_type\":\"text/plain\",\"last_modified\":\"2024-01-01T00:00:00.000420\"},\
             {\"subdir\":\"c/\"}]"
        );
        let path = decode_path("/AUTH_a/c").unwrap();
        assert_eq!(
            as_xml(&path, &lines),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\"><object>\
             <name>a/b</name><hash>d41d8cd9</hash><bytes>9</bytes>\
             <content_type>text/plain</content_type>\
             <last_modified>2024-01-01T00:00:00.000420</last_modified></object>\
             <subdir name=\"c/\"><name>c/</name></subdir></container>"
        );
    }

    #[test]
    fn an_accounts_lines_are_containers() {
        let put = "1704067200.00000".parse().unwrap();
        let (deleted, counted) = (Timestamp::ZERO, put);
        let entry = ContainerEntry { put, deleted, counted, objects: 3, bytes: 700 };
        let lines = [ListingLine::Row("logs".to_owned(), entry)];
        let xml = as_xml(&decode_path("/AUTH_a").unwrap(), &lines);
        let rest = xml.split_once("?>\n").unwrap().1;
        assert_eq!(
            rest,
            "<account name=\"AUTH_a\"><container><name>logs</name><count>3</count>\
             <bytes>700</bytes><last_modified>2024-01-01T00:00:00.000000</last_modified>\
             </container></account>"
        );
        let json: serde_json::Value = serde_json::from_str(&as_json(&lines)).unwrap();
        assert_eq!(
            (&json[0]["count"], &json[0]["bytes"]),
            (&serde_json::json!(3), &serde_json::json!(700))
        );
    }

    #[test]
    fn an_empty_listing_has_no_content_as_text_and_is_an_empty_document_otherwise() {
        let path = decode_path("/a/c").unwrap();
        let status = |format| {
            let query = ListingQuery { format, ..ListingQuery::default() };
            let response = listing_answer::<ObjectEntry>(&path, &query, &[]);
            let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
            (response.status().as_u16(), content_type)
        };
        let utf8 = |kind: &str| format!("{kind}; charset=utf-8");
        assert_eq!(status(ListingFormat::Plain), (204, utf8("text/plain")));
        assert_eq!(status(ListingFormat::Json), (200, utf8("application/json")));
        assert_eq!(status(ListingFormat::Xml), (200, utf8("application/xml")));
    }

    proptest! {
        #[test]
        fn names_read_back_from_json_and_from_xml(
            names in prop::collection::vec("[a<>&\"'\n\té ]{1,8}", 0..6),
            container in "[a<>&\"é]{1,5}", content_type in "[a/<&;]{0,6}",
        ) {
            let row = |name: &String| {
                ListingLine::Row(name.clone(), object(7, &content_type))
            };
            let lines: Vec<_> = names.iter().map(row).collect();
            let json: Vec<serde_json::Value> = serde_json::from_str(&as_json(&lines)).unwrap();
            let listed: Vec<_> = json.iter().map(|line| line["name"].as_str().unwrap()).collect();
            prop_assert_eq!(listed, names.iter().map(String::as_str).collect::<Vec<_>>());
            let path = crate::swift::Path::account_only("a").unwrap();
            let xml = as_xml(&path.with_container(&container).unwrap(), &lines);
            let read: Vec<_> = elements(&xml, "name").into_iter().map(unescaped).collect();
            prop_assert_eq!(read, names.iter().cloned().map(Some).collect::<Vec<_>>());
            let types: Vec<_> = elements(&xml, "content_type").into_iter().map(unescaped).collect();
            let expected = vec![Some(json.first().map_or_else(String::new, |line| {
                line["content_type"].as_str().unwrap().to_owned()
            })); names.len()];
            prop_assert_eq!(types, expected);
            let named = xml.split_once("<container name=\"").unwrap().1.split_once("\">").unwrap().0;
            prop_assert_eq!(unescaped(named), Some(container));
        }
    }
}
