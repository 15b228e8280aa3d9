//! Names of objects in the caller's own account, and patterns over them.
//!
//! Leaves out other accounts: a scenario's clients act for one account. A `*` in a pattern
//! matches any characters, as in job descriptions.

use std::fmt;

/// The prefix of all paths in the caller's own account.
const OWN_ACCOUNT: &str = "swift://~/";
/// The longest name of a container, as in Swift.
pub(super) const MAX_CONTAINER_BYTES: usize = 256;
/// The longest name of an object, as in Swift.
pub(super) const MAX_OBJECT_BYTES: usize = 1024;

/// An object of the caller's own account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    container: String,
    object: String,
}

/// A path that names no object of the caller's account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why}")]
pub struct ObjectNameError {
    /// Text as written.
    pub text: String,
    /// Flaw.
    pub why: &'static str,
}

/// Fix for a path that is refused.
pub const OBJECT_NAME_FIX: &str = "write swift://~/container/object";

impl ObjectName {
    /// Parses `swift://~/container/object` or the short form `container/object`.
    ///
    /// # Errors
    /// When a part is missing or too long, another account is named, or there is a `*` or a
    /// control character in it.
    pub fn parse(text: &str) -> Result<Self, ObjectNameError> {
        let refuse = |why| ObjectNameError { text: text.to_owned(), why };
        if text.contains('*') {
            return Err(refuse("has a `*`, which stands for several objects"));
        }
        let (container, object) = split(text).map_err(refuse)?;
        Ok(Self { container: container.to_owned(), object: object.to_owned() })
    }

    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The object's name within its container.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The path for a job description: `swift://~/container/object`, a literal `%` as `%25`.
    #[must_use]
    pub fn swift_path(&self) -> String {
        format!("{OWN_ACCOUNT}{}/{}", self.container, self.object).replace('%', "%25")
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.container, self.object)
    }
}

/// A pattern over the objects of the caller's account, such as `demo/log-*.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPattern(String);

impl ObjectPattern {
    /// Parses a path in which `*` stands for any characters.
    ///
    /// # Errors
    /// As [`ObjectName::parse`], but for the `*`.
    pub fn parse(text: &str) -> Result<Self, ObjectNameError> {
        let refuse = |why| ObjectNameError { text: text.to_owned(), why };
        let (container, object) = split(text).map_err(refuse)?;
        Ok(Self(format!("{container}/{object}")))
    }

    /// True if the pattern matches `name`.
    #[must_use]
    pub fn matches(&self, name: &ObjectName) -> bool {
        glob(self.0.as_bytes(), name.to_string().as_bytes())
    }
}

impl fmt::Display for ObjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn split(text: &str) -> Result<(&str, &str), &'static str> {
    let path = match text.strip_prefix(OWN_ACCOUNT) {
        Some(path) => path,
        None if text.contains("://") => return Err("is not in the caller's own account `~`"),
        None => text,
    };
    let (container, object) = path.split_once('/').ok_or("names no object")?;
    if container.is_empty() || object.is_empty() {
        return Err("has an empty container or object name");
    }
    if container.len() > MAX_CONTAINER_BYTES || object.len() > MAX_OBJECT_BYTES {
        return Err("has a name longer than Swift allows (container 256 bytes, object 1024)");
    }
    if path.chars().any(char::is_control) {
        return Err("has a control character in it");
    }
    Ok((container, object))
}

/// Matches `*` against any characters in time linear in the product of both lengths: it only
/// ever goes back to the last star.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            p = at + 1;
            t = taken + 1;
            star = Some((at, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_name_the_same_object() {
        let name = ObjectName::parse("swift://~/demo/a/b.txt").unwrap();
        assert_eq!(name, ObjectName::parse("demo/a/b.txt").unwrap());
        assert_eq!((name.container(), name.object()), ("demo", "a/b.txt"));
        assert_eq!(ObjectName::parse("demo/50%").unwrap().swift_path(), "swift://~/demo/50%25");
    }

    #[test]
    fn what_names_no_own_object_is_refused() {
        for text in ["", "demo", "/x", "demo/", "swift://other/demo/x", "demo/*", "demo/a\nb"] {
            assert!(ObjectName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_star_matches_any_characters_and_both_ends_are_anchored() {
        let pattern = ObjectPattern::parse("swift://~/demo/log-*.txt").unwrap();
        for (name, wanted) in [
            ("demo/log-01.txt", true),
            ("demo/log-a/b.txt", true),
            ("demo/log-01.txt.bak", false),
            ("other/log-01.txt", false),
            ("demo/log-.txt.txt", true),
        ] {
            assert_eq!(pattern.matches(&ObjectName::parse(name).unwrap()), wanted, "{name}");
        }
    }

    /// True if the pattern matches, by trying all lengths of each `*`.
    fn matches_by_trying(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| matches_by_trying(rest, &name[at..])),
            Some((first, rest)) => {
                name.first() == Some(first) && matches_by_trying(rest, &name[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_trying_all_ways_matches(
            pattern in "[ab*]{1,4}/[ab*/]{1,6}", name in "[ab]{1,3}/[ab/]{1,8}",
        ) {
            let name = ObjectName::parse(&name).expect("it is a name");
            let matches = ObjectPattern::parse(&pattern).expect("it is one").matches(&name);
            let expected = matches_by_trying(pattern.as_bytes(), name.to_string().as_bytes());
            prop_assert_eq!(matches, expected, "{} and {}", pattern, name);
        }

        #[test]
        fn a_name_is_read_as_it_is_shown_and_as_it_stands_in_a_job(
            container in "[a-z%é]{1,9}", object in "[a-z/%é ]{1,20}",
        ) {
            let name = ObjectName::parse(&format!("{container}/{object}")).expect("it is a name");
            prop_assert_eq!((name.container(), name.object()), (&*container, &*object));
            prop_assert_eq!(&ObjectName::parse(&name.to_string()).expect("it is one"), &name);
            let in_job = stayput_runtime::job::ObjectPath::parse(&name.swift_path());
            let in_job = in_job.expect("it is a path of a job");
            prop_assert_eq!((in_job.container, in_job.object), (container, Some(object)));
        }

        #[test]
        fn any_text_is_a_name_or_refused_with_what_is_wrong(text in ".{0,40}") {
            match ObjectName::parse(&text) {
                Ok(name) => prop_assert!(text.ends_with(&name.to_string())),
                Err(error) => prop_assert!(error.to_string().len() > text.len() + 3, "{}", error),
            }
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_both_lengths() {
        let pattern = ObjectPattern::parse(&format!("c/{}b", "a*".repeat(500))).expect("it is one");
        let name = ObjectName::parse(&format!("c/{}", "a".repeat(1_000))).expect("it is a name");
        assert!(!pattern.matches(&name));
    }
}
