//! Swift's TempAuth: users log in with their keys and get tokens, which any proxy of the cluster
//! accepts until they expire.
//!
//! A token is sealed with the cluster's secret and its user's key, so that it ends when the user
//! gets another key or is removed. The user's groups are looked up each time. A wrong key and an
//! unknown user cost the same work.
//!
//! Leaves out other prefixes than `AUTH_`, and limits on login attempts, as Swift does: a limit for
//! each user would let anybody lock an honest user out, one for each address would count the
//! clients behind a load balancer as one. An attempt costs two seals of at most a head's bytes, and
//! keeps no state; a long key makes guessing hopeless.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stayput_host::Time;

use super::ACCOUNT_PREFIX;
use super::caller::{ForeignAccess, Identity, OwnAccess};
use super::secret::{ClusterSecret, SEAL_BYTES};
use super::token::{Token, USER_BYTES, UserId};
use super::users::{Group, KeyDigest, User, UserTable, digest_of};
use crate::swift::{Timestamp, encode_part};

/// Lifetime of a token: whole seconds, at least one. One day by default, as in Swift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLife {
    seconds: u64,
}

const USER: &str = "user";
const KEY: &str = "key";
const TOKEN: &str = "token";
const DECOY: &str = "decoy";

/// Users that may log in, and the URL of their storage. Cheap to clone; clones, and other processes
/// with the same secret and users, accept each other's tokens.
#[derive(Clone)]
pub struct TempAuth {
    secret: ClusterSecret,
    users: BTreeMap<UserId, KnownUser>,
    /// Compared with for an unknown user, so that it costs the same time.
    decoy: [u8; SEAL_BYTES],
    token_life: TokenLife,
    storage: StorageUrl,
}

#[derive(Clone)]
struct KnownUser {
    identity: Arc<Identity>,
    /// Seal of the digest of the key.
    key: [u8; SEAL_BYTES],
}

/// URL that clients are sent to after a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageUrl {
    /// The host of the login request, as the client named it.
    OfRequest(UrlScheme),
    /// Another host, such as a load balancer before the proxies.
    At(String),
}

/// Scheme of the URLs by which clients reach a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlScheme {
    /// Unencrypted HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Storage URL that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the storage URL {url:?} is none: write it as https://store.example.com")]
pub struct BadStorageUrl {
    url: String,
}

/// Lifetime that no token can have: the protocol counts it in whole seconds, and zero is useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token cannot be good for {life:?}: write whole seconds, at least one")]
pub struct BadTokenLife {
    life: Duration,
}

impl TokenLife {
    /// Lifetime of that length.
    ///
    /// # Errors
    /// It is no whole number of seconds, or zero.
    pub fn new(life: Duration) -> Result<Self, BadTokenLife> {
        if life.is_zero() || life.subsec_nanos() > 0 {
            return Err(BadTokenLife { life });
        }
        Ok(Self { seconds: life.as_secs() })
    }
}

impl Default for TokenLife {
    fn default() -> Self {
        Self { seconds: 86_400 }
    }
}

impl StorageUrl {
    /// Fixed URL, without `/v1`.
    ///
    /// # Errors
    /// It is not `http://` or `https://` and a host.
    pub fn at(url: &str) -> Result<Self, BadStorageUrl> {
        let base = url.trim_end_matches('/');
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
        let is_good = |host: &str| {
            let authority = host.split('/').next().unwrap_or_default();
            is_authority(authority) && host.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match host {
            Some(host) if is_good(host) => Ok(Self::At(base.to_owned())),
            _ => Err(BadStorageUrl { url: url.to_owned() }),
        }
    }

    /// URL of an account, for a client that asked `authority`; `None` if that is no valid host.
    pub(super) fn of(&self, account: &str, authority: Option<&str>) -> Option<String> {
        let base = match (self, authority) {
            (Self::At(base), _) => base.clone(),
            (Self::OfRequest(scheme), Some(authority)) if is_authority(authority) => {
                let scheme = match scheme {
                    UrlScheme::Http => "http",
                    UrlScheme::Https => "https",
                };
                format!("{scheme}://{authority}")
            }
            (Self::OfRequest(_), _) => return None,
        };
        Some(format!("{base}/v1/{}", encode_part(account)))
    }
}

/// True if the text is a host, with or without a port, and cannot change the meaning of a URL.
fn is_authority(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_good)
}

