//! Conditional reads: `If-Match` and its kin, in the order of RFC 9110, section 13.2.2.
//!
//! Leaves out conditions on writes, and weak ETags: all of ours are strong.

use hyper::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};

use crate::http::{HeaderMap, HeaderName};
use crate::swift::date::parse_http_date;
use crate::swift::header;

/// Outcome of the conditions of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConditionOutcome {
    /// All hold, or there are none.
    Met,
    /// The reader has it: 304.
    NotModified,
    /// A condition, by its header, does not hold: 412.
    Failed(&'static str),
}

/// Evaluates the conditions of a read of an object with `etag`, modified at `modified` (Unix
/// seconds).
pub(super) fn evaluate(headers: &HeaderMap, etag: &str, modified: u64) -> ConditionOutcome {
    let matches = |name: HeaderName| header::text(headers, &name).map(|list| names(list, etag));
    let date = |name: HeaderName| header::text(headers, &name).and_then(parse_http_date);
    match (matches(IF_MATCH), date(IF_UNMODIFIED_SINCE)) {
        (Some(false), _) => return ConditionOutcome::Failed("If-Match"),
        (None, Some(since)) if modified > since => {
            return ConditionOutcome::Failed("If-Unmodified-Since");
        }
        _ => {}
    }
    match (matches(IF_NONE_MATCH), date(IF_MODIFIED_SINCE)) {
        (Some(true), _) => ConditionOutcome::NotModified,
        (None, Some(since)) if modified <= since => ConditionOutcome::NotModified,
        _ => ConditionOutcome::Met,
    }
}

/// True if a comma-joined list of ETags (quoted or not) or `*` names `etag`.
fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::date::http_date;

    fn evaluated(conditions: &[(HeaderName, &str)]) -> ConditionOutcome {
        let mut headers = HeaderMap::new();
        for (name, value) in conditions {
            headers.insert(name, value.parse().unwrap());
        }
        evaluate(&headers, "abc", 1_000)
    }

    #[test]
    fn etags_decide_before_dates() {
        let (before, after) = (http_date(999), http_date(1_000));
        assert_eq!(evaluated(&[]), ConditionOutcome::Met);
        assert_eq!(evaluated(&[(IF_MATCH, "\"abc\"")]), ConditionOutcome::Met);
        assert_eq!(evaluated(&[(IF_MATCH, "x, y")]), ConditionOutcome::Failed("If-Match"));
        assert_eq!(evaluated(&[(IF_NONE_MATCH, "x, \"abc\"")]), ConditionOutcome::NotModified);
        assert_eq!(evaluated(&[(IF_NONE_MATCH, "*")]), ConditionOutcome::NotModified);
        assert_eq!(
            evaluated(&[(IF_NONE_MATCH, "x"), (IF_MODIFIED_SINCE, &after)]),
            ConditionOutcome::Met
        );
        assert_eq!(evaluated(&[(IF_MODIFIED_SINCE, &after)]), ConditionOutcome::NotModified);
        assert_eq!(evaluated(&[(IF_MODIFIED_SINCE, &before)]), ConditionOutcome::Met);
        assert_eq!(evaluated(&[(IF_UNMODIFIED_SINCE, &after)]), ConditionOutcome::Met);
        let failed = ConditionOutcome::Failed("If-Unmodified-Since");
        assert_eq!(evaluated(&[(IF_UNMODIFIED_SINCE, &before)]), failed);
        assert_eq!(evaluated(&[(IF_UNMODIFIED_SINCE, "yesterday")]), ConditionOutcome::Met);
    }
}
