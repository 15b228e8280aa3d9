//! Who there is: accounts, their users, keys and groups, as a configuration names them.
//!
//! Leaves out reading the file, groups of one's own making, and users whose storage is elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::ACCOUNT_PREFIX;
use crate::swift::Path;

/// A user as a configuration names it; in TOML one `[[user]]` each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// The account, without `AUTH_`.
    pub account: String,
    /// The user's name in it.
    pub name: String,
    /// What the user proves himself by.
    #[serde(default)]
    pub key: Option<UserKey>,
    /// In its place its SHA-256, as 64 hexadecimal digits. Only long random keys are hidden by it: short ones are soon found by trying.
    #[serde(default)]
    pub key_sha256: Option<String>,
    /// `.admin`, `.reseller_admin` and `.reseller_reader`; without one of them a user may do what access lists grant.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A user's key. It is never shown, not even in what is said of a configuration that cannot be read.
#[derive(Clone)]
pub struct UserKey(String);

impl<'de> Deserialize<'de> for UserKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Text(String),
            Other(IgnoredAny),
        }
        match Said::deserialize(from)? {
            Said::Text(key) => Ok(Self(key)),
            Said::Other(_) => Err(D::Error::custom("a key is text: put it between quotes")),
        }
    }
}

impl UserKey {
    /// The key of that text.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserKey(…)")
    }
}

/// What a user may do beyond what access lists grant. As in Swift's TempAuth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// All in the user's own account, but for making and deleting the account itself.
    Admin,
    /// All in all accounts.
    ResellerAdmin,
    /// Reading in all accounts.
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

/// The users of a cluster, none twice.
#[derive(Clone)]
pub struct UserTable(pub(super) Vec<User>);

/// A user that is in order.
#[derive(Clone)]
pub(super) struct User {
    /// The account, without `AUTH_`.
    pub(super) account: String,
    pub(super) name: String,
    pub(super) key: KeyDigest,
    pub(super) groups: BTreeSet<Group>,
}

/// The SHA-256 of a key: all that is kept of it.
pub(super) type KeyDigest = [u8; 32];

/// The digest of a key as a client says it.
pub(super) fn digest_of(key: &[u8]) -> KeyDigest {
    Sha256::digest(key).into()
}

/// A user that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUser {
    /// There is none at all.
    #[error(
        "there is no [[user]], so that nobody could do anything: \
         add one with `account`, `name`, `key` and `groups = [\".admin\"]`"
    )]
    Nobody,
    /// A field is not as it must be.
    #[error("[[user]] number {number}, field `{field}`: {why}")]
    Field {
        /// Which user, from 1.
        number: usize,
        /// Which field.
        field: &'static str,
        /// What is wrong and what would be right; of keys nothing is said but that.
        why: String,
    },
    /// A user is named again.
    #[error("[[user]] number {number}: {user} is number {first} already: leave one out")]
    Twice {
        /// Which user, from 1.
        number: usize,
        /// The one of the same name.
        first: usize,
        /// Its account and name.
        user: String,
    },
}

impl UserTable {
    /// The users that a configuration names.
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
            let user = read(entry).map_err(|(field, why)| BadUser::Field { number, field, why })?;
            let name = format!("{}:{}", user.account, user.name);
            if let Some(first) = numbers.insert(name.clone(), number) {
                return Err(BadUser::Twice { number, first, user: name });
            }
            users.push(user);
        }
        Ok(Self(users))
    }
}

/// Names only.
impl std::fmt::Debug for UserTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|it| (&it.account, &it.name))).finish()
    }
}

type Flaw = (&'static str, String);

fn read(entry: UserEntry) -> Result<User, Flaw> {
    let UserEntry { account, name, key, key_sha256, groups } = entry;
    check_name(&account).map_err(|why| ("account", why))?;
    check_name(&name).map_err(|why| ("name", why))?;
    if let Some(short) = account.strip_prefix(ACCOUNT_PREFIX) {
        let why = format!("{ACCOUNT_PREFIX} is put before it anyway: write {short:?}");
        return Err(("account", why));
    }
    Path::account_only(&format!("{ACCOUNT_PREFIX}{account}"))
        .map_err(|bad| ("account", format!("{bad}: take another name")))?;
    let key = match (key, key_sha256) {
        (Some(key), None) => check_key(&key).map_err(|why| ("key", why))?,
        (None, Some(digest)) => read_digest(&digest)
            .ok_or_else(|| ("key_sha256", "wants 64 hexadecimal digits".to_owned()))?,
        (None, None) => return Err(("key", "is missing: write `key` or `key_sha256`".to_owned())),
        (Some(_), Some(_)) => {
            return Err(("key_sha256", "there is `key` as well: leave one out".to_owned()));
        }
    };
    let group = |name: &String| {
        let known = Group::ALL.map(|(name, _)| name).join(", ");
        let why = || format!("{name:?} is none of {known}: leave it out; access lists name users");
        Group::named(name).ok_or_else(|| ("groups", why()))
    };
    let groups = groups.iter().map(group).collect::<Result<_, _>>()?;
    Ok(User { account, name, key, groups })
}

/// What an access list can name.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty: write a name".to_owned());
    }
    if name.starts_with('.') {
        return Err(format!("{name:?} begins with a dot, as groups do: take another name"));
    }
    if name != name.trim() || name.chars().any(|it| it.is_control() || ":,/\"\\".contains(it)) {
        let why =
            "no spaces at its ends, no control characters and none of : , / \" \\ may be in it";
        return Err(format!("{name:?}: {why}"));
    }
    Ok(())
}

/// What a header can carry to the end.
fn check_key(UserKey(key): &UserKey) -> Result<KeyDigest, String> {
    if key.is_empty() {
        return Err("is empty: write a key".to_owned());
    }
    if key != key.trim() || key.chars().any(char::is_control) {
        let why = "has spaces at its ends or control characters, which headers do not carry: take another";
        return Err(why.to_owned());
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
    fn a_flaw_is_told_with_its_place_and_its_fix_and_never_with_the_key() {
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
