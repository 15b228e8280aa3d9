//! Users of a cluster: accounts, names, keys and groups, as a configuration lists them.
//!
//! Leaves out reading the file, custom groups, and users whose storage is elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::ACCOUNT_PREFIX;
use crate::swift::{BadName, Path};

/// User in a configuration: one `[[user]]` in TOML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// Account, without `AUTH_`.
    pub account: String,
    /// Name in the account.
    pub name: String,
    /// Key by which the user logs in.
    #[serde(default)]
    pub key: Option<UserKey>,
    /// SHA-256 of the key in its place, as 64 hexadecimal digits. It hides only long random keys:
    /// short ones are soon guessed.
    #[serde(default)]
    pub key_sha256: Option<String>,
    /// Groups: `.admin`, `.reseller_admin` or `.reseller_reader`. A user without one has only
    /// grants of access lists.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Key of a user. It is never shown, not even in errors of a configuration that cannot be read.
#[derive(Clone)]
pub struct UserKey(String);

impl<'de> Deserialize<'de> for UserKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Other(IgnoredAny),
        }
        match Value::deserialize(from)? {
            Value::Text(key) => Ok(Self(key)),
            Value::Other(_) => Err(D::Error::custom("a key is text: put it between quotes")),
        }
    }
}

impl UserKey {
    /// Key of that text.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserKey(…)")
    }
}

/// Access of a user beyond access lists, as in Swift's TempAuth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// All in the user's own account, but creating and deleting the account itself.
    Admin,
    /// All in all accounts.
    ResellerAdmin,
    /// Reads in all accounts.
    ResellerReader,
}

impl Group {
    const ALL: [(&'static str, Self); 3] = [
        (".admin", Self::Admin),
        (".reseller_admin", Self::ResellerAdmin),
        (".reseller_reader", Self::ResellerReader),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(its, _)| *its == name).map(|(_, group)| *group)
    }
}

/// Users of a cluster, each once.
#[derive(Clone)]
pub struct UserTable(pub(super) Vec<User>);

/// Validated user.
#[derive(Clone)]
pub(super) struct User {
    /// Account, without `AUTH_`.
    pub(super) account: String,
    pub(super) name: String,
    pub(super) key: KeyDigest,
    pub(super) groups: BTreeSet<Group>,
}

/// SHA-256 of a key: the key itself is not stored.
pub(super) type KeyDigest = [u8; 32];

/// Digest of a key as a client sends it.
pub(super) fn digest_of(key: &[u8]) -> KeyDigest {
    Sha256::digest(key).into()
}

/// User that a configuration must not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUser {
    /// The configuration names no user.
    #[error(
        "there is no [[user]], so that nobody could do anything: \
         add one with `account`, `name`, `key` and `groups = [\".admin\"]`"
    )]
    Nobody,
    /// A field has a flaw.
    #[error("[[user]] number {number}, field `{field}`: {flaw}")]
    Field {
        /// Number of the user, from 1.
        number: usize,
        /// Name of the field.
        field: &'static str,
        /// Flaw of its value.
        flaw: UserFlaw,
    },
    /// A user is named twice.
    #[error("[[user]] number {number}: {user} is number {first} already: leave one out")]
    Twice {
        /// Number of the second, from 1.
        number: usize,
        /// Number of the first.
        first: usize,
        /// Account and name.
        user: String,
    },
}

