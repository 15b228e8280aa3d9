//! Format of a listing: by the query, or by content negotiation with `Accept`.
//!
//! Leaves out parameters of media types other than their quality.

use hyper::HeaderMap;
use hyper::header::ACCEPT;

use super::query;
use crate::swift::header::text;

/// Media types on offer, best first, each with its name in the query.
const OFFERED: [(&str, &str); 4] = [
    ("text/plain", "plain"),
    ("application/json", "json"),
    ("application/xml", "xml"),
    ("text/xml", "xml"),
];

/// Failure of the negotiation: the client accepts no format on offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Accept: {accept}: listings are text/plain, application/json or application/xml")]
pub(super) struct NotAcceptable {
    accept: String,
}

/// Query for nodes, which ignore `Accept`: the client's, with the format that it accepts if it
/// names none.
pub(super) fn with_format(
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Option<String>, NotAcceptable> {
    if query::value(query, "format").is_some_and(|format| !format.is_empty()) {
        return Ok(query.map(ToOwned::to_owned));
    }
    let accept = text(headers, &ACCEPT).filter(|accept| !accept.trim().is_empty());
    let Some(accept) = accept else { return Ok(query.map(ToOwned::to_owned)) };
    let offer = |(media, format): &(&str, &'static str)| (quality(accept, media), *format);
    let best = OFFERED.iter().map(offer).rev().max_by_key(|(quality, _)| *quality);
    match best {
        Some((1.., "plain")) => Ok(query.map(ToOwned::to_owned)),
        Some((1.., format)) => {
            let rest = query.filter(|query| !query.is_empty());
            Ok(Some(
                rest.map_or(format!("format={format}"), |rest| format!("{rest}&format={format}")),
            ))
        }
        _ => Err(NotAcceptable { accept: accept.to_owned() }),
    }
}

/// True if the client prefers JSON to text.
pub(super) fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = text(headers, &ACCEPT).unwrap_or_default();
    quality(accept, "application/json") > quality(accept, "text/plain")
}

/// Quality of `media` in thousandths, by the most specific range that matches it.
fn quality(accept: &str, media: &str) -> u32 {
    let family = media.split('/').next().unwrap_or_default();
    let mut best = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default().to_ascii_lowercase();
        let fit = match &*named {
            named if named == media => 3,
            named if named.strip_suffix("/*") == Some(family) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let given = parts.find_map(|part| part.strip_prefix("q="));
        best = best.max((fit, given.map_or(1000, thousandths)));
    }
    best.1
}

/// Parses a quality, from `0` to `1.000`.
fn thousandths(quality: &str) -> u32 {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = decimals.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("0", Ok(thousandths)) => thousandths,
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(query: Option<&str>, accept: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        with_format(query, &headers).unwrap()
    }

    #[test]
    fn the_best_format_that_is_accepted_is_asked_for() {
        assert_eq!(format(None, "application/json").as_deref(), Some("format=json"));
        assert_eq!(format(Some("limit=1"), "text/xml").as_deref(), Some("limit=1&format=xml"));
        assert_eq!(format(None, "*/*"), None);
        assert_eq!(format(None, "text/*"), None);
        assert_eq!(
            format(None, "text/plain;q=0.5, application/xml").as_deref(),
            Some("format=xml")
        );
        assert_eq!(format(None, "*/*, text/plain;q=0.1").as_deref(), Some("format=json"));
        assert_eq!(format(Some("format=xml"), "application/json").as_deref(), Some("format=xml"));
    }

    #[test]
    fn a_client_that_accepts_no_format_is_refused() {
        for accept in ["image/png", ";;,,q=", "application/json;q=0"] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            let refused = with_format(None, &headers).unwrap_err();
            assert_eq!(refused.accept, accept);
        }
    }
}
