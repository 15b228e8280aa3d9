//! Expiry of an object: `X-Delete-At` and `X-Delete-After`, as Swift reads them.
//!
//! Leaves out the removal: nodes hide expired objects until an expirer deletes them.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use crate::swift::Timestamp;
use crate::swift::header::{X_DELETE_AFTER, X_DELETE_AT};

/// Last Unix second that fits into Swift's ten digits.
const SECONDS_MAX: i128 = 9_999_999_999;

/// Flaw of an expiry date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum ExpiryError {
    #[error("{header} is no whole number of seconds")]
    NotANumber { header: HeaderName },
    #[error("{header} is in the past")]
    Past { header: HeaderName },
}

/// Unix second at which the object expires, if the client names one. `X-Delete-After` counts from
/// `now` and takes precedence.
///
/// # Errors
/// See [`ExpiryError`].
pub(super) fn delete_at(headers: &HeaderMap, now: Timestamp) -> Result<Option<u64>, ExpiryError> {
    let seconds = |header: HeaderName| -> Result<Option<i128>, ExpiryError> {
        let Some(value) = headers.get(&header) else { return Ok(None) };
        let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        number.map(Some).ok_or(ExpiryError::NotANumber { header })
    };
    let now_seconds = i128::from(now.unix_seconds());
    let (header, at) = match (seconds(X_DELETE_AFTER)?, seconds(X_DELETE_AT)?) {
        (Some(after), _) => (X_DELETE_AFTER, now_seconds.saturating_add(after)),
        (None, Some(at)) => (X_DELETE_AT, at),
        (None, None) => return Ok(None),
    };
    if at <= now_seconds {
        return Err(ExpiryError::Past { header });
    }
    Ok(u64::try_from(at.min(SECONDS_MAX)).ok())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn at(said: &[(HeaderName, &str)]) -> Result<Option<u64>, ExpiryError> {
        let said = said.iter().map(|(name, value)| {
            (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        delete_at(&said.collect(), "1000.5".parse().unwrap())
    }

    #[test]
    fn an_expiry_is_a_second_to_come() {
        assert_eq!(at(&[]), Ok(None));
        assert_eq!(at(&[(X_DELETE_AT, "1001")]), Ok(Some(1001)));
        assert_eq!(at(&[(X_DELETE_AFTER, " 60 ")]), Ok(Some(1060)));
        assert_eq!(at(&[(X_DELETE_AT, "2000"), (X_DELETE_AFTER, "60")]), Ok(Some(1060)));
        assert_eq!(at(&[(X_DELETE_AT, "99999999999999999999")]), Ok(Some(9_999_999_999)));
        for past in ["1000", "0", "-5"] {
            let error = ExpiryError::Past { header: X_DELETE_AT };
            assert_eq!(at(&[(X_DELETE_AT, past)]), Err(error), "{past}");
        }
        for senseless in ["never", "", "1e9", "12.5", "0x7fffffff", "١٢٣٤"] {
            let error = ExpiryError::NotANumber { header: X_DELETE_AT };
            assert_eq!(at(&[(X_DELETE_AT, senseless)]), Err(error), "{senseless}");
        }
        let error = ExpiryError::Past { header: X_DELETE_AFTER };
        assert_eq!(at(&[(X_DELETE_AFTER, "0")]), Err(error));
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
