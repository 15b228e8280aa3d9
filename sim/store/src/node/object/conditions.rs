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

    /// The steps of RFC 9110, section 13.2.2, for a GET, by what is known of each condition.
    fn steps([if_match, unmodified, none_match, modified]: [Option<bool>; 4]) -> ConditionOutcome {
        // 1 and 2: a failed If-Match, or without one a failed If-Unmodified-Since, is a 412.
        match (if_match, unmodified) {
            (Some(false), _) => return ConditionOutcome::Failed("If-Match"),
            (None, Some(false)) => return ConditionOutcome::Failed("If-Unmodified-Since"),
            _ => {}
        }
        // 3 and 4: a failed If-None-Match, or without one a failed If-Modified-Since, is a 304.
        match (none_match, modified) {
            (Some(false), _) | (None, Some(false)) => ConditionOutcome::NotModified,
            _ => ConditionOutcome::Met,
        }
    }

    #[test]
    fn all_conditions_together_are_evaluated_in_the_standards_order() {
        let (at, before) = (http_date(1_000), http_date(999));
        // Header, and its value if the condition holds and if it fails.
        let conditions = [
            (IF_MATCH, "\"abc\"", "\"x\""),
            (IF_UNMODIFIED_SINCE, at.as_str(), before.as_str()),
            (IF_NONE_MATCH, "\"x\"", "\"abc\""),
            (IF_MODIFIED_SINCE, before.as_str(), at.as_str()),
        ];
        let states = [None, Some(true), Some(false)];
        for case in 0..81_usize {
            let state: [Option<bool>; 4] = [1, 3, 9, 27].map(|place| states[case / place % 3]);
            let headers: Vec<(HeaderName, &str)> = conditions
                .iter()
                .zip(state)
                .filter_map(|((name, holds, fails), state)| {
                    state.map(|state| (name.clone(), if state { *holds } else { *fails }))
                })
                .collect();
            assert_eq!(evaluated(&headers), steps(state), "{headers:?}");
        }
    }

    #[test]
    fn a_list_of_etags_is_read_with_and_without_quotes_and_spaces() {
        for list in ["abc", "\"abc\"", " abc ", "x,\"abc\"", "\"x\" , abc", "x,*"] {
            assert_eq!(evaluated(&[(IF_MATCH, list)]), ConditionOutcome::Met, "{list:?}");
        }
        for list in ["", ",", "ab", "abcd", "ABC", "\"ab\" c", "W/\"abc\""] {
            let failed = ConditionOutcome::Failed("If-Match");
            assert_eq!(evaluated(&[(IF_MATCH, list)]), failed, "{list:?}");
        }
    }
}
