//! Who may do what. In a simulated cluster fixed tokens stand for accounts; a served one has users that log in, as Swift's TempAuth has.
//!
//! ```text
//! secret → token → temp ← users     a key for a token, a token for an identity
//!                   ↓
//!     caller: what the identity may do by itself
//!                   ↓
//!     access ← acl, cache: what a container's access lists grant beyond that
//! ```
//! Leaves out access lists of accounts, and telling guests from each other once they are let in.

mod access;
mod acl;
mod cache;
mod caller;
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
use super::answer::{ErrorResponse, response, set};
use crate::http::{Body, Request, Response};
use crate::swift::encode_part;
use crate::swift::header::{X_AUTH_TOKEN, X_STORAGE_TOKEN, text};

pub(super) use self::access::{authorise, clean_lists, drop_owners, forget};
pub(super) use self::cache::ListsCache;
pub(super) use self::caller::{Access, Caller};
pub use self::secret::{ClusterSecret, SECRET_BYTES_MIN, ShortSecret};
pub use self::temp::{BadStorageUrl, BadTokenLife, StorageUrl, TempAuth, TokenLife, UrlScheme};
pub use self::users::{BadUser, UserEntry, UserKey, UserTable};

/// How the names of users' accounts begin in URLs.
const ACCOUNT_PREFIX: &str = "AUTH_";

const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");
const X_STORAGE_USER: HeaderName = HeaderName::from_static("x-storage-user");
const X_STORAGE_PASS: HeaderName = HeaderName::from_static("x-storage-pass");
const X_STORAGE_URL: HeaderName = HeaderName::from_static("x-storage-url");
const X_AUTH_TOKEN_EXPIRES: HeaderName = HeaderName::from_static("x-auth-token-expires");

/// Which account each token stands for.
pub type FixedTokens = BTreeMap<String, String>;

/// How a proxy finds out who asks.
#[derive(Clone)]
pub enum Authenticator {
    /// By tokens that were agreed on beforehand, each of the holder of an account.
    Fixed(FixedTokens),
    /// By tokens that it gives to those who have a key.
    Temp(TempAuth),
}

/// Without tokens.
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
    /// Who asks.
    ///
    /// # Errors
    /// 401 for a token that opens nothing, even where none would be needed.
    pub(super) fn caller(&self, headers: &HeaderMap, now: Time) -> Result<Caller, ErrorResponse> {
        let bad =
            |why: &str| ErrorResponse::new(StatusCode::UNAUTHORIZED, format!("X-Auth-Token {why}"));
        let identity = match text_of(headers, &X_AUTH_TOKEN) {
            None => None,
            Some(token) => Some(match self {
                Self::Fixed(tokens) => {
                    let account = tokens
                        .get(token)
                        .ok_or_else(|| bad("is not known: ask for a new token"))?;
                    Arc::new(Identity::holder(account))
                }
                Self::Temp(auth) => {
                    auth.open(token, now).map_err(|error| bad(&error.to_string()))?
                }
            }),
        };
        let referer = text(headers, &REFERER).map(ToOwned::to_owned);
        Ok(Caller { identity, referer })
    }

    /// What somebody gets who asks for a token; `None` if `request` does not.
    pub(super) fn log_in(
        &self,
        request: &Request,
        now: Time,
    ) -> Option<Result<Response, ErrorResponse>> {
        let Self::Temp(auth) = self else { return None };
        let account = asks_for_token(request.uri().path())?;
        Some(log_in(auth, request, account, now))
    }
}

/// A header's value unless it is empty; one that is no text is none that could be right.
fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name).filter(|value| !value.is_empty())?;
    Some(std::str::from_utf8(value.as_bytes()).unwrap_or("?"))
}

/// Has what is worth as much as a key not be shown, wherever the headers are; and the token where it is looked for.
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

/// What a 401 tells of whose key is wanted: the account that the path is in.
pub(super) fn challenge(url_path: &str) -> String {
    let rest = url_path.strip_prefix("/v1/").or_else(|| url_path.strip_prefix("/v1.0/"));
    let account = rest.and_then(|rest| rest.split('/').next());
    let account = account.and_then(|name| percent_decode_str(name).decode_utf8().ok());
    let realm =
        account.filter(|name| !name.is_empty()).map_or("unknown".into(), |it| encode_part(&it));
    format!("Swift realm=\"{realm}\"")
}

/// Whether a path is one where tokens are given, and for which account if it says so.
fn asks_for_token(url_path: &str) -> Option<Option<&str>> {
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
) -> Result<Response, ErrorResponse> {
    if request.method() != Method::GET {
        let why = format!("{} does not go with tokens: GET one", request.method());
        return Err(ErrorResponse::new(StatusCode::METHOD_NOT_ALLOWED, why));
    }
    let headers = request.headers();
    let refused = |why: &str| ErrorResponse::new(StatusCode::UNAUTHORIZED, why);
    let either = |one, other| text_of(headers, one).or_else(|| text_of(headers, other));
    let key = [X_AUTH_KEY, X_STORAGE_PASS].iter().find_map(|name| headers.get(name));
    let (Some(user), Some(key)) = (either(&X_AUTH_USER, &X_STORAGE_USER), key) else {
        return Err(refused("say X-Auth-User: account:user and X-Auth-Key: key"));
    };
    let of_path = of_path.map(|account| percent_decode_str(account).decode_utf8_lossy());
    let (account, name) = match (user.split_once(':'), &of_path) {
        (Some((account, name)), None) => (account, name),
        (Some((account, name)), Some(of_path)) if account == of_path => (account, name),
        (None, Some(of_path)) => (&**of_path, user),
        _ => return Err(refused("X-Auth-User does not name account and user: write account:user")),
    };
    let logged_in = auth.log_in(account, name, key.as_bytes(), now);
    let temp::LoggedIn { token, life_s, identity } =
        logged_in.ok_or_else(|| refused("X-Auth-User and X-Auth-Key do not go together"))?;
    let named = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    let authority = named.or_else(|| text(headers, &HOST));
    let url = auth.storage().of(&identity.account, authority).ok_or_else(|| {
        let why = "Host is missing or names no host: say whom you ask, so that you can be told where to go on";
        ErrorResponse::new(StatusCode::BAD_REQUEST, why)
    })?;
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
    fn tokens_are_given_where_swift_gives_them() {
        for path in ["/auth/v1.0", "/auth/v1.0/", "/auth/v1", "/auth/auth", "/v1.0", "/v1.0/"] {
            assert_eq!(asks_for_token(path), Some(None), "{path}");
        }
        assert_eq!(asks_for_token("/auth/v1/test/auth"), Some(Some("test")));
        for path in ["/v1", "/v1/AUTH_a", "/auth", "/auth/v1.0/x", "/auth/v1/a/b/auth", "/xauth/v1"]
        {
            assert_eq!(asks_for_token(path), None, "{path}");
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
    fn a_storage_token_is_as_good_as_an_auth_token() {
        let mut headers = HeaderMap::new();
        headers.insert(X_STORAGE_TOKEN, HeaderValue::from_static("secret"));
        conceal(&mut headers);
        let fixed =
            Authenticator::from(FixedTokens::from([("secret".to_owned(), "AUTH_a".to_owned())]));
        let caller = fixed.caller(&headers, Time::ZERO).unwrap();
        assert_eq!(caller.identity.unwrap().account, "AUTH_a");
    }
}
