//! When an object is to be gone: `X-Delete-At` and `X-Delete-After`, as Swift reads them.
//!
//! Nodes do not give what has expired. Leaves out removing it.

use hyper::{HeaderMap, StatusCode};

use crate::proxy::answer::ErrorResponse;
use crate::swift::Timestamp;
use crate::swift::header::{X_DELETE_AFTER, X_DELETE_AT};

/// The last second that Swift's ten digits can say.
const SECONDS_MAX: i128 = 9_999_999_999;

/// The Unix second from which on the object is gone, if the client says one. `X-Delete-After` counts from `now` and wins.
///
/// # Errors
/// 400 when it is no whole number, or past.
pub(super) fn delete_at(headers: &HeaderMap, now: Timestamp) -> Result<Option<u64>, ErrorResponse> {
    let bad = |why: String| ErrorResponse::new(StatusCode::BAD_REQUEST, why);
    let seconds = |name| -> Result<Option<i128>, ErrorResponse> {
        let Some(value) = headers.get(&name) else { return Ok(None) };
        let said = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        said.map(Some).ok_or_else(|| bad(format!("{name} is no whole number of seconds")))
    };
    let now_seconds = i128::from(now.unix_seconds());
    let (name, at) = match (seconds(X_DELETE_AFTER)?, seconds(X_DELETE_AT)?) {
        (Some(after), _) => (X_DELETE_AFTER, now_seconds.saturating_add(after)),
        (None, Some(at)) => (X_DELETE_AT, at),
        (None, None) => return Ok(None),
    };
    if at <= now_seconds {
        return Err(bad(format!("{name} is in the past")));
    }
    Ok(u64::try_from(at.min(SECONDS_MAX)).ok())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn at(said: &[(HeaderName, &str)]) -> Result<Option<u64>, StatusCode> {
        let said = said.iter().map(|(name, value)| {
            (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        delete_at(&said.collect(), "1000.5".parse().unwrap()).map_err(|refusal| refusal.status)
    }

    #[test]
    fn an_expiry_is_a_second_to_come() {
        assert_eq!(at(&[]), Ok(None));
        assert_eq!(at(&[(X_DELETE_AT, "1001")]), Ok(Some(1001)));
        assert_eq!(at(&[(X_DELETE_AFTER, " 60 ")]), Ok(Some(1060)));
        assert_eq!(at(&[(X_DELETE_AT, "2000"), (X_DELETE_AFTER, "60")]), Ok(Some(1060)));
        assert_eq!(at(&[(X_DELETE_AT, "99999999999999999999")]), Ok(Some(9_999_999_999)));
        for senseless in ["1000", "0", "-5", "never", "", "1e9", "12.5", "0x7fffffff", "١٢٣٤"] {
            assert_eq!(
                at(&[(X_DELETE_AT, senseless)]),
                Err(StatusCode::BAD_REQUEST),
                "{senseless}"
            );
        }
        assert_eq!(at(&[(X_DELETE_AFTER, "0")]), Err(StatusCode::BAD_REQUEST));
    }

    proptest! {
        #[test]
        fn any_text_is_an_expiry_or_refused(text in "[ -~]{0,50}", number: i128) {
            let _either = at(&[(X_DELETE_AT, &text)]);
            if let Ok(at) = at(&[(X_DELETE_AFTER, &number.to_string())]) {
                prop_assert!(at.is_some_and(|at| at > 1000));
            }
        }
    }
}
