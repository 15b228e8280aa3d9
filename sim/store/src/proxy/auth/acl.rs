//! A container's access list: which users and which referrers may read it, or write to it.
//!
//! The grammar is Swift's: items between commas, each a referrer (`.r:*`, `.r:.example.com`, `.r:-thief.example.com`), `.rlistings`, an
//! account, or a user as `account:user`. Other words that begin with a dot are refused where Swift takes and ignores them, so that a
//! slip is heard of, and `.r:-*` denies where Swift passes over it. Leaves out Keystone's wildcards and access lists of whole accounts.

use std::fmt;

use percent_encoding::percent_decode_str;

/// Bytes of the longest access list: what Swift lets a header have.
pub(super) const ACL_BYTES_MAX: usize = 8192;

/// An access list that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAcl {
    #[error("{item:?} names no host: write `.r:*`, `.r:www.example.com` or `.r:.example.com`")]
    NoHost { item: String },
    #[error("{item:?} is a referrer, and referrers cannot be let write: name accounts or users")]
    WritingReferrer { item: String },
    #[error("{word:?} is not known: write `.r:host`, `.rlistings`, an account or `account:user`")]
    UnknownWord { word: String },
    #[error(
        "it has {bytes} bytes, at most {ACL_BYTES_MAX} are taken: name accounts, not each user"
    )]
    TooLong { bytes: usize },
}

/// What an access list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Reading,
    Writing,
}

/// An access list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Acl(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Referrer(Verdict, Hosts),
    Listings,
    /// An account, or a user as `account:user`; percent-encoded where it has to be.
    Named(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Those whose name ends with this, which begins with a dot.
    Domain(String),
    One(String),
}

impl Acl {
    /// Reads an access list.
    ///
    /// # Errors
    /// See [`BadAcl`].
    pub(super) fn parse(text: &str, purpose: Purpose) -> Result<Self, BadAcl> {
        if text.len() > ACL_BYTES_MAX {
            return Err(BadAcl::TooLong { bytes: text.len() });
        }
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| Item::parse(item, purpose)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether somebody who comes from `referer`, which is a URL, may read: of the items that speak of its host, the last one decides.
    pub(super) fn admits_referrer(&self, referer: Option<&str>) -> bool {
        let host = referer.and_then(host_of);
        let mut verdicts = self.0.iter().rev().filter_map(|item| match item {
            Item::Referrer(verdict, hosts) if hosts.have(host.as_deref()) => Some(*verdict),
            _ => None,
        });
        verdicts.next() == Some(Verdict::Allow)
    }

    /// Whether those who may read by their referrer may list as well.
    pub(super) fn admits_listing(&self) -> bool {
        self.0.contains(&Item::Listings)
    }

    /// Whether it names the account or the user.
    pub(super) fn names(&self, who: &str) -> bool {
        self.0.iter().any(|item| match item {
            Item::Named(name) => percent_decode_str(name).decode_utf8_lossy() == who,
            Item::Referrer(..) | Item::Listings => false,
        })
    }
}

impl Item {
    fn parse(item: &str, purpose: Purpose) -> Result<Self, BadAcl> {
        let (word, host) = match item.split_once(':') {
            Some((word, host)) => (word.trim(), Some(host.trim())),
            None => (item, None),
        };
        match (word, host) {
            (".rlistings", None) => Ok(Self::Listings),
            (".r" | ".ref" | ".referer" | ".referrer", Some(host)) => {
                if purpose == Purpose::Writing {
                    return Err(BadAcl::WritingReferrer { item: item.to_owned() });
                }
                let (verdict, host) = match host.strip_prefix('-') {
                    Some(host) => (Verdict::Deny, host.trim()),
                    None => (Verdict::Allow, host),
                };
                let hosts = Hosts::parse(host);
                let hosts = hosts.ok_or_else(|| BadAcl::NoHost { item: item.to_owned() })?;
                Ok(Self::Referrer(verdict, hosts))
            }
            _ if word.starts_with('.') => Err(BadAcl::UnknownWord { word: word.to_owned() }),
            _ => Ok(Self::Named(item.to_owned())),
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        let name = text.trim_start_matches(|it: char| it == '*' || it.is_whitespace());
        match name {
            "" if text.is_empty() => None,
            "" => Some(Self::All),
            "." => None,
            // It would read as a denial when it is written down.
            dash if dash.starts_with('-') => None,
            domain if domain.starts_with('.') => Some(Self::Domain(domain.to_owned())),
            host => Some(Self::One(host.to_owned())),
        }
    }

    /// Whether `host` is one of them; somebody who names none is one of all.
    fn have(&self, host: Option<&str>) -> bool {
        let ends = |host: &str, domain: &str| {
            let start = host.len().checked_sub(domain.len());
            let end = start.and_then(|start| host.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(domain))
        };
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Some(host)) => ends(host, domain),
            (Self::One(own), Some(host)) => own.eq_ignore_ascii_case(host),
            (Self::Domain(_) | Self::One(_), None) => false,
        }
    }
}

