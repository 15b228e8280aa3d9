//! Access list (ACL) of a container: users and referrers that may read it, or write to it.
//!
//! The grammar is Swift's: items between commas, each a referrer (`.r:*`, `.r:.example.com`,
//! `.r:-thief.example.com`), `.rlistings`, an account, or a user as `account:user`. Other words
//! that begin with a dot are refused where Swift ignores them, so that a slip is noticed, and
//! `.r:-*` denies where Swift ignores it. Leaves out Keystone's wildcards and access lists of
//! accounts.

use std::fmt;

use percent_encoding::percent_decode_str;

/// Bytes of the longest access list: Swift's limit of a header.
pub(super) const ACL_BYTES_MAX: usize = 8192;

/// Flaw of an access list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::proxy) enum BadAcl {
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("cannot stand in a header")]
    NotAHeader,
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

/// Purpose of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AclPurpose {
    Reading,
    Writing,
}

/// Access list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Acl(Vec<AclItem>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum AclItem {
    Referrer(Verdict, Hosts),
    Listings,
    /// Account, or user as `account:user`; percent-encoded where it has to be.
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
    /// Hosts whose name ends with this, which begins with a dot.
    Domain(String),
    One(String),
}

impl Acl {
    /// Parses an access list.
    ///
    /// # Errors
    /// See [`BadAcl`].
    pub(super) fn parse(text: &str, purpose: AclPurpose) -> Result<Self, BadAcl> {
        if text.len() > ACL_BYTES_MAX {
            return Err(BadAcl::TooLong { bytes: text.len() });
        }
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| AclItem::parse(item, purpose)).collect::<Result<_, _>>().map(Self)
    }

    /// True if a caller from `referer`, a URL, may read: the last item that matches its host
    /// decides.
    pub(super) fn admits_referrer(&self, referer: Option<&str>) -> bool {
        let host = referer.and_then(host_of);
        let mut verdicts = self.0.iter().rev().filter_map(|item| match item {
            AclItem::Referrer(verdict, hosts) if hosts.include(host.as_deref()) => Some(*verdict),
            _ => None,
        });
        verdicts.next() == Some(Verdict::Allow)
    }

    /// True if callers that may read by their referrer may list as well.
    pub(super) fn admits_listing(&self) -> bool {
        self.0.contains(&AclItem::Listings)
    }

    /// True if it names this account or user.
    pub(super) fn names(&self, who: &str) -> bool {
        self.0.iter().any(|item| match item {
            AclItem::Named(name) => percent_decode_str(name).decode_utf8_lossy() == who,
            AclItem::Referrer(..) | AclItem::Listings => false,
        })
    }
}

impl AclItem {
    fn parse(item: &str, purpose: AclPurpose) -> Result<Self, BadAcl> {
        let (word, host) = match item.split_once(':') {
            Some((word, host)) => (word.trim(), Some(host.trim())),
            None => (item, None),
        };
        match (word, host) {
            (".rlistings", None) => Ok(Self::Listings),
            (".r" | ".ref" | ".referer" | ".referrer", Some(host)) => {
                if purpose == AclPurpose::Writing {
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
            // Written down, it would read as a denial.
            dash if dash.starts_with('-') => None,
            domain if domain.starts_with('.') => Some(Self::Domain(domain.to_owned())),
            host => Some(Self::One(host.to_owned())),
        }
    }

    /// True if `host` is one of them; a caller without a referrer matches only `*`.
    fn include(&self, host: Option<&str>) -> bool {
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

/// Host of a URL.
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

/// The stored form, which Swift normalises in the same way.
impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match item {
                AclItem::Referrer(verdict, hosts) => {
                    f.write_str(if *verdict == Verdict::Deny { ".r:-" } else { ".r:" })?;
                    match hosts {
                        Hosts::All => f.write_str("*")?,
                        Hosts::Domain(host) | Hosts::One(host) => f.write_str(host)?,
                    }
                }
                AclItem::Listings => f.write_str(".rlistings")?,
                AclItem::Named(name) => f.write_str(name)?,
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
        Acl::parse(text, AclPurpose::Reading).unwrap()
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
            let error = Acl::parse(bad, AclPurpose::Reading).unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
        let error = Acl::parse("bob,.r:*", AclPurpose::Writing).unwrap_err().to_string();
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
            if let Ok(acl) = Acl::parse(&items.join(","), AclPurpose::Reading) {
                prop_assert_eq!(Acl::parse(&acl.to_string(), AclPurpose::Reading), Ok(acl));
            }
        }
    }
}