/// Flaw of a user's field, and its remedy. Never contains a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserFlaw {
    /// A name is empty.
    #[error("is empty: write a name")]
    NoName,
    /// A name looks like a group.
    #[error("{name:?} begins with a dot, as groups do: take another name")]
    DotName {
        /// The name.
        name: String,
    },
    /// An access list could not contain the name.
    #[error(
        "{name:?}: no spaces at its ends, no control characters and none of : , / \" \\ may be in it"
    )]
    NameCharacters {
        /// The name.
        name: String,
    },
    /// An account has the prefix of URLs.
    #[error("{ACCOUNT_PREFIX} is put before it anyway: write {short:?}")]
    Prefixed {
        /// The account without the prefix.
        short: String,
    },
    /// An account is no account in a path.
    #[error("{0}: take another name")]
    Path(BadName),
    /// There is no key.
    #[error("is missing: write `key` or `key_sha256`")]
    KeyMissing,
    /// There are both a key and a digest.
    #[error("there is `key` as well: leave one out")]
    TwoKeys,
    /// A key is empty.
    #[error("is empty: write a key")]
    EmptyKey,
    /// A header could not carry the key.
    #[error(
        "has spaces at its ends or control characters, which headers do not carry: take another"
    )]
    KeyCharacters,
    /// A digest is no SHA-256.
    #[error("wants 64 hexadecimal digits")]
    BadDigest,
    /// A group does not exist.
    #[error("{name:?} is none of {known}: leave it out; access lists name users")]
    UnknownGroup {
        /// The name.
        name: String,
        /// All groups.
        known: String,
    },
}

impl UserTable {
    /// Validates the users of a configuration.
    ///
    /// # Errors
    /// See [`BadUser`].
    pub fn new(entries: Vec<UserEntry>) -> Result<Self, BadUser> {
        if entries.is_empty() {
            return Err(BadUser::Nobody);
        }
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut users = Vec::new();
        for (number, entry) in (1..).zip(entries) {
            let user =
                read(entry).map_err(|(field, flaw)| BadUser::Field { number, field, flaw })?;
            let name = format!("{}:{}", user.account, user.name);
            if let Some(first) = numbers.insert(name.clone(), number) {
                return Err(BadUser::Twice { number, first, user: name });
            }
            users.push(user);
        }
        Ok(Self(users))
    }
}

/// Omits the keys.
impl std::fmt::Debug for UserTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|it| (&it.account, &it.name))).finish()
    }
}

fn read(entry: UserEntry) -> Result<User, (&'static str, UserFlaw)> {
    let UserEntry { account, name, key, key_sha256, groups } = entry;
    check_name(&account).map_err(|flaw| ("account", flaw))?;
    check_name(&name).map_err(|flaw| ("name", flaw))?;
    if let Some(short) = account.strip_prefix(ACCOUNT_PREFIX) {
        return Err(("account", UserFlaw::Prefixed { short: short.to_owned() }));
    }
    Path::account_only(&format!("{ACCOUNT_PREFIX}{account}"))
        .map_err(|bad| ("account", UserFlaw::Path(bad)))?;
    let key = match (key, key_sha256) {
        (Some(key), None) => check_key(&key).map_err(|flaw| ("key", flaw))?,
        (None, Some(digest)) => read_digest(&digest).ok_or(("key_sha256", UserFlaw::BadDigest))?,
        (None, None) => return Err(("key", UserFlaw::KeyMissing)),
        (Some(_), Some(_)) => return Err(("key_sha256", UserFlaw::TwoKeys)),
    };
    let group = |name: &String| {
        let known = || Group::ALL.map(|(name, _)| name).join(", ");
        let unknown = || UserFlaw::UnknownGroup { name: name.clone(), known: known() };
        Group::named(name).ok_or_else(|| ("groups", unknown()))
    };
    let groups = groups.iter().map(group).collect::<Result<_, _>>()?;
    Ok(User { account, name, key, groups })
}

/// Checks that an access list can contain the name.
fn check_name(name: &str) -> Result<(), UserFlaw> {
    if name.is_empty() {
        return Err(UserFlaw::NoName);
    }
    if name.starts_with('.') {
        return Err(UserFlaw::DotName { name: name.to_owned() });
    }
    if name != name.trim() || name.chars().any(|it| it.is_control() || ":,/\"\\".contains(it)) {
        return Err(UserFlaw::NameCharacters { name: name.to_owned() });
    }
    Ok(())
}

/// Checks that a header can carry the key, and returns its digest.
fn check_key(UserKey(key): &UserKey) -> Result<KeyDigest, UserFlaw> {
    if key.is_empty() {
        return Err(UserFlaw::EmptyKey);
    }
    if key != key.trim() || key.chars().any(char::is_control) {
        return Err(UserFlaw::KeyCharacters);
    }
    Ok(digest_of(key.as_bytes()))
}

