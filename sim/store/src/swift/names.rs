//! Names of accounts, containers and objects, and how they stand in URLs.
//!
//! Leaves out the API's version prefix, and the device and partition of requests to nodes.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Longest name of an account, in bytes.
pub const ACCOUNT_LEN_MAX: usize = 256;
/// Longest name of a container, in bytes.
pub const CONTAINER_LEN_MAX: usize = 256;
/// Longest name of an object, in bytes.
pub const OBJECT_LEN_MAX: usize = 1024;

/// Characters that are escaped in a part of a path: all but RFC 3986's unreserved ones.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters that are escaped in an object's name: slashes are not.
const OBJECT: &AsciiSet = &PART.remove(b'/');

/// Name that Swift would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// A name that is not UTF-8 once decoded, or has a null in it.
    #[error("the path {path:?} is not valid UTF-8 without nulls")]
    NotUtf8 {
        /// Path as it was given.
        path: String,
    },
    /// An empty name.
    #[error("the path {path:?} lacks its {what}")]
    Missing {
        /// Path as it was given.
        path: String,
        /// Level of the name: `account`, `container` or `object`.
        what: &'static str,
    },
    /// A name longer than Swift's limit.
    #[error("the {what}'s name has {len} bytes, at most {max} are taken")]
    TooLong {
        /// Level of the name: `account`, `container` or `object`.
        what: &'static str,
        /// Length in bytes.
        len: usize,
        /// Limit in bytes.
        max: usize,
    },
    /// A slash in the name of an account or a container.
    #[error("the {what}'s name has a slash in it")]
    Slash {
        /// Level of the name: `account`, `container` or `object`.
        what: &'static str,
    },
}

/// Path of an account, a container or an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Path {
    account: String,
    container: Option<String>,
    object: Option<String>,
}

impl Path {
    /// Path of an account.
    ///
    /// # Errors
    /// See [`BadName`].
    pub fn account_only(account: &str) -> Result<Self, BadName> {
        check("account", account, ACCOUNT_LEN_MAX, true)?;
        Ok(Self { account: account.to_owned(), container: None, object: None })
    }

    /// Path of a container in this path's account.
    ///
    /// # Errors
    /// See [`BadName`].
    pub fn with_container(&self, container: &str) -> Result<Self, BadName> {
        check("container", container, CONTAINER_LEN_MAX, true)?;
        let account = self.account.clone();
        Ok(Self { account, container: Some(container.to_owned()), object: None })
    }

    /// Path of an object.
    ///
    /// # Errors
    /// See [`BadName`].
    pub fn object_of(account: &str, container: &str, object: &str) -> Result<Self, BadName> {
        check("object", object, OBJECT_LEN_MAX, false)?;
        let container = Self::account_only(account)?.with_container(container)?;
        Ok(Self { object: Some(object.to_owned()), ..container })
    }

    /// Name of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Name of the container, if it is in one or is one.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }

    /// Name of the object, if it is one.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// Path of the account.
    #[must_use]
    pub fn to_account(&self) -> Self {
        Self { account: self.account.clone(), container: None, object: None }
    }

    /// Path of the container, if it is in one or is one.
    #[must_use]
    pub fn to_container(&self) -> Option<Self> {
        self.container.is_some().then(|| Self { object: None, ..self.clone() })
    }

