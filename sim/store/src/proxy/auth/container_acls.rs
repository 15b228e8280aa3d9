//! Access lists of a container: the headers they come in, and the access they grant.
//!
//! Pure. Leaves out asking the replicas for them: see `access`.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::acl::{Acl, AclPurpose, BadAcl};
use super::caller::{Access, Caller};
use super::error::AuthError;
use crate::swift::Path;
use crate::swift::header::{X_CONTAINER_READ, X_CONTAINER_WRITE};

/// Headers of accounts and containers that only owners set and see, as in Swift.
const OWNER_HEADERS: [HeaderName; 6] = [
    X_CONTAINER_READ,
    X_CONTAINER_WRITE,
    HeaderName::from_static("x-container-meta-temp-url-key"),
    HeaderName::from_static("x-container-meta-temp-url-key-2"),
    HeaderName::from_static("x-account-meta-temp-url-key"),
    HeaderName::from_static("x-account-meta-temp-url-key-2"),
];
/// Header of each access list, its name in messages, the header that removes it, and its purpose.
const ACL_HEADERS: [(HeaderName, &str, HeaderName, AclPurpose); 2] = [
    (
        X_CONTAINER_READ,
        "X-Container-Read",
        HeaderName::from_static("x-remove-container-read"),
        AclPurpose::Reading,
    ),
    (
        X_CONTAINER_WRITE,
        "X-Container-Write",
        HeaderName::from_static("x-remove-container-write"),
        AclPurpose::Writing,
    ),
];

/// Access lists of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContainerAcls {
    reading: Acl,
    writing: Acl,
}

impl ContainerAcls {
    /// Reads the headers of a node. A malformed list grants nothing: no proxy has written it.
    pub(super) fn of_node(headers: &HeaderMap) -> Self {
        let list = |name: &HeaderName, purpose| {
            let text =
                headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
            text.and_then(|text| Acl::parse(text, purpose).ok()).unwrap_or_default()
        };
        Self {
            reading: list(&X_CONTAINER_READ, AclPurpose::Reading),
            writing: list(&X_CONTAINER_WRITE, AclPurpose::Writing),
        }
    }

    /// True if they grant `caller` the access to `path`.
    pub(super) fn grant(&self, caller: &Caller, path: &Path, access: Access) -> bool {
        let names = |acl: &Acl| {
            let mut listed = caller.identity.iter().flat_map(|identity| &identity.listed);
            listed.any(|name| acl.names(name))
        };
        match access {
            Access::Read => {
                let by_referrer = self.reading.admits_referrer(caller.referer.as_deref())
                    && (path.object().is_some() || self.reading.admits_listing());
                by_referrer || names(&self.reading)
            }
            Access::Write => names(&self.writing),
            Access::Manage | Access::Govern => false,
        }
    }
}

/// Puts the access lists in a container's headers into their stored form, and empties those that
/// are to be removed.
///
/// # Errors
/// A list is malformed.
pub(in crate::proxy) fn normalise_acls(headers: &mut HeaderMap) -> Result<(), AuthError> {
    for (name, shown, removing, purpose) in ACL_HEADERS {
        let is_removed = headers.remove(&removing).is_some();
        let given: Vec<&[u8]> = headers.get_all(&name).iter().map(|it| it.as_bytes()).collect();
        if given.is_empty() && !is_removed {
            continue;
        }
        let bad = |source| AuthError::BadAcl { header: shown, source };
        let text = String::from_utf8(given.join(&b","[..])).map_err(|_| bad(BadAcl::NotUtf8))?;
        let acl = Acl::parse(&text, purpose).map_err(bad)?;
        let value = acl.to_string().try_into().map_err(|_| bad(BadAcl::NotAHeader))?;
        headers.insert(name, value);
    }
    Ok(())
}

/// Removes the headers that only owners set and see.
pub(in crate::proxy) fn remove_owner_headers(headers: &mut HeaderMap) {
    for name in &OWNER_HEADERS {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::caller::Identity;
    use super::*;
    use crate::swift::decode_path;

    /// Decision as Swift makes it: items are strings, referrers those that begin with `.r:`. Only
    /// `.r:-*` is read as here.
    fn as_swift(list: &str, names: &[String], referer: Option<&str>, is_listing: bool) -> bool {
        let items: Vec<&str> = list.split(',').collect();
        let mut by_referrer = false;
        for item in items.iter().filter_map(|item| item.strip_prefix(".r:")) {
            let host = referer.and_then(|url| url.strip_prefix("http://")).unwrap_or("unknown");
            let has =
                |of: &str| of == "*" || of == host || of.starts_with('.') && host.ends_with(of);
            match item.strip_prefix('-') {
                Some(denied) if has(denied) => by_referrer = false,
                None if has(item) => by_referrer = true,
                _ => {}
            }
        }
        by_referrer && (!is_listing || items.contains(&".rlistings"))
            || names.iter().any(|name| items.contains(&&**name))
    }

    proptest! {
        #[test]
        fn a_list_grants_what_it_grants_in_swift(
            items in proptest::collection::vec(
                "\\.r:-?(\\*|\\.a\\.b|x\\.a\\.b|y)|\\.rlistings|(AUTH_)?(one|two)|(one|two):(u|v)",
                0..5,
            ),
            names in proptest::collection::vec("(AUTH_)?one|one:u", 0..3),
            referer in proptest::option::of("http://(x\\.a\\.b|z\\.a\\.b|a\\.b|y|w)"),
            is_listing: bool,
        ) {
            let list = items.join(",");
            let mut headers = HeaderMap::new();
            headers.insert(X_CONTAINER_READ, list.parse().unwrap());
            let identity = Identity { listed: names.clone(), ..Identity::holder("AUTH_one") };
            let caller = Caller { identity: Some(Arc::new(identity)), referer: referer.clone() };
            let path = if is_listing { "/AUTH_two/c" } else { "/AUTH_two/c/o" };
            let lists = ContainerAcls::of_node(&headers);
            prop_assert_eq!(
                lists.grant(&caller, &decode_path(path).unwrap(), Access::Read),
                as_swift(&list, &names, referer.as_deref(), is_listing),
                "{} for {:?} from {:?}", list, names, referer
            );
            prop_assert!(!lists.grant(&caller, &decode_path(path).unwrap(), Access::Write));
        }
    }

    #[test]
    fn an_access_list_in_several_headers_is_one() {
        let mut headers = HeaderMap::new();
        for item in [".r:*", " one ", ""] {
            headers.append(X_CONTAINER_READ, item.parse().unwrap());
        }
        normalise_acls(&mut headers).unwrap();
        let kept: Vec<_> = headers.get_all(X_CONTAINER_READ).iter().collect();
        assert_eq!(kept, [".r:*,one"]);
        headers.append(X_CONTAINER_READ, ".r:".parse().unwrap());
        let error = normalise_acls(&mut headers).unwrap_err();
        assert!(error.to_string().starts_with("X-Container-Read: "), "{error}");
    }
}