fn read_digest(text: &str) -> Option<KeyDigest> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |a, b| a << 4 | b)).collect();
    if digits.len().is_multiple_of(2) { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> UserEntry {
        serde_json::from_str(json).unwrap()
    }

    fn users(entries: &[&str]) -> Result<UserTable, BadUser> {
        UserTable::new(entries.iter().map(|json| entry(json)).collect())
    }

    const TESTER: &str =
        r#"{"account": "test", "name": "tester", "key": "testing", "groups": [".admin"]}"#;

    #[test]
    fn a_user_is_read_from_a_configuration() {
        let UserTable(users) =
            users(&[TESTER, r#"{"account": "a b", "name": "é", "key": "k"}"#]).unwrap();
        assert_eq!((&*users[0].account, &*users[0].name), ("test", "tester"));
        assert_eq!(users[0].groups, BTreeSet::from([Group::Admin]));
        assert!(users[1].groups.is_empty());
    }

    #[test]
    fn a_key_and_its_digest_are_the_same_key() {
        let digest = "cf80cd8aed482d5d1527d7dc72fceff84e6326592848447d2dc0b0e87dfc9a90";
        let hashed = format!(r#"{{"account": "a", "name": "b", "key_sha256": "{digest}"}}"#);
        let UserTable(users) = users(&[TESTER, &hashed]).unwrap();
        assert_eq!(users[0].key, users[1].key);
    }

    #[test]
    fn a_flaw_is_reported_with_its_place_and_remedy_and_never_with_the_key() {
        for (json, place, fix) in [
            (r#"{"account": "", "name": "b", "key": "hush"}"#, "`account`", "write a name"),
            (r#"{"account": "AUTH_x", "name": "b", "key": "hush"}"#, "`account`", "write \"x\""),
            (r#"{"account": "a:b", "name": "b", "key": "hush"}"#, "`account`", "none of :"),
            (r#"{"account": "a/b", "name": "b", "key": "hush"}"#, "`account`", "none of :"),
            (r#"{"account": "a", "name": ".admin", "key": "hush"}"#, "`name`", "another name"),
            (r#"{"account": "a", "name": " b", "key": "hush"}"#, "`name`", "spaces"),
            (r#"{"account": "a", "name": "b,c", "key": "hush"}"#, "`name`", "none of :"),
            (r#"{"account": "a", "name": "b", "key": ""}"#, "`key`", "write a key"),
            (r#"{"account": "a", "name": "b", "key": "hush "}"#, "`key`", "take another"),
            (r#"{"account": "a", "name": "b"}"#, "`key`", "`key_sha256`"),
            (
                r#"{"account": "a", "name": "b", "key": "hush", "key_sha256": "00"}"#,
                "`key_sha256`",
                "leave",
            ),
            (r#"{"account": "a", "name": "b", "key_sha256": "hush"}"#, "`key_sha256`", "64"),
            (
                r#"{"account": "a", "name": "b", "key": "hush", "groups": ["admin"]}"#,
                "`groups`",
                ".admin",
            ),
        ] {
            let error = users(&[TESTER, json]).unwrap_err().to_string();
            let parts = ["number 2", place, fix];
            assert!(parts.iter().all(|part| error.contains(part)), "{json}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn nobody_and_the_same_twice_are_refused() {
        assert_eq!(UserTable::new(Vec::new()).unwrap_err(), BadUser::Nobody);
        let error = users(&[TESTER, TESTER]).unwrap_err().to_string();
        assert!(error.contains("number 2") && error.contains("number 1"), "{error}");
        assert!(error.contains("test:tester"), "{error}");
    }

    #[test]
    fn no_key_is_shown() {
        let shown = format!("{:?} {:?}", entry(TESTER), users(&[TESTER]).unwrap());
        assert!(shown.contains("tester") && !shown.contains("testing"), "{shown}");
        let number = r#"{"account": "a", "name": "b", "key": 31415}"#;
        let error = serde_json::from_str::<UserEntry>(number).unwrap_err().to_string();
        assert!(error.contains("between quotes") && !error.contains("31415"), "{error}");
    }
}