    /// Path in a URL, percent-encoded, with a leading slash.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut url = format!("/{}", encode_part(&self.account));
        if let Some(container) = &self.container {
            url.push('/');
            url.push_str(&encode_part(container));
        }
        if let Some(object) = &self.object {
            url.push('/');
            url.push_str(&utf8_percent_encode(object, OBJECT).to_string());
        }
        url
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.account)?;
        for part in [&self.container, &self.object].into_iter().flatten() {
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

fn check(what: &'static str, name: &str, max: usize, slash_free: bool) -> Result<(), BadName> {
    if name.is_empty() {
        return Err(BadName::Missing { path: name.to_owned(), what });
    }
    if name.len() > max {
        return Err(BadName::TooLong { what, len: name.len(), max });
    }
    if name.contains('\0') {
        return Err(BadName::NotUtf8 { path: name.to_owned() });
    }
    if slash_free && name.contains('/') {
        return Err(BadName::Slash { what });
    }
    Ok(())
}

/// Name as one part of a URL's path, percent-encoded.
#[must_use]
pub fn encode_part(name: &str) -> String {
    utf8_percent_encode(name, PART).to_string()
}

/// Value of a URL's query, percent-encoded.
#[must_use]
pub fn encode_query(value: &str) -> String {
    encode_part(value)
}

/// Reads `/account[/container[/object]]`, percent-encoded. One slash at the end of an account or a
/// container is ignored, as in Swift.
///
/// # Errors
/// See [`BadName`].
pub fn decode_path(url_path: &str) -> Result<Path, BadName> {
    let decode = |part: &str| {
        percent_decode_str(part)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| BadName::NotUtf8 { path: url_path.to_owned() })
    };
    let missing = |what| BadName::Missing { path: url_path.to_owned(), what };
    let rest = url_path.strip_prefix('/').ok_or_else(|| missing("leading slash"))?;
    let mut parts = rest.splitn(3, '/');
    let account = decode(parts.next().unwrap_or_default())?;
    let (container, object) = (parts.next(), parts.next());
    let path = Path::account_only(&account)?;
    match (container, object) {
        (None | Some(""), None) => Ok(path),
        (Some(container), None | Some("")) => path.with_container(&decode(container)?),
        (Some(container), Some(object)) => {
            Path::object_of(&account, &decode(container)?, &decode(object)?)
        }
        (None, Some(_)) => Err(missing("container")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_read_as_swift_reads_them() {
        let path = decode_path("/AUTH_x/my%20c/a/b%2Fc").unwrap();
        assert_eq!((path.container(), path.object()), (Some("my c"), Some("a/b/c")));
        assert_eq!(decode_path("/AUTH_x/c/").unwrap().object(), None);
        assert_eq!(decode_path("/AUTH_x/").unwrap().container(), None);
        assert!(decode_path("/").is_err());
        assert!(decode_path("//c").is_err());
        assert!(decode_path("/a/%2f/o").is_err(), "a slash in a container");
        assert!(decode_path("/a/c/%ff").is_err(), "not UTF-8");
        assert!(decode_path("/a/c/%00").is_err(), "a null");
    }

    proptest! {
        #[test]
        fn a_path_reads_back_as_it_was_encoded(
            account in "[^/\0]{1,20}", container in "[^/\0]{1,20}", object in "[^\0]{1,40}",
        ) {
            let path = Path::object_of(&account, &container, &object).unwrap();
            prop_assert_eq!(decode_path(&path.encoded()).unwrap(), path);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _either = decode_path(&text);
        }
    }

    #[test]
    fn names_are_taken_up_to_their_bounds_in_bytes() {
        let of = |account: usize, container: usize, object: usize| {
            let name = |bytes: usize| "é".repeat(bytes / 2) + &"x".repeat(bytes % 2);
            Path::object_of(&name(account), &name(container), &name(object))
        };
        let (account, container, object) = (ACCOUNT_LEN_MAX, CONTAINER_LEN_MAX, OBJECT_LEN_MAX);
        assert!(of(account, container, object).is_ok());
        for (refused, what, len, max) in [
            (of(account + 1, 1, 1), "account", account + 1, account),
            (of(1, container + 1, 1), "container", container + 1, container),
            (of(1, 1, object + 1), "object", object + 1, object),
        ] {
            assert_eq!(refused, Err(BadName::TooLong { what, len, max }));
        }
        for (refused, what) in
            [(of(0, 1, 1), "account"), (of(1, 0, 1), "container"), (of(1, 1, 0), "object")]
        {
            assert_eq!(refused, Err(BadName::Missing { path: String::new(), what }));
        }
        assert_eq!(Path::object_of("a/b", "c", "o"), Err(BadName::Slash { what: "account" }));
        assert_eq!(Path::object_of("a", "c/d", "o"), Err(BadName::Slash { what: "container" }));
        assert!(Path::object_of("a", "c", "/o/").is_ok());
    }

    #[test]
    fn a_path_has_an_account_and_a_container_of_its_own() {
        let path = Path::object_of("a", "c", "o/p").unwrap();
        assert_eq!(path.to_account(), Path::account_only("a").unwrap());
        let container = path.to_container().unwrap();
        assert_eq!((container.to_string(), container.object()), ("/a/c".to_owned(), None));
        assert_eq!(container.to_container(), Some(container.clone()));
        assert_eq!(path.to_account().to_container(), None);
        assert_eq!(path.to_string(), "/a/c/o/p");
    }

    proptest! {
        #[test]
        fn an_encoded_path_has_only_what_may_stand_in_a_request(
            account in "[^/\0]{1,20}", container in "[^/\0]{1,20}", object in "[^\0]{1,40}",
        ) {
            let encoded = Path::object_of(&account, &container, &object).unwrap().encoded();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
            prop_assert!(encoded.chars().all(is_plain), "{}", encoded);
            prop_assert!(encoded.parse::<hyper::Uri>().is_ok(), "{}", encoded);
            prop_assert!(!encode_part(&object).contains('/'));
        }

        #[test]
        fn any_escapes_are_read_as_bytes_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 1..30),
        ) {
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            let read = decode_path(&format!("/a/c/{escaped}"));
            let expected = String::from_utf8(bytes).ok().filter(|name| !name.contains('\0'));
            prop_assert_eq!(read.ok().and_then(|path| path.object().map(str::to_owned)), expected);
        }
    }
}
