//! Who may do what: a token stands for an account, and an account's holder may do all in it and nothing elsewhere.
//!
//! Leaves out passwords, access lists and the expiry of tokens.

use std::collections::BTreeMap;

use hyper::{HeaderMap, StatusCode};

use super::answer::Refusal;
use crate::swift::Path;
use crate::swift::header::{X_AUTH_TOKEN, text};

/// Which account each token stands for.
pub type Tokens = BTreeMap<String, String>;

/// The account of who asks, if it is that of `path`.
///
/// # Errors
/// 401 without a known token, 403 for another account.
pub(super) fn caller<'a>(
    tokens: &'a Tokens,
    headers: &HeaderMap,
    path: &Path,
) -> Result<&'a str, Refusal> {
    let token = text(headers, &X_AUTH_TOKEN).ok_or_else(|| {
        Refusal::new(StatusCode::UNAUTHORIZED, "X-Auth-Token is missing: send your token with it")
    })?;
    let account = tokens.get(token).ok_or_else(|| {
        Refusal::new(StatusCode::UNAUTHORIZED, "X-Auth-Token is not known: ask for a new token")
    })?;
    if account != path.account() {
        let why = format!("this token is for the account {account}, not for {}", path.account());
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_token_opens_its_own_account_and_no_other() {
        let tokens = Tokens::from([("secret".to_owned(), "AUTH_a".to_owned())]);
        let (own, other) =
            (Path::account_only("AUTH_a").unwrap(), Path::account_only("AUTH_b").unwrap());
        let mut headers = HeaderMap::new();
        let status =
            |headers: &HeaderMap, path| caller(&tokens, headers, path).map_err(|r| r.status);
        assert_eq!(status(&headers, &own), Err(StatusCode::UNAUTHORIZED));
        headers.insert(X_AUTH_TOKEN, HeaderValue::from_static("guess"));
        assert_eq!(status(&headers, &own), Err(StatusCode::UNAUTHORIZED));
        headers.insert(X_AUTH_TOKEN, HeaderValue::from_static("secret"));
        assert_eq!(status(&headers, &own), Ok("AUTH_a"));
        assert_eq!(status(&headers, &other), Err(StatusCode::FORBIDDEN));
    }
}
