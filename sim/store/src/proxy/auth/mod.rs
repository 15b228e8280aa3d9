//! Authentication and authorisation. A simulated cluster has fixed tokens; a served one has users
//! that log in, as with Swift's TempAuth.
//!
//! ```text
//! secret → token → temp ← users     a key for a token, a token for an identity
//!                   ↓
//!     caller: access by identity
//!                   ↓
//!     access ← container_acls, acl, cache: access by a container's access lists
//! ```
//! Leaves out access lists of accounts, and the names of guests that an access list admits.

mod access;
mod acl;
mod cache;
mod caller;
mod container_acls;
mod error;
mod secret;
mod temp;
mod token;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, REFERER};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use stayput_host::Time;

use self::caller::Identity;
use super::headers::{response, set};
use crate::http::{Body, Request, Response};
use crate::swift::encode_part;
use crate::swift::header::{X_AUTH_TOKEN, X_STORAGE_TOKEN, text};

pub(super) use self::access::{authorise, forget_acls};
pub(super) use self::cache::AclCache;
pub(super) use self::caller::{Access, Caller};
pub(super) use self::container_acls::{normalise_acls, remove_owner_headers};
pub(super) use self::error::AuthError;
pub use self::secret::{ClusterSecret, SECRET_BYTES_MIN, ShortSecret};
pub use self::temp::{BadStorageUrl, BadTokenLife, StorageUrl, TempAuth, TokenLife, UrlScheme};
pub use self::users::{BadUser, UserEntry, UserFlaw, UserKey, UserTable};

/// Prefix of users' accounts in URLs.
const ACCOUNT_PREFIX: &str = "AUTH_";

const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");
const X_STORAGE_USER: HeaderName = HeaderName::from_static("x-storage-user");
const X_STORAGE_PASS: HeaderName = HeaderName::from_static("x-storage-pass");
const X_STORAGE_URL: HeaderName = HeaderName::from_static("x-storage-url");
const X_AUTH_TOKEN_EXPIRES: HeaderName = HeaderName::from_static("x-auth-token-expires");

/// Account of each token.
pub type FixedTokens = BTreeMap<String, String>;

/// Authentication of callers by their tokens.
#[derive(Clone)]
pub enum Authenticator {
    /// Fixed tokens, each for the holder of an account.
    Fixed(FixedTokens),
    /// Temporary tokens, issued to users with a key.
    Temp(TempAuth),
}

/// Omits the tokens.
impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(tokens) => f.debug_list().entries(tokens.values()).finish(),
            Self::Temp(auth) => auth.fmt(f),
        }
    }
}

impl From<FixedTokens> for Authenticator {
    fn from(tokens: FixedTokens) -> Self {
        Self::Fixed(tokens)
    }
}

impl Authenticator {
    /// Authenticates the sender of a request.
    ///
    /// # Errors
    /// The token is unknown or expired, even where none would be needed.
    pub(super) fn caller(&self, headers: &HeaderMap, now: Time) -> Result<Caller, AuthError> {
        let identity = match text_of(headers, &X_AUTH_TOKEN) {
            None => None,
            Some(token) => Some(match self {
                Self::Fixed(tokens) => {
                    let account = tokens.get(token).ok_or(temp::BadToken::Unknown)?;
                    Arc::new(Identity::holder(account))
                }
                Self::Temp(auth) => auth.open(token, now)?,
            }),
        };
        let referer = text(headers, &REFERER).map(ToOwned::to_owned);
        Ok(Caller { identity, referer })
    }

    /// Answers a request for a token; `None` if `request` is none.
    pub(super) fn log_in(
        &self,
        request: &Request,
        now: Time,
    ) -> Option<Result<Response, AuthError>> {
        let Self::Temp(auth) = self else { return None };
        let account = login_account(request.uri().path())?;
        Some(log_in(auth, request, account, now))
    }
}

/// Value of a header unless it is empty; `?` if it is not UTF-8, which no token or user is.
fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name).filter(|value| !value.is_empty())?;
    Some(std::str::from_utf8(value.as_bytes()).unwrap_or("?"))
}

/// Marks keys and tokens as sensitive, so that headers can be logged; moves `X-Storage-Token` to
/// `X-Auth-Token`.
pub(super) fn conceal(headers: &mut HeaderMap) {
    let secrets = [X_AUTH_TOKEN, X_STORAGE_TOKEN, X_AUTH_KEY, X_STORAGE_PASS];
    for (_, value) in headers.iter_mut().filter(|(name, _)| secrets.contains(name)) {
        value.set_sensitive(true);
    }
    if !headers.contains_key(X_AUTH_TOKEN)
        && let Some(token) = headers.remove(X_STORAGE_TOKEN)
    {
        headers.insert(X_AUTH_TOKEN, token);
    }
}