/// The host that a URL names.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("//")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

/// As it is kept and shown: without what Swift leaves out as well.
impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match item {
                Item::Referrer(verdict, hosts) => {
                    f.write_str(if *verdict == Verdict::Deny { ".r:-" } else { ".r:" })?;
                    match hosts {
                        Hosts::All => f.write_str("*")?,
                        Hosts::Domain(host) | Hosts::One(host) => f.write_str(host)?,
                    }
                }
                Item::Listings => f.write_str(".rlistings")?,
                Item::Named(name) => f.write_str(name)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(text: &str) -> Acl {
        Acl::parse(text, Purpose::Reading).unwrap()
    }

    #[test]
    fn a_list_is_kept_as_swift_keeps_it() {
        for (given, kept) in [
            ("", ""),
            ("bob, sue", "bob,sue"),
            ("bob , sue", "bob,sue"),
            ("bob,,,sue", "bob,sue"),
            (".referrer : *", ".r:*"),
            (".referer:*", ".r:*"),
            (".ref:*.example.com", ".r:.example.com"),
            (".r: -  thief.example.com", ".r:-thief.example.com"),
            (".r:*, .rlistings", ".r:*,.rlistings"),
            ("sues_account:sue, AUTH_bob", "sues_account:sue,AUTH_bob"),
        ] {
            assert_eq!(reading(given).to_string(), kept, "{given:?}");
        }
    }

    #[test]
    fn a_bad_list_is_refused_with_what_is_wrong_in_it() {
        for (bad, part) in [
            (".r:", "names no host"),
            (".r:-", "names no host"),
            ("bob,.r:.", "names no host"),
            (".r:*-thief.com", "names no host"),
            (".rr:*", ".rr"),
            (".rlisting", ".rlisting"),
            (".r", "not known"),
            (".admin", ".admin"),
            (&"x".repeat(ACL_BYTES_MAX + 1), "8193 bytes"),
        ] {
            let error = Acl::parse(bad, Purpose::Reading).unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
        let error = Acl::parse("bob,.r:*", Purpose::Writing).unwrap_err().to_string();
        assert!(error.contains(".r:*") && error.contains("referrer"), "{error}");
    }

    #[test]
    fn the_last_item_that_speaks_of_a_referrer_decides() {
        let hosts = |acl: &str, referer: &str| reading(acl).admits_referrer(Some(referer));
        let mostly = ".r:*,.r:-.thief.com";
        assert!(hosts(mostly, "http://www.example.com/page"));
        assert!(!hosts(mostly, "https://www.thief.com:8080/"));
        assert!(hosts(mostly, "http://thief.com"), "a domain is what lies in it");
        let some = ".r:.example.com,.r:-bad.example.com";
        assert!(hosts(some, "http://WWW.example.com"));
        assert!(!hosts(some, "http://user@bad.example.com?x"));
        assert!(!hosts(some, "http://example.com.evil.org/"));
        assert!(!hosts(some, "http://evil.org/?x=//www.example.com"));
        assert!(!hosts(some, "http://evil.org\\@www.example.com/"));
        assert!(!hosts(some, "www.example.com"), "it is no URL");
        assert!(hosts(".r:::1", "http://[::1]:80/"));
        assert!(!hosts(".r:*,.r:-*", "http://www.example.com"));
        assert!(hosts(".r:-thief.com,.r:*", "http://thief.com"));
    }

    #[test]
    fn who_names_no_referrer_reads_only_what_all_may_read() {
        assert!(reading(".r:*").admits_referrer(None));
        assert!(!reading(".r:.example.com").admits_referrer(None));
        assert!(!reading("").admits_referrer(None));
        assert!(!reading("bob").admits_referrer(None));
    }

    #[test]
    fn names_are_compared_whole_and_decoded() {
        let acl = reading("bob,test:sue,a%2Cb:c");
        for (who, is_named) in
            [("bob", true), ("bo", false), ("test", false), ("test:sue", true), ("a,b:c", true)]
        {
            assert_eq!(acl.names(who), is_named, "{who}");
        }
        assert!(!reading(".r:*,.rlistings").names(".r:*"));
        assert!(!reading(".rlistings").names(".rlistings"));
        assert!(!reading("test:*").names("test:sue"), "a star is a letter like others");
    }

    proptest! {
        #[test]
        fn a_list_prints_as_what_reads_as_the_same(
            items in proptest::collection::vec(
                "( ?\\.(r|ref|referer|referrer) ?: ?-?\\*{0,2} ?[.*a-z-]{0,6})|\\.rlistings|[a-z:%. ]{0,8}|\\PC{0,5}",
                0..6,
            ),
        ) {
            if let Ok(acl) = Acl::parse(&items.join(","), Purpose::Reading) {
                prop_assert_eq!(Acl::parse(&acl.to_string(), Purpose::Reading), Ok(acl));
            }
        }
    }
}