/// Successful login.
pub(super) struct Login<'a> {
    pub(super) token: Token,
    /// Lifetime of the token in seconds.
    pub(super) life_s: u64,
    pub(super) identity: &'a Identity,
}

/// Token that is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum BadToken {
    #[error("is not known: ask for a new token")]
    Unknown,
    #[error("has expired: ask for a new token")]
    Expired,
}

impl TempAuth {
    /// Authentication of `users`, by tokens that are sealed with `secret` and valid for a day;
    /// clients are sent to the host that they asked.
    #[must_use]
    pub fn new(secret: ClusterSecret, users: &UserTable) -> Self {
        let known = |user: &User| {
            let id = user_id(&secret, &user.account, &user.name);
            let key = secret.seal(KEY, &[&id, &user.key]);
            (id, KnownUser { identity: Arc::new(identity_of(user)), key })
        };
        let users = users.0.iter().map(known).collect();
        let decoy = secret.seal(DECOY, &[]);
        let storage = StorageUrl::OfRequest(UrlScheme::Http);
        Self { users, decoy, secret, token_life: TokenLife::default(), storage }
    }

    /// Sets the lifetime of tokens.
    #[must_use]
    pub fn with_token_life(self, life: TokenLife) -> Self {
        Self { token_life: life, ..self }
    }

    /// Sets the URL that clients are sent to.
    #[must_use]
    pub fn with_storage(self, storage: StorageUrl) -> Self {
        Self { storage, ..self }
    }

    pub(super) fn storage(&self) -> &StorageUrl {
        &self.storage
    }

    /// Issues a token if the key is the user's.
    pub(super) fn log_in(
        &self,
        account: &str,
        name: &str,
        key: &[u8],
        now: Time,
    ) -> Option<Login<'_>> {
        let id = user_id(&self.secret, account, name);
        let known = self.users.get(&id);
        let digest: KeyDigest = digest_of(key);
        let has_key = self.secret.has_sealed(self.key_of(known), KEY, &[&id, &digest]);
        let KnownUser { identity, key } = known.filter(|_| has_key)?;
        let expires_unix_s = unix_seconds(now).saturating_add(self.token_life.seconds);
        let seal = self.secret.seal(TOKEN, &[&expires_unix_s.to_be_bytes(), &id, key]);
        let token = Token { expires_unix_s, user: id, seal };
        Some(Login { token, life_s: self.token_life.seconds, identity })
    }

    /// Identity of the token's user.
    pub(super) fn open(&self, token: &str, now: Time) -> Result<Arc<Identity>, BadToken> {
        let Token { expires_unix_s, user, seal } = Token::parse(token).ok_or(BadToken::Unknown)?;
        let known = self.users.get(&user);
        let fields = [&expires_unix_s.to_be_bytes()[..], &user, self.key_of(known)];
        let is_sealed = self.secret.has_sealed(&seal, TOKEN, &fields);
        let KnownUser { identity, .. } = known.filter(|_| is_sealed).ok_or(BadToken::Unknown)?;
        if unix_seconds(now) >= expires_unix_s {
            return Err(BadToken::Expired);
        }
        Ok(Arc::clone(identity))
    }

    fn key_of<'a>(&'a self, known: Option<&'a KnownUser>) -> &'a [u8; SEAL_BYTES] {
        known.map_or(&self.decoy, |known| &known.key)
    }
}

/// Omits secret and keys.
impl std::fmt::Debug for TempAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TempAuth")
            .field("users", &self.users.len())
            .field("token_life", &self.token_life)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