/// Value of `WWW-Authenticate`, which names the account of the path.
pub(super) fn challenge(url_path: &str) -> String {
    let rest = url_path.strip_prefix("/v1/").or_else(|| url_path.strip_prefix("/v1.0/"));
    let account = rest.and_then(|rest| rest.split('/').next());
    let account = account.and_then(|name| percent_decode_str(name).decode_utf8().ok());
    let realm =
        account.filter(|name| !name.is_empty()).map_or("unknown".into(), |it| encode_part(&it));
    format!("Swift realm=\"{realm}\"")
}

/// Account that a login path names; `None` if the path is not for logins.
fn login_account(url_path: &str) -> Option<Option<&str>> {
    let path = url_path.strip_suffix('/').unwrap_or(url_path);
    match path {
        "/auth/v1.0" | "/auth/v1" | "/auth/auth" | "/v1.0" => return Some(None),
        _ => {}
    }
    let account = path.strip_prefix("/auth/v1/")?.strip_suffix("/auth")?;
    (!account.contains('/')).then_some(Some(account))
}

fn log_in(
    auth: &TempAuth,
    request: &Request,
    of_path: Option<&str>,
    now: Time,
) -> Result<Response, AuthError> {
    if request.method() != Method::GET {
        return Err(AuthError::LoginMethod { method: request.method().clone() });
    }
    let headers = request.headers();
    let either = |one, other| text_of(headers, one).or_else(|| text_of(headers, other));
    let key = [X_AUTH_KEY, X_STORAGE_PASS].iter().find_map(|name| headers.get(name));
    let (Some(user), Some(key)) = (either(&X_AUTH_USER, &X_STORAGE_USER), key) else {
        return Err(AuthError::NoCredentials);
    };
    let of_path = of_path.map(|account| percent_decode_str(account).decode_utf8_lossy());
    let (account, name) = match (user.split_once(':'), &of_path) {
        (Some((account, name)), None) => (account, name),
        (Some((account, name)), Some(of_path)) if account == of_path => (account, name),
        (None, Some(of_path)) => (&**of_path, user),
        _ => return Err(AuthError::BadUserName),
    };
    let login = auth.log_in(account, name, key.as_bytes(), now);
    let temp::Login { token, life_s, identity } = login.ok_or(AuthError::WrongKey)?;
    let named = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    let authority = named.or_else(|| text(headers, &HOST));
    let url = auth.storage().of(&identity.account, authority).ok_or(AuthError::NoHost)?;
    let mut answer = HeaderMap::new();
    for header in [X_AUTH_TOKEN, X_STORAGE_TOKEN] {
        set(&mut answer, header, token);
    }
    conceal(&mut answer);
    set(&mut answer, X_STORAGE_URL, url);
    set(&mut answer, X_AUTH_TOKEN_EXPIRES, life_s);
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response(StatusCode::OK, answer, Body::empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_have_the_paths_of_swift() {
        for path in ["/auth/v1.0", "/auth/v1.0/", "/auth/v1", "/auth/auth", "/v1.0", "/v1.0/"] {
            assert_eq!(login_account(path), Some(None), "{path}");
        }
        assert_eq!(login_account("/auth/v1/test/auth"), Some(Some("test")));
        for path in ["/v1", "/v1/AUTH_a", "/auth", "/auth/v1.0/x", "/auth/v1/a/b/auth", "/xauth/v1"]
        {
            assert_eq!(login_account(path), None, "{path}");
        }
    }

    #[test]
    fn a_challenge_names_the_account_and_cannot_be_broken_out_of() {
        assert_eq!(challenge("/v1/AUTH_a/c/o"), "Swift realm=\"AUTH_a\"");
        assert_eq!(challenge("/v1.0/AUTH_a"), "Swift realm=\"AUTH_a\"");
        assert_eq!(challenge("/auth/v1.0"), "Swift realm=\"unknown\"");
        assert_eq!(challenge("/v1/a%22%0d%0a"), "Swift realm=\"a%22%0D%0A\"");
    }

    #[test]
    fn tokens_and_keys_are_shown_in_no_debug_output() {
        let mut headers = HeaderMap::new();
        for name in [X_AUTH_TOKEN, X_STORAGE_TOKEN, X_AUTH_KEY, X_STORAGE_PASS] {
            headers.append(&name, HeaderValue::from_static("hush"));
            headers.append(&name, HeaderValue::from_static("hush, too"));
        }
        conceal(&mut headers);
        let fixed =
            Authenticator::from(FixedTokens::from([("hush".to_owned(), "AUTH_a".to_owned())]));
        let shown = format!("{headers:?} {fixed:?}");
        assert!(shown.contains("AUTH_a") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_storage_token_authenticates_like_an_auth_token() {
        let mut headers = HeaderMap::new();
        headers.insert(X_STORAGE_TOKEN, HeaderValue::from_static("secret"));
        conceal(&mut headers);
        let fixed =
            Authenticator::from(FixedTokens::from([("secret".to_owned(), "AUTH_a".to_owned())]));
        let caller = fixed.caller(&headers, Time::ZERO).unwrap();
        assert_eq!(caller.identity.unwrap().account, "AUTH_a");
    }
}
