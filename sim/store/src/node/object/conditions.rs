//! Conditional reads: `If-Match` and its kin, in the order of RFC 9110, section 13.2.2.
//!
//! Leaves out conditions on writes, and weak ETags: all of ours are strong.

use hyper::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};

use crate::http::{HeaderMap, HeaderName};
use crate::swift::date::parse_http_date;
use crate::swift::header;

/// What the conditions of a read come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold, or there are none.
    Go,
    /// 304: the reader has it.
    NotModified,
    /// 412, naming the condition.
    Failed(&'static str),
}

/// Judges a read of something with `etag`, modified at `modified` (Unix seconds).
pub(super) fn judge(headers: &HeaderMap, etag: &str, modified: u64) -> Verdict {
    let matches = |name: HeaderName| header::text(headers, &name).map(|list| names(list, etag));
    let date = |name: HeaderName| header::text(headers, &name).and_then(parse_http_date);
    match (matches(IF_MATCH), date(IF_UNMODIFIED_SINCE)) {
        (Some(false), _) => return Verdict::Failed("If-Match"),
        (None, Some(since)) if modified > since => return Verdict::Failed("If-Unmodified-Since"),
        _ => {}
    }
    match (matches(IF_NONE_MATCH), date(IF_MODIFIED_SINCE)) {
        (Some(true), _) => Verdict::NotModified,
        (None, Some(since)) if modified <= since => Verdict::NotModified,
        _ => Verdict::Go,
    }
}

/// Whether a comma-joined list of ETags (quoted or not) or `*` names `etag`.
fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::date::http_date;

    fn judged(conditions: &[(HeaderName, &str)]) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in conditions {
            headers.insert(name, value.parse().unwrap());
        }
        judge(&headers, "abc", 1_000)
    }

    #[test]
    fn etags_decide_before_dates() {
        let (before, after) = (http_date(999), http_date(1_000));
        assert_eq!(judged(&[]), Verdict::Go);
        assert_eq!(judged(&[(IF_MATCH, "\"abc\"")]), Verdict::Go);
        assert_eq!(judged(&[(IF_MATCH, "x, y")]), Verdict::Failed("If-Match"));
        assert_eq!(judged(&[(IF_NONE_MATCH, "x, \"abc\"")]), Verdict::NotModified);
        assert_eq!(judged(&[(IF_NONE_MATCH, "*")]), Verdict::NotModified);
        assert_eq!(judged(&[(IF_NONE_MATCH, "x"), (IF_MODIFIED_SINCE, &after)]), Verdict::Go);
        assert_eq!(judged(&[(IF_MODIFIED_SINCE, &after)]), Verdict::NotModified);
        assert_eq!(judged(&[(IF_MODIFIED_SINCE, &before)]), Verdict::Go);
        assert_eq!(judged(&[(IF_UNMODIFIED_SINCE, &after)]), Verdict::Go);
        let failed = Verdict::Failed("If-Unmodified-Since");
        assert_eq!(judged(&[(IF_UNMODIFIED_SINCE, &before)]), failed);
        assert_eq!(judged(&[(IF_UNMODIFIED_SINCE, "yesterday")]), Verdict::Go);
    }
}