fn unix_seconds(now: Time) -> u64 {
    Timestamp::at(now).unix_seconds()
}

fn user_id(secret: &ClusterSecret, account: &str, name: &str) -> UserId {
    let seal = secret.seal(USER, &[account.as_bytes(), name.as_bytes()]);
    let mut id = [0; USER_BYTES];
    id.copy_from_slice(&seal[..USER_BYTES]);
    id
}

/// Identity as in Swift: access lists may name the account, the user in it, and the account as in
/// URLs, which stands for its admins.
fn identity_of(user: &User) -> Identity {
    let account = format!("{ACCOUNT_PREFIX}{}", user.account);
    let full = format!("{}:{}", user.account, user.name);
    let has = |group| user.groups.contains(&group);
    let (own, also) = match has(Group::Admin) {
        true => (OwnAccess::Admin, Some(account.clone())),
        false => (OwnAccess::Member, None),
    };
    let foreign = match (has(Group::ResellerAdmin), has(Group::ResellerReader)) {
        (true, _) => ForeignAccess::Admin,
        (false, true) => ForeignAccess::Reader,
        (false, false) => ForeignAccess::Nobody,
    };
    let listed = [user.account.clone(), full.clone()].into_iter().chain(also).collect();
    Identity { shown: full, account, listed, own, foreign }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::users::{UserEntry, UserKey};
    use super::*;

    const NOW: Time = Time::from_nanos(5_000_000_000);

    fn secret(fill: u8) -> ClusterSecret {
        ClusterSecret::new(&[fill; 32]).unwrap()
    }

    fn users(key: &str) -> UserTable {
        let entry = |name: &str, groups: &[&str]| UserEntry {
            account: "test".to_owned(),
            name: name.to_owned(),
            key: Some(UserKey::new(key)),
            key_sha256: None,
            groups: groups.iter().map(|it| (*it).to_owned()).collect(),
        };
        UserTable::new(vec![entry("tester", &[".admin"]), entry("tester3", &[])]).unwrap()
    }

    fn auth() -> TempAuth {
        TempAuth::new(secret(1), &users("testing"))
    }

    fn token() -> String {
        auth().log_in("test", "tester", b"testing", NOW).unwrap().token.to_string()
    }

    #[test]
    fn who_has_the_key_gets_a_token_that_another_proxy_takes() {
        let identity = auth().open(&token(), NOW).unwrap();
        assert_eq!((&*identity.shown, &*identity.account), ("test:tester", "AUTH_test"));
        assert_eq!(identity.listed, ["test", "test:tester", "AUTH_test"]);
        let member = auth().log_in("test", "tester3", b"testing", NOW).unwrap().identity.clone();
        assert_eq!(
            (member.own, &*member.listed),
            (OwnAccess::Member, &["test", "test:tester3"].map(String::from)[..])
        );
    }

    #[test]
    fn who_lacks_the_key_gets_nothing() {
        let auth = auth();
        for (account, name, key) in [
            ("test", "tester", "testin"),
            ("test", "tester", "testingg"),
            ("test", "tester", ""),
            ("test", "teste", "testing"),
            ("tes", "ttester", "testing"),
            ("", "", ""),
        ] {
            assert!(auth.log_in(account, name, key.as_bytes(), NOW).is_none(), "{account}:{name}");
        }
    }

    #[test]
    fn a_token_ends_with_its_time() {
        let auth = auth().with_token_life(TokenLife { seconds: 60 });
        let token = auth.log_in("test", "tester", b"testing", NOW).unwrap().token.to_string();
        assert!(auth.open(&token, NOW + Duration::from_millis(59_999)).is_ok());
        let late = auth.open(&token, NOW + Duration::from_secs(60));
        assert_eq!(late, Err(BadToken::Expired));
    }

    #[test]
    fn a_token_is_good_for_whole_seconds_and_at_least_one() {
        assert!(TokenLife::new(Duration::from_secs(1)).is_ok());
        for life in [Duration::ZERO, Duration::from_millis(1_500), Duration::from_nanos(1)] {
            let error = TokenLife::new(life).unwrap_err().to_string();
            assert!(error.contains("whole seconds"), "{error}");
        }
    }

    #[test]
    fn a_token_ends_with_its_users_key_and_with_its_user() {
        let changed = TempAuth::new(secret(1), &users("changed"));
        assert_eq!(changed.open(&token(), NOW), Err(BadToken::Unknown));
        let mut left = users("testing");
        left.0.remove(0);
        let removed = TempAuth::new(secret(1), &left);
        assert_eq!(removed.open(&token(), NOW), Err(BadToken::Unknown));
    }

    #[test]
    fn what_a_user_may_is_what_the_configuration_says_now() {
        let mut demoted = users("testing");
        demoted.0[0].groups.clear();
        let identity = TempAuth::new(secret(1), &demoted).open(&token(), NOW).unwrap();
        assert_eq!(identity.own, OwnAccess::Member);
    }

    #[test]
    fn the_storage_url_is_that_of_the_request_or_of_the_configuration() {
        let of = |storage: &StorageUrl, host| storage.of("AUTH_a b", host);
        let plain = StorageUrl::OfRequest(UrlScheme::Http);
        assert_eq!(of(&plain, Some("h:8080")).unwrap(), "http://h:8080/v1/AUTH_a%20b");
        let tls = StorageUrl::OfRequest(UrlScheme::Https);
        assert_eq!(of(&tls, Some("[::1]:1")).unwrap(), "https://[::1]:1/v1/AUTH_a%20b");
        for bad in [None, Some(""), Some("a/b"), Some("a@b"), Some("a b"), Some("a?")] {
            assert_eq!(of(&plain, bad), None, "{bad:?}");
        }
        let fixed = StorageUrl::at("https://store.example.com/swift/").unwrap();
        assert_eq!(of(&fixed, None).unwrap(), "https://store.example.com/swift/v1/AUTH_a%20b");
        for bad in ["store.example.com", "ftp://a", "http://", "http:///x", "http://a b"] {
            let error = StorageUrl::at(bad).unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("https://"), "{error}");
        }
    }

    #[test]
    fn proxies_on_several_threads_can_have_the_same() {
        fn goes_to_threads<T: Clone + Send + Sync>(it: T) -> T {
            it
        }
        assert!(goes_to_threads(auth()).open(&token(), NOW).is_ok());
    }

    #[test]
    fn neither_keys_nor_secrets_are_shown() {
        let shown = format!("{:?}", auth());
        assert!(!shown.contains("testing") && !shown.contains("1, 1"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_token_with_a_flipped_bit_is_taken(at in 0..119_usize, bit in 0..8_u32) {
            let mut bytes = token().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert_eq!(auth().open(&text, NOW), Err(BadToken::Unknown));
            }
        }

        #[test]
        fn no_part_of_a_token_is_taken(end in 0..119_usize) {
            prop_assert_eq!(auth().open(&token()[..end], NOW), Err(BadToken::Unknown));
        }

        #[test]
        fn no_token_of_another_cluster_is_taken(fill in 2_u8..) {
            let other = TempAuth::new(secret(fill), &users("testing"));
            prop_assert_eq!(other.open(&token(), NOW), Err(BadToken::Unknown));
        }

        #[test]
        fn no_token_is_taken_once_it_has_expired(late in 86_400_u64..1_000_000_000) {
            let then = NOW + Duration::from_secs(late);
            prop_assert_eq!(auth().open(&token(), then), Err(BadToken::Expired));
        }

        #[test]
        fn no_expiry_can_be_put_off(later in 1_u64..) {
            let mut token = Token::parse(&token()).unwrap();
            token.expires_unix_s = token.expires_unix_s.wrapping_add(later);
            prop_assert_eq!(auth().open(&token.to_string(), NOW), Err(BadToken::Unknown));
        }
    }
}
